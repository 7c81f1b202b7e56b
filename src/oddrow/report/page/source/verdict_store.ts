// The reader's verdicts: kept in this browser under the report's id, exported and imported as a small JSON.

import type { KindKey, Summary } from "./contract";
import type { Rows } from "./rows";

export const VERDICTS = ["real", "false alarm", "unsure"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Judgement {
  verdict: Verdict;
  note: string;
  /** the time of the last change, ISO 8601 */
  at: string;
}

interface NamedKind {
  column: string;
  direction: string;
  value: string | null;
  also: { column: string; direction: string } | null;
}

interface RowVerdict extends Judgement {
  row: number;
  reasons: { column: string; share: number }[];
  kind: NamedKind | null;
  surprise?: number;
  values?: Record<string, string | null>;
}

interface VerdictFile {
  format: "oddrow-verdicts";
  version: 1;
  report: string;
  model: string | null;
  table: { name: string; rows: number };
  verdicts: RowVerdict[];
  kinds: (NamedKind & Judgement)[];
}

/** Holds verdicts on rows (by their number) and on kinds (by their index). */
export class VerdictStore {
  readonly rows = new Map<number, Judgement>();
  readonly kinds = new Map<number, Judgement>();
  /** whether the browser keeps the verdicts */
  kept = true;
  /** counts the changes */
  version = 0;
  private listeners: (() => void)[] = [];

  constructor(
    private readonly summary: Summary,
    private readonly data: Rows,
  ) {
    try {
      const text = localStorage.getItem(this.key);
      if (text) this.merge(JSON.parse(text) as VerdictFile);
    } catch {
      this.kept = false;
    }
  }

  follow(listener: () => void): void {
    this.listeners.push(listener);
    listener();
  }

  /** Set a verdict on a row or kind; null takes it back. A note without a verdict is "unsure". */
  judge(on: "rows" | "kinds", id: number, verdict: Verdict | null, note?: string): void {
    const before = this[on].get(id);
    if (verdict === null) this[on].delete(id);
    else this[on].set(id, { verdict, note: note ?? before?.note ?? "", at: new Date().toISOString() });
    this.changed();
  }

  clear(): void {
    this.rows.clear();
    this.kinds.clear();
    this.changed();
  }

  /** Read a file of verdicts; return a sentence about what was read. */
  read(text: string): string {
    let file: VerdictFile;
    try {
      file = JSON.parse(text) as VerdictFile;
    } catch {
      return "The file was not read: it is not JSON.";
    }
    if (file?.format !== "oddrow-verdicts" || file.version !== 1 || !Array.isArray(file.verdicts)) {
      return "The file was not read: it is not a file of verdicts that oddrow's report wrote.";
    }
    const other = file.report !== this.summary.id;
    const count = this.merge(file, other);
    this.changed();
    if (!other) return `${count} verdicts were read.`;
    return `The file belongs to another report: only its ${count} verdicts on kinds that this report has were read.`;
  }

  /** The verdicts as text of the file that `oddrow feedback` reads. */
  text(): string {
    return JSON.stringify(this.file(), null, 1);
  }

  private file(): VerdictFile {
    const { id, table, model } = this.summary;
    const rows = [...this.rows.entries()].sort(([one], [other]) => one - other);
    return {
      format: "oddrow-verdicts",
      version: 1,
      report: id,
      model: model.hash,
      table: { name: table.name, rows: table.rows },
      verdicts: rows.map(([row, judgement]) => this.rowVerdict(row, judgement)),
      kinds: [...this.kinds.entries()].map(([kind, judgement]) => ({ ...this.named(kind), ...judgement })),
    };
  }

  private rowVerdict(row: number, judgement: Judgement): RowVerdict {
    const rank = this.data.rankOf(row);
    const detail = this.summary.details[rank];
    const { cells, columns } = this.summary;
    const reasons = (detail?.reasons ?? []).map(({ c, nats }) => ({
      column: columns[c].name,
      share: Number((nats / detail.surprise).toFixed(4)),
    }));
    const kind = detail && detail.kind >= 0 ? this.named(detail.kind) : null;
    const verdict: RowVerdict = { row, ...judgement, reasons, kind };
    if (detail) verdict.surprise = Number(detail.surprise.toFixed(4));
    if (rank >= 0 && rank < cells.rows) {
      verdict.values = Object.fromEntries(cells.columns.map((name, place) => [name, cells.values[place]?.[rank] ?? null]));
    }
    return verdict;
  }

  private named(kind: number): NamedKind {
    const { column, direction, value, also }: KindKey = this.summary.kinds[kind];
    const name = (index: number): string => (index >= 0 ? this.summary.columns[index].name : "");
    return { column: name(column), direction, value, also: also ? { column: name(also.column), direction: also.direction } : null };
  }

  /** Take the verdicts of a file; of another report's only those on kinds, as its rows are others. */
  private merge(file: VerdictFile, other = false): number {
    let count = 0;
    for (const { row, verdict, note, at } of other ? [] : (file.verdicts ?? [])) {
      if (!isJudgement({ verdict, note, at }) || this.data.rankOf(row) < 0) continue;
      this.rows.set(row, { verdict, note, at });
      count++;
    }
    for (const { verdict, note, at, ...key } of file.kinds ?? []) {
      const wanted = keyText(key);
      const index = this.summary.kinds.findIndex((_, kind) => keyText(this.named(kind)) === wanted);
      if (index < 0 || !isJudgement({ verdict, note, at })) continue;
      this.kinds.set(index, { verdict, note, at });
      count++;
    }
    return count;
  }

  private changed(): void {
    this.version++;
    try {
      localStorage.setItem(this.key, this.text());
      this.kept = true;
    } catch {
      this.kept = false;
    }
    for (const listener of this.listeners) listener();
  }

  private get key(): string {
    return `oddrow-verdicts-${this.summary.id}`;
  }
}

function isJudgement({ verdict, note, at }: Judgement): boolean {
  return VERDICTS.includes(verdict) && typeof note === "string" && typeof at === "string";
}

function keyText({ column, direction, value, also }: NamedKind): string {
  return JSON.stringify([column, direction, value ?? null, also?.column ?? null, also?.direction ?? null]);
}

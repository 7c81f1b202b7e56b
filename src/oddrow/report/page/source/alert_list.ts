// Which rows the alerts table shows, and in which order.

import type { Session } from "./session";

/** The ranks of the rows that pass the scope, the filters and the search, in the chosen order. */
export class AlertList {
  private ranks: Uint32Array = new Uint32Array();
  private key: unknown[] = [];
  private texts: string[] | null = null;

  constructor(private readonly session: Session) {}

  current(): Uint32Array {
    const { state, decision, mask } = this.session;
    const key = [decision, mask, state.search, state.scope, state.sort, state.down, state.sort === "verdict" && this.session.verdicts.version];
    if (key.some((part, place) => part !== this.key[place])) {
      this.key = key;
      this.ranks = this.sorted(this.chosen());
    }
    return this.ranks;
  }

  /** The page of the table on which a row is; -1 if the row is not in the list. */
  pageOf(number: number, size: number): number {
    const place = this.current().indexOf(this.session.rows.rankOf(number));
    return place < 0 ? -1 : Math.floor(place / size);
  }

  private chosen(): Uint32Array {
    const { state, decision, mask, rows } = this.session;
    const last = state.scope === "alerts" ? (decision.prefix ?? rows.count) : rows.count;
    const single = state.scope === "alerts" && decision.prefix === null;
    const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Uint32Array(last);
    let count = 0;
    for (let rank = 0; rank < last; rank++) {
      if (mask && !mask[rank]) continue;
      if (single && !this.session.isAlert(rank)) continue;
      if (words.length && !this.contains(rank, words)) continue;
      found[count++] = rank;
    }
    return found.subarray(0, count);
  }

  private contains(rank: number, words: string[]): boolean {
    this.texts ??= this.allTexts();
    const text = this.texts[rank] ?? String(this.session.rows.number[rank]);
    return words.every((word) => text.includes(word));
  }

  /** What the search reads of each row with reasons: its number, cells, reasons and kind. */
  private allTexts(): string[] {
    const { summary, rows } = this.session;
    const { details, cells, columns, kinds } = summary;
    return Array.from({ length: Math.max(details.length, cells.rows) }, (_, rank) => {
      const detail = details[rank];
      const reasons = (detail?.reasons ?? []).map(({ c, value, expected }) => `${columns[c].name} ${value ?? ""} ${expected ?? ""}`);
      const values = rank < cells.rows ? cells.values.map((column) => column[rank] ?? "") : [];
      const kind = detail && detail.kind >= 0 ? kinds[detail.kind].sentence : "";
      return [rows.number[rank], ...reasons, ...values, kind].join("\n").toLowerCase();
    });
  }

  private sorted(ranks: Uint32Array): Uint32Array {
    const { state, rows, summary, verdicts } = this.session;
    const { sort, down } = state;
    if (sort === "surprise") return down ? ranks : ranks.slice().reverse();
    const order = ["real", "unsure", "false alarm"];
    const value = (rank: number): number => {
      if (sort === "row") return rows.number[rank];
      if (sort === "kind") return -(summary.details[rank]?.kind ?? -1) - (summary.details[rank]?.kind === -1 ? 1e6 : 0);
      const verdict = verdicts.rows.get(rows.number[rank])?.verdict;
      return verdict ? 3 - order.indexOf(verdict) : 0;
    };
    const values = Float64Array.from(ranks, value);
    const places = Uint32Array.from(ranks.keys());
    places.sort((one, other) => (down ? values[other] - values[one] : values[one] - values[other]) || one - other);
    return places.map((place) => ranks[place]);
  }
}

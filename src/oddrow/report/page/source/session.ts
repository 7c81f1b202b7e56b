// One opened report: its data, the reader's choices, and what follows from both (the decision and the filter).

import { rowsInside, type Area } from "./area";
import type { Kind, Summary } from "./contract";
import { counted } from "./numbers";
import { Decider, type Decision, type Policy } from "./promise";
import type { Rows } from "./rows";
import type { State, Store } from "./state";
import type { VerdictStore } from "./verdict_store";

export class Session {
  readonly decider: Decider;
  private decided: { policy: Policy; decision: Decision } | null = null;
  private filtered: { kind: number; column: number; area: Area | null; mask: Uint8Array | null } | null = null;
  private selected: { area: Area; mask: Uint8Array } | null = null;

  constructor(
    readonly summary: Summary,
    readonly rows: Rows,
    readonly store: Store,
    readonly verdicts: VerdictStore,
    /** tells a screen reader what changed */
    readonly announce: (text: string) => void,
  ) {
    this.decider = new Decider(summary, rows);
  }

  get state(): State {
    return this.store.state;
  }

  /** What the chosen policy decides. */
  get decision(): Decision {
    const { policy } = this.state;
    if (this.decided?.policy !== policy) this.decided = { policy, decision: this.decider.decide(policy) };
    return this.decided.decision;
  }

  isAlert(rank: number): boolean {
    return this.decider.isAlert(this.decision, rank);
  }

  /** The rows that pass the filters (1 for each, by rank); null without a filter. */
  get mask(): Uint8Array | null {
    const { kind, column, area } = this.state;
    const last = this.filtered;
    if (last && last.kind === kind && last.column === column && last.area === area) return last.mask;
    this.filtered = { kind, column, area, mask: this.newMask(kind, column, area) };
    return this.filtered.mask;
  }

  private newMask(kind: number, column: number, area: Area | null): Uint8Array | null {
    if (kind < 0 && column < 0 && !area) return null;
    const inside = area && this.rowsOf(area);
    if (kind < 0 && column < 0) return inside;
    const mask = new Uint8Array(this.rows.count);
    this.summary.details.forEach((detail, rank) => {
      const fits = (kind < 0 || detail.kind === kind) && (column < 0 || detail.reasons.some(({ c }) => c === column));
      if (fits && (!inside || inside[rank])) mask[rank] = 1;
    });
    return mask;
  }

  private rowsOf(area: Area): Uint8Array {
    if (this.selected?.area !== area) this.selected = { area, mask: rowsInside(area, this.rows) };
    return this.selected.mask;
  }

  /** The number of rows that pass the filters, and of the alerts among them. */
  passed(): { rows: number; alerts: number } {
    const { mask, decision } = this;
    if (!mask) return { rows: this.rows.count, alerts: decision.alerts };
    let rows = 0;
    let alerts = 0;
    for (let rank = 0; rank < mask.length; rank++) {
      if (!mask[rank]) continue;
      rows++;
      if (this.isAlert(rank)) alerts++;
    }
    return { rows, alerts };
  }

  /** The number of alerts of each kind, and of those without one, among the rows with reasons. */
  kindCounts(): { of: number[]; none: number } {
    const of = new Array<number>(this.summary.kinds.length).fill(0);
    let none = 0;
    this.summary.details.forEach(({ kind }, rank) => {
      if (!this.isAlert(rank)) return;
      if (kind >= 0) of[kind]++;
      else none++;
    });
    return { of, none };
  }

  /** Show one row: open it in the table, whatever filter hides it. */
  openRow(number: number): void {
    this.store.set({ open: number, search: "", ...this.pageOf(number) });
  }

  private pageOf(number: number): Partial<State> {
    const rank = this.rows.rankOf(number);
    const hidden = this.mask !== null && !this.mask[rank];
    const scope = this.isAlert(rank) ? this.state.scope : "all";
    return { scope, sort: "surprise", down: true, ...(hidden ? { kind: -1, column: -1, area: null } : {}) };
  }

  /** The name of a kind for a list: its sentence, or a part of it. */
  kindText(kind: number): string {
    const found: Kind | undefined = this.summary.kinds[kind];
    return found ? found.sentence : "no kind";
  }

  alertsText(count = this.decision.alerts): string {
    return counted(count, "alert");
  }
}

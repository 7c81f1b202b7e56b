// The three nearest normal rows beside the row: what would have to differ for it to be ordinary.

import type { Cell, Detail } from "./contract";
import { brief, button, fill, h, plainTable } from "./dom";
import { longText } from "./opened_row";
import { grouped } from "./numbers";
import type { Session } from "./session";

const FIRST = 12;

export function neighbours(session: Session, rank: number, detail: Detail): HTMLElement {
  const { summary } = session;
  const box = h("div", {});
  const title = h("h3", {}, detail.nearest.length ? "Beside its nearest normal rows" : "Its values");
  if (summary.valuesHidden) return h("p", { class: "hint" }, "The values of the row and of its nearest normal rows are hidden in this report.");
  const has = rank < summary.cells.rows;
  if (!has && !detail.nearest.length) return h("p", { class: "hint" }, `Values are kept for the strangest ${grouped(summary.cells.rows)} rows only.`);
  const names = orderedColumns(session, detail);
  let all = names.length <= FIRST + 3;
  const draw = (): void => {
    const shown = all ? names : names.slice(0, FIRST);
    fill(box, table(session, rank, detail, shown, has), !all && button(`Show all ${grouped(names.length)} columns`, () => {
      all = true;
      draw();
    }));
  };
  draw();
  return h("div", { class: "neighbours" }, title,
    detail.nearest.length ? h("p", { class: "hint" }, "Columns with reasons come first. A value in bold with ≠ differs from the row's own.") : h("p", { class: "hint" }, "The model remembers no near normal row."), box);
}

/** The columns of the row: first those with reasons, then the others in the table's order. */
function orderedColumns({ summary }: Session, detail: Detail): string[] {
  const known = new Set([...summary.cells.columns, ...summary.normalRows.columns]);
  const first = detail.reasons.map(({ c }) => summary.columns[c].name).filter((name) => known.has(name));
  return [...new Set([...first, ...known])];
}

function table({ summary }: Session, rank: number, detail: Detail, names: string[], has: boolean): HTMLElement {
  const { cells, normalRows } = summary;
  const nearest = detail.nearest;
  const rows = names.map((name) => {
    const own = has ? cells.values[cells.columns.indexOf(name)]?.[rank] : undefined;
    const others = nearest.map((index) => normalRows.values[normalRows.columns.indexOf(name)]?.[index]);
    return [brief(name, 60), text(own), ...others.map((other) => compared(other, own))];
  });
  const heads = ["column", "this row", ...nearest.map((_, place) => ["nearest normal", "second", "third"][place] ?? String(place + 1))];
  return h("div", { class: names.length > 20 ? "wide many" : "wide", role: "region", "aria-label": "The row beside normal rows", tabindex: "0" }, plainTable("The row beside its nearest normal rows", heads, rows));
}

function text(value: Cell | undefined): Node | string {
  if (value === undefined) return "";
  return value === null || value === "" ? h("span", { class: "missing" }, value === null ? "missing" : "empty text") : longText(value);
}

function compared(other: Cell | undefined, own: Cell | undefined): Node | string {
  if (own === undefined || other === own || other === undefined) return text(other);
  return h("strong", { class: "differs" }, h("span", { "aria-label": "differs" }, "≠ "), text(other));
}

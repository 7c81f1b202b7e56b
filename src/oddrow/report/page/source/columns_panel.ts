// What normal looks like: each column's normal values beside those of this table and of the alerts.

import type { Column } from "./contract";
import { brief, button, h, own } from "./dom";
import { distributionLegend, threeDistributions } from "./distribution";
import { afterwards, refill } from "./frame";
import { counted, grouped, percent } from "./numbers";
import { section } from "./section";
import type { Session } from "./session";

const PAGE = 12;

export function columnsPanel(session: Session): HTMLElement {
  const { columns } = session.summary;
  const list = h("div", { class: "columns" });
  const more = h("p", {});
  const search = h("input", { type: "search", placeholder: "name of a column" });
  const order = h("select", {}, ...["brings most", "changed most", "table's order"].map((text, value) => h("option", { value }, text)));
  let shown = PAGE;
  const draw = (): void => {
    const words = search.value.trim().toLowerCase();
    const first = session.state.column;
    const found = [...columns.keys()].filter((index) => columns[index].name.toLowerCase().includes(words));
    found.sort((one, other) => Number(other === first) - Number(one === first) || before(columns, Number(order.value), one, other));
    refill(list, ...found.slice(0, shown).map((index) => columnCard(session, index)));
    if (!found.length) refill(list, h("p", { class: "empty" }, columns.length ? "No column has this name." : "The table has no columns."));
    const left = found.length - shown;
    refill(more, ...(left > 0 ? [button(left > 4 * PAGE ? `Show ${4 * PAGE} of ${grouped(left)} more columns` : `Show ${counted(left, "more column")}`, () => {
      shown += 4 * PAGE;
      draw();
    })] : []));
  };
  search.addEventListener("input", afterwards(150, draw));
  order.addEventListener("change", draw);
  session.store.follow((_, changed) => {
    if (changed("column", "shade", "colour")) draw();
  });
  return section("columns", "What does normal look like?",
    "Each column's values among normal rows, among the rows of this table, and among the alerts; heights are on a square-root scale, so that rare values show. Alerts here are those of the model's policy: they do not follow the threshold, since the file holds only their shares.",
    h("div", { class: "toolbar screen-only" }, h("label", { class: "inline" }, "Column ", search), h("label", { class: "inline" }, "Order ", order)), distributionLegend(), list, more);
}

function before(columns: Column[], order: number, one: number, other: number): number {
  const change = ({ change, missing, unseen }: Column): number => (change === null ? 0 : 1) + Math.abs(missing.current - missing.normal) + unseen;
  if (order === 0) return columns[other].brings - columns[one].brings || one - other;
  if (order === 1) return change(columns[other]) - change(columns[one]) || one - other;
  return one - other;
}

function columnCard(session: Session, index: number): HTMLElement {
  const column = session.summary.columns[index];
  const { column: chosen, colour, shade } = session.state;
  const facts = [`brings ${percent(column.brings)} of the alerts' surprise`];
  if (Math.max(column.missing.normal, column.missing.current) >= 0.001) facts.push(`missing: ${percent(column.missing.normal)} normally, ${percent(column.missing.current)} here`);
  if (column.unseen) facts.push(`never seen in training: ${percent(column.unseen)}`);
  const isColour = colour === "column" && shade === index;
  const bar = h("span", { class: "count-bar", "aria-hidden": "true" });
  bar.style.width = `${100 * Math.min(column.brings, 1)}%`;
  const distribution = column.distribution && column.distribution.labels.length ? threeDistributions(column.name, column.distribution) : null;
  return h(
    "article",
    { class: chosen === index ? "column chosen" : "column" },
    h("h3", {}, brief(column.name, 80), " ", h("span", { class: "tag" }, column.kind)),
    h("span", { class: "count-line-bar" }, bar),
    h("p", { class: "hint" }, `${facts.join("; ")}.`),
    column.change && h("p", { class: "warning" }, own(column.change)),
    column.note && h("p", { class: "hint" }, own(column.note)),
    distribution ?? (column.note && !session.summary.valuesHidden ? null : h("p", { class: "hint" }, session.summary.valuesHidden ? "Its values are hidden in this report." : `No distribution is kept for a column of kind ${column.kind}.`)),
    h("div", { class: "card-actions screen-only" },
      button(chosen === index ? "Filtered" : "Rows it explains", () => session.store.set({ column: chosen === index ? -1 : index, page: 0 }), { class: "quiet", "aria-pressed": String(chosen === index), "data-key": `column-${index}` }),
      column.shade && button("Colour the map", () => session.store.set(isColour ? { colour: "surprise", shade: -1 } : { colour: "column", shade: index }), { class: "quiet", "aria-pressed": String(isColour), "data-key": `shade-${index}` })),
  );
}

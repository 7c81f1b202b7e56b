// The head of the page: what was scored, by what, and the answer to the first question in numbers.

import { brief, button, fill, h, own } from "./dom";
import { counted, grouped } from "./numbers";
import type { Session } from "./session";
import { nextTheme, themeText } from "./theme";

export function headPanel(session: Session): HTMLElement {
  const { summary } = session;
  const { table, model } = summary;
  const facts: [string, Node | string][] = [
    ["Table", brief(table.name, 200)],
    ["Model", brief(model.name ?? "in memory", 200)],
    ["Made", summary.made],
    ["Columns", grouped(table.columns)],
    ["Training rows", grouped(model.trainingRows)],
  ];
  const unscored = table.rows - table.scored;
  return h(
    "header",
    { class: "head" },
    h("div", { class: "head-line" }, h("p", { class: "product" }, "oddrow triage report"), themeButton()),
    h("h1", {}, brief(summary.title, 300)),
    h("dl", { class: "facts" }, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    headline(session),
    unscored > 0 && h("p", { class: "note" }, `${counted(unscored, "row")} could not be scored and ${unscored === 1 ? "is" : "are"} not shown.`),
    summary.valuesHidden && h("p", { class: "note" }, "The values of the table are hidden in this report (--no-values)."),
    ...summary.notes.map((note) => h("p", { class: "note" }, own(note))),
  );
}

function headline(session: Session): HTMLElement {
  const rows = h("div", { class: "figure" }, h("strong", {}, grouped(session.summary.table.scored)), h("span", {}, "rows scored"));
  const alerts = h("strong", {});
  const noun = h("span", {});
  const promise = h("p", { class: "promise" });
  session.store.follow(() => {
    const { decision } = session;
    fill(alerts, grouped(decision.alerts));
    fill(noun, decision.alerts === 1 ? "row stands out" : "rows stand out");
    fill(promise, h("span", { class: "label" }, "Normal rows flagged by chance: "), decision.promise);
  });
  return h("div", { class: "headline" }, h("div", { class: "figure alerts" }, alerts, noun), rows, promise);
}

function themeButton(): HTMLElement {
  const shown = button(themeText(), () => {
    nextTheme();
    fill(shown, themeText());
  }, { class: "quiet screen-only" });
  return shown;
}

// The bar that stays in sight: the number of alerts, the filters in force, and how to take them off.

import { brief, button, fill, h } from "./dom";
import { afterwards, refill } from "./frame";
import { counted, grouped } from "./numbers";
import type { Session } from "./session";
import type { State } from "./state";

const SECTIONS: [string, string][] = [
  ["threshold", "How many"],
  ["alerts", "Which and why"],
  ["kinds", "Kinds"],
  ["columns", "Normal"],
  ["model", "Trust"],
  ["verdicts", "Verdicts"],
];

export function barPanel(session: Session): HTMLElement {
  const count = h("p", { class: "bar-count" });
  const filters = h("ul", { class: "chips", "aria-label": "Filters in force" });
  const speak = afterwards(600, () => session.announce(spoken(session)));
  let first = true;
  session.store.follow((_, changed) => {
    if (!changed("policy", "kind", "column", "area")) return;
    const { rows, alerts } = session.passed();
    const all = session.decision.alerts;
    fill(count, h("strong", {}, session.mask ? `${grouped(alerts)} of ${session.alertsText(all)}` : session.alertsText(all)));
    refill(filters, ...chips(session, rows));
    filters.hidden = session.mask === null;
    if (!first) speak();
    first = false;
  });
  return h(
    "aside",
    { class: "bar screen-only", "aria-label": "Alerts and filters" },
    count,
    h("nav", { "aria-label": "Sections" }, ...SECTIONS.map(([id, text]) => sectionLink(id, text))),
    filters,
  );
}

/** A link to a section that leaves the state in the address alone. */
function sectionLink(id: string, text: string): HTMLElement {
  return h("a", { href: `#${id}`, onclick: (event: MouseEvent) => {
    event.preventDefault();
    const section = document.getElementById(id);
    section?.scrollIntoView();
    section?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
  } }, text);
}

function chips(session: Session, rows: number): HTMLElement[] {
  const { kind, column, area } = session.state;
  const made: HTMLElement[] = [];
  const chip = (name: string, text: string, off: Partial<State>): void => {
    made.push(
      h("li", { class: "chip" }, `${name}: `, brief(text, 90),
        button("×", () => session.store.set({ ...off, page: 0 }), { "aria-label": `Take the filter off: ${name}`, "data-key": name })),
    );
  };
  if (kind >= 0) chip("Kind", session.kindText(kind), { kind: -1 });
  if (column >= 0) chip("Reason", session.summary.columns[column].name, { column: -1 });
  if (area) chip("Area of the map", counted(rows, "row"), { area: null });
  if (made.length > 1) {
    const none = { kind: -1, column: -1, area: null, page: 0 };
    made.push(h("li", {}, button("Take all filters off", () => session.store.set(none), { class: "quiet" })));
  }
  return made;
}

function spoken(session: Session): string {
  const { rows, alerts } = session.passed();
  const { decision } = session;
  if (decision.refusal) return `Refused: ${decision.refusal}`;
  const all = `${session.alertsText()}; ${decision.promise}`;
  return session.mask ? `${counted(rows, "row")} pass the filters, ${session.alertsText(alerts)} among them` : all;
}

// Three buttons that mark a row or a kind: real, false alarm, unsure. Pressing the marked one takes it back.

import { button, h } from "./dom";
import type { Session } from "./session";
import { VERDICTS } from "./verdict_store";

const SHORT = { real: "Real", "false alarm": "False", unsure: "Unsure" } as const;

/** The buttons for a row (by its number) or a kind (by its index). */
export function verdictControl(session: Session, on: "rows" | "kinds", id: number): HTMLElement {
  const what = on === "rows" ? `Row ${id}` : "This kind";
  const group = h("div", { class: "verdict", role: "group", "aria-label": `Verdict: ${what}`, "data-on": on, "data-id": id });
  for (const verdict of VERDICTS) {
    group.append(
      button(SHORT[verdict], (event) => {
        event.stopPropagation();
        const now = session.verdicts[on].get(id)?.verdict;
        session.verdicts.judge(on, id, now === verdict ? null : verdict);
        session.announce(now === verdict ? `${what}: verdict taken back` : `${what}: ${verdict}`);
      }, { "data-verdict": verdict, "aria-label": `${what}: ${verdict}`, "data-key": `${on}-${id}-${verdict}`, title: verdict }),
    );
  }
  show(session, group);
  return group;
}

/** A note on a row or kind, with its label. */
export function noteField(session: Session, on: "rows" | "kinds", id: number): HTMLElement {
  const field = h("textarea", { rows: 2, maxlength: 2000 });
  field.value = session.verdicts[on].get(id)?.note ?? "";
  field.addEventListener("change", () => {
    const now = session.verdicts[on].get(id);
    if (now || field.value) session.verdicts.judge(on, id, now?.verdict ?? "unsure", field.value);
  });
  return h("label", { class: "note-field" }, h("span", {}, "Note (kept with the verdict; a note without a verdict counts as unsure)"), field);
}

/** Show in all buttons below an element what is marked now. */
export function refreshVerdicts(session: Session, root: Element): void {
  for (const group of root.querySelectorAll<HTMLElement>(".verdict")) show(session, group);
}

function show(session: Session, group: HTMLElement): void {
  const on = group.dataset.on === "kinds" ? "kinds" : "rows";
  const now = session.verdicts[on].get(Number(group.dataset.id))?.verdict;
  for (const shown of group.querySelectorAll("button")) shown.setAttribute("aria-pressed", String(shown.dataset.verdict === now));
}

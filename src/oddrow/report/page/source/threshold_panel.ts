// How many rows stand out, and how sure that is: the distribution, the slider, and the choice of a policy.

import { button, fill, h } from "./dom";
import { perFrame } from "./frame";
import { Histogram } from "./histogram";
import { grouped, natsText, percent } from "./numbers";
import { policyControls } from "./policy_controls";
import { countAbove, LEVELS } from "./rows";
import { section } from "./section";
import type { Session } from "./session";

export function thresholdPanel(session: Session): HTMLElement {
  const { rows } = session;
  const end = Math.max(rows.level[0] ?? 0, rows.calibration[0] ?? 0, LEVELS);
  const histogram = new Histogram(session, end);
  const slider = thresholdSlider(session, end);
  const draw = perFrame(() => histogram.moved());
  session.store.follow((_, changed) => {
    if (changed("policy", "kind", "column", "area")) draw();
  });
  return section(
    "threshold",
    "How many rows stand out, and how sure is that?",
    "Surprise says how strange a row is, in nats: each 2.3 nats more are ten times rarer among normal rows. Move the threshold to see what it would flag and what it promises.",
    h("div", { class: "split" }, h("div", {}, histogram.element, slider, histogram.below), policyBox(session)),
  );
}

function thresholdSlider(session: Session, end: number): HTMLElement {
  const id = "threshold-slider";
  const input = h("input", { type: "range", id, min: 0, max: end, step: 1, "aria-describedby": "slider-help" });
  const move = (level: number): void => {
    session.store.set({ policy: { kind: "level", level: Math.min(Math.max(Math.round(level), 0), end) }, page: 0 });
  };
  input.addEventListener("input", () => move(Number(input.value)));
  input.addEventListener("keydown", (event) => {
    const to = afterKey(session, event, Number(input.value), end);
    if (to === null) return;
    event.preventDefault();
    move(to);
  });
  session.store.follow((_, changed) => {
    if (!changed("policy")) return;
    const { decision } = session;
    input.value = String(decision.level);
    input.setAttribute("aria-valuetext", `${natsText(decision.level / LEVELS)} nats, ${session.alertsText()}`);
  });
  return h(
    "div",
    { class: "slider screen-only" },
    h("label", { for: id, class: "unseen" }, "Threshold of surprise"),
    input,
    h("p", { id: "slider-help", class: "hint" }, "Arrow keys move the threshold; with Shift they add or drop one alert."),
  );
}

/** Where a key moves the threshold: an arrow by a four-hundredth of the axis, with Shift to the next row. */
function afterKey(session: Session, event: KeyboardEvent, level: number, end: number): number | null {
  const up = event.key === "ArrowRight" || event.key === "ArrowUp";
  const down = event.key === "ArrowLeft" || event.key === "ArrowDown";
  if (up || down) {
    if (!event.shiftKey) return level + (up ? 1 : -1) * Math.max(Math.round(end / 400), 1);
    const levels = session.rows.level;
    const alerts = countAbove(levels, level);
    return up ? (levels[alerts - 1] ?? level) : Math.max((levels[alerts] ?? 1) - 1, 0);
  }
  if (event.key === "PageUp" || event.key === "PageDown") return level + (event.key === "PageUp" ? 1 : -1) * Math.round(end / 20);
  return null;
}

function policyBox(session: Session): HTMLElement {
  const result = h("div", { class: "result" });
  const command = copied("In a terminal");
  const python = copied("In Python");
  session.store.follow((_, changed) => {
    if (!changed("policy")) return;
    const { decision } = session;
    const share = decision.alerts / Math.max(session.rows.count, 1);
    fill(
      result,
      decision.refusal && h("p", { class: "refusal" }, h("strong", {}, "Refused: "), decision.refusal,
        ". The model's own policy stays in force."),
      h("p", {}, h("strong", { class: "count" }, session.alertsText()), `, ${percent(share)} of ${grouped(session.rows.count)} rows`),
      h("p", {}, decision.promise),
      session.state.policy.kind === "given" && session.summary.policy.note && h("p", { class: "warning" }, session.summary.policy.note),
      truthLine(session),
    );
    command.show(decision.command);
    python.show(decision.python);
  });
  return h("div", { class: "policy" }, policyControls(session), result, command.element, python.element);
}

/** What the labels say about the alerts, if the table has labels. */
function truthLine(session: Session): HTMLElement | null {
  const { truth } = session.rows;
  if (!truth || !session.summary.truth) return null;
  let found = 0;
  let all = 0;
  for (let rank = 0; rank < truth.length; rank++) {
    if (!truth[rank]) continue;
    all++;
    if (session.isAlert(rank)) found++;
  }
  const { alerts } = session.decision;
  return h("p", { class: "truth" }, `By the labels, ${grouped(found)} of ${session.alertsText()} are anomalies (${percent(found / Math.max(alerts, 1))}), `,
    `and ${grouped(found)} of ${grouped(all)} anomalies are among the alerts (${percent(found / Math.max(all, 1))}).`);
}

/** A line of text with a button that copies it. */
function copied(title: string): { element: HTMLElement; show(text: string): void } {
  const code = h("code", { tabindex: "0", role: "group", "aria-label": title });
  const copy = button("Copy", () => void copyText(code, copy), { class: "quiet screen-only", "aria-label": `Copy: ${title}` });
  return {
    element: h("div", { class: "copied" }, h("span", { class: "label" }, title), h("div", {}, code, copy)),
    show: (text) => fill(code, text),
  };
}

async function copyText(code: HTMLElement, copy: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
  } catch {
    getSelection()?.selectAllChildren(code); // then the reader's own copy command takes it
    fill(copy, "Selected");
    return;
  }
  fill(copy, "Copied");
  setTimeout(() => fill(copy, "Copy"), 1500);
}

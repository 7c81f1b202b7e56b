// The choice of a policy: the model's own, a false-alarm rate, an alert budget, or a fixed surprise.

import { button, h } from "./dom";
import { grouped } from "./numbers";
import type { Policy } from "./promise";
import { LEVELS } from "./rows";
import type { Session } from "./session";

interface Choice {
  kind: Policy["kind"];
  text: string;
  /** the field's label */
  label: string;
  /** the policy of the number in the field */
  of(value: number): Policy;
  /** the number in the field for a policy of this kind */
  value(policy: Policy): number | null;
  presets: [string, number][];
  start(session: Session): number;
  step: string;
}

export function policyControls(session: Session): HTMLElement {
  const choices = choicesOf(session);
  const fields = choices.map((choice) => field(session, choice));
  const radios = [
    radio(session, "given", `As the model decides: ${session.summary.policy.words}`, () => ({ kind: "given" })),
    ...choices.map((choice) => radio(session, choice.kind, choice.text, () => choice.of(choice.start(session)))),
  ];
  session.store.follow((state, changed) => {
    if (!changed("policy")) return;
    choices.forEach((choice, place) => {
      fields[place].hidden = state.policy.kind !== choice.kind;
    });
  });
  return h("fieldset", { class: "choices screen-only" }, h("legend", {}, "Decide by"), h("div", { class: "radios" }, ...radios), ...fields);
}

function choicesOf(session: Session): Choice[] {
  const { rows } = session;
  const budgets = [10, 50, 200, 1000].filter((count) => count < rows.count);
  return [
    {
      kind: "rate",
      text: "False-alarm rate",
      label: "Share of normal rows that may be flagged",
      of: (rate) => ({ kind: "rate", rate }),
      value: (policy) => (policy.kind === "rate" ? policy.rate : null),
      presets: [100, 1000, 10000].map((base) => [`1 in ${grouped(base)}`, 1 / base]),
      start: () => 0.01,
      step: "any",
    },
    {
      kind: "budget",
      text: "Alert budget",
      label: "Largest number of alerts in this table",
      of: (alerts) => ({ kind: "budget", alerts }),
      value: (policy) => (policy.kind === "budget" ? policy.alerts : null),
      presets: budgets.map((count) => [grouped(count), count]),
      start: () => budgets.at(-1) === undefined ? 1 : Math.min(50, budgets.at(-1) ?? 1),
      step: "1",
    },
    {
      kind: "level",
      text: "Fixed surprise",
      label: "Surprise in nats above which a row is an alert",
      of: (nats) => ({ kind: "level", level: Math.max(Math.round(nats * LEVELS), 0) }),
      value: (policy) => (policy.kind === "level" ? policy.level / LEVELS : null),
      presets: [],
      start: () => session.decision.level / LEVELS,
      step: "any",
    },
  ];
}

function radio(session: Session, kind: Policy["kind"], text: string, policy: () => Policy): HTMLElement {
  const input = h("input", { type: "radio", name: "policy", value: kind });
  input.addEventListener("change", () => session.store.set({ policy: policy(), page: 0 }));
  session.store.follow((state, changed) => {
    if (changed("policy")) input.checked = state.policy.kind === kind;
  });
  return h("label", {}, input, h("span", {}, text));
}

function field(session: Session, choice: Choice): HTMLElement {
  const input = h("input", { type: "number", min: 0, step: choice.step });
  const set = (value: number): void => session.store.set({ policy: choice.of(value), page: 0 });
  input.addEventListener("change", () => set(Number(input.value)));
  session.store.follow((state, changed) => {
    const value = choice.value(state.policy);
    if (changed("policy") && value !== null && Number(input.value) !== value) input.value = String(value);
  });
  const presets = choice.presets.map(([text, value]) => {
    const refused = session.decider.decide(choice.of(value)).refusal !== null;
    const shown = button(refused ? `${text} (refused)` : text, () => set(value), { class: refused ? "preset refused" : "preset" });
    session.store.follow((state) => shown.setAttribute("aria-pressed", String(choice.value(state.policy) === value)));
    return shown;
  });
  return h("div", { class: "field" }, h("label", {}, h("span", {}, choice.label), input), h("div", { class: "presets" }, ...presets));
}

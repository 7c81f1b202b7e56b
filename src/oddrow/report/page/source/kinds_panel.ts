// The kinds of alerts: those with the same leading reason, each with a sentence, a count and a typical row.

import { brief, button, cut, h } from "./dom";
import { perFrame, refill } from "./frame";
import { counted, grouped, percent } from "./numbers";
import { section } from "./section";
import type { Session } from "./session";
import { noteField, refreshVerdicts, verdictControl } from "./verdict_control";

const FIRST = 12;

export function kindsPanel(session: Session): HTMLElement {
  const list = h("ol", { class: "kinds" });
  const rest = h("p", { class: "hint" });
  const { kinds } = session.summary;
  let all = false;
  const draw = perFrame(() => {
    const { of, none } = session.kindCounts();
    const most = Math.max(...of, 1);
    const order = [...kinds.keys()].sort((one, other) => of[other] - of[one] || one - other);
    const shown = all ? order : order.filter((kind) => of[kind] || kind === session.state.kind).slice(0, FIRST);
    refill(list, ...shown.map((kind) => kindLine(session, kind, of[kind], most)));
    const more = order.length - shown.length;
    refill(rest, kinds.length && !shown.length ? "No alert at this threshold belongs to a kind. " : "", none ? `${counted(none, "alert")} ${none === 1 ? "belongs" : "belong"} to no kind. ` : "", ...(more > 0 ? [button(`Show ${counted(more, "more kind")}${order.slice(FIRST).some((kind) => of[kind]) ? "" : " without alerts"}`, () => {
      all = true;
      draw();
    })] : []));
  });
  session.store.follow((_, changed) => {
    if (changed("policy", "kind")) draw();
  });
  session.verdicts.follow(() => refreshVerdicts(session, list));
  const kept = session.summary.details.length;
  return section("kinds", "Do the alerts come in kinds?",
    "A kind is a group of alerts with the same leading reason. Choosing one filters the map, the table and the distribution.",
    kinds.length ? list : h("p", { class: "empty" }, "No two of the strangest rows share a leading reason, so there are no kinds."), rest,
    h("p", { class: "hint" }, `Counts are of alerts among the strangest ${counted(kept, "row")}, the rows with reasons.`));
}

function kindLine(session: Session, kind: number, count: number, most: number): HTMLElement {
  const { sentence, typical, brings } = session.summary.kinds[kind];
  const chosen = session.state.kind === kind;
  const bar = h("span", { class: "count-bar", "aria-hidden": "true" });
  bar.style.width = `${(100 * count) / most}%`;
  const number = session.rows.number[typical];
  const note = h("details", { class: "note-box" }, h("summary", {}, "Note"), noteField(session, "kinds", kind));
  return h(
    "li",
    { class: chosen ? "kind chosen" : count ? "kind" : "kind none" },
    h("div", { class: "kind-count" }, h("strong", {}, grouped(count)), h("span", {}, count === 1 ? " alert" : " alerts"), h("span", { class: "count-line-bar" }, bar)),
    h("div", { class: "kind-text" }, h("h3", {}, brief(sentence, 240)),
      h("p", { class: "hint" }, `The leading reason brings ${percent(brings)} of the surprise on average.`)),
    h("div", { class: "kind-actions screen-only" },
      button(chosen ? "Filtered" : "Filter", () => session.store.set({ kind: chosen ? -1 : kind, page: 0 }), { "aria-pressed": String(chosen), "data-key": `filter-${kind}`, "aria-label": `${chosen ? "Filtered" : "Filter"}: show only this kind: ${cut(sentence, 100)}` }),
      button(`Typical: row ${grouped(number)}`, () => session.openRow(number), { class: "quiet", "data-key": `typical-${kind}` }),
      verdictControl(session, "kinds", kind), note),
  );
}

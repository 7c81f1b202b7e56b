// One row in full: its reasons as bars that add up to its surprise, the usual values, and its nearest normal rows.

import type { Detail, Reason } from "./contract";
import { brief, button, cell, cut, fill, h, own, plainTable } from "./dom";
import { markedDistribution } from "./distribution";
import { neighbours } from "./neighbours";
import { countText, counted, grouped, natsText, percent } from "./numbers";
import { LEVELS } from "./rows";
import type { Session } from "./session";
import { noteField, verdictControl } from "./verdict_control";

export function openedRow(session: Session, rank: number): HTMLElement {
  const detail = session.summary.details[rank];
  const number = session.rows.number[rank];
  const judged = h("div", { class: "judged screen-only" }, verdictControl(session, "rows", number), noteField(session, "rows", number));
  if (!detail) {
    const { length } = session.summary.details;
    return h("div", { class: "opened" }, h("p", {}, `Its surprise is ${natsText(session.rows.level[rank] / LEVELS)} nats. Reasons are kept for the strangest ${counted(length, "row")} only; `,
      h("code", {}, "oddrow explain"), " gives them for any row."), judged);
  }
  const picture = h("div", { class: "picture" });
  const show = (reason: Reason): void => fill(picture, markedDistribution(session.summary, reason));
  if (detail.reasons[0]) show(detail.reasons[0]);
  return h(
    "div",
    { class: "opened" },
    h("p", {}, sentence(session, detail)),
    parts(session, detail, show),
    h("div", { class: "opened-split" }, picture, judged),
    neighbours(session, rank, detail),
  );
}

function sentence({ rows }: Session, { p, surprise }: Detail): string {
  const most = rows.calibration.length + 1;
  const rare = p * most < 1.5
    ? `stranger than all ${grouped(most - 1)} calibration rows, so at most about 1 in ${countText(1 / p)} normal rows is as strange`
    : `about 1 in ${countText(1 / p)} normal rows is as strange`;
  return `Surprise ${natsText(surprise)} nats: ${rare}. The parts below add up to it.`;
}

/** The reasons, the combination and the rest as bars whose lengths add up. */
function parts(session: Session, detail: Detail, show: (reason: Reason) => void): HTMLElement {
  const { summary } = session;
  let start = 0;
  const bar = (nats: number, name: string): HTMLElement => {
    const filled = h("span", { class: `part ${name}` });
    filled.style.marginInlineStart = `${(100 * start) / detail.surprise}%`;
    filled.style.width = `${(100 * nats) / detail.surprise}%`;
    start += nats;
    return h("span", { class: "parts", "aria-hidden": "true" }, filled);
  };
  const line = (nats: number, name: string): (Node | string)[] => [bar(nats, name), natsText(nats), percent(nats / detail.surprise)];
  const hidden = summary.valuesHidden;
  const rows = detail.reasons.map((reason) => {
    const column = summary.columns[reason.c];
    const pick = button(brief(column.name, 60), () => {
      show(reason);
      session.announce(`Distribution of ${cut(column.name, 60)} is shown`);
    }, { class: "quiet", title: "Show this column's distribution" });
    const value = h("div", {}, valueCell(reason.value), h("div", { class: "hint" }, usualCell(reason)));
    return [pick, ...(hidden ? [] : [value]), ...line(reason.nats, "reason")];
  });
  const filler = hidden ? [] : [""];
  if (detail.combination > 0.005) rows.push(["combination of columns", ...filler, ...line(detail.combination, "combination")]);
  if (detail.other > 0.005) rows.push(["other columns", ...filler, ...line(detail.other, "other")]);
  rows.push([h("strong", {}, "sum"), ...filler, "", h("strong", {}, natsText(detail.surprise)), h("strong", {}, "100 %")]);
  const heads = ["column", ...(hidden ? [] : ["value, and what is usual"]), "part of the surprise", "nats", "share"];
  return h("div", { class: "wide parts-table", role: "region", "aria-label": "Reasons", tabindex: "0" }, plainTable("Reasons of the row; their nats add up to its surprise", heads, rows));
}

function usualCell({ usual, expected }: Reason): HTMLElement {
  if (usual !== null) return h("span", {}, "usual ", longText(usual));
  return expected === null ? h("span", { class: "missing" }, "what is usual is not known") : h("span", {}, "expected ", longText(expected));
}

function valueCell(value: string | null): HTMLElement {
  return value === null || value === "" ? cell(value) : h("strong", {}, longText(value));
}

/** A text that may be long: its beginning, and the whole of it on demand. */
export function longText(text: string): HTMLElement {
  if (text.length <= 80) return own(text);
  return h("details", { class: "long" }, h("summary", {}, brief(text, 60), h("span", { class: "hint" }, ` ${counted(text.length, "character")}`)), h("div", { class: "whole" }, own(text)));
}

// The distribution of a column as a small picture with its table.

import type { Distribution, Reason, Summary } from "./contract";
import { brief, cut, h, own, s, tableOf } from "./dom";
import { percent } from "./numbers";

const WIDTH = 320;
const HEIGHT = 96;
const FLOOR = HEIGHT - 8;

/** The normal distribution of the column of a reason, with the row's value marked. */
export function markedDistribution(summary: Summary, { c, place, value }: Reason): HTMLElement {
  const column = summary.columns[c];
  const title = h("h3", {}, "Normal values of ", brief(column.name, 60));
  const { distribution } = column;
  if (!distribution) return h("div", {}, title, h("p", { class: "hint" }, `No distribution is kept for a column of kind ${column.kind}.`));
  const alone = { ...distribution, current: [], alerts: [] };
  const bars = distribution.normal.map((share, bar) => rect(alone, share, bar, place === bar ? "bar here" : "bar normal"));
  const marker = place === null ? null : s("path", { class: "here-mark", d: `M${middle(distribution, place)} ${FLOOR - height(alone, distribution.normal[place]) - 3}l-5 -9h10z` });
  const label = place === null
    ? h("p", { class: "hint" }, value === null ? "The row's value is missing, so no bar is marked." : "The row's value is outside the bars.")
    : h("p", { class: "hint" }, "▼ marks the row's value, in the bar ", own(distribution.labels[place] ?? "", { class: "clip" }),
        `: ${percent(distribution.normal[place] ?? 0)} of normal rows are there.`);
  return h("div", {}, title, picture(`Normal values of ${cut(column.name, 60)}`, [...bars, ...(marker ? [marker] : [])]), ends(distribution), label, table(`Normal values of ${cut(column.name, 60)} as a table`, distribution));
}

/** Normal, current and alert rows: bars, a line and diamonds, so that they differ without colour. */
export function threeDistributions(name: string, distribution: Distribution): HTMLElement {
  const bars = distribution.normal.map((share, bar) => rect(distribution, share, bar, "bar normal"));
  const points = distribution.current.map((share, bar) => {
    const [left, width] = span(distribution, bar);
    const y = FLOOR - height(distribution, share);
    return `${bar ? "L" : "M"}${left.toFixed(1)} ${y.toFixed(1)}h${width.toFixed(1)}`;
  });
  const diamonds = distribution.alerts.flatMap((share, bar) =>
    share > 0 ? [s("path", { class: "alert-dot", d: `M${middle(distribution, bar)} ${FLOOR - height(distribution, share) - 4}l4 4-4 4-4-4z` })] : []);
  return h("div", {}, picture(`Distribution of ${cut(name, 60)}: normal, current and alert rows`, [...bars, s("path", { class: "current-line", d: points.join("") }), ...diamonds]),
    ends(distribution), table(`Distribution of ${cut(name, 60)} as a table`, distribution));
}

/** What the marks of three distributions mean. */
export function distributionLegend(): HTMLElement {
  const key = (mark: SVGElement, text: string): HTMLElement => h("li", {}, s("svg", { width: 18, height: 12, "aria-hidden": "true" }, mark), text);
  return h("ul", { class: "legend" }, key(s("rect", { class: "bar normal", width: 18, height: 12 }), "normal rows (training)"),
    key(s("path", { class: "current-line", d: "M0 6H18" }), "current rows (this table)"), key(s("path", { class: "alert-dot", d: "M9 1l5 5-5 5-5-5z" }), "alerts of the model's policy"));
}

function picture(name: string, marks: SVGElement[]): SVGElement {
  return s("svg", { class: "distribution", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name}; the table has the shares` },
    s("line", { class: "grid", x1: 0, x2: WIDTH, y1: FLOOR, y2: FLOOR }), ...marks);
}

/** The labels of the first and the last bar. */
function ends({ labels }: Distribution): HTMLElement {
  return h("p", { class: "ends hint", "aria-hidden": "true" }, own(labels[0] ?? "", { class: "clip" }), own(labels.length > 1 ? (labels.at(-1) ?? "") : "", { class: "clip" }));
}

function span({ labels }: Distribution, bar: number): [number, number] {
  const width = WIDTH / Math.max(labels.length, 1);
  return [bar * width, width];
}

function middle(distribution: Distribution, bar: number): number {
  const [left, width] = span(distribution, bar);
  return left + width / 2;
}

/** Heights are on the scale of the square root, so that rare values stay visible. */
function height({ normal, current, alerts }: Distribution, share: number): number {
  const most = Math.max(...normal, ...current, ...alerts, 1e-9);
  return (FLOOR - 16) * Math.sqrt((share || 0) / most);
}

function rect(distribution: Distribution, share: number, bar: number, name: string): SVGElement {
  const [left, width] = span(distribution, bar);
  const tall = height(distribution, share);
  const gap = Math.min(width * 0.12, 2);
  return s("rect", { class: name, x: left + gap, width: Math.max(width - 2 * gap, 0.5), y: FLOOR - tall, height: tall });
}

function table(title: string, { labels, normal, current, alerts }: Distribution): HTMLElement {
  return tableOf(title, ["value", "normal", "current", "alerts"], () =>
    labels.map((label, bar) => [brief(label, 60), percent(normal[bar] ?? 0), percent(current[bar] ?? 0), percent(alerts[bar] ?? 0)]), "As a table");
}

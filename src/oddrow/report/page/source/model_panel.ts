// Can the model be trusted? Its health in words, its learning curve, its calibration, its settings.

import type { Figure, Model } from "./contract";
import { brief, h, own, s, tableOf } from "./dom";
import { niceStep } from "./histogram";
import { grouped } from "./numbers";
import { section } from "./section";
import type { Session } from "./session";

const WIDTH = 420;
const HEIGHT = 220;
const LEFT = 52;
const RIGHT = WIDTH - 22;
const BOTTOM = 30;

export function modelPanel(session: Session): HTMLElement {
  const { model, truth } = session.summary;
  return section("model", "Can the model be trusted?", "What the training looked like, and whether as many rows are strange as the promise says.",
    h("p", { class: "health" }, own(model.health.sentence)),
    model.health.diagnoses.length > 0 && h("ul", { class: "diagnoses" }, ...model.health.diagnoses.map((text) => h("li", {}, own(text)))) || "",
    h("div", { class: "pictures" }, learningCurve(model), calibrationPlot(model)),
    ...(truth && truth.figures.length ? [h("h3", {}, "By the labels"), figures("Figures by the labels", truth.figures)] : []),
    h("h3", {}, "Settings"),
    figures("Settings of the model", [...model.settings, { name: "training rows", value: grouped(model.trainingRows) }, { name: "hash of the model file", value: model.hash ?? "the model is not stored in a file" }]));
}

function figures(title: string, list: Figure[]): HTMLElement {
  return h("dl", { class: "figures", "aria-label": title }, ...list.map(({ name, value }) => h("div", {}, h("dt", {}, brief(name, 60)), h("dd", {}, brief(value, 300)))));
}

function learningCurve({ curve }: Model): HTMLElement {
  if (!curve || !curve.step.length) return h("figure", {}, h("figcaption", {}, "Learning curve"), h("p", { class: "empty" }, "The model keeps no learning curve: it was not trained in steps, or an older version wrote it."));
  const values = [...curve.training, ...curve.heldOut].filter(Number.isFinite).sort((one, other) => one - other);
  // the first losses can be a thousand times the later ones: the picture shows all but the highest few
  const [low, high] = [values[0] ?? 0, values[Math.floor(0.97 * (values.length - 1))] ?? 1];
  const x = scale(curve.step[0], curve.step.at(-1) ?? 1, LEFT, RIGHT);
  const y = scale(low, high === low ? low + 1 : high, HEIGHT - BOTTOM, 14);
  const best = curve.step.includes(curve.best) ? x(curve.best) : null;
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Learning curve; the table has its numbers" },
    ...frame(x, y, curve.step[0], curve.step.at(-1) ?? 1, low, high),
    s("path", { class: "line training", d: path(curve.step, curve.training, x, y, high) }), s("path", { class: "line held-out", d: path(curve.step, curve.heldOut, x, y, high) }),
    best !== null && s("line", { class: "best", x1: best, x2: best, y1: 14, y2: HEIGHT - BOTTOM }), best !== null && s("text", { class: "tick", x: best - 4, y: 12, "text-anchor": "end" }, "kept"),
    s("text", { class: "axis", x: RIGHT, y: HEIGHT - 2, "text-anchor": "end" }, "step"));
  const key = (name: string, text: string): HTMLElement => h("li", {}, s("svg", { width: 22, height: 10, "aria-hidden": "true" }, s("path", { class: `line ${name}`, d: "M0 5H22" })), text);
  return h("figure", {}, h("figcaption", {}, "Learning curve: loss in nats a row"), picture, h("ul", { class: "legend" }, key("training", "training rows"), key("held-out", "held-out rows")),
    tableOf("Learning curve as a table", ["step", "training", "held out", "reconstruction", "KL"], () =>
      curve.step.map((step, place) => [grouped(step), ...[curve.training, curve.heldOut, curve.reconstruction, curve.kl].map((list) => number(list[place]))])));
}

function calibrationPlot({ calibrationPlot: plot }: Model): HTMLElement {
  if (!plot || !plot.expected.length) return h("figure", {}, h("figcaption", {}, "Calibration"), h("p", { class: "empty" }, "Too few rows were scored to compare their p-values with what is expected."));
  const positive = [...plot.expected, ...plot.observed, ...plot.low].filter((value) => value > 0);
  const least = Math.max(Math.min(...positive, 0.5), 1e-7);
  const log = (value: number): number => Math.log10(Math.max(value, least));
  const x = scale(log(Math.min(...plot.expected)), 0, LEFT, RIGHT);
  const y = scale(log(least), 0, HEIGHT - BOTTOM, 10);
  const at = (value: number, other: number): string => `${x(log(value)).toFixed(1)} ${y(log(other)).toFixed(1)}`;
  const band = [...plot.expected.map((value, place) => at(value, plot.high[place])), ...plot.expected.map((value, place) => at(value, plot.low[place])).reverse()];
  const first = Math.min(...plot.expected);
  const powers = Array.from({ length: Math.floor(-log(least)) + 1 }, (_, power) => 10 ** -power);
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Calibration plot; the table has its numbers" },
    ...powers.flatMap((power) => [s("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(log(power)), y2: y(log(power)) }), s("text", { class: "tick", x: LEFT - 6, y: y(log(power)) + 4, "text-anchor": "end" }, ratio(power))]),
    ...powers.filter((power) => power >= first).map((power) => s("text", { class: "tick", x: Math.min(x(log(power)), RIGHT), y: HEIGHT - BOTTOM + 14, "text-anchor": "middle" }, ratio(power))),
    s("polygon", { class: "band", points: band.map((pair) => pair.replace(" ", ",")).join(" ") }),
    s("path", { class: "line expected", d: `M${at(first, first)}L${at(1, 1)}` }),
    s("path", { class: "line held-out", d: plot.expected.map((value, place) => `${place ? "L" : "M"}${at(value, plot.observed[place])}`).join("") }),
    s("text", { class: "axis", x: RIGHT, y: HEIGHT - 2, "text-anchor": "end" }, "p-value"));
  const key = (name: string, text: string): HTMLElement => h("li", {}, s("svg", { width: 22, height: 10, "aria-hidden": "true" }, name === "band" ? s("rect", { class: name, width: 22, height: 10 }) : s("path", { class: `line ${name}`, d: "M0 5H22" })), text);
  return h("figure", {}, h("figcaption", {}, "Calibration: share of rows with at most this p-value"), picture,
    h("ul", { class: "legend" }, key("held-out", "observed"), key("expected", "expected of normal rows"), key("band", "95 % of tables of normal rows")), h("p", {}, own(plot.sentence)),
    tableOf("Calibration as a table", ["p-value", "observed share", "from", "to"], () => plot.expected.map((value, place) => [value, plot.observed[place], plot.low[place], plot.high[place]].map((one) => String(Number(one.toPrecision(3)))))));
}

function frame(x: (value: number) => number, y: (value: number) => number, first: number, last: number, low: number, high: number): SVGElement[] {
  const drawn: SVGElement[] = [];
  const step = niceStep(Math.max(high - low, 1e-9) / 5);
  const decimals = Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 9);
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9; tick += step) {
    drawn.push(s("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick) }), s("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, String(Number(tick.toFixed(decimals)))));
  }
  const across = niceStep(Math.max(last - first, 1) / 5);
  for (let tick = Math.ceil(first / across) * across; tick <= last; tick += across) drawn.push(s("text", { class: "tick", x: x(tick), y: HEIGHT - BOTTOM + 14, "text-anchor": "middle" }, grouped(tick)));
  return drawn;
}

function path(xs: number[], ys: number[], x: (value: number) => number, y: (value: number) => number, high: number): string {
  let pen = "M";
  return xs.flatMap((value, place) => {
    if (!Number.isFinite(ys[place])) return [];
    const point = `${pen}${x(value).toFixed(1)} ${y(Math.min(ys[place], high)).toFixed(1)}`;
    pen = "L";
    return [point];
  }).join("");
}

function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

function ratio(power: number): string {
  return power >= 0.01 ? String(Number(power.toPrecision(1))) : power.toExponential(0);
}

function number(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "" : value.toPrecision(5);
}

// The distribution of surprise: rows of the table as bars on a logarithmic scale, calibration rows as a line beside it.

import { fill, h, s, tableOf } from "./dom";
import { grouped, natsText } from "./numbers";
import { countAbove, LEVELS } from "./rows";
import type { Session } from "./session";

const BINS = 96;
export const LEFT = 46;
export const RIGHT = 14;
const TOP = 18;
const BOTTOM = 34;

interface Counts {
  rows: number[];
  /** calibration rows, scaled to as many rows as the table has */
  normal: number[];
}

/** The picture of the distribution, with the threshold and what the filters leave. */
export class Histogram {
  readonly element = h("div", { class: "histogram" });
  private readonly svg = s("svg", { role: "img", "aria-label": "Distribution of surprise; the table below has the counts" });
  /** what belongs under the slider: the legend and the table */
  readonly below: HTMLElement;
  private readonly counts: Counts;
  private readonly width: number;
  private size = 0;
  private height = 320;

  constructor(
    private readonly session: Session,
    /** the level at the right end of the axis */
    readonly end: number,
  ) {
    this.width = end / BINS;
    const { level, calibration, count } = session.rows;
    const scale = calibration.length ? count / calibration.length : 0;
    this.counts = { rows: this.binned(level), normal: this.binned(calibration).map((value) => value * scale) };
    this.element.append(this.svg);
    this.below = h("div", {}, this.legend(), this.table());
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  private binned(descending: Uint32Array): number[] {
    const above = Array.from({ length: BINS + 1 }, (_, bin) => countAbove(descending, bin ? bin * this.width : -1));
    return Array.from({ length: BINS }, (_, bin) => above[bin] - (bin === BINS - 1 ? 0 : above[bin + 1]));
  }

  /** Draw everything: the size or the filters changed. */
  draw(): void {
    const size = this.element.clientWidth;
    if (!size) return;
    this.size = size;
    this.height = size > 560 ? 320 : 240;
    this.svg.setAttribute("width", String(size));
    this.svg.setAttribute("height", String(this.height));
    const most = Math.max(...this.counts.rows, ...this.counts.normal, 10);
    const y = (count: number): number => this.height - BOTTOM - (this.height - BOTTOM - TOP) * Math.max(Math.log10(count / 0.7) / Math.log10(most / 0.7), 0);
    fill(this.svg, this.pattern(), ...this.axes(most, y), ...this.bars(y), this.normalLine(y), this.threshold());
  }

  /** Move the threshold and colour the bars anew. */
  moved(): void {
    if (this.size) this.draw();
  }

  private x(level: number): number {
    return LEFT + ((this.size - LEFT - RIGHT) * Math.min(level, this.end)) / this.end;
  }

  private pattern(): SVGElement {
    const lines = s("path", { d: "M0 6L6 0M-1 1L1 -1M5 7L7 5", class: "hatch-line" });
    return s("defs", {}, s("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, lines));
  }

  private bars(y: (count: number) => number): SVGElement[] {
    const { decision, mask, rows } = this.session;
    const kept = mask ? new Array<number>(BINS).fill(0) : null;
    if (mask && kept) {
      for (let rank = 0; rank < mask.length; rank++) {
        if (mask[rank]) kept[Math.min(Math.floor(Math.max(rows.level[rank] - 1, 0) / this.width), BINS - 1)]++;
      }
    }
    const floor = this.height - BOTTOM;
    const bar = (from: number, to: number, count: number, name: string): SVGElement =>
      s("rect", { class: name, x: this.x(from) + 0.5, width: Math.max(this.x(to) - this.x(from) - 1, 0.8), y: y(count), height: Math.max(floor - y(count), 0) });
    return this.counts.rows.flatMap((count, bin) => {
      if (!count) return [];
      const [from, to] = [bin * this.width, (bin + 1) * this.width];
      const isAlert = decision.prefix !== null && from >= decision.level - this.width / 2;
      const drawn = [bar(from, to, count, kept ? "bar dim" : isAlert ? "bar alert" : "bar")];
      if (kept?.[bin]) drawn.push(bar(from, to, kept[bin], isAlert ? "bar alert" : "bar"));
      return drawn;
    });
  }

  private normalLine(y: (count: number) => number): SVGElement {
    const floor = this.height - BOTTOM;
    const points = this.counts.normal.map((count, bin) => {
      const height = count ? Math.min(y(count), floor) : floor;
      return `${bin ? "L" : "M"}${this.x(bin * this.width).toFixed(1)} ${height.toFixed(1)}H${this.x((bin + 1) * this.width).toFixed(1)}`;
    });
    return s("path", { class: "normal-line", d: points.join("") });
  }

  private threshold(): SVGElement {
    const { decision } = this.session;
    const x = this.x(decision.level);
    const late = x > this.size - 150;
    const text = decision.prefix === null ? "decided row by row" : `threshold ${natsText(decision.level / LEVELS)} nats`;
    return s(
      "g",
      { class: "threshold-mark" },
      s("line", { x1: x, x2: x, y1: TOP - 8, y2: this.height - BOTTOM }),
      s("text", { x: late ? x - 6 : x + 6, y: TOP, "text-anchor": late ? "end" : "start" }, text),
    );
  }

  private axes(most: number, y: (count: number) => number): SVGElement[] {
    const drawn: SVGElement[] = [];
    for (let count = 1; count <= most; count *= 10) {
      drawn.push(s("line", { class: "grid", x1: LEFT, x2: this.size - RIGHT, y1: y(count), y2: y(count) }));
      drawn.push(s("text", { class: "tick", x: LEFT - 6, y: y(count) + 4, "text-anchor": "end" }, short(count)));
    }
    const nats = this.end / LEVELS;
    const step = niceStep(nats / Math.max(Math.floor((this.size - LEFT) / 70), 2));
    for (let tick = 0; tick <= nats + 1e-9; tick += step) {
      drawn.push(s("text", { class: "tick", x: this.x(tick * LEVELS), y: this.height - BOTTOM + 15, "text-anchor": "middle" }, String(Number(tick.toPrecision(6)))));
    }
    drawn.push(s("text", { class: "axis", x: this.size - RIGHT, y: this.height - 3, "text-anchor": "end" }, "surprise in nats"));
    drawn.push(s("text", { class: "axis", x: 2, y: this.height - 3 }, "rows (logarithmic)"));
    return drawn;
  }

  private legend(): HTMLElement {
    const key = (name: string, text: string): HTMLElement =>
      h("li", {}, s("svg", { width: 18, height: 12, "aria-hidden": "true" }, name === "normal-line"
        ? s("path", { class: name, d: "M0 6H18" }) : s("rect", { class: name, width: 18, height: 12 })), text);
    return h("ul", { class: "legend" }, key("bar", "rows of the table"), key("bar alert", "alerts"),
      key("normal-line", "calibration rows, scaled to as many rows"));
  }

  private table(): HTMLElement {
    return tableOf("Distribution of surprise as a table", ["surprise above", "up to", "rows", "calibration rows, scaled"], () =>
      this.counts.rows.flatMap((count, bin) => {
        const normal = this.counts.normal[bin];
        if (!count && !normal) return [];
        const from = (bin * this.width) / LEVELS;
        return [[from.toFixed(2), (from + this.width / LEVELS).toFixed(2), grouped(count), normal.toFixed(1)]];
      }),
    );
  }
}

/** A step of 1, 2 or 5 times a power of ten that is at least `least`. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least;
}

function short(count: number): string {
  return count >= 1e6 ? `${count / 1e6}M` : count >= 1000 ? `${count / 1000}k` : String(count);
}

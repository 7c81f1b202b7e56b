// The latent map: every scored row as a point, coloured as chosen; areas of it select rows.

import { boxArea, pathArea, type Area } from "./area";
import { readBlock } from "./blocks";
import { coloursOf, rowText, type Legend } from "./colouring";
import { brief, button, cut, fill, h, own, s, tableOf } from "./dom";
import { perFrame, timed } from "./frame";
import { MapGestures, type Mode } from "./map_gestures";
import { keyboardBox } from "./map_keys";
import { Painter, type Window } from "./map_paint";
import { counted, grouped } from "./numbers";
import type { Session } from "./session";
import type { Colouring } from "./state";
import { colour, followTheme } from "./theme";

const WHOLE: Window = { left: -1500, low: -1500, right: 67035, high: 67035 };
const MOST_PIXELS = 1_100_000;

/** The canvas, what is in sight of it, and the way from the page's pixels to the map's units. */
export class MapPanel {
  readonly canvas = h("canvas", { tabindex: "0", role: "application", "aria-label": "Latent map of all rows", "aria-describedby": "map-help" });
  readonly overlay = s("svg", { class: "overlay", "aria-hidden": "true" });
  private readonly status = h("p", { class: "map-status hint" });
  private readonly legend = h("div", { class: "legend-box" });
  private readonly painter: Painter;
  private readonly shades = new Map<number, Uint8Array | null>();
  private width = 0;
  private height = 0;
  readonly draw = perFrame(() => this.paint());

  constructor(readonly session: Session) {
    this.painter = new Painter(session.rows);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    followTheme(this.draw);
    session.store.follow((state, changed) => {
      if (changed("colour", "shade") && state.colour === "column") void this.loadShade(state.shade);
      if (changed("policy", "kind", "column", "area", "view", "colour", "shade", "open")) this.draw();
    });
  }

  get element(): HTMLElement {
    const gestures = new MapGestures(this);
    const modes: [Mode, string][] = [["pan", "Move"], ["lasso", "Lasso"], ["box", "Box"]];
    const modeButtons = modes.map(([mode, text]) => {
      const shown = button(text, () => gestures.setMode(mode), { "aria-pressed": String(mode === "pan") });
      gestures.follow((now) => shown.setAttribute("aria-pressed", String(now === mode)));
      return shown;
    });
    keyboardBox(this);
    const { map } = this.session.summary;
    return h(
      "div",
      { class: "map" },
      h("div", { class: "toolbar screen-only" }, colourSelect(this.session),
        h("div", { class: "group", role: "group", "aria-label": "What dragging does" }, ...modeButtons),
        h("div", { class: "group", role: "group", "aria-label": "Zoom" },
          button("+", () => this.zoom(0.6), { "aria-label": "Zoom in" }), button("−", () => this.zoom(1 / 0.6), { "aria-label": "Zoom out" }),
          button("All", () => this.show(null), { "aria-label": "Show the whole map" }))),
      h("div", { class: "canvas-box" }, this.canvas, this.overlay),
      h("p", { class: "axes hint" }, "Horizontal: ", own(map.axes[0]), ". Vertical: ", own(map.axes[1]), ".",
        map.outside > 0 && ` ${counted(map.outside, "row")} lie outside the window${map.outsideSides ? ` (${map.outsideSides})` : ""} and are drawn at its edge.`),
      this.legend,
      this.status,
      h("p", { id: "map-help", class: "hint screen-only" }, "Keys on the map: arrows move, + and − zoom, 0 shows all, B begins a box (arrows move it, Shift with arrows sizes it, Enter selects), Escape ends a selection."),
      this.areas(),
    );
  }

  private async loadShade(column: number): Promise<void> {
    if (column < 0 || this.shades.has(column)) return;
    this.shades.set(column, null);
    this.shades.set(column, await readBlock(`shade-${column}`));
    this.draw();
  }

  private paint(): void {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width || !box.height) return;
    const scale = Math.min(devicePixelRatio, Math.sqrt(MOST_PIXELS / (box.width * box.height)));
    this.width = Math.round(box.width * scale);
    this.height = Math.round(box.height * scale);
    if (this.canvas.width !== this.width) this.canvas.width = this.width;
    if (this.canvas.height !== this.height) this.canvas.height = this.height;
    const shades = this.shades.get(this.session.state.shade) ?? null;
    const { legend, ...how } = coloursOf(this.session, shades);
    const [red, green, blue] = colour("dim");
    const { mask } = this.session;
    timed("map", () => {
      const context = this.canvas.getContext("2d");
      if (context) this.painter.paint(context, this.width, this.height, scale, this.window, { ...how, mask, dim: (blue << 16) | (green << 8) | red });
    });
    this.showLegend(legend);
    this.drawOverlay();
  }

  /** Where a place of the page is on the map. */
  unitsAt(clientX: number, clientY: number): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    const { left, right, low, high } = this.window;
    return [left + ((clientX - box.left) / box.width) * (right - left), high - ((clientY - box.top) / box.height) * (high - low)];
  }

  /** Where units of the map are in the overlay. */
  private pixels(x: number, y: number): [number, number] {
    const { left, right, low, high } = this.window;
    const box = this.canvas.getBoundingClientRect();
    return [((x - left) / (right - left)) * box.width, ((high - y) / (high - low)) * box.height];
  }

  get window(): Window {
    return this.session.state.view ?? WHOLE;
  }

  /** Show a part of the map; null for the whole map. A link holds its ends to hundredths of a unit. */
  show(view: Window | null): void {
    const end = (value: number): number => Math.round(100 * value) / 100;
    this.session.store.set({ view: view && { left: end(view.left), low: end(view.low), right: end(view.right), high: end(view.high) } });
  }

  /** Zoom about a place, by default the middle; a factor below 1 zooms in. */
  zoom(factor: number, place?: [number, number]): void {
    const { left, right, low, high } = this.window;
    const [x, y] = place ?? [(left + right) / 2, (low + high) / 2];
    const bounded = Math.min(Math.max(factor, 4 / (right - left)), 300000 / (right - left));
    this.show({ left: x - (x - left) * bounded, right: x + (right - x) * bounded, low: y - (y - low) * bounded, high: y + (high - y) * bounded });
  }

  /** Move by shares of what is in sight. */
  pan(dx: number, dy: number): void {
    const { left, right, low, high } = this.window;
    const [x, y] = [dx * (right - left), dy * (high - low)];
    this.show({ left: left + x, right: right + x, low: low + y, high: high + y });
  }

  /** Say which row is under the pointer; return its rank, -1 for none. */
  hover(clientX: number, clientY: number): number {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.width / box.width;
    const rank = this.painter.rowNear(Math.round((clientX - box.left) * scale), Math.round((clientY - box.top) * scale), Math.round(6 * scale));
    fill(this.status, rank < 0 ? "" : own(rowText(this.session, rank)));
    return rank;
  }

  select(area: Area | null): void {
    timed("selection", () => {
      this.session.store.set({ area, page: 0 });
    });
  }

  selectPath(path: number[]): void {
    if (path.length >= 6) this.select(pathArea(path));
  }

  selectBox(x0: number, y0: number, x1: number, y1: number): void {
    this.select(boxArea(x0, y0, x1, y1));
  }

  /** Draw the selected area, and one being drawn, over the points. */
  drawOverlay(drawn: number[] = []): void {
    const { area, open } = this.session.state;
    const outline = (corners: number[], name: string): SVGElement => {
      const points: string[] = [];
      for (let place = 0; place < corners.length; place += 2) points.push(this.pixels(corners[place], corners[place + 1]).map((value) => value.toFixed(1)).join(","));
      return s("polygon", { class: name, points: points.join(" ") });
    };
    const rank = open ? this.session.rows.rankOf(open) : -1;
    const [x, y] = rank >= 0 ? this.pixels(this.session.rows.x[rank], this.session.rows.y[rank]) : [0, 0];
    fill(this.overlay, area && outline(area.corners, "area"), drawn.length > 3 && outline(drawn, "area drawing"),
      rank >= 0 && s("circle", { class: "opened", cx: x, cy: y, r: 9 }));
  }

  private showLegend({ entries, scale }: Legend): void {
    const shapes = { dot: "M6 2a4 4 0 1 0 .01 0", diamond: "M6 0l6 6-6 6-6-6z", cross: "M1 3l2-2 3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z" };
    const items = entries.map(({ colour, text, shape }) => {
      const mark = s("path", { d: shapes[shape] });
      mark.style.fill = colour;
      return h("li", {}, s("svg", { width: 12, height: 12, "aria-hidden": "true" }, mark), brief(text, 40));
    });
    const strip = h("span", { class: "strip", "aria-hidden": "true" });
    if (scale) strip.style.background = `linear-gradient(to right, ${scale.colours.join(",")})`;
    fill(this.legend, scale && h("p", { class: "scale" }, brief(scale.low, 30), strip, brief(scale.high, 30)), h("ul", { class: "legend" }, ...items));
  }

  /** The map as a table: rows and alerts in each area of a grid. */
  private areas(): HTMLElement {
    const cells = 6;
    const title = "Map as a table: rows (alerts) in a grid of areas";
    const head = ["from top, from left", ...Array.from({ length: cells }, (_, place) => `${place + 1}`)];
    return tableOf(title, head, () => {
      const { rows } = this.session;
      const counts = new Uint32Array(2 * cells * cells);
      for (let rank = 0; rank < rows.count; rank++) {
        const place = Math.floor((rows.x[rank] / 65536) * cells) + cells * Math.floor((rows.y[rank] / 65536) * cells);
        counts[2 * place]++;
        if (this.session.isAlert(rank)) counts[2 * place + 1]++;
      }
      return Array.from({ length: cells }, (_, line) => {
        const up = cells - 1 - line;
        const name = `${line + 1}`;
        return [name, ...Array.from({ length: cells }, (_, place) => this.areaButton(place, up, cells, counts))];
      });
    });
  }

  private areaButton(across: number, up: number, cells: number, counts: Uint32Array): Node | string {
    const place = 2 * (across + cells * up);
    if (!counts[place]) return "0";
    const text = `${grouped(counts[place])} (${grouped(counts[place + 1])})`;
    const size = 65536 / cells;
    return button(text, () => this.selectBox(across * size, up * size, (across + 1) * size - 1, (up + 1) * size - 1), {
      class: "quiet", "aria-label": `Select ${text}: ${cells - up} from top, ${across + 1} from left`,
    });
  }
}

function colourSelect(session: Session): HTMLElement {
  const { columns, truth } = session.summary;
  const shaded = columns.flatMap(({ shade, name }, index) => (shade ? [{ name, index }] : []));
  const select = h("select", {},
    h("option", { value: "surprise" }, "surprise"), h("option", { value: "decision" }, "decision"),
    truth && session.rows.truth && h("option", { value: "truth" }, `label ${cut(truth.column, 40)}`),
    shaded.length > 0 && h("optgroup", { label: "value of a column" }, ...shaded.map(({ name, index }) => h("option", { value: `column ${index}` }, cut(name, 60)))));
  select.addEventListener("change", () => {
    const [kind, index] = select.value.split(" ");
    session.store.set({ colour: kind as Colouring, shade: index === undefined ? -1 : Number(index) });
  });
  session.store.follow((state) => {
    select.value = state.colour === "column" ? `column ${state.shade}` : state.colour;
  });
  return h("label", { class: "inline" }, "Colour by ", select);
}

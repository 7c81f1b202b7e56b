// Pointers on the map: one moves it, draws an area or picks a row; two zoom it.

import type { MapPanel } from "./map_panel";

export type Mode = "pan" | "lasso" | "box";

interface Point {
  x: number;
  y: number;
}

export class MapGestures {
  private mode: Mode = "pan";
  private readonly pointers = new Map<number, Point>();
  private start: Point | null = null;
  private drawing: Mode = "pan";
  private path: number[] = [];
  private moved = false;
  private readonly listeners: ((mode: Mode) => void)[] = [];

  constructor(private readonly map: MapPanel) {
    const { canvas } = map;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.cancel(event));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  follow(listener: (mode: Mode) => void): void {
    this.listeners.push(listener);
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    this.map.canvas.dataset.mode = mode; // page.css lets one finger scroll the page only where it does not draw
    for (const listener of this.listeners) listener(mode);
  }

  private down(event: PointerEvent): void {
    if (event.button > 0) return;
    this.map.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.start = { x: event.clientX, y: event.clientY };
    this.drawing = event.shiftKey && this.mode === "pan" ? "lasso" : this.mode;
    this.path = this.map.unitsAt(event.clientX, event.clientY);
    this.moved = false;
  }

  private move(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (!before || !this.start) {
      this.map.hover(event.clientX, event.clientY);
      return;
    }
    const now = { x: event.clientX, y: event.clientY };
    if (Math.hypot(now.x - this.start.x, now.y - this.start.y) > 4) this.moved = true;
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, now);
    else if (this.drawing === "pan") this.drag(before, now);
    else this.extend(now);
    this.pointers.set(event.pointerId, now);
  }

  private drag(before: Point, now: Point): void {
    const box = this.map.canvas.getBoundingClientRect();
    this.map.pan(-(now.x - before.x) / box.width, (now.y - before.y) / box.height);
  }

  private pinch(pointer: number, before: Point, now: Point): void {
    const other = [...this.pointers].find(([id]) => id !== pointer)?.[1];
    if (!other) return;
    const [far, near] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
    if (near < 8) return;
    this.drag({ x: before.x / 2, y: before.y / 2 }, { x: now.x / 2, y: now.y / 2 });
    this.map.zoom(far / near, this.map.unitsAt((now.x + other.x) / 2, (now.y + other.y) / 2));
  }

  private extend(now: Point): void {
    const [x, y] = this.map.unitsAt(now.x, now.y);
    if (this.drawing === "lasso") this.path.push(x, y);
    else this.path = boxPath(this.path[0], this.path[1], x, y);
    this.map.drawOverlay(this.path);
  }

  private up(event: PointerEvent): void {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size || !this.start) return;
    this.start = null;
    if (!this.moved) {
      const rank = this.map.hover(event.clientX, event.clientY);
      if (rank >= 0) this.map.session.openRow(this.map.session.rows.number[rank]);
    } else if (this.drawing === "lasso") this.map.selectPath(this.path);
    else if (this.drawing === "box") this.map.selectBox(this.path[0], this.path[1], this.path[4], this.path[5]);
    this.map.drawOverlay();
  }

  private cancel(event: PointerEvent): void {
    this.pointers.delete(event.pointerId);
    this.start = null;
    this.map.drawOverlay();
  }

  /** The wheel scrolls the page, unless the reader is at work on the map or asks for zoom. */
  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && document.activeElement !== this.map.canvas) return;
    event.preventDefault();
    this.map.zoom(Math.exp(Math.min(Math.max(event.deltaY, -120), 120) / 400), this.map.unitsAt(event.clientX, event.clientY));
  }
}

function boxPath(x0: number, y0: number, x1: number, y1: number): number[] {
  return [x0, y0, x1, y0, x1, y1, x0, y1];
}

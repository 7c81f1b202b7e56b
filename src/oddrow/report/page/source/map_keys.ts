// The map by keyboard: move and zoom it, and select a box.

import type { MapPanel } from "./map_panel";

const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Listen to keys on the map's canvas. */
export function keyboardBox(map: MapPanel): void {
  let box: [number, number, number, number] | null = null;
  const say = (text: string): void => map.session.announce(text);

  const begin = (): void => {
    const { left, right, low, high } = map.window;
    box = [left + 0.4 * (right - left), low + 0.4 * (high - low), left + 0.6 * (right - left), low + 0.6 * (high - low)];
    say("Box begun in the middle. Arrows move it, Shift with arrows sizes it, Enter selects its rows, Escape ends.");
  };
  const change = (box: [number, number, number, number], [dx, dy]: [number, number], size: boolean): void => {
    const { left, right, low, high } = map.window;
    const [x, y] = [0.03 * dx * (right - left), 0.03 * dy * (high - low)];
    if (!size) box[0] += x;
    if (!size) box[1] += y;
    box[2] = Math.max(box[2] + x, box[0]);
    box[3] = Math.max(box[3] + y, box[1]);
  };
  const outline = (): void => map.drawOverlay(box ? [box[0], box[1], box[2], box[1], box[2], box[3], box[0], box[3]] : []);

  const handled = (event: KeyboardEvent): boolean => {
    const arrow = ARROWS[event.key];
    if (arrow && box) change(box, arrow, event.shiftKey);
    else if (arrow) map.pan(0.1 * arrow[0], 0.1 * arrow[1]);
    else if (event.key === "+" || event.key === "=") map.zoom(0.7);
    else if (event.key === "-") map.zoom(1 / 0.7);
    else if (event.key === "0") map.show(null);
    else if (event.key === "b" || event.key === "B") begin();
    else if (event.key === "Enter" && box) {
      map.selectBox(...box);
      box = null;
    } else if (event.key === "Escape") {
      if (!box) map.select(null);
      box = null;
    } else return false;
    return true;
  };
  map.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !handled(event)) return;
    event.preventDefault();
    outline();
  });
}

// An area of the map, drawn by hand or as a box. Its points are in units of the map (0 to 65535), so that the same area
// holds the same rows at every zoom and in every browser.

import type { Rows } from "./rows";

export interface Area {
  /** x and y of each corner in turn */
  corners: number[];
}

const MAX_CORNERS = 96;
const BANDS = 512;

/** A box from two opposite corners. */
export function boxArea(x0: number, y0: number, x1: number, y1: number): Area {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)].map(unit);
  const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)].map(unit);
  return { corners: [left, low, right, low, right, high, left, high] };
}

/** An area drawn by hand: its path thinned to as many corners as a link can hold. */
export function pathArea(path: number[]): Area {
  const points = path.length / 2;
  const step = Math.max(points / MAX_CORNERS, 1);
  const corners: number[] = [];
  for (let place = 0; place < points; place += step) {
    const point = Math.floor(place);
    corners.push(unit(path[2 * point]), unit(path[2 * point + 1]));
  }
  return { corners };
}

function unit(value: number): number {
  return Math.round(Math.min(Math.max(value, -1), 65536));
}

/** Mark the rows inside an area: 1 for each, by the even-odd rule. */
export function rowsInside(area: Area, rows: Rows): Uint8Array {
  const inside = new Uint8Array(rows.count);
  const { corners } = area;
  const [left, low, right, high] = bounds(corners);
  const bands = edgesByBand(corners, low, high);
  const scale = BANDS / Math.max(high - low + 1, 1);
  const { x, y } = rows;
  for (let rank = 0; rank < rows.count; rank++) {
    const px = x[rank];
    const py = y[rank];
    if (px < left || px > right || py < low || py > high) continue;
    const edges = bands[Math.floor((py - low) * scale)];
    let odd = 0;
    for (let place = 0; place < edges.length; place += 4) {
      const y0 = edges[place + 1];
      const y1 = edges[place + 3];
      // the half point keeps corners on whole units from being counted twice
      if (y0 > py - 0.5 === y1 > py - 0.5) continue;
      const crossing = edges[place] + ((py - 0.5 - y0) / (y1 - y0)) * (edges[place + 2] - edges[place]);
      if (px <= crossing) odd ^= 1;
    }
    inside[rank] = odd;
  }
  return inside;
}

/** The left, lower, right and upper end of an area. */
export function bounds(corners: number[]): [number, number, number, number] {
  let [left, low, right, high] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let place = 0; place < corners.length; place += 2) {
    left = Math.min(left, corners[place]);
    right = Math.max(right, corners[place]);
    low = Math.min(low, corners[place + 1]);
    high = Math.max(high, corners[place + 1]);
  }
  return [left, low, right, high];
}

/** The edges that cross each of many horizontal bands: a row is compared with few of them. */
function edgesByBand(corners: number[], low: number, high: number): number[][] {
  const bands: number[][] = Array.from({ length: BANDS + 1 }, () => []);
  const scale = BANDS / Math.max(high - low + 1, 1);
  for (let place = 0; place < corners.length; place += 2) {
    const next = (place + 2) % corners.length;
    const edge = [corners[place], corners[place + 1], corners[next], corners[next + 1]];
    const from = Math.floor((Math.min(edge[1], edge[3]) - low) * scale);
    const to = Math.floor((Math.max(edge[1], edge[3]) - low + 1) * scale);
    for (let band = Math.max(from, 0); band <= Math.min(to, BANDS); band++) bands[band].push(...edge);
  }
  return bands;
}

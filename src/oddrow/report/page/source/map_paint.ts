// Paint rows into a buffer of pixels: 500,000 rows take a few milliseconds, without a graphics card.

import type { Rows } from "./rows";

/** The part of the map in sight, in units of the map; y grows upwards. */
export interface Window {
  left: number;
  low: number;
  right: number;
  high: number;
}

export interface Paint {
  /** colour of a row as 0x00bbggrr */
  colourOf(rank: number): number;
  /** rows drawn as large marks over all others (1 for each); null for none */
  marked: ((rank: number) => boolean) | null;
  /** the number of leading rows among which all marked rows are */
  lastMarked: number;
  mark: "diamond" | "cross";
  /** rows that pass the filters (1 for each); null: all */
  mask: Uint8Array | null;
  /** colour of the rows that do not pass */
  dim: number;
  /** which of the rows at one pixel shows: the strangest, or the least strange */
  top: "strangest" | "least strange";
}

/** Buffers of one size, kept between paintings. */
export class Painter {
  private count = new Uint32Array();
  private owner = new Int32Array();
  private image: ImageData | null = null;
  private occupied = new Int32Array();
  /** the pixel of every possible x and, times the width, of every possible y; -1 outside */
  private readonly across = new Int32Array(65536);
  private readonly down = new Int32Array(65536);

  constructor(private readonly rows: Rows) {}

  /** Paint into a canvas of `width` times `height` pixels, `scale` of which are one pixel of the page. */
  paint(canvas: CanvasRenderingContext2D, width: number, height: number, scale: number, view: Window, how: Paint): void {
    this.resize(width, height);
    const occupied = this.bin(width, height, view, how);
    const pixels = new Uint32Array(this.image!.data.buffer);
    pixels.fill(0);
    this.dots(pixels, width, height, scale, occupied, how);
    if (how.marked) this.marks(pixels, width, height, scale, how);
    canvas.putImageData(this.image!, 0, 0);
  }

  /** The row that shows nearest to a pixel, within a radius; -1 for none. */
  rowNear(px: number, py: number, radius: number): number {
    const width = this.image?.width ?? 0;
    const height = this.image?.height ?? 0;
    let best = -1;
    let least = radius * radius + 1;
    for (let y = Math.max(py - radius, 0); y <= Math.min(py + radius, height - 1); y++) {
      for (let x = Math.max(px - radius, 0); x <= Math.min(px + radius, width - 1); x++) {
        const distance = (x - px) ** 2 + (y - py) ** 2;
        if (distance < least && this.owner[y * width + x] >= 0) {
          least = distance;
          best = this.owner[y * width + x];
        }
      }
    }
    return best;
  }

  private resize(width: number, height: number): void {
    if (this.image?.width === width && this.image.height === height) {
      this.count.fill(0);
      this.owner.fill(-1);
      return;
    }
    this.image = new ImageData(width, height);
    this.count = new Uint32Array(width * height);
    this.owner = new Int32Array(width * height).fill(-1);
    this.occupied = new Int32Array(width * height);
  }

  /** Count the rows of each pixel and choose the one that shows; return the number of occupied pixels. */
  private bin(width: number, height: number, view: Window, { mask, top }: Paint): number {
    const { x, y, count: n } = this.rows;
    const { count, owner, occupied, across, down } = this;
    places(across, view.left, view.right, width, 1);
    places(down, view.high, view.low, height, width);
    const strangest = top === "strangest";
    let found = 0;
    for (let rank = 0; rank < n; rank++) {
      const column = across[x[rank]];
      const line = down[y[rank]];
      if ((column | line) < 0) continue;
      const place = column + line;
      if (count[place]++ === 0) {
        owner[place] = rank;
        occupied[found++] = place;
      } else if (mask ? mask[rank] && (!strangest || !mask[owner[place]]) : !strangest) {
        owner[place] = rank;
      }
    }
    return found;
  }

  private dots(pixels: Uint32Array, width: number, height: number, scale: number, found: number, how: Paint): void {
    const { count, occupied, owner } = this;
    const { mask, dim } = how;
    const size = Math.max(Math.round(scale * dotSize(this.rows.count)), 1);
    let most = 1;
    for (let place = 0; place < found; place++) most = Math.max(most, count[occupied[place]]);
    const alphas = opacities(most, size);
    // two passes, so that a row that passes the filters is never under one that does not
    for (const passing of mask ? [0, 1] : [1]) {
      for (let index = found - 1; index >= 0; index--) {
        const place = occupied[index];
        const rank = owner[place];
        if (mask && mask[rank] !== passing) continue;
        const alpha = passing ? alphas[Math.min(count[place], 4095)] : 90;
        const colour = (alpha << 24) | (passing ? how.colourOf(rank) : dim);
        if (size === 2) {
          pixels[place] = colour;
          pixels[place + 1] = colour; // over the right edge it is at the left one, where no reader sees one pixel
          pixels[place + width] = colour; // under the last line it is nowhere: typed arrays ignore it
          pixels[place + width + 1] = colour;
        } else stamp(pixels, width, height, place, size, colour);
      }
    }
  }

  private marks(pixels: Uint32Array, width: number, height: number, scale: number, how: Paint): void {
    const { x, y } = this.rows;
    const { across, down } = this;
    const radius = Math.max(Math.round(scale * markSize(how.lastMarked)), 1);
    for (let rank = Math.min(how.lastMarked, this.rows.count) - 1; rank >= 0; rank--) {
      if (!how.marked!(rank) || (how.mask && !how.mask[rank])) continue;
      const px = across[x[rank]];
      const line = down[y[rank]];
      if ((px | line) < 0) continue;
      markAt(pixels, width, height, px, line / width, radius, how.mark, (0xff000000 | how.colourOf(rank)) >>> 0);
      this.owner[line + px] = rank;
    }
  }
}

/** The pixel of every unit between two ends of what is in sight, times a stride; -1 outside. */
function places(table: Int32Array, from: number, to: number, pixels: number, stride: number): void {
  const scale = (pixels - 1) / (to - from || 1);
  for (let unit = 0; unit < table.length; unit++) {
    const pixel = Math.round((unit - from) * scale);
    table[unit] = pixel < 0 || pixel >= pixels ? -1 : pixel * stride;
  }
}

function dotSize(count: number): number {
  return count <= 3000 ? 4 : count <= 20000 ? 3 : count <= 100000 ? 2 : 1.5;
}

function markSize(count: number): number {
  return count <= 1000 ? 4 : count <= 10000 ? 3 : 1;
}

/** The opacity of a pixel by its number of rows: single rows stay visible beside dense places. */
function opacities(most: number, size: number): Uint8Array {
  const alphas = new Uint8Array(4096);
  const least = size >= 3 ? 170 : 130;
  for (let count = 0; count < 4096; count++) {
    alphas[count] = Math.round(least + (255 - least) * Math.min(Math.log(Math.max(count, 1)) / Math.log(Math.max(most, 2)), 1));
  }
  return alphas;
}

function stamp(pixels: Uint32Array, width: number, height: number, place: number, size: number, colour: number): void {
  if (size === 1) {
    pixels[place] = colour;
    return;
  }
  const px = place % width;
  const py = (place - px) / width;
  const before = (size - 1) >> 1;
  const round = size >= 4;
  for (let dy = 0; dy < size; dy++) {
    const y = py + dy - before;
    if (y < 0 || y >= height) continue;
    for (let dx = 0; dx < size; dx++) {
      const x = px + dx - before;
      const corner = round && (dx === 0 || dx === size - 1) && (dy === 0 || dy === size - 1);
      if (x >= 0 && x < width && !corner) pixels[y * width + x] = colour;
    }
  }
}

function markAt(pixels: Uint32Array, width: number, height: number, px: number, py: number, radius: number, mark: "diamond" | "cross", colour: number): void {
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      const off = Math.abs(Math.abs(dx) - Math.abs(dy));
      if (mark === "diamond" ? Math.abs(dx) + Math.abs(dy) > radius : off > radius * 0.26) continue;
      const x = px + dx;
      const y = py + dy;
      if (x >= 0 && y >= 0 && x < width && y < height) pixels[y * width + x] = colour;
    }
  }
}

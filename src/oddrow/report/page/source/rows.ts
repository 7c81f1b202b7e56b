// The scored rows, ordered by surprise: rank 0 is the strangest, so an alert set is a number of leading rows.

import { doubles, halfWords, levels, readBlock, wordsOf } from "./blocks";

/** The levels of a unit of surprise: level k stands for k / 1024 nats. */
export const LEVELS = 1024;

export interface Rows {
  count: number;
  /** the number of each row in the table, from 1 */
  number: Uint32Array;
  level: Uint32Array;
  x: Uint16Array;
  y: Uint16Array;
  truth: Uint8Array | null;
  /** 1 for a flagged row, if the model's policy does not flag the leading rows */
  flagged: Uint8Array | null;
  calibration: Uint32Array;
  /** the number of rows above each calibration row, from the strangest one on */
  above: Uint32Array;
  low: Float64Array;
  high: Float64Array;
  rankOf(number: number): number;
}

/** Read the rows from the file's blocks. */
export async function readRows(): Promise<Rows> {
  const names = ["row", "level", "x", "y", "truth", "flagged", "calibration", "above", "low", "high"];
  const blocks = await Promise.all(names.map(readBlock));
  const [row, level, x, y, truth, flagged, calibration, above, low, high] = blocks;
  const none = new Uint8Array();
  const number = wordsOf(row ?? none);
  let ranks: Uint32Array | null = null;
  return {
    count: number.length,
    number,
    level: levels(level ?? none),
    x: halfWords(x ?? none),
    y: halfWords(y ?? none),
    truth: truth ?? null,
    flagged: flagged ?? null,
    calibration: levels(calibration ?? none),
    above: wordsOf(above ?? none),
    low: doubles(low ?? none),
    high: doubles(high ?? none),
    rankOf(wanted) {
      ranks ??= ranksOf(number);
      return wanted < ranks.length && number[ranks[wanted]] === wanted ? ranks[wanted] : -1;
    },
  };
}

function ranksOf(number: Uint32Array): Uint32Array {
  let last = 0;
  for (const row of number) if (row > last) last = row;
  const ranks = new Uint32Array(last + 1);
  for (let rank = 0; rank < number.length; rank++) ranks[number[rank]] = rank;
  return ranks;
}

/** How many of descending levels are above level k. */
export function countAbove(descending: Uint32Array, k: number): number {
  let low = 0;
  let high = descending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (descending[middle] > k) low = middle + 1;
    else high = middle;
  }
  return low;
}

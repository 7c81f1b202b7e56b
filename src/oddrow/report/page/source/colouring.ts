// The colourings of the map: by surprise, by decision, by the label, or by the value of a column.

import { cut } from "./dom";
import type { Column } from "./contract";
import { countText, natsText } from "./numbers";
import type { Paint } from "./map_paint";
import { LEVELS } from "./rows";
import type { Session } from "./session";
import { colour, isDark } from "./theme";

type Rgb = [number, number, number];

/** From ordinary to strange; each end differs from the background and the steps differ in lightness, too. */
const RAMPS: Record<"light" | "dark", string[]> = {
  light: ["#c9d5e0", "#7fb2d9", "#0072b2", "#7b3f8c", "#a31621"],
  dark: ["#3a4d61", "#2f7fb8", "#56b4e9", "#f0b060", "#ffe9a8"],
};
const CATEGORIES: Record<"light" | "dark", string[]> = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b3589a", "#8a6d00", "#2b9ed4", "#5b3a8e", "#4d4d4d"],
  dark: ["#56b4e9", "#ff9a4d", "#2fd3a5", "#e39bc9", "#f0e442", "#9ad0f0", "#b9a2ea", "#c9c9c9"],
};

export interface Legend {
  entries: { colour: string; text: string; shape: "dot" | "diamond" | "cross" }[];
  /** a continuous scale: its colours and the text of its ends */
  scale: { colours: string[]; low: string; high: string } | null;
}

export type Colours = Pick<Paint, "colourOf" | "marked" | "lastMarked" | "mark" | "top"> & { legend: Legend };

const theme = (): "light" | "dark" => (isDark() ? "dark" : "light");

export function coloursOf(session: Session, shades: Uint8Array | null): Colours {
  const { state, rows } = session;
  if (state.colour === "truth" && rows.truth) return byTruth(session, rows.truth);
  if (state.colour === "decision") return byDecision(session);
  const column = session.summary.columns[state.shade];
  if (state.colour === "column" && shades && column?.shade) return byColumn(column, shades);
  return bySurprise(session);
}

function bySurprise(session: Session): Colours {
  const { level, calibration, count } = session.rows;
  const table = ramp(RAMPS[theme()]);
  // the scale ends where the rarest normal rows do, or at the alerts' middle where these are far beyond
  const end = Math.max((calibration[0] ?? 0) * 1.25, (level[Math.floor(Math.min(session.decision.alerts, count) / 2)] ?? 0) * 0.8, 1);
  return {
    colourOf: (rank) => table[Math.min(Math.floor((255 * level[rank]) / end), 255)],
    marked: (rank) => session.isAlert(rank),
    lastMarked: lastAlert(session),
    mark: "diamond",
    top: "strangest",
    legend: {
      scale: { colours: RAMPS[theme()], low: "0 nats", high: `${natsText(end / LEVELS)} nats or more` },
      entries: [{ colour: RAMPS[theme()][4], text: "alert", shape: "diamond" }],
    },
  };
}

function byDecision(session: Session): Colours {
  const normal = packed(colour("blue-mark"));
  const alert = packed(colour("alert-mark"));
  return {
    colourOf: (rank) => (session.isAlert(rank) ? alert : normal),
    marked: (rank) => session.isAlert(rank),
    lastMarked: lastAlert(session),
    mark: "diamond",
    top: "strangest",
    legend: { scale: null, entries: [
      { colour: css(colour("blue-mark")), text: "not flagged", shape: "dot" },
      { colour: css(colour("alert-mark")), text: "alert", shape: "diamond" },
    ] },
  };
}

function byTruth(session: Session, truth: Uint8Array): Colours {
  const normal = packed(colour("blue-mark"));
  const anomaly = packed(colour("alert-mark"));
  const { summary } = session;
  return {
    colourOf: (rank) => (truth[rank] ? anomaly : normal),
    marked: (rank) => truth[rank] === 1,
    lastMarked: truth.length,
    mark: "cross",
    top: "strangest",
    legend: { scale: null, entries: [
      { colour: css(colour("blue-mark")), text: `labelled ${summary.truth?.normal ?? "normal"}`, shape: "dot" },
      { colour: css(colour("alert-mark")), text: "labelled otherwise", shape: "cross" },
    ] },
  };
}

function byColumn(column: Column, shades: Uint8Array): Colours {
  const { shade } = column;
  const special: [number, string, string][] = [[254, "never seen in training, or another value", css(colour("alert-mark"))], [255, "missing", css(colour("muted"))]];
  const palette = new Uint32Array(256);
  let legend: Legend;
  if (shade?.type === "number") {
    palette.set(ramp(RAMPS[theme()], 251));
    const [low, high] = [shade.edges[0] ?? "lowest", shade.edges.at(-1) ?? "highest"];
    legend = { scale: { colours: RAMPS[theme()], low, high }, entries: [] };
  } else {
    const names = CATEGORIES[theme()];
    const labels = shade?.type === "category" ? shade.labels : [];
    labels.forEach((_, code) => (palette[code] = packed(rgb(names[code % names.length]))));
    legend = { scale: null, entries: labels.map((text, code) => ({ colour: names[code % names.length], text, shape: "dot" })) };
  }
  for (const [code, text, tint] of special) {
    palette[code] = packed(rgb(tint));
    if (shades.includes(code)) legend.entries.push({ colour: tint, text, shape: "dot" });
  }
  return { colourOf: (rank) => palette[shades[rank]], marked: null, lastMarked: 0, mark: "diamond", top: "least strange", legend };
}

/** The number of leading rows among which all alerts are. */
function lastAlert(session: Session): number {
  return session.decision.prefix ?? session.rows.count;
}

function ramp(stops: string[], steps = 256): Uint32Array {
  const colours = stops.map(rgb);
  return Uint32Array.from({ length: steps }, (_, step) => {
    const place = (step / (steps - 1)) * (colours.length - 1);
    const first = Math.min(Math.floor(place), colours.length - 2);
    const share = place - first;
    const mixed = colours[first].map((value, channel) => Math.round(value + share * (colours[first + 1][channel] - value)));
    return packed(mixed as Rgb);
  });
}

function rgb(text: string): Rgb {
  const number = parseInt(text.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function packed([red, green, blue]: Rgb): number {
  return (blue << 16) | (green << 8) | red;
}

function css(channels: Rgb): string {
  return `#${channels.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** A row in a few words, for the line under the map. */
export function rowText(session: Session, rank: number): string {
  const detail = session.summary.details[rank];
  const reason = detail?.reasons[0];
  const column = reason ? cut(session.summary.columns[reason.c].name, 60) : "";
  const why = reason ? `; ${column}${reason.value === null ? "" : ` = ${cut(reason.value, 60)}`}` : "";
  const nats = session.rows.level[rank] / LEVELS;
  return `row ${countText(session.rows.number[rank])}: ${natsText(nats)} nats${session.isAlert(rank) ? ", alert" : ""}${why}`;
}

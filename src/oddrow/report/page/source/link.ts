// The state as the fragment of the page's address, so that a link shows the same selection.

import type { Area } from "./area";
import type { Window } from "./map_paint";
import type { Policy } from "./promise";
import { START, type Colouring, type SortKey, type State, type Store } from "./state";

const COLOURINGS: string[] = ["surprise", "decision", "truth", "column"];
const SORT_KEYS: string[] = ["surprise", "row", "kind", "verdict"];

/** The parts of the state that differ from the start, as a fragment without its sign. */
export function fragmentOf(state: State): string {
  const said = new URLSearchParams();
  const policy = policyText(state.policy);
  if (policy) said.set("policy", policy);
  if (state.kind >= 0) said.set("kind", String(state.kind));
  if (state.column >= 0) said.set("column", String(state.column));
  if (state.colour !== START.colour) said.set("colour", state.colour);
  if (state.shade >= 0) said.set("shade", String(state.shade));
  if (state.area) said.set("area", state.area.corners.join("_"));
  if (state.view) said.set("view", [state.view.left, state.view.low, state.view.right, state.view.high].join("_"));
  if (state.search) said.set("search", state.search);
  if (state.scope !== START.scope) said.set("show", state.scope);
  if (state.sort !== START.sort || state.down !== START.down) said.set("sort", `${state.sort}_${state.down ? "down" : "up"}`);
  if (state.page) said.set("page", String(state.page));
  if (state.open) said.set("row", String(state.open));
  return said.toString();
}

/** The state that a fragment describes; what it does not say, or says wrongly, is as at the start. */
export function stateOf(fragment: string, kinds: number, columns: number): State {
  const said = new URLSearchParams(fragment.replace(/^#/, ""));
  const [sort, direction] = (said.get("sort") ?? "").split("_");
  const colour = said.get("colour") ?? "";
  return {
    policy: policyOf(said.get("policy") ?? ""),
    kind: index(said.get("kind"), kinds),
    column: index(said.get("column"), columns),
    colour: COLOURINGS.includes(colour) ? (colour as Colouring) : START.colour,
    shade: index(said.get("shade"), columns),
    area: areaOf(said.get("area")),
    view: viewOf(said.get("view")),
    search: said.get("search") ?? "",
    scope: said.get("show") === "all" ? "all" : "alerts",
    sort: SORT_KEYS.includes(sort) ? (sort as SortKey) : START.sort,
    down: SORT_KEYS.includes(sort) ? direction !== "up" : START.down,
    page: Math.max(index(said.get("page"), Infinity), 0),
    open: Math.max(index(said.get("row"), Infinity), 0),
  };
}

function policyText(policy: Policy): string {
  switch (policy.kind) {
    case "given":
      return "";
    case "rate":
      return `rate_${policy.rate}`;
    case "budget":
      return `budget_${policy.alerts}`;
    case "level":
      return `level_${policy.level}`;
  }
}

function policyOf(text: string): Policy {
  const [kind, number] = text.split("_");
  const value = Number(number);
  if (number === undefined || !Number.isFinite(value)) return { kind: "given" };
  if (kind === "rate") return { kind, rate: value };
  if (kind === "budget") return { kind, alerts: value };
  if (kind === "level" && Number.isInteger(value) && value >= 0) return { kind, level: value };
  return { kind: "given" };
}

function areaOf(text: string | null): Area | null {
  const corners = (text ?? "").split("_").map(Number);
  return corners.length >= 6 && corners.length % 2 === 0 && corners.every(Number.isFinite) ? { corners } : null;
}

function viewOf(text: string | null): Window | null {
  const ends = (text ?? "").split("_").map(Number);
  const [left, low, right, high] = ends;
  return ends.length === 4 && ends.every(Number.isFinite) && left < right && low < high ? { left, low, right, high } : null;
}

function index(text: string | null, count: number): number {
  const value = Number(text ?? "-1");
  return text !== "" && Number.isInteger(value) && value >= 0 && value < count ? value : -1;
}

/** Keep the address and the state the same, in both directions. */
export function linkState(store: Store, kinds: number, columns: number): void {
  let written = fragmentOf(store.state);
  let timer = 0;
  store.follow((state) => {
    clearTimeout(timer);
    // browsers refuse a page that rewrites its address many times a second, as a moving slider would
    timer = setTimeout(() => {
      written = fragmentOf(state);
      try {
        history.replaceState(null, "", `#${written}`);
      } catch {
        // a browser may refuse it for a file: the page works without a link
      }
    }, 200);
  });
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) !== written) store.set(stateOf(location.hash, kinds, columns));
  });
}

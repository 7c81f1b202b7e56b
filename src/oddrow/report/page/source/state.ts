// What the reader has chosen, in one place: every panel draws from it, and a link can hold it.

import type { Area } from "./area";
import type { Window } from "./map_paint";
import type { Policy } from "./promise";

export type Colouring = "surprise" | "decision" | "truth" | "column";
export type SortKey = "surprise" | "row" | "kind" | "verdict";

export interface State {
  policy: Policy;
  /** index of the kind that everything is filtered by; -1 for none */
  kind: number;
  /** index of the column that everything is filtered by; -1 for none */
  column: number;
  colour: Colouring;
  /** index of the column that the map is coloured by */
  shade: number;
  area: Area | null;
  /** the part of the map in sight; null for the whole map */
  view: Window | null;
  search: string;
  scope: "alerts" | "all";
  sort: SortKey;
  down: boolean;
  page: number;
  /** number of the opened row, from 1; 0 for none */
  open: number;
}

export const START: State = {
  policy: { kind: "given" },
  kind: -1,
  column: -1,
  colour: "surprise",
  shade: -1,
  area: null,
  view: null,
  search: "",
  scope: "alerts",
  sort: "surprise",
  down: true,
  page: 0,
  open: 0,
};

export type Changed = (...keys: (keyof State)[]) => boolean;
type Listener = (state: State, changed: Changed) => void;

/** Holds the state; listeners are told which of its parts changed. */
export class Store {
  private listeners: Listener[] = [];

  constructor(public state: State) {}

  set(change: Partial<State>): void {
    const before = this.state;
    this.state = { ...before, ...change };
    const keys = (Object.keys(change) as (keyof State)[]).filter((key) => before[key] !== this.state[key]);
    if (keys.length) this.tell((...asked) => asked.some((key) => keys.includes(key)));
  }

  /** Call the listener now and after every change. */
  follow(listener: Listener): void {
    this.listeners.push(listener);
    listener(this.state, () => true);
  }

  private tell(changed: Changed): void {
    for (const listener of this.listeners) listener(this.state, changed);
  }
}

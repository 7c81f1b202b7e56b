// What Python writes into the file and the page reads; src/oddrow/report documents the same fields.

export interface Summary {
  format: "oddrow-report";
  version: number;
  id: string;
  made: string;
  oddrow: string;
  title: string;
  table: { name: string; rows: number; scored: number; columns: number; ids: string[] };
  valuesHidden: boolean;
  notes: string[];
  policy: {
    kind: string;
    words: string;
    command: string;
    python: string;
    promise: string;
    note: string | null;
    alerts: number;
    threshold: number | null;
    prefix: number | null;
    commandTemplate?: string;
  };
  calibration: Calibration;
  truth: { column: string; normal: string; anomalies: number; figures: Figure[] } | null;
  map: { axes: [string, string]; low: [number, number]; high: [number, number]; outside: number; outsideSides: string };
  columns: Column[];
  details: Detail[];
  kinds: Kind[];
  cells: { columns: string[]; rows: number; values: Cell[][] };
  normalRows: { columns: string[]; values: Cell[][] };
  model: Model;
}

export type Cell = string | null;

export interface Figure {
  name: string;
  value: string;
}

export interface Calibration {
  rows: number;
  worth: number | null;
  source: string;
  rowsText: string;
  after: string;
}

export interface Column {
  name: string;
  kind: string;
  note: string | null;
  shade: { type: "number"; edges: string[] } | { type: "category"; labels: string[] } | null;
  distribution: Distribution | null;
  missing: { normal: number; current: number };
  unseen: number;
  brings: number;
  change: string | null;
}

export interface Distribution {
  labels: string[];
  normal: number[];
  current: number[];
  alerts: number[];
}

export interface Detail {
  p: number;
  surprise: number;
  kind: number;
  reasons: Reason[];
  combination: number;
  other: number;
  nearest: number[];
}

export interface Reason {
  c: number;
  nats: number;
  value: Cell;
  expected: Cell;
  usual: Cell;
  place: number | null;
}

export interface Kind extends KindKey {
  sentence: string;
  /** the number of rows with reasons of this kind */
  count: number;
  typical: number;
  brings: number;
}

/** What identifies a kind: a file of verdicts has the same, with names of columns instead of indices. */
export interface KindKey {
  /** the column of the leading reason; -1 for the row as a whole */
  column: number;
  direction: string;
  value: string | null;
  /** the second reason, which refines the kind */
  also?: { column: number; direction: string } | null;
}

export interface Model {
  name: string | null;
  hash: string | null;
  trainingRows: number;
  settings: Figure[];
  health: { sentence: string; diagnoses: string[] };
  curve: {
    step: number[];
    training: number[];
    heldOut: number[];
    reconstruction: number[];
    kl: number[];
    best: number;
  } | null;
  calibrationPlot: { expected: number[]; observed: number[]; low: number[]; high: number[]; sentence: string } | null;
}

"""The frozen values of a triage report: what the page shows, computed once, without any layout.

The names of the fields, in camel case, are the names in the JSON that the page reads (``page/source/contract.ts``).
All texts are plain English for a reader; nothing is escaped, since the page only ever shows them as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy.typing as npt

from oddrow.report._alert_kinds import AlertKind

Block: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Figure:
    """A fact with its name, both as text."""

    name: str
    value: str


@dataclass(frozen=True)
class TableFacts:
    """The table: its name, its rows, those with a score, the columns that the model reads, and the columns of ids."""

    name: str
    rows: int
    scored: int
    columns: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class PolicyFacts:
    """The policy that decided, and its decision.

    Attributes
    ----------
    kind, words : name of the policy, and its meaning
    command, python : how to decide so again
    promise, note : of the decision, in words
    alerts : number of flagged rows
    threshold : nats; None if no surprise is high enough
    prefix : number of the strangest rows that are flagged; None if the flagged rows are not the strangest ones
    command_template : ``command`` with ``{policy}`` in place of the options that choose the policy
    """

    kind: str
    words: str
    command: str
    python: str
    promise: str
    note: str | None
    alerts: int
    threshold: float | None
    prefix: int | None
    command_template: str


@dataclass(frozen=True)
class CalibrationFacts:
    """The rows from which promises are estimated.

    Attributes
    ----------
    rows, worth : their number, and that of independent rows that say as much; None if they are independent
    source : how they were kept apart from training
    rows_text, after : what a promise says about them, and what it adds at its end
    """

    rows: int
    worth: float | None
    source: str
    rows_text: str
    after: str


@dataclass(frozen=True)
class TruthFacts:
    """The labels of the rows: their column, its value for normal rows, the number of anomalies, and figures."""

    column: str
    normal: str
    anomalies: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class MapFacts:
    """The window of the latent map, and how many rows lie outside it."""

    axes: tuple[str, str]
    low: tuple[float, float]
    high: tuple[float, float]
    outside: int
    outside_sides: str


@dataclass(frozen=True)
class Shade:
    """What the codes of a shade mean: quantiles of a number at codes 0, 50 ... 250, or the names of a category."""

    type: str
    edges: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Distribution:
    """Shares of the rows with a value in each bar: of normal rows, of the table's rows, and of its alerts."""

    labels: tuple[str, ...]
    normal: tuple[float, ...]
    current: tuple[float, ...]
    alerts: tuple[float, ...]


@dataclass(frozen=True)
class MissingShares:
    """Shares of rows without a value."""

    normal: float
    current: float


@dataclass(frozen=True)
class ColumnFacts:
    """One column of the model, see :class:`oddrow.report._column_changes.ColumnComparison`."""

    name: str
    kind: str
    note: str | None
    shade: Shade | None
    distribution: Distribution | None
    missing: MissingShares
    unseen: float
    brings: float
    change: str | None


@dataclass(frozen=True)
class DetailReason:
    """One reason of a row: the index of its column, its nats, texts, and the bar of its value in the distribution."""

    c: int
    nats: float
    value: str | None
    expected: str | None
    usual: str | None
    place: int | None


@dataclass(frozen=True)
class Detail:
    """Why one row is strange. The nats of reasons, ``combination`` and ``other`` add up to the surprise.

    Attributes
    ----------
    p, surprise : p-value, and surprise in nats
    kind : index of its kind of alerts; -1 for none
    reasons : the strongest first
    combination, other : nats that belong to no single column, and those of all other columns
    nearest : indices of the nearest normal rows
    """

    p: float
    surprise: float
    kind: int
    reasons: tuple[DetailReason, ...]
    combination: float
    other: float
    nearest: tuple[int, ...]


@dataclass(frozen=True)
class Cells:
    """Cells as text, ``values[column][row]``, None where a value is missing."""

    columns: tuple[str, ...]
    values: tuple[tuple[str | None, ...], ...]
    rows: int = 0


@dataclass(frozen=True)
class HealthFacts:
    """How the fit went: a sentence, and the faults that were found."""

    sentence: str
    diagnoses: tuple[str, ...]


@dataclass(frozen=True)
class CurveFacts:
    """Losses in nats per row at each check of the fit; a loss that was not finite is None."""

    step: tuple[int, ...]
    training: tuple[float | None, ...]
    held_out: tuple[float | None, ...]
    reconstruction: tuple[float | None, ...]
    kl: tuple[float | None, ...]
    best: int


@dataclass(frozen=True)
class CalibrationPlot:
    """Share of the rows with at most a p-value, with the band in which 95 % of tables of normal rows lie."""

    expected: tuple[float, ...]
    observed: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    sentence: str


@dataclass(frozen=True)
class ModelFacts:
    """The model: its file, what it learned from, its settings, its health and its calibration."""

    name: str | None
    hash: str | None
    training_rows: int
    settings: tuple[Figure, ...]
    health: HealthFacts
    curve: CurveFacts | None
    calibration_plot: CalibrationPlot | None


@dataclass(frozen=True, eq=False)
class TriageSummary:
    """What a triage report shows. Rows are in the order of their surprise, the strangest first, ties by row number.

    Attributes
    ----------
    id : hash of the table's name, its rows' scores and the model: verdicts belong to it
    made, oddrow, title : time, version, heading
    table, policy, calibration, truth, map, columns, kinds, model : the facts of each part
    details : of the strangest rows; ``details[i]`` is that of the row of rank i
    cells, normal_rows : cells of the strangest rows, and of the normal rows that details name
    values_hidden : whether no value of the table is in the report
    notes : sentences about the whole report
    blocks : arrays by name: ``row`` (numbers from 1), ``level``, ``x``, ``y``, ``calibration``, ``above``, ``low``,
        ``high``, and where there are some ``truth``, ``flagged`` and ``shade-K`` of column K
    """

    id: str
    made: str
    oddrow: str
    title: str
    table: TableFacts
    values_hidden: bool
    notes: tuple[str, ...]
    policy: PolicyFacts
    calibration: CalibrationFacts
    truth: TruthFacts | None
    map: MapFacts
    columns: tuple[ColumnFacts, ...]
    details: tuple[Detail, ...]
    kinds: tuple[AlertKind, ...]
    cells: Cells
    normal_rows: Cells
    model: ModelFacts
    blocks: Mapping[str, Block] = field(repr=False)

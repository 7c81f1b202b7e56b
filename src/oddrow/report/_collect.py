"""A triage report of a table by a fitted model: everything is computed here, and the page only shows it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import SettingError
from oddrow.explanation import Explanation, explain_scored
from oddrow.fitted import FittedModel
from oddrow.metrics import detection_metrics
from oddrow.policies import Policy
from oddrow.report._alert_kinds import alert_kinds
from oddrow.report._column_changes import ColumnComparison, brought, compare_columns
from oddrow.report._details import (
    MAX_DETAILS,
    MAX_LETTERS,
    MAX_REASONS,
    Shortening,
    cells_of,
    details_of,
    shown_columns,
)
from oddrow.report._model_facts import model_facts, truth_figures
from oddrow.report._nearest_rows import NearestRows, nearest_rows
from oddrow.report._packing import packed
from oddrow.report._policy_facts import PLACE, policy_facts
from oddrow.report._promise_blocks import calibration_facts, promise_blocks
from oddrow.report._scored_rows import ScoredRows, Strangest, score_rows, strangest
from oddrow.report._summary import MapWindow
from oddrow.report._triage import (
    Block,
    Cells,
    ColumnFacts,
    Distribution,
    MapFacts,
    MissingShares,
    Shade,
    TableFacts,
    TriageSummary,
    TruthFacts,
)
from oddrow.table import split_label

GRID: Final = 65_535
"""The largest coordinate of the latent map."""
COARSE_ROWS: Final = 100_000
"""Number of rows from which coordinates have 12 bits instead of 16, which no screen tells apart."""
SIDES: Final = {"<": "to the left", ">": "to the right", "v": "below", "^": "above"}


@dataclass(frozen=True)
class ReportOptions:
    """What a report is told besides the model and the table.

    Attributes
    ----------
    table_name, title : of the table, and of the report; the title is by default the table's name
    label, normal : the column of labels, and its value for normal rows; None without labels
    ids : columns that name a row; they are shown, also if the model does not know them
    has_values : whether values of the table are shown
    policy : the policy that decides; None for the model's own
    model_name, model_hash : name and SHA-256 of the model's file; None without a file
    settings : settings of the fit that the model does not hold, by name
    command : a command line with ``{policy}`` where the options of a policy go
    made : the time; None for now
    """

    table_name: str = "table"
    title: str | None = None
    label: str | None = None
    normal: str | None = None
    ids: Sequence[str] = ()
    has_values: bool = True
    policy: Policy | None = None
    model_name: str | None = None
    model_hash: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    command: str = f"oddrow decide MODEL {PLACE}"
    made: dt.datetime | None = None


def triage(
    model: FittedModel,
    table: pa.Table,
    options: ReportOptions | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> TriageSummary:
    """Score a table, and return all that a report shows.

    Parameters
    ----------
    model, table
        The model, and the rows [n, ...] as an Arrow table.
    options
        See :class:`ReportOptions`.
    on_progress
        Called as ``on_progress(rows_done, rows_in_all)`` while rows are scored.

    Raises
    ------
    SettingError
        If there is no column of an id.
    DataError
        If there is no such label, or no row has its value for normal rows.
    SchemaMismatchError
        If the model cannot score a row.
    """
    options = options or ReportOptions()
    for name in options.ids:
        if name not in table.column_names:
            raise SettingError(f"the table has no column {name!r} to show as an id; it has {table.column_names[:8]}")
    is_normal = None
    if options.label is not None:
        labelled = split_label(table, options.label, options.normal or "")
        table, is_normal = labelled.table, labelled.is_normal
    rows = score_rows(model, table, options.policy, on_progress)
    return summary_of(model, rows, None if is_normal is None else is_normal[rows.row], options)


def summary_of(
    model: FittedModel, rows: ScoredRows, is_normal: npt.NDArray[np.bool_] | None, options: ReportOptions
) -> TriageSummary:
    """Return the summary of scored rows; ``is_normal`` bool [m] are their labels, None without labels."""
    first = strangest(model, rows, MAX_DETAILS)
    explanations = explain_scored(model, first.table, first.encoded, first.scored, first.decision, MAX_REASONS)
    kinds = alert_kinds(model, first.table, explanations, has_values=options.has_values)
    nearest = nearest_rows(model, first.encoded) if options.has_values else _no_neighbours(first)
    columns = _columns(model, rows, first, has_values=options.has_values)
    shortened = Shortening()
    names = model.encoding.names
    details = details_of(explanations, names, kinds, nearest, columns, shortened, has_values=options.has_values)
    cells = _cells(model, rows, first, explanations, shortened, options)
    map_blocks, map_facts = _map(rows)
    blocks: dict[str, Block] = {
        "row": (rows.row[rows.order] + 1).astype(np.uint32),
        **promise_blocks(rows, model.calibration),
        **map_blocks,
    }
    if is_normal is not None:
        blocks["truth"] = (~is_normal[rows.order]).astype(np.uint8)
    if rows.prefix is None:
        blocks["flagged"] = rows.decision.is_odd[rows.order].astype(np.uint8)
    shades = _shades(rows, columns)
    return TriageSummary(
        id=_identity(rows, options),
        made=_time(options.made),
        oddrow=_version(),
        title=options.title or options.table_name,
        table=TableFacts(options.table_name, rows.n_rows, len(rows.row), len(names), tuple(options.ids)),
        values_hidden=not options.has_values,
        notes=_notes(model, rows, shortened, options),
        policy=policy_facts(rows, options.command),
        calibration=calibration_facts(model.calibration),
        truth=_truth(rows, is_normal, options),
        map=map_facts,
        columns=tuple(_column_facts(column, index in shades) for index, column in enumerate(columns)),
        details=details,
        kinds=kinds.kinds,
        cells=cells,
        normal_rows=Cells(
            tuple(names[column] for column in nearest.columns),
            tuple(tuple(map(shortened, values)) for values in nearest.values),
            len(nearest.values[0]) if nearest.values else 0,
        ),
        model=model_facts(
            model,
            rows,
            is_normal,
            name=options.model_name,
            digest=options.model_hash,
            settings=options.settings,
        ),
        blocks=blocks | {f"shade-{index}": block for index, block in shades.items()},
    )


def _no_neighbours(first: Strangest) -> NearestRows:
    return NearestRows((), (), ((),) * len(first.index))


def _columns(
    model: FittedModel, rows: ScoredRows, first: Strangest, *, has_values: bool
) -> tuple[ColumnComparison, ...]:
    alerts = rows.decision.is_odd if rows.n_alerts else np.isin(np.arange(len(rows.row)), first.index)
    brings = brought(rows.scored.column_part[alerts], rows.scored.surprise[alerts])
    calibration = model.calibration
    return compare_columns(
        model,
        rows.table,
        rows.novelty,
        rows.decision.is_odd,
        brings,
        explained=first.index,
        shaded=set(np.argsort(-brings, kind="stable")[:MAX_SHADES].tolist()),
        worth=min(calibration.n_independent / calibration.n_rows, 1.0),
        has_values=has_values,
    )


MAX_SHADES: Final = 24
SHADE_BYTES_A_ROW = 3.4
SHADE_BYTES = 150_000


def _shades(rows: ScoredRows, columns: Sequence[ColumnComparison]) -> dict[int, Block]:
    """Return the shades of columns by their index, those that bring most to the alerts first, within the budget."""
    room = SHADE_BYTES + SHADE_BYTES_A_ROW * len(rows.row)
    shades: dict[int, Block] = {}
    for index in sorted(range(len(columns)), key=lambda index: -columns[index].brings):
        shade = columns[index].shade
        if shade is None:
            continue
        codes = shade.codes[rows.order]
        room -= len(packed(codes.tobytes()))
        if room < 0:
            break
        shades[index] = codes
    return shades


def _column_facts(column: ColumnComparison, has_shade: bool) -> ColumnFacts:
    shade = None
    if has_shade and column.shade is not None:
        if column.shade.edges:
            shade = Shade("number", edges=column.shade.edges)
        else:
            shade = Shade("category", labels=column.shade.labels)
    shares = (_rounded(one) for one in (column.normal, column.current, column.alerts))
    return ColumnFacts(
        column.name,
        column.kind,
        column.note or None,
        shade,
        Distribution(column.labels, *shares) if column.labels else None,
        MissingShares(*_rounded((column.missing_normal, column.missing_current))),
        column.unseen,
        column.brings,
        column.change,
    )


def _rounded(shares: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{share:.5g}") for share in shares)


def _cells(
    model: FittedModel,
    rows: ScoredRows,
    first: Strangest,
    explanations: Sequence[Explanation],
    shortened: Shortening,
    options: ReportOptions,
) -> Cells:
    if not options.has_values:
        return Cells((), ())
    read = {name: column.reads for name, column in zip(model.encoding.names, model.encoding.schema.used, strict=True)}
    sources = [name for name in rows.users.column_names if name in set(model.sources)]
    reasons = (source for row in explanations for reason in row.reasons for source in read[reason.column])
    shown = shown_columns(sources, options.ids, reasons, len(first.index))
    return cells_of(rows.users.select(list(shown)).take(pa.array(first.index)), shown, shortened)


def _map(rows: ScoredRows) -> tuple[dict[str, Block], MapFacts]:
    """Return the coordinates of the rows on the latent map, and its window."""
    points = rows.latent_map
    axes = ("first direction of the latent space", "second direction of the latent space")
    if not len(points):
        nothing = np.zeros(0, np.uint16)
        return {"x": nothing, "y": nothing}, MapFacts(axes, (0.0, 0.0), (1.0, 1.0), 0, "")
    window = MapWindow.around(points, bulk=~rows.decision.is_odd)
    sides = window.sides(points)
    counts = {words: int(np.sum(sides == side)) for side, words in SIDES.items()}
    inside = np.clip((points[rows.order] - window.low) / (window.high - window.low), 0.0, 1.0)
    step = 16 if len(points) > COARSE_ROWS else 1
    grid = np.minimum(np.rint(inside * (GRID // step)) * step, GRID).astype(np.uint16)
    grid[inside == 1.0] = GRID
    facts = MapFacts(
        axes,
        (float(window.low[0]), float(window.low[1])),
        (float(window.high[0]), float(window.high[1])),
        sum(counts.values()),
        ", ".join(f"{count:,} {words}" for words, count in counts.items() if count),
    )
    return {"x": grid[:, 0].copy(), "y": grid[:, 1].copy()}, facts


def _truth(rows: ScoredRows, is_normal: npt.NDArray[np.bool_] | None, options: ReportOptions) -> TruthFacts | None:
    if is_normal is None or options.label is None:
        return None
    figures = (
        truth_figures(detection_metrics(~is_normal, rows.scored.surprise, rows.decision.is_odd))
        if len(is_normal)
        else ()
    )
    return TruthFacts(options.label, options.normal or "", int(np.sum(~is_normal)), figures)


def _notes(model: FittedModel, rows: ScoredRows, shortened: Shortening, options: ReportOptions) -> tuple[str, ...]:
    notes = [f"{column.name}: {column.note}" for column in model.encoding.schema.columns if column.note]
    unknown = [name for name in model.unknown(rows.users) if name not in options.ids]
    if unknown:
        shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
        notes.append(f"columns that the model does not know are ignored: {shown}")
    if len(rows.row) > MAX_DETAILS:
        notes.append(f"reasons are given for the strangest {MAX_DETAILS:,} of the {len(rows.row):,} rows")
    if shortened.count:
        notes.append(f"values longer than {MAX_LETTERS} characters are cut; they end in an ellipsis")
    return tuple(notes)


def _identity(rows: ScoredRows, options: ReportOptions) -> str:
    content = hashlib.sha256(f"{options.table_name}\n{rows.n_rows}\n{options.model_hash}\n".encode("utf-8", "replace"))
    content.update(rows.row.tobytes())
    content.update(rows.scored.surprise.tobytes())
    return content.hexdigest()[:32]


def _time(made: dt.datetime | None) -> str:
    return f"{made or dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _version() -> str:
    from importlib.metadata import version

    return version("oddrow")

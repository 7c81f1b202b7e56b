"""A triage report of a table by a fitted model: everything is computed here, and the page only shows it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow._collector import collector_paused
from oddrow.columns import EncodedTable
from oddrow.exceptions import SettingError
from oddrow.explanation import Explanation
from oddrow.fitted import FittedModel
from oddrow.metrics import detection_metrics
from oddrow.policies import Decision, Policy
from oddrow.report._alert_kinds import alert_kinds
from oddrow.report._byte_budget import CELLS, LATER_DETAILS, NORMAL_ROWS, allowed, bytes_of
from oddrow.report._column_facts import column_facts, compared
from oddrow.report._details import (
    FEWER_REASONS,
    FULL_DETAILS,
    MAX_DETAILS,
    MAX_LETTERS,
    MAX_REASONS,
    ExplainedRows,
    Shortening,
    all_details,
    cells_of,
    normal_cells,
    shown_columns,
)
from oddrow.report._distribution_bars import HIDDEN
from oddrow.report._model_facts import model_facts, truth_figures
from oddrow.report._nearest_rows import NearestRows, nearest_rows
from oddrow.report._policy_facts import PLACE, policy_facts
from oddrow.report._promise_blocks import calibration_facts
from oddrow.report._row_blocks import row_blocks, shades_of
from oddrow.report._scored_rows import Indices, ScoredRows, explained, score_folds, score_rows
from oddrow.report._triage import Cells, Figure, TableFacts, TriageSummary, TruthFacts
from oddrow.surprise import Surprise
from oddrow.table import split_label


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
    table, is_normal = _without_label(table, options)
    rows = score_rows(model, table, options.policy, on_progress)
    return summary_of(rows, None if is_normal is None else is_normal[rows.row], options)


def triage_of_folds(
    models: Sequence[FittedModel],
    fold: Indices,
    table: pa.Table,
    decide: Callable[[Surprise], Decision],
    options: ReportOptions | None = None,
) -> TriageSummary:
    """Score each row of a table [n, ...] by the model of its fold, int [n], and return all that a report shows.

    ``decide`` returns the decision on the scored rows. The first model's calibration, health and map stand for all.

    Raises
    ------
    SettingError, DataError, SchemaMismatchError
        As :func:`triage`.
    """
    options = options or ReportOptions()
    table, is_normal = _without_label(table, options)
    return summary_of(score_folds(models, fold, table, decide), is_normal, options)


def _without_label(table: pa.Table, options: ReportOptions) -> tuple[pa.Table, npt.NDArray[np.bool_] | None]:
    """Return the table without its label, and which rows are normal, bool [n]; None without a label."""
    for name in options.ids:
        if name not in table.column_names:
            raise SettingError(f"the table has no column {name!r} to show as an id; it has {table.column_names[:8]}")
        if name == options.label:
            raise SettingError(
                f"{name!r} is the column of labels, which the report shows by itself; leave it out of ids"
            )
    if options.label is None:
        return table, None
    if not table.num_rows:
        return table.drop_columns([options.label]), np.zeros(0, np.bool_)
    labelled = split_label(table, options.label, options.normal or "")
    return labelled.table, labelled.is_normal


@collector_paused()
def summary_of(rows: ScoredRows, is_normal: npt.NDArray[np.bool_] | None, options: ReportOptions) -> TriageSummary:
    """Return the summary of scored rows; ``is_normal`` bool [m] are their labels, None without labels."""
    model, has_values = rows.model, options.has_values
    strangest = rows.order[:MAX_DETAILS]
    table = rows.table.take(pa.array(strangest))
    encoded = model.encoding.encode(table)
    first, later = np.split(np.arange(len(strangest)), [FULL_DETAILS])
    explanations = [
        *explained(rows, strangest[first], encoded.take(first), MAX_REASONS),
        *explained(rows, strangest[later], encoded.take(later), FEWER_REASONS),
    ]
    kinds = alert_kinds(model, table, explanations, encoded, has_values=has_values)
    columns = compared(rows, strangest, has_values=has_values)
    shortened = Shortening()
    names = model.encoding.names
    n_rows = len(rows.row)
    nearest = _nearest(model, encoded, shortened, allowed(NORMAL_ROWS, n_rows), has_values=has_values)
    known = ExplainedRows(explanations, names, kinds, nearest, columns, has_values)
    details = all_details(known, shortened, allowed(LATER_DETAILS, n_rows))
    cells = _cells(rows, strangest, explanations, shortened, options)
    blocks, map_facts = row_blocks(rows, model.calibration, is_normal)
    shades = shades_of(rows, columns)
    return TriageSummary(
        id=_identity(rows, options),
        made=_time(options.made),
        oddrow=_version(),
        title=options.title or options.table_name,
        table=TableFacts(options.table_name, rows.n_rows, n_rows, len(names), tuple(options.ids)),
        values_hidden=not has_values,
        notes=_notes(rows, len(details), shortened, options),
        policy=policy_facts(rows, options.command),
        calibration=calibration_facts(model.calibration),
        truth=_truth(rows, is_normal, options),
        map=map_facts,
        columns=tuple(column_facts(column, has_shade=index in shades) for index, column in enumerate(columns)),
        details=details,
        kinds=kinds.kinds,
        cells=cells,
        normal_rows=normal_cells(nearest, names, shortened),
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


def _nearest(
    model: FittedModel, encoded: EncodedTable, shortened: Shortening, most_bytes: int, *, has_values: bool
) -> NearestRows:
    """Return the nearest normal rows of as many of the strangest rows as the budget of bytes holds."""
    if not has_values:
        return NearestRows((), (), ((),) * len(encoded.rows))
    nearest = nearest_rows(model, encoded)
    size = bytes_of(normal_cells(nearest, model.encoding.names, shortened))
    if size <= most_bytes:
        return nearest
    n_cells = sum(map(len, nearest.values))
    return nearest.of_at_most(int(0.9 * n_cells * most_bytes / size))


def _cells(
    rows: ScoredRows,
    strangest: Indices,
    explanations: Sequence[Explanation],
    shortened: Shortening,
    options: ReportOptions,
) -> Cells:
    if not options.has_values:
        return Cells((), ())
    model = rows.model
    used = zip(model.encoding.names, model.encoding.schema.used, strict=True)
    read = {name: column.reads for name, column in used}
    known = set(model.sources)
    names = [name for name in rows.users.column_names if name in known]
    reasons = (source for row in explanations for reason in row.reasons for source in read[reason.column])
    shown = shown_columns(names, options.ids, reasons, len(strangest))
    table = rows.users.select(list(shown)).take(pa.array(strangest))
    return cells_of(table, shown, shortened, allowed(CELLS, len(rows.row)))


def _truth(rows: ScoredRows, is_normal: npt.NDArray[np.bool_] | None, options: ReportOptions) -> TruthFacts | None:
    if is_normal is None or options.label is None:
        return None
    normal = (options.normal or "") if options.has_values else HIDDEN
    figures: tuple[Figure, ...] = ()
    if len(is_normal):
        figures = truth_figures(detection_metrics(~is_normal, rows.scored.surprise, rows.decision.is_odd))
    return TruthFacts(options.label, normal, int(np.sum(~is_normal)), figures)


def _notes(rows: ScoredRows, n_details: int, shortened: Shortening, options: ReportOptions) -> tuple[str, ...]:
    model = rows.model
    notes = [column.note for column in model.encoding.schema.columns if column.note]
    unknown = [name for name in model.unknown(rows.users) if name not in options.ids]
    if unknown:
        shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
        notes.append(f"columns that the model does not know are ignored: {shown}")
    muted = rows.decision.muted
    for rule, count in () if muted is None else muted.counts:
        hidden = "1 alert is" if count == 1 else f"{count:,} alerts are"
        words = rule if options.has_values else "a kind of alerts (its values are left out)"
        notes.append(f"{hidden} hidden by a mute rule of the model: {words}")
    if muted is not None:
        notes.append(
            "the mute rules hold for the decision that this page begins with; another policy or threshold on this page "
            "counts hidden alerts too"
        )
    if len(rows.row) > n_details:
        notes.append(f"reasons are given for the strangest {n_details:,} of the {len(rows.row):,} rows")
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

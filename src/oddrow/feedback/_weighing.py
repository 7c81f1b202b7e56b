"""From verdicts on rows to weights of views and columns: the labelled rows are found, judged, and learned from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import DataError, SettingError
from oddrow.feedback._feedback import MAX_LABELS, Feedback, RowLabel
from oddrow.feedback._verdict_files import RowVerdict, VerdictFile
from oddrow.fitted import FittedModel
from oddrow.remedies import Advice, Setting, remedy
from oddrow.surprise import Reweighting, ScoreParts, ViewEvidence

CUT: Final = "\u2026"
"""Last character of a value that a report's page cut."""
MAX_DIFFERENCE: Final = 0.001
"""Largest difference, relative to 1 + nats, of the surprise of a row's values from that on the page."""
_Verdicts: TypeAlias = Sequence[tuple[VerdictFile, RowVerdict]]


@dataclass(frozen=True)
class ReportRows:
    """The rows that a model scored for the rows of the table of a report.

    Attributes
    ----------
    table : the rows [m]
    row : int64 [m], ascending, the row of the user's table at which each of them ends; None if they are its rows
    n_rows : number of rows of the user's table
    """

    table: pa.Table
    row: npt.NDArray[np.int64] | None
    n_rows: int

    def places(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the place among ``table`` of rows of the user's table; -1 for rows that were not scored."""
        if self.row is None:
            return rows
        at = np.minimum(np.searchsorted(self.row, rows), max(len(self.row) - 1, 0))
        is_there = self.row[at] == rows if len(self.row) else np.zeros(len(rows), np.bool_)
        return np.where(is_there, at, -1)


@dataclass(frozen=True)
class Weighed:
    """What verdicts on rows changed.

    Attributes
    ----------
    model : the model with its learned weights, and the labels in its feedback
    notes : sentences about verdicts that have no effect on weights
    """

    model: FittedModel
    notes: tuple[str, ...]


def weighed(
    model: FittedModel,
    feedback: Feedback,
    verdicts: _Verdicts,
    rows: ReportRows | None,
) -> Weighed:
    """Return a model whose weights are learned from all labelled rows, those of earlier feedback and new ones.

    Rows marked as real or as a false alarm are labelled; *unsure* takes an earlier label back. Labelled rows do not
    calibrate: a row that equals a remembered training row is left out, and calibration rows stay those of the fit.

    Parameters
    ----------
    model, feedback
        The model, and its feedback without the new verdicts on rows.
    verdicts
        The latest verdict on each row, with its file.
    rows
        The rows of the table of the report; None takes the values that the verdicts hold.

    Raises
    ------
    DataError
        If the table does not have the rows of the report, or the values of a row do not fit the model.
    SettingError
        If there are too many labelled rows, or verdicts on several reports with one table.
    """
    surprise_model = model.surprise_model
    labels = {(label.report, label.row): label.is_real for label in feedback.labels}
    known = surprise_model.reweighting
    parts = {} if known is None else dict(zip(labels, _each(known.learned_from), strict=True))
    for file, verdict in verdicts:
        labels.pop((file.report, verdict.row), None)
    new: _Verdicts = [(file, verdict) for file, verdict in verdicts if verdict.verdict != "unsure"]
    found, notes = _new_parts(model, new, rows) if new else ([], ())
    same = defaultdict(list)
    for key, own in parts.items():
        same[own.key].append(key)
    for (file, verdict), own in found:
        for key in same[own.key]:
            if key[0] != file.report:  # the same row, in a report of another model or of a copy of the table
                labels.pop(key, None)
        key = file.report, verdict.row
        same[own.key].append(key)
        labels[key], parts[key] = verdict.verdict == "real", own
    if len(labels) > MAX_LABELS:
        raise SettingError(
            f"{len(labels):,} labelled rows are more than the {MAX_LABELS:,} that a model can learn weights from; "
            "give fewer verdicts, or begin again from the model without learned weights"
        )
    return Weighed(_learned(model, feedback, labels, parts), tuple(notes))


def _new_parts(
    model: FittedModel, verdicts: _Verdicts, rows: ReportRows | None
) -> tuple[list[tuple[tuple[VerdictFile, RowVerdict], ScoreParts]], Sequence[str]]:
    """Return verdicts with the parts of their rows, the earliest first, and notes on those without effect."""
    judge, calibrating = model.surprise_model.evidence_model, model.surprise_model.parts
    lost = f"{_count(len(verdicts))} changed no weights"
    if not isinstance(judge, ViewEvidence):
        return [], [f"{lost}: the model's score is the error of its reconstruction, so it has no views to weigh"]
    if calibrating is None:
        return [], [
            f"{lost}: the model's file is of an earlier version of oddrow, which kept no parts of scores; fit it again"
        ]
    by_time = sorted(verdicts, key=lambda one: (one[1].at, one[0].report, one[1].row))
    kept, table, notes = _of_values(model, by_time) if rows is None else _of_table(by_time, rows)
    if not kept:
        return [], notes
    encoded = model.encoding.encode(table)
    _, parts = judge.parts(judge.views.of(encoded))
    calibrated = {one.key for one in _each(calibrating)}
    each = _each(parts)
    is_known = judge.views.basis.normal_rows.holds(encoded.rows) | np.array([one.key in calibrated for one in each])
    if is_known.any():
        fitted = "the rows equal rows that the model was fitted to or calibrated by, so they are no new evidence"
        notes = [*notes, f"{_count(int(is_known.sum()))} changed no weights: {fitted}"]
    return [(one, own) for one, own, known in zip(kept, each, is_known.tolist(), strict=True) if not known], notes


def _learned(
    model: FittedModel,
    feedback: Feedback,
    labels: Mapping[tuple[str, int], bool],
    parts: Mapping[tuple[str, int], ScoreParts],
) -> FittedModel:
    keys = sorted(labels)  # so that the order of verdicts has no effect
    feedback = replace(feedback, labels=tuple(RowLabel(*key, labels[key]) for key in keys))
    reweighting, judge = None, model.surprise_model.evidence_model
    if keys:
        assert isinstance(judge, ViewEvidence)  # noqa: S101 - others have no labels
        is_real = np.array([labels[key] for key in keys])
        scales = judge.scales
        rows = ScoreParts.joined([parts[key] for key in keys])
        reweighting = Reweighting.learn(rows, is_real, scales.weights, scales.constants.power)
    if reweighting is None and model.surprise_model.reweighting is None:
        return replace(model, feedback=feedback)
    surprise_model = model.surprise_model.reweighted(reweighting)
    model.policy.promise(surprise_model.calibration)  # raises an error if fewer calibration rows cannot support it
    return replace(model, feedback=feedback, surprise_model=surprise_model)


def _of_table(verdicts: _Verdicts, rows: ReportRows) -> tuple[_Verdicts, pa.Table, list[str]]:
    """Return the verdicts whose rows were scored, these rows of the table, and a note if there are others."""
    _check_table(verdicts, rows)
    places = rows.places(np.array([verdict.row for _, verdict in verdicts]) - 1)
    kept = [one for one, place in zip(verdicts, places.tolist(), strict=True) if place >= 0]
    n_lost = len(verdicts) - len(kept)
    notes = [f"{_count(n_lost)} changed no weights: their rows have no score"] if n_lost else []
    return kept, rows.table.take(pa.array(places[places >= 0])), notes


def _of_values(model: FittedModel, verdicts: _Verdicts) -> tuple[_Verdicts, pa.Table, list[str]]:
    """Return the verdicts that hold the values of their rows, these rows, and a note if there are others.

    The page rounds numbers, which changes a row where exact values matter, so its surprise must be that on the page.
    """
    kept = [one for one in verdicts if _has_values(model, one[1])]
    texts = [verdict.values or {} for _, verdict in kept]
    columns = {name: pa.array([text.get(name) for text in texts], pa.string()) for name in model.encoding.sources}
    table = pa.table(columns)
    if kept:
        seen = np.array([np.nan if verdict.surprise is None else verdict.surprise for _, verdict in kept])
        of_fit = replace(model, surprise_model=model.surprise_model.reweighted(None))
        # the report may be that of the model before all verdicts
        apart = [np.abs(one.score(table).surprise - seen) for one in (model, of_fit)]
        is_same = ~(np.minimum(*apart) > MAX_DIFFERENCE * (1.0 + seen))
        kept = [one for one, same in zip(kept, is_same.tolist(), strict=True) if same]
        table = table.filter(pa.array(is_same))
    n_lost = len(verdicts) - len(kept)
    if not n_lost:
        return kept, table, []
    lost = (
        f"{_count(n_lost)} changed no weights: the values of the rows are not, or not exactly, in the file of verdicts"
    )
    return kept, table, [Advice(lost, remedy("give the report's table as well, with ", Setting("rows")))]


def _has_values(model: FittedModel, verdict: RowVerdict) -> bool:
    """Whether a verdict holds the whole row."""
    values = verdict.values
    if values is None or model.preparation is not None or not values.keys() >= set(model.encoding.sources):
        return False
    return not any((values[name] or "").endswith(CUT) for name in model.encoding.sources)


def _check_table(verdicts: _Verdicts, rows: ReportRows) -> None:
    reports = {file.report: file for file, _ in verdicts}
    if len(reports) > 1:
        raise SettingError(
            f"the verdicts are on {len(reports)} reports, and one table was given; give the verdicts on one report and "
            "its table at a time"
        )
    for file, verdict in verdicts:
        if file.table.rows != rows.n_rows or verdict.row > rows.n_rows:
            raise DataError(
                f"{file.name}: its report is about a table of {file.table.rows:,} rows, and the given table has "
                f"{rows.n_rows:,}; give the table of the report"
            )


def _each(parts: ScoreParts) -> list[ScoreParts]:
    return [parts.take(np.array([place])) for place in range(len(parts))]


def _count(number: int) -> str:
    return f"{number:,} verdict{'' if number == 1 else 's'} on rows"

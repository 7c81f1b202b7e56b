"""The methods of a detector that take verdicts into account. Each function is a method of both estimators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from oddrow.container import digest
from oddrow.detector._detector import DetectorT, decide_by
from oddrow.detector._scored_rows import RowsToScore
from oddrow.detector._tables import table_to_score
from oddrow.exceptions import SettingError
from oddrow.feedback import (
    Feedback,
    Learned,
    ReportRows,
    checked_up_to,
    expiry,
    learned,
    read_verdicts,
    verdicts_on_rows,
)
from oddrow.fitted import FittedModel

Verdicts: TypeAlias = str | Path | Mapping[str, Any] | Mapping[int, str]
"""A file of verdicts, as the page of a report exports it, the object that it holds, or verdicts by index of the row."""


def with_feedback(
    self: DetectorT,
    verdicts: Verdicts | Sequence[Verdicts],
    rows: Any = None,
    *,
    expires: dt.date | str | None = None,
    up_to: float | None = None,
    model_hash: str | None = None,
    weighs: bool = True,
) -> DetectorT:
    """Return a detector that takes verdicts into account; this one is unchanged, and no network is fitted.

    Each kind of alerts that is marked as a false alarm becomes a mute rule: a row with this leading reason is not odd,
    and the decision says by which rule. From the rows that are marked as real or as a false alarm, the weights of views
    and columns are learned, and the scores are calibrated anew with them, by the calibration rows of the fit.
    ``detector.model_.feedback`` holds rules and labels.

    Parameters
    ----------
    verdicts
        One or several files of verdicts, as the page of a report exports them, or the objects that they hold; or a
        mapping from the index of a row of ``rows`` to "real", "false alarm" or "unsure". Of several verdicts on one row
        or one kind, the latest counts.
    rows
        The table of the report, as ``detector.surprise`` takes it. None takes the values in the files of verdicts,
        which a report without values does not have.
    expires
        The last day, in UTC, on which the new rules are in force, as a date or as "2027-01-31"; None: they stay.
    up_to
        The largest surprise, in nats, of a row whose alert a new rule hides; None: every row of its kind.
    model_hash
        SHA-256 of the model file to which the verdicts must belong; None does not check it, apart from the columns.
    weighs
        Whether weights are learned from verdicts on rows; without it, all scores stay as they are.

    Raises
    ------
    DataError
        If a file of verdicts cannot be read, has a wrong value, belongs to another model or another table, or names an
        unknown column.
    SettingError
        If ``expires`` is no date or ``up_to`` no number of nats, if there are no verdicts or too many rules or labels,
        or if the calibration with learned weights, which has at most 10,000 rows, cannot support the policy.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(500, 2))
    >>> detector = oddrow.VAEDetector(random_state=0).fit(rows)
    >>> kind = {"column": "x0", "direction": "above", "value": None}
    >>> verdicts = {
    ...     "format": "oddrow-verdicts", "version": 1, "report": "r", "model": None,
    ...     "table": {"name": "t", "rows": 500}, "verdicts": [],
    ...     "kinds": [kind | {"verdict": "false alarm", "note": "", "at": "2026-11-28T09:00:00Z"}],
    ... }
    >>> muted = detector.with_feedback(verdicts)
    >>> muted.model_.feedback.rules[0].words
    'x0 too high as the leading reason'
    >>> muted.predict([[9.0, 0.0], [-9.0, 0.0]]), detector.predict([[9.0, 0.0], [-9.0, 0.0]])
    (array([ 1, -1]), array([-1, -1]))

    A row with a high first value is marked as a false alarm, and one with a high second value as real:

    >>> new = np.array([[4.0, 0.0], [0.0, 4.0], [4.1, 0.1], [0.1, 4.1]])
    >>> weighed = detector.with_feedback({0: "false alarm", 1: "real"}, new)
    >>> before, after = detector.surprise(new), weighed.surprise(new)
    >>> (after[3] - after[2] > before[3] - before[2]).item()
    True
    """
    changed, _ = feedback_taken(
        self, verdicts, rows, expires=expires, up_to=up_to, model_hash=model_hash, weighs=weighs
    )
    return changed


def feedback_taken(
    self: DetectorT,
    verdicts: Verdicts | Sequence[Verdicts],
    rows: Any = None,
    *,
    expires: dt.date | str | None = None,
    up_to: float | None = None,
    model_hash: str | None = None,
    weighs: bool = True,
) -> tuple[DetectorT, Learned]:
    """Return the detector that :func:`with_feedback` returns, and what the verdicts changed."""
    check_is_fitted(self, "model_")
    given = _each_given(verdicts)
    report_rows, report = None, ""
    if rows is not None:
        scored = RowsToScore.of(self, table_to_score(self, rows))
        report_rows = ReportRows(scored.table, scored.row, scored.users.num_rows)
    files = []
    for one in given:
        if _is_by_row(one):
            if report_rows is None:
                raise SettingError("verdicts by the index of a row need the table of these rows; give rows")
            report = report or _identity(self.model_, report_rows)
            earlier = _earlier_verdicts(self.model_, report)  # a file of verdicts holds all those on its report
            files.append(verdicts_on_rows({**earlier, **one}, report, report_rows.n_rows))
        else:
            files.append(read_verdicts(cast("str | Path | Mapping[str, Any]", one)))
    found = learned(
        self.model_, files, expiry(expires), model_hash, report_rows, up_to=checked_up_to(up_to), weighs=weighs
    )
    changed = copy(self)
    decide_by(changed, found.model)
    return changed, found


def _each_given(verdicts: Any) -> list[Verdicts]:
    """Return the files or mappings that a user gave, one or several.

    Raises
    ------
    SettingError
        If there is none, or one is neither a path nor a mapping.
    """
    given = list(verdicts) if isinstance(verdicts, list | tuple) else [verdicts]
    for one in given:
        if not isinstance(one, str | Path | Mapping):
            raise SettingError(
                f"verdicts are of type {type(one).__name__}; give a file of verdicts, or a mapping from "
                "the index of a row to 'real', 'false alarm' or 'unsure'"
            )
        if isinstance(one, Mapping) and not one:
            raise SettingError("there are no verdicts; give at least one")
    return given


def _is_by_row(verdicts: Verdicts) -> TypeGuard[Mapping[int, str]]:
    """Whether verdicts are given by the index of the row, which must be a whole number.

    Raises
    ------
    SettingError
        If one is not.
    """
    if not isinstance(verdicts, Mapping) or "format" in verdicts:
        return False
    for row in verdicts:
        if isinstance(row, bool) or not isinstance(row, int | np.integer):
            raise SettingError(f"the index of a row is {row!r:.40}; give whole numbers, from 0")
    return True


def _earlier_verdicts(model: FittedModel, report: str) -> dict[int, str]:
    """Return the verdicts by index of the row that a model has learned from, of one report."""
    labels = model.feedback.labels if isinstance(model.feedback, Feedback) else ()
    own = (label for label in labels if label.report == report)
    return {label.row - 1: "real" if label.is_real else "false alarm" for label in own}


def _identity(model: FittedModel, rows: ReportRows) -> str:
    """Return what tells the rows of a table from those of other tables."""
    encoded = model.encoding.encode(rows.table)
    return f"rows {digest(encoded.rows, encoded.presence)[:32]}"


def without_rules(self: DetectorT) -> DetectorT:
    """Return a detector that decides without mute rules; it keeps the counts of verdicts. This one is unchanged."""
    return _with_less(self, lambda feedback: replace(feedback, rules=()))


def without_weights(self: DetectorT) -> DetectorT:
    """Return a detector with the weights of its fit, whose scores are those before all verdicts. This one is unchanged.

    It keeps mute rules and the counts of verdicts, and forgets which rows were labelled.
    """
    changed = _with_less(self, lambda feedback: replace(feedback, labels=()))
    surprise_model = changed.model_.surprise_model
    if surprise_model.reweighting is not None:
        decide_by(changed, replace(changed.model_, surprise_model=surprise_model.reweighted(None)))
    return changed


def _with_less(self: DetectorT, less: Callable[[Feedback], Feedback]) -> DetectorT:
    check_is_fitted(self, "model_")
    changed = copy(self)
    if isinstance(self.model_.feedback, Feedback):
        decide_by(changed, replace(self.model_, feedback=less(self.model_.feedback)))
    return changed

"""The methods of a detector that take verdicts into account. Each function is a method of both estimators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from sklearn.utils.validation import check_is_fitted

from oddrow.detector._detector import DetectorT, decide_by
from oddrow.feedback import Feedback, expiry, learned, read_verdicts

Verdicts: TypeAlias = str | Path | Mapping[str, Any]
"""A file of verdicts, as the page of a report exports it, or the object that it holds."""


def with_feedback(
    self: DetectorT,
    verdicts: Verdicts | Sequence[Verdicts],
    *,
    expires: dt.date | str | None = None,
    model_hash: str | None = None,
) -> DetectorT:
    """Return a detector that takes verdicts on a report into account; this one is unchanged, and nothing is fitted.

    Each kind of alerts that is marked as a false alarm becomes a mute rule: a row with this leading reason is scored
    as before, and is not odd; the decision says by which rule. ``detector.model_.feedback`` holds the rules.

    Parameters
    ----------
    verdicts
        One or several files of verdicts, as the page of a report exports them, or the objects that they hold. Of
        several verdicts on one row or one kind, the latest counts.
    expires
        The last day, in UTC, on which the new rules are in force, as a date or as "2027-01-31"; None: they stay.
    model_hash
        SHA-256 of the model file to which the verdicts must belong; None does not check it, apart from the columns.

    Raises
    ------
    DataError
        If a file of verdicts cannot be read, has a wrong value, belongs to another model, or names an unknown column.
    SettingError
        If ``expires`` is no date, or there are no verdicts or too many rules.

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
    """
    check_is_fitted(self, "model_")
    given = [verdicts] if isinstance(verdicts, str | Path | Mapping) else list(verdicts)
    found = learned(self.model_, [read_verdicts(one) for one in given], expiry(expires), model_hash)
    changed = copy(self)
    decide_by(changed, found.model)
    return changed


def without_rules(self: DetectorT) -> DetectorT:
    """Return a detector that decides without mute rules; it keeps the counts of verdicts. This one is unchanged."""
    check_is_fitted(self, "model_")
    changed = copy(self)
    if isinstance(self.model_.feedback, Feedback):
        decide_by(changed, replace(self.model_, feedback=replace(self.model_.feedback, rules=())))
    return changed

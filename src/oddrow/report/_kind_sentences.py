"""What the rows of one kind of alerts have in common, in one English sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Final

from oddrow.columns import REFERENCE_LEVELS, Kind
from oddrow.explanation import EQUAL, LeadingReason, LeadingReasons, Reason, in_words

USUAL: Final = (0.05, 0.95)
"""Levels of the quantiles between which a column's usual range lies: 90 % of the normal rows."""
MAX_NAMES: Final = 3
"""Largest number of names in a sentence."""
MAX_LETTERS: Final = 40
"""Largest length of a value in a sentence; a longer one is cut."""


def kind_sentence(
    reasons: LeadingReasons,
    place: int,
    typical: LeadingReason,
    value: str | None,
    names: Sequence[str] | None,
    expected: Collection[str],
) -> str:
    """Return the sentence of a kind of alerts.

    Parameters
    ----------
    reasons
        What the rows were explained with.
    place, typical
        The typical row, and its leading reason.
    value
        The name that all rows have; None if they have several or none, or if values must not be shown.
    names
        The different names of the rows that count, the most frequent first; None if values must not be shown.
    expected
        The texts of the values that are expected in the rows.
    """
    if typical.reason is None:
        return "The row as a whole is unusual: each value alone is ordinary, their combination is not"
    column = typical.column
    subject = reasons.words(column)
    if typical.direction == "missing":
        never = reasons.reference(column).n_missing == 0
        return f"{subject} is missing, which {'no training row showed' if never else 'is unusual in such a row'}"
    if typical.direction == "present":
        return f"{subject} has a value where it is usually missing{_such_as(typical.reason, names)}"
    if typical.direction == "changed":
        return _changed(reasons, typical, subject, names)
    if typical.direction in ("above", "below"):
        return _beyond(reasons, place, typical, typical.reason, has_values=names is not None)
    if reasons.schema(column).kind == Kind.TIMESTAMP:
        return _untimely(subject, typical.reason, has_values=names is not None)
    if reasons.schema(column).kind == Kind.TEXT:
        what = "a form never seen in training" if typical.direction == "unseen" else "an unusual text"
        return f"{subject} has {what}{_such_as(typical.reason, names)}"
    if typical.direction == "unseen":
        if value is not None:
            return f"{subject} is {_cut(value)}, never seen in training"
        return f"{subject} has a value never seen in training{_listed(names)}"
    return _named(subject, value, names, expected)


def _named(subject: str, value: str | None, names: Sequence[str] | None, expected: Collection[str]) -> str:
    if value is None:
        return f"{subject} has a value that does not fit the rest of the row{_listed(names)}"
    if value in expected:
        return f"{subject} is {_cut(value)}, which does not fit the rest of the row"
    other = _cut(next(iter(expected))) if len(expected) == 1 else "another value"
    return f"{subject} is {_cut(value)} where {other} is expected"


def _changed(reasons: LeadingReasons, typical: LeadingReason, subject: str, names: Sequence[str] | None) -> str:
    before = reasons.reference(typical.column).values
    if names is None:
        return f"{subject} has another value than in training, where it was constant"
    always = f"always {_cut(before[0])}" if before else "always missing"
    return f"{subject} has changed: {always} in training, now {_words(names) if names else 'another value'}"


def _beyond(reasons: LeadingReasons, place: int, typical: LeadingReason, reason: Reason, *, has_values: bool) -> str:
    """Describe numbers beyond the usual range, or within it but beyond what the row's other values make likely."""
    subject, quantiles = reasons.words(typical.column), reasons.reference(typical.column).quantiles
    is_above, number = typical.direction == "above", reasons.number(place, typical.column)
    now = f", typically {_cut(in_words(reason.value))}" if has_values else ""
    if reasons.schema(typical.column).kind == Kind.TIMESTAMP:
        return f"{subject} is {'later' if is_above else 'earlier'} than times in training{now}"
    low, high = (quantiles[REFERENCE_LEVELS.index(level)] if quantiles else number for level in USUAL)
    if (number > high) if is_above else (number < low):
        usual = f" ({_range(low, high)})" if has_values else ""
        return f"{subject} is {'above' if is_above else 'below'} its usual range{usual}{now}"
    expected = reason.expected
    if quantiles and isinstance(expected, float) and abs(expected / 2) < EQUAL * (quantiles[-1] / 2 - quantiles[0] / 2):
        expected = 0  # a decoded 0 may differ from 0 by rounding
    likely = f" where {_cut(in_words(expected))} is expected" if has_values else ""
    return f"{subject} is {'higher' if is_above else 'lower'} than the rest of the row makes likely{now}{likely}"


def _untimely(subject: str, reason: Reason, *, has_values: bool) -> str:
    if not has_values:
        return f"{subject} is an unusual time"
    value = reason.value
    if isinstance(value, dt.datetime):
        shown = f"{value:%H:%M on a %A}"
    else:
        shown = f"{value:%A, %Y-%m-%d}" if isinstance(value, dt.date) else _cut(in_words(value))
    usual = f" (usual: {reason.usual})" if reason.usual else ""
    return f"{subject} is an unusual time, typically {shown}{usual}"


def _such_as(reason: Reason, names: Sequence[str] | None) -> str:
    return "" if names is None else f", such as {_cut(in_words(reason.value))}"


def _listed(names: Sequence[str] | None) -> str:
    return f" ({_words(names)})" if names else ""


def _words(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return ", ".join(map(_cut, names[:MAX_NAMES])) + more


def _range(low: float, high: float) -> str:
    first, last = (in_words(int(end) if end == int(end) and abs(end) < 2**53 else end) for end in (low, high))
    return first if first == last else f"{first} to {last}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 3]}..."

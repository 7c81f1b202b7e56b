"""Reasons of an event in words of the original columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oddrow.exceptions import DataError, SettingError
from oddrow.explanation._reasons import Explanation, Reason, given_text, value_text
from oddrow.explanation._usual import in_words
from oddrow.sequences import Preparation


@dataclass(frozen=True)
class EventReason:
    """One original column's part of the surprise of an event.

    Attributes
    ----------
    column : name of the original column
    words : the strongest column that is derived from it, in words: ``"pressure: trend over the last 16 rows"``
    nats : the sum over all columns that are derived from it
    share : ``nats`` as a share of the surprise of the explained rows
    strongest : the reason of the strongest derived column: its value, and what was expected
    """

    column: str
    words: str
    nats: float
    share: float
    strongest: Reason

    def __repr__(self) -> str:
        return f"<EventReason {event_reason_text(self)}>"


def event_reason_text(reason: EventReason) -> str:
    """Describe an event's reason: the strongest derived column in words, its value, what was expected, the share.

    Examples
    --------
    >>> trend = Reason("pressure.trend", 0.8, 0.01, 12.0, 0.5, "-0.02 to 0.03")
    >>> event_reason_text(EventReason("pressure", "pressure: trend over the last 16 rows", 18.0, 0.75, trend))
    'pressure: trend over the last 16 rows, 0.8 where -0.02 to 0.03 was expected (75 %)'
    """
    found = reason.strongest
    given = given_text(found)
    expected = in_words(found.expected) if found.usual is None else found.usual
    condition = f" for {given}" if given else ""
    share = f"{reason.share:.0%}".replace("%", " %")
    return f"{reason.words}, {value_text(found.value)} where {expected} was expected{condition} ({share})"


def event_reasons(
    explanations: Sequence[Explanation], preparation: Preparation, top: int | None = 3
) -> tuple[EventReason, ...]:
    """Return one reason for each original column, from the explanations of the derived rows of an event.

    The parts of the columns that are derived from one original column are added, over all the rows given. Explain the
    rows with ``top=None``: parts that an explanation does not list are not added.

    Parameters
    ----------
    explanations
        Those of the event's peak row, or of several of its rows.
    preparation
        What derived the rows; it knows the original column and the words of each derived one.
    top
        Number of reasons, the strongest first; None gives all original columns with a part of the surprise.

    Raises
    ------
    DataError
        If there is no explanation.
    SettingError
        If ``top`` is less than 1.

    Examples
    --------
    >>> class Windows:  # a preparation knows more than these two methods
    ...     def original(self, column):
    ...         return column.split(".")[0]
    ...     def words(self, column):
    ...         return f"{self.original(column)}: {column.split('.')[1]} over the last 16 rows"
    >>> trend = Reason("pressure.trend", 0.8, 0.01, 12.0, 0.5, "-0.02 to 0.03")
    >>> mean = Reason("pressure.mean", 7.1, 5.0, 6.0, 0.25, "4.9 to 5.2")
    >>> peak = Explanation(0, 24.0, 1e-6, True, (trend, mean), 6.0, 0.25, 0.0, 0.0)
    >>> event_reasons([peak], Windows())
    (<EventReason pressure: trend over the last 16 rows, 0.8 where -0.02 to 0.03 was expected (75 %)>,)
    """
    if top is not None and top < 1:
        raise SettingError(f"top is {top}; give 1 or more columns, or None for all")
    if not explanations:
        raise DataError("there is no explanation; give that of the event's peak row")
    surprise = sum(explanation.surprise for explanation in explanations)
    of_column: dict[str, list[Reason]] = {}
    for explanation in explanations:
        for reason in explanation.reasons:
            if reason.nats > 0:
                of_column.setdefault(preparation.original(reason.column), []).append(reason)
    reasons = [_summed(column, found, preparation, surprise) for column, found in of_column.items()]
    return tuple(sorted(reasons, key=lambda reason: -reason.nats)[:top])


def _summed(column: str, reasons: list[Reason], preparation: Preparation, surprise: float) -> EventReason:
    """Add the parts of one original column; the strongest derived column is that of the largest sum over the rows."""
    nats_of: dict[str, float] = {}
    for reason in reasons:
        nats_of[reason.column] = nats_of.get(reason.column, 0.0) + reason.nats
    name = max(nats_of, key=lambda derived: nats_of[derived])
    strongest = max((reason for reason in reasons if reason.column == name), key=lambda reason: reason.nats)
    nats = sum(nats_of.values())
    return EventReason(column, preparation.words(name), nats, nats / surprise if surprise > 0 else 0.0, strongest)

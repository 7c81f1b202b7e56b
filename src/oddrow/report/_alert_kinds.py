"""Kinds of alerts: explained rows grouped by their leading reason, each group with a sentence in plain English."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from oddrow.exceptions import SettingError
from oddrow.explanation import Direction, Explanation, LeadingReason, LeadingReasons, in_words
from oddrow.fitted import FittedModel
from oddrow.report._kind_sentences import kind_sentence

MIN_ROWS: Final = 2
"""Smallest number of rows of a kind; a row whose leading reason no other row shares has no kind."""
OWN_KIND: Final = 1 / 3
"""Smallest share of a column's unusual names that one name needs to be a kind of its own: at most three are."""


@dataclass(frozen=True)
class AlertKind:
    """Rows with the same leading reason.

    Attributes
    ----------
    column : index of the column in the encoding; -1 for rows that are odd as a whole
    direction : in which way its value is odd
    value : the name that all rows of the kind have; None for other columns, for several names, and if values are hidden
    sentence : what the rows have in common, in English
    count : number of explained rows of the kind
    alerts : how many of them are flagged
    typical : index of a typical row among the explanations
    brings : mean share of the leading reason in the surprise of the kind's rows
    """

    column: int
    direction: Direction
    value: str | None
    sentence: str
    count: int
    alerts: int
    typical: int
    brings: float


@dataclass(frozen=True)
class AlertKinds:
    """The kinds of explained rows, those with the most alerts first, and the index of each row's kind; -1 for none."""

    kinds: tuple[AlertKind, ...]
    of_row: tuple[int, ...]


def alert_kinds(
    model: FittedModel, table: pa.Table, explanations: Sequence[Explanation], *, has_values: bool = True
) -> AlertKinds:
    """Group explained rows by their leading reason.

    A row's leading reason (see :class:`LeadingReasons`) does not depend on other rows; rows with the same column and
    direction are of one kind. Rows with an unusual name (direction "value") are of one kind per column too, except
    that a name with at least a third of them is a kind of its own. A kind has at least two rows. Flagged rows count
    first: a name's share is that among the flagged rows, if the column has any with an unusual name.

    Kinds are in descending order of their flagged rows, then of all rows, then of their total surprise, then in the
    order of the columns.

    Parameters
    ----------
    model, table, explanations
        The model, the explained rows, and their explanations in the same order, at least the strongest reasons.
    has_values
        Whether sentences and kinds may hold values of the table; if not, a name is never a kind of its own.

    Raises
    ------
    SettingError
        If the numbers of rows and of explanations differ.
    """
    if table.num_rows != len(explanations):
        raise SettingError(
            f"the table has {table.num_rows} rows and there are {len(explanations)} explanations; give one per row"
        )
    if not explanations:
        return AlertKinds((), ())
    reasons = LeadingReasons.of(model, table)
    leading = [reasons.leading(place, explanation) for place, explanation in enumerate(explanations)]
    keys = _keys(leading, explanations, has_values=has_values)
    places: dict[_Key, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    kinds = [
        (key, _kind(key, own, leading, explanations, reasons, has_values=has_values))
        for key, own in places.items()
        if len(own) >= MIN_ROWS
    ]
    kinds.sort(key=lambda entry: _order(entry[0], entry[1], places[entry[0]], explanations))
    index = {key: number for number, (key, _) in enumerate(kinds)}
    return AlertKinds(tuple(kind for _, kind in kinds), tuple(index.get(key, -1) for key in keys))


_Key = tuple[int, Direction, str | None]
"""Column, direction and name, None where names are not told apart."""


def _keys(leading: Sequence[LeadingReason], explanations: Sequence[Explanation], *, has_values: bool) -> list[_Key]:
    """Return the key of each row's group."""
    named = [(one, row.is_odd) for one, row in zip(leading, explanations, strict=True) if one.direction == "value"]
    flagged = {one.column for one, is_odd in named if is_odd}
    counted = [one for one, is_odd in named if has_values and (is_odd or one.column not in flagged)]
    totals = Counter(one.column for one in counted)
    own_names = {
        (column, name)
        for (column, name), count in Counter((one.column, one.value) for one in counted).items()
        if name is not None and count >= max(MIN_ROWS, OWN_KIND * totals[column])
    }
    return [
        (one.column, one.direction, one.value if (one.column, one.value) in own_names else None)
        if one.direction == "value"
        else (one.column, one.direction, None)
        for one in leading
    ]


def _kind(
    key: _Key,
    places: Sequence[int],
    leading: Sequence[LeadingReason],
    explanations: Sequence[Explanation],
    reasons: LeadingReasons,
    *,
    has_values: bool,
) -> AlertKind:
    flagged = [place for place in places if explanations[place].is_odd]
    members = flagged or list(places)
    typical = _typical(members, key, reasons, explanations)
    names = {leading[place].value for place in places}
    value = next(iter(names)) if has_values and len(names) == 1 else None
    own_names = _frequent(leading[place].value for place in members)
    expected = {in_words(reason.expected) for place in members if (reason := leading[place].reason) is not None}
    return AlertKind(
        *key[:2],
        value,
        kind_sentence(reasons, typical, leading[typical], value, own_names if has_values else None, expected),
        len(places),
        len(flagged),
        typical,
        sum(leading[place].share for place in places) / len(places),
    )


def _typical(places: Sequence[int], key: _Key, reasons: LeadingReasons, explanations: Sequence[Explanation]) -> int:
    """Return the row with the median number, if the column holds numbers, else the row of median surprise."""
    if key[1] in ("above", "below"):
        ordered = sorted(places, key=lambda place: (reasons.number(place, key[0]), place))
    else:
        ordered = sorted(places, key=lambda place: (-explanations[place].surprise, place))
    return ordered[len(ordered) // 2]


def _frequent(names: Iterable[str | None]) -> list[str]:
    """Return the different names, the most frequent first."""
    counts = Counter(name for name in names if name is not None)
    return sorted(counts, key=lambda name: (-counts[name], name))


def _order(
    key: _Key, kind: AlertKind, places: Sequence[int], explanations: Sequence[Explanation]
) -> tuple[float, float, float, int, str, str]:
    total = math.fsum(explanations[place].surprise for place in places)
    return -kind.alerts, -kind.count, -total, kind.column, kind.direction, key[2] or ""

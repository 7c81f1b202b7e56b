"""Kinds of alerts: explained rows grouped by their leading reason, each group with a sentence in plain English."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pyarrow as pa

from oddrow.columns import EncodedTable
from oddrow.exceptions import SettingError
from oddrow.explanation import WHOLE, Direction, Explanation, LeadingReason, LeadingReasons, in_words
from oddrow.fitted import FittedModel
from oddrow.report._kind_sentences import kind_sentence

MIN_ROWS: Final = 2
"""Smallest number of rows of a kind; a row whose leading reason no other row shares has no kind."""
OWN_KIND: Final = 1 / 3
"""Smallest share of a column's unusual names that one name needs to be a kind of its own: at most three are."""
MIN_REFINED: Final = 5
"""Smallest number of rows with one second reason that are a kind of their own."""
OWN_REFINED: Final = 1 / 4
"""Smallest share of a kind's rows with a second reason that one second reason needs to be a kind of its own."""


@dataclass(frozen=True, order=True)
class SecondReason:
    """The second reason that the rows of a kind share: index of its column, and in which way its value is odd."""

    column: int
    direction: Direction


@dataclass(frozen=True)
class AlertKind:
    """Rows with the same leading reason.

    Attributes
    ----------
    column : index of the column in the encoding; -1 for rows that are odd as a whole
    direction : in which way its value is odd
    value : the name that all rows of the kind have; None for other columns, for several names, and if values are hidden
    also : the second reason that the rows share as well; None if there is none
    sentence : what the rows have in common, in English
    count : number of explained rows of the kind
    alerts : how many of them are flagged
    typical : index of a typical row among the explanations
    brings : mean share of the leading reason in the surprise of the kind's rows
    """

    column: int
    direction: Direction
    value: str | None
    also: SecondReason | None
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
    model: FittedModel,
    table: pa.Table,
    explanations: Sequence[Explanation],
    encoded: EncodedTable | None = None,
    *,
    has_values: bool = True,
) -> AlertKinds:
    """Group explained rows by their leading reason.

    A row's leading reason (see :class:`LeadingReasons`) does not depend on other rows; rows with the same column and
    direction are of one kind. Rows with an unusual name (direction "value") are of one kind per column too, except
    that a name with at least a third of them is a kind of its own. Where the leading reason is less than half of a
    row's surprise, the second reason refines the kind: rows with the same second column and direction, at least five
    and at least a quarter of the rows with a second reason, are a kind of their own. Where the leading reason is more
    than half, it outweighs all others together, and a second one would only divide what belongs together. A kind has at
    least two rows. These numbers are those of flagged rows, if there are any among the rows that are divided.

    Kinds are in descending order of their flagged rows, then of all rows, then of their total surprise, then in the
    order of the columns.

    Parameters
    ----------
    model, table, explanations
        The model, the explained rows, and their explanations in the same order, at least the strongest reasons.
    encoded
        The rows as the model encodes them, where they are at hand.
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
    reasons = LeadingReasons.of(model, table, encoded)
    leading = [reasons.leading(place, row) for place, row in enumerate(explanations)]
    second = [reasons.second(place, row, leading[place]) for place, row in enumerate(explanations)]
    explained = _Explained(reasons, explanations, leading, second, has_values)
    kinds = [
        (explained.kind(key, places), places, key)
        for key, places in explained.groups().items()
        if len(places) >= MIN_ROWS
    ]
    kinds.sort(key=lambda entry: _order(entry[0], entry[1], entry[2], explanations))
    of_row = [-1] * len(explanations)
    for number, (_, places, _) in enumerate(kinds):
        for place in places:
            of_row[place] = number
    return AlertKinds(tuple(kind for kind, _, _ in kinds), tuple(of_row))


class _Key(NamedTuple):
    """What the rows of a kind have in common; ``name`` is None where names are not told apart."""

    column: int
    direction: Direction
    name: str | None
    also: SecondReason | None = None


@dataclass(frozen=True)
class _Explained:
    """Explained rows, their leading reasons, and the second reasons of those whose leading one does not dominate."""

    reasons: LeadingReasons
    rows: Sequence[Explanation]
    leading: Sequence[LeadingReason]
    second: Sequence[LeadingReason | None]
    has_values: bool

    def that_count(self, places: Sequence[int]) -> Sequence[int]:
        """Return the flagged rows among some; all of these if none is flagged."""
        return [place for place in places if self.rows[place].is_odd] or places

    def groups(self) -> dict[_Key, list[int]]:
        """Return the rows of each group."""
        groups: dict[_Key, list[int]] = {}
        for column, direction, places in self._by_column_and_direction():
            names = self._own_names(places) if direction == "value" and self.has_values else set()
            by_name: dict[str | None, list[int]] = {}
            for place in places:
                name = self.leading[place].value
                by_name.setdefault(name if name in names else None, []).append(place)
            for name, own in by_name.items():
                for also, rows in self._refined(own).items():
                    groups[_Key(column, direction, name, also)] = rows
        return groups

    def _by_column_and_direction(self) -> list[tuple[int, Direction, list[int]]]:
        found: dict[tuple[int, Direction], list[int]] = {}
        for place, one in enumerate(self.leading):
            found.setdefault((one.column, one.direction), []).append(place)
        return [(column, direction, places) for (column, direction), places in found.items()]

    def _own_names(self, places: Sequence[int]) -> set[str]:
        counted = self.that_count(places)
        counts = Counter(self.leading[place].value for place in counted)
        least = max(MIN_ROWS, OWN_KIND * len(counted))
        return {name for name, count in counts.items() if name is not None and count >= least}

    def _refined(self, places: list[int]) -> dict[SecondReason | None, list[int]]:
        """Return the rows with each frequent second reason, and under None all others."""
        seconds = {
            place: SecondReason(one.column, one.direction)
            for place in places
            if (one := self.second[place]) is not None
        }
        counts = Counter(seconds[place] for place in self.that_count(list(seconds)))
        least = max(MIN_REFINED, OWN_REFINED * sum(counts.values()))
        frequent = {key for key, count in counts.items() if count >= least}
        refined: dict[SecondReason | None, list[int]] = {}
        for place in places:
            key = seconds.get(place)
            refined.setdefault(key if key in frequent else None, []).append(place)
        # a single remaining row would have no kind, though it shares the leading reason
        return {None: places} if len(refined.get(None, places)) < MIN_ROWS else refined

    def kind(self, key: _Key, places: Sequence[int]) -> AlertKind:
        """Return the kind of the rows of a group."""
        members = self.that_count(places)
        typical = self._typical(members, key)
        value, sentence = self._sentence(self.leading, places, members, typical)
        if key.also is not None:
            sentence = f"{sentence}, and {self._sentence(self.second, places, members, typical)[1]}"
        return AlertKind(
            key.column,
            key.direction,
            value,
            key.also,
            sentence,
            len(places),
            sum(self.rows[place].is_odd for place in places),
            typical,
            math.fsum(self.leading[place].share for place in places) / len(places),
        )

    def _sentence(
        self, of_row: Sequence[LeadingReason | None], places: Sequence[int], members: Sequence[int], typical: int
    ) -> tuple[str | None, str]:
        """Return the name that the rows have in common, if any, and the sentence about their reasons."""
        names = {one.value for place in places if (one := of_row[place]) is not None}
        value = next(iter(names)) if self.has_values and len(names) == 1 else None
        counted = [one for place in members if (one := of_row[place]) is not None]
        expected = {in_words(one.reason.expected) for one in counted if one.reason is not None}
        own_names = _frequent(one.value for one in counted) if self.has_values else None
        leading = of_row[typical] or self.leading[typical]
        return value, kind_sentence(self.reasons, typical, leading, value, own_names, expected)

    def _typical(self, places: Sequence[int], key: _Key) -> int:
        """Return the row with the median number, if the column holds numbers, else the row of median surprise."""
        if key.direction in ("above", "below"):
            ordered = sorted(places, key=lambda place: (self.reasons.number(place, key.column), place))
        else:
            ordered = sorted(places, key=lambda place: (-self.rows[place].surprise, place))
        return ordered[len(ordered) // 2]


def _frequent(names: Iterable[str | None]) -> list[str]:
    """Return the different names, the most frequent first."""
    counts = Counter(name for name in names if name is not None)
    return sorted(counts, key=lambda name: (-counts[name], name))


def _order(kind: AlertKind, places: Sequence[int], key: _Key, explanations: Sequence[Explanation]) -> tuple[Any, ...]:
    total = math.fsum(explanations[place].surprise for place in places)
    return (
        -kind.alerts,
        -kind.count,
        -total,
        key.column,
        key.direction,
        key.name or "",
        key.also or SecondReason(WHOLE, "whole"),
    )

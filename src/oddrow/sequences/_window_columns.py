"""The derived columns of windows: which raw column gives which, their names, and their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from oddrow.sequences._durations import duration_words

MAX_TYPES = 20
"""Largest number of types of an event column that are counted each by itself; the others are counted together."""
MAX_LENGTH = 1_000_000
"""Largest number of rows of a window: the last rows of each entity are kept in memory."""

_NUMBER_WORDS = {
    "last": "last value",
    "mean": "mean {over}",
    "std": "standard deviation {over}",
    "min": "minimum {over}",
    "max": "maximum {over}",
    "trend": "trend {over}",
    "step": "mean absolute step {over}",
    "missing": "missing share {over}",
}
_EVENT_WORDS = {
    "other": "rows of other types {over}",
    "missing": "missing share {over}",
    "distinct": "distinct values {over}",
}
_TIME_WORDS = {
    "since": "seconds since the previous row",
    "duration": "seconds from the first to the last row {over}",
    "rows": "number of rows {over}",
}

NUMBER_FEATURES, EVENT_FEATURES, TIME_FEATURES = tuple(_NUMBER_WORDS), tuple(_EVENT_WORDS), tuple(_TIME_WORDS)
"""What can be derived from a column of numbers, besides lags; of names, besides counts of types; and of times."""


@dataclass(frozen=True)
class WindowShape:
    """Where windows begin and end. Times are in microseconds.

    Attributes
    ----------
    length : rows of a window; None if it has a span
    span : a window that ends at time t covers the rows in (t - span, t]; None if it has a length
    step : every step-th row ends a window; None if ``step_span`` is given
    step_span : the least time between the ends of two windows
    max_gap : the longest time between two rows of a window; None for no limit
    """

    length: int | None
    span: int | None
    step: int | None
    step_span: int | None
    max_gap: int | None

    @property
    def words(self) -> str:
        """The window in words: 'over the last 16 rows'."""
        return (
            f"over the last {self.length} rows" if self.span is None else f"over the last {duration_words(self.span)}"
        )


@dataclass(frozen=True)
class NumberColumn:
    """A raw column of numbers, and what is derived from it: a name of :data:`_NUMBER_WORDS`, or a lag."""

    name: str
    features: tuple[str, ...]
    lags: tuple[int, ...]

    def derived(self, over: str) -> Iterator[tuple[str, str]]:
        """Yield the name of each derived column, and its words."""
        for feature in self.features:
            yield f"{self.name}.{feature}", _NUMBER_WORDS[feature].format(over=over)
        for lag in self.lags:
            yield f"{self.name}.lag{lag}", f"value {lag} row{'s' * (lag != 1)} before"


@dataclass(frozen=True)
class EventColumn:
    """A raw column of names, and what is derived from it.

    Attributes
    ----------
    types : the known types; other values are counted as ``other``
    counted : those of the types whose rows are counted
    features : names of :data:`_EVENT_WORDS`
    """

    name: str
    types: tuple[str, ...]
    counted: tuple[str, ...]
    features: tuple[str, ...]

    def derived(self, over: str) -> Iterator[tuple[str, str]]:
        """Yield the name of each derived column, and its words."""
        for name in self.counted:
            yield f"{self.name}={name}", f"rows of type {name} {over}"
        for feature in self.features:
            yield f"{self.name}.{feature}", _EVENT_WORDS[feature].format(over=over)


@dataclass(frozen=True)
class WindowColumns:
    """All derived columns, in their order, after the time and the entity."""

    numbers: tuple[NumberColumn, ...]
    events: tuple[EventColumn, ...]
    time: str
    time_features: tuple[str, ...]

    @property
    def raw(self) -> tuple[NumberColumn | EventColumn, ...]:
        """The raw columns: numbers, then events."""
        return (*self.numbers, *self.events)

    def derived(self, over: str) -> Iterator[tuple[str, str, str]]:
        """Yield the name of each derived column, its raw column, and its words."""
        for column in self.raw:
            for name, words in column.derived(over):
                yield name, column.name, words
        for feature in self.time_features:
            yield f"{self.time}.{feature}", self.time, _TIME_WORDS[feature].format(over=over)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all derived columns."""
        return tuple(name for name, _, _ in self.derived(""))

    def origins(self, over: str) -> Mapping[str, tuple[str, str]]:
        """Return the raw column and the words of each derived column."""
        return {name: (raw, words) for name, raw, words in self.derived(over)}

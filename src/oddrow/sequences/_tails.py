"""The last rows of each entity, from which windows of later rows continue."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MIN_CAPACITY = 1_024


class Rows(NamedTuple):
    """Rows of entities: int64 [n] times in microseconds, and float64 [k, n] values."""

    ticks: Whole
    values: Floats


class Tails:
    """The last rows of entities, which have numbers from 0 on.

    New tails are appended, and the rows of old ones are given up when they are more than half of all. A batch thus
    costs time in proportion to its own rows, and not to the number of entities.
    """

    def __init__(self, n_values: int) -> None:
        self.n_entities = 0
        self._start = np.zeros(MIN_CAPACITY, np.int64)
        self._count = np.zeros(MIN_CAPACITY, np.int64)
        self._ticks = np.zeros(MIN_CAPACITY, np.int64)
        self._values = np.zeros((n_values, MIN_CAPACITY))
        self._used = self._live = 0

    def counts(self, entities: Whole) -> Whole:
        """Return the number of rows of each entity, int64 [e]."""
        return self._count[entities]

    def rows(self, entities: Whole) -> Rows:
        """Return the rows of the entities, one entity after another."""
        places = runs(self._start[entities], self._count[entities])
        return Rows(self._ticks[places], self._values[:, places])

    def add_entities(self, n_entities: int) -> None:
        """Add entities without rows until there are this many."""
        self.n_entities = n_entities
        if n_entities > len(self._start):
            more = max(n_entities, 2 * len(self._start)) - len(self._start)
            self._start = np.concatenate([self._start, np.zeros(more, np.int64)])
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])

    def replace(self, entities: Whole, counts: Whole, rows: Rows) -> None:
        """Replace the rows of distinct entities; ``counts`` says how many of the rows, in order, each entity has."""
        self._live -= int(self._count[entities].sum())
        self._count[entities] = 0
        self._make_room(len(rows.ticks))
        self._start[entities] = self._used + np.cumsum(counts) - counts
        self._count[entities] = counts
        place = slice(self._used, self._used + len(rows.ticks))
        self._ticks[place], self._values[:, place] = rows.ticks, rows.values
        self._used, self._live = place.stop, self._live + len(rows.ticks)

    def _make_room(self, n_rows: int) -> None:
        if self._used + n_rows <= len(self._ticks):
            return
        entities = np.arange(self.n_entities)
        kept = self.rows(entities)
        capacity = max(2 * (self._live + n_rows), MIN_CAPACITY)
        self._start[entities] = np.cumsum(self._count[entities]) - self._count[entities]
        self._ticks = np.zeros(capacity, np.int64)
        self._values = np.zeros((len(self._values), capacity))
        self._ticks[: self._live], self._values[:, : self._live] = kept
        self._used = self._live


def runs(start: Whole, count: Whole) -> Whole:
    """Return the numbers from each start on, one run after another.

    Examples
    --------
    >>> runs(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    skipped = np.cumsum(count) - count
    return np.asarray(np.arange(int(count.sum())) + np.repeat(start - skipped, count), np.int64)

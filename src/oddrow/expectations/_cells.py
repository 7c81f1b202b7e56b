"""What is usual for a column in each cell of training rows that have the same codes of the given columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.expectations._given_columns import CELL_ROWS
from oddrow.expectations._subjects import (
    DAY,
    MAX_USUAL,
    Codes,
    Floats,
    Statistic,
    Subject,
    n_given_codes,
    seconds_of_day,
    weekdays_of,
)

RANGE_ROWS = 19
"""Minimum number of rows with a value for a range: no two of fewer rows enclose 90 % of new rows."""
COVERED = 0.9
"""Share of new ordinary rows that a usual range or set covers."""
MAX_CELLS = 256
"""Maximum number of cells of both given columns; those with the most rows are kept."""


class _Observed(NamedTuple):
    """The rows of one column: the key of their cell, whether their value is present, the value, the weekday."""

    key: Codes
    there: npt.NDArray[np.bool_]
    value: Floats
    weekday: Codes

    def of(self, chosen: npt.NDArray[np.bool_]) -> _Observed:
        return _Observed(self.key[chosen], self.there[chosen], self.value[chosen], self.weekday[chosen])


def _observed(column: int, subject: Subject, codes: Codes, training: EncodedTable) -> _Observed:
    there = training.presence[:, column]
    value, weekday = np.zeros(len(codes)), np.zeros(len(codes), np.int64)
    if subject.statistic is Statistic.CLOCK:
        value, weekday = seconds_of_day(training.rows, subject), weekdays_of(training.rows, subject)
    elif subject.statistic is Statistic.PLACES and len(subject.features) > 1:
        value = codes[:, column].astype(np.float64)
    elif subject.features:
        value = training.rows[:, subject.features[0]].astype(np.float64)
    return _Observed(np.zeros(len(codes), np.int64), there, value, weekday)


def counted_cells(
    column: int, subjects: tuple[Subject, ...], given: Codes, codes: Codes, training: EncodedTable
) -> tuple[Codes, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the cells of one column, the share of missing values in each, and its statistic in each."""
    subject = subjects[column]
    rows = _observed(column, subject, codes, training)
    cells = [(-1, -1)]
    missing = [1.0 - float(rows.there.mean()) if len(codes) else 1.0]
    values = list(_usual(subject.statistic, rows.of(rows.there), 1))
    for key, pairs in _levels(subjects, given, codes) if subject.statistic is not Statistic.NOTHING else ():
        counts = np.bincount(key, minlength=len(pairs))
        chosen = np.flatnonzero(counts >= _least_rows(counts))
        place = np.full(len(pairs), -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        within = rows._replace(key=place[key])
        within = within.of((within.key >= 0) & rows.there)
        n_there = np.bincount(within.key, minlength=len(chosen))
        above = {pair: cell for cell, pair in enumerate(cells)}
        usual = _usual(subject.statistic, within, len(chosen))
        for index, pair in enumerate(pairs[chosen].tolist()):
            parent = above.get((pair[0], -1), above.get((-1, pair[1]), 0))
            cells.append((pair[0], pair[1]))
            missing.append(1.0 - n_there[index] / counts[chosen[index]])
            values.append(usual[index] if n_there[index] >= RANGE_ROWS else values[parent])
    return (
        np.array(cells, np.int64),
        np.array(missing, np.float32),
        np.array(values, np.float32).reshape(len(cells), subject.statistic.width),
    )


def _levels(subjects: tuple[Subject, ...], given: Codes, codes: Codes) -> Iterator[tuple[Codes, Codes]]:
    """Yield the key [n] of each row and the codes [n_keys, 2] of each key, for each given column and for both."""
    if given[0] < 0:
        return
    n_first, n_second = n_given_codes(subjects, given.tolist())
    first = codes[:, given[0]]
    yield first, np.stack([np.arange(n_first), np.full(n_first, -1)], axis=1)
    if given[1] < 0:
        return
    places = np.arange(n_first * n_second)
    beside = subjects[given[1]].coarse(codes[:, given[1]])
    yield beside, np.stack([np.full(n_second, -1), np.arange(n_second)], axis=1)
    yield first * n_second + beside, np.stack([places // n_second, places % n_second], axis=1)


def _least_rows(counts: Codes) -> int:
    """Rows that a cell needs, such that at most MAX_CELLS have them."""
    if len(counts) <= MAX_CELLS:
        return CELL_ROWS
    return max(CELL_ROWS, int(np.sort(counts)[-MAX_CELLS - 1]) + 1)


def _usual(statistic: Statistic, rows: _Observed, n_keys: int) -> Floats:
    """Return the statistic [n_keys, width] of the rows of each key; the rows have a value."""
    usual = np.zeros((n_keys, statistic.width))
    counts = np.bincount(rows.key, minlength=n_keys)
    there = np.flatnonzero(counts)
    if statistic is Statistic.RANGE:
        values = rows.value[np.lexsort((rows.value, rows.key))]
        starts = np.cumsum(counts) - counts
        tail = (1.0 - COVERED) / 2
        low = np.floor(tail * (counts + 1) + 1e-9).astype(np.int64) - 1
        high = np.ceil((1.0 - tail) * (counts + 1) - 1e-9).astype(np.int64) - 1
        for place, rank in enumerate((low, (counts - 1) // 2, high)):
            usual[there, place] = values[(starts + np.clip(rank, 0, np.maximum(counts - 1, 0)))[there]]
    elif statistic is Statistic.PLACES:
        places = rows.value.astype(np.int64)
        n_places = int(places.max(initial=0)) + 1
        table = np.bincount(rows.key * n_places + places, minlength=n_keys * n_places).reshape(n_keys, n_places)
        order = np.argsort(-table, axis=1, kind="stable")
        ranked = np.take_along_axis(table, order, axis=1)
        covered = np.cumsum(ranked, axis=1) < COVERED * (counts[:, None] + 1)
        n_usual = np.minimum(covered.sum(axis=1) + 1, np.maximum((table > 0).sum(axis=1), 1))
        kept = np.full((n_keys, MAX_USUAL), -1)
        width = min(MAX_USUAL, n_places)
        kept[:, :width] = order[:, :width]
        kept[np.arange(MAX_USUAL) >= n_usual[:, None]] = -1
        usual[:, :MAX_USUAL], usual[:, MAX_USUAL] = kept, n_usual
    elif statistic is Statistic.CLOCK:
        for key in there.tolist():
            own = rows.key == key
            usual[key] = (*_shortest_arc(rows.value[own]), _usual_weekdays(rows.weekday[own]))
    return usual


def _shortest_arc(seconds: Floats) -> tuple[float, float]:
    """Return the start and the end, in seconds, of the shortest part of the day with 90 % of new times.

    It may pass midnight.
    """
    ordered = np.sort(seconds)
    n = len(ordered)
    enclosed = min(int(np.ceil(COVERED * (n + 1))), n)
    last = (np.arange(n) + enclosed - 1) % n
    length = (ordered[last] - ordered) % DAY
    start = int(np.argmin(length))
    return float(ordered[start]), float(ordered[last[start]])


def _usual_weekdays(weekdays: Codes) -> float:
    """Return the smallest set of weekdays with 90 % of the rows, as bits, Monday the lowest."""
    counts = np.bincount(weekdays, minlength=7)
    order = np.argsort(-counts, kind="stable")
    n_days = int(np.sum(np.cumsum(counts[order]) < COVERED * len(weekdays))) + 1
    return float(np.sum(1 << order[:n_days]))

"""Where windows begin and end among rows that are sorted by entity and time."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.sequences._window_columns import WindowShape
from oddrow.sequences._window_statistics import WindowRows

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Progress(NamedTuple):
    """How far the current run of rows of each entity has come; a run begins at the first row or after a long gap.

    Attributes
    ----------
    first : int64 [e], the time of its first row
    n_rows : int64 [e], its number of rows; 0 for an entity without rows
    ready : int64 [e], its number of rows when the first window could end; 0 if none could
    last_end : int64 [e], the time of the last end of a window; only meaningful if ``ready`` is not 0
    """

    first: Whole
    n_rows: Whole
    ready: Whole
    last_end: Whole

    @classmethod
    def of_none(cls, n_entities: int) -> Progress:
        """The progress of entities without rows."""
        return cls(*(np.zeros(n_entities, np.int64) for _ in cls._fields))


@dataclass(frozen=True)
class SortedRows:
    """Rows sorted by entity, each entity's in order: those kept from earlier batches, then new ones.

    Attributes
    ----------
    entity : int64 [n], the place of the row's entity among the e entities of these rows
    ticks : int64 [n], times in microseconds
    is_new : bool [n]
    n_kept : int64 [e], the number of kept rows of each entity
    """

    entity: Whole
    ticks: Whole
    is_new: Flags
    n_kept: Whole

    @cached_property
    def is_first(self) -> Flags:
        """Bool [n], whether a row is the first of its entity here."""
        return np.concatenate([[True], self.entity[1:] != self.entity[:-1]])[: len(self.entity)]

    @cached_property
    def since(self) -> Whole:
        """int64 [n], the time since the row before of the same entity; 0 if there is none."""
        since = np.diff(self.ticks, prepend=self.ticks[:1])
        return np.where(self.is_first, 0, since)


@dataclass(frozen=True)
class WindowEnds:
    """The windows that end at new rows, and what later rows need.

    Attributes
    ----------
    windows : the rows of each window
    is_early : bool [n], new rows before the first full window of their run
    kept_from : int64 [e], the first row of each entity that a later window may need
    progress : the progress of each entity after its last row
    """

    windows: WindowRows
    is_early: Flags
    kept_from: Whole
    progress: Progress


_NONE = np.zeros(0, np.int64)
NO_ENDS = WindowEnds(WindowRows(_NONE, _NONE), np.zeros(0, np.bool_), _NONE, Progress.of_none(0))
"""What :func:`window_ends` returns for no rows."""


def window_ends(rows: SortedRows, shape: WindowShape, before: Progress) -> WindowEnds:
    """Find the windows that end at new rows; ``before`` is the progress of the e entities before these rows."""
    begins = rows.is_first if shape.max_gap is None else rows.is_first | (rows.since > shape.max_gap)
    run = np.cumsum(begins) - 1
    run_start = np.flatnonzero(begins)
    entity = rows.entity[run_start]
    continues = rows.is_first[run_start] & (rows.n_kept[entity] > 0)
    passed = np.where(continues, before.n_rows[entity] - rows.n_kept[entity], 0)
    first = np.where(continues, before.first[entity], rows.ticks[run_start])
    count = np.arange(len(run)) - run_start[run] + 1 + passed[run]
    is_full = count >= shape.length if shape.length is not None else rows.ticks - first[run] >= (shape.span or 0)
    ready = np.where(continues, before.ready[entity], 0)
    full_rows = np.flatnonzero(is_full)
    runs_ready, first_full = np.unique(run[full_rows], return_index=True)
    ready[runs_ready] = np.where(ready[runs_ready] > 0, ready[runs_ready], count[full_rows[first_full]])
    last_end = np.where(continues, before.last_end[entity], 0)
    if shape.step_span is None:
        ends = np.flatnonzero(rows.is_new & is_full & ((count - ready[run]) % (shape.step or 1) == 0))
    else:
        has_ended = continues & (before.ready[entity] > 0)
        ends = _spaced_ends(rows, is_full, run, last_end, has_ended, shape.step_span)
    last_end[run[ends]] = rows.ticks[ends]  # of several ends of a run, the last is kept
    start = _window_starts(ends, rows, run_start[run], shape)
    last = np.append(np.flatnonzero(rows.is_first)[1:], len(run)) - 1
    last_run = run[last]
    return WindowEnds(
        WindowRows(start, ends - start + 1),
        rows.is_new & ~is_full,
        _kept_from(last, rows, run_start[run], shape),
        Progress(first[last_run], count[last], ready[last_run], last_end[last_run]),
    )


def _spaced_ends(rows: SortedRows, is_full: Flags, run: Whole, last_end: Whole, has_ended: Flags, step: int) -> Whole:
    """Return the rows at which windows end that are at least ``step`` apart."""
    may_end = np.flatnonzero(rows.is_new & is_full)
    bounds = np.searchsorted(run[may_end], np.arange(len(last_end) + 1))
    ticks = rows.ticks[may_end].tolist()
    ends = []
    for number in np.unique(run[may_end]).tolist():
        place, stop = int(bounds[number]), int(bounds[number + 1])
        if has_ended[number]:
            place = bisect_left(ticks, int(last_end[number]) + step, place, stop)
        while place < stop:
            ends.append(place)
            place = bisect_left(ticks, ticks[place] + step, place + 1, stop)
    return may_end[np.array(ends, np.int64)]


def _window_starts(ends: Whole, rows: SortedRows, run_start: Whole, shape: WindowShape) -> Whole:
    """Return the first row of the window that ends at each of the rows."""
    if shape.length is not None:
        return ends - shape.length + 1
    return _first_after(rows.ticks, rows.ticks[ends] - (shape.span or 0), run_start[ends], ends)


def _kept_from(last: Whole, rows: SortedRows, run_start: Whole, shape: WindowShape) -> Whole:
    """Return the first row of each entity that a window may contain that ends after its last row."""
    if shape.length is not None:
        return np.maximum(last - shape.length + 2, run_start[last])
    return _first_after(rows.ticks, rows.ticks[last] - (shape.span or 0), run_start[last], last)


def _first_after(ticks: Whole, limit: Whole, low: Whole, high: Whole) -> Whole:
    """Return the first row from ``low`` to ``high`` with a time after the limit, by bisection; ``high`` has one."""
    low, high = low.copy(), high.copy()
    while (low < high).any():
        middle = (low + high) // 2
        is_after = ticks[middle] > limit
        high = np.where(is_after, middle, high)
        low = np.where(is_after, low, np.minimum(middle + 1, high))
    return low

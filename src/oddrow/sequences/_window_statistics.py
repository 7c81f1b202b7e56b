"""Statistics of windows: each window is computed from its own rows, so that its bits do not depend on other rows.

Sums run over the rows of a window in their order, for many windows at once, by operations on whole arrays that treat
each element by itself. Running sums over a stream would be faster, but their rounding depends on all rows before, and
the order in which NumPy adds along an axis depends on the shape of the array. Sums of whole numbers are exact, so
counts are differences of running counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.sequences._durations import TICKS_PER_SECOND

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

WINDOWS_AT_ONCE = 4_096
"""Windows computed together: their intermediate values stay in the processor's cache."""


@dataclass(frozen=True)
class WindowRows:
    """The rows of m windows in arrays of rows.

    Attributes
    ----------
    start : int64 [m], the first row of each window
    length : int64 [m], its number of rows, at least 1
    """

    start: Whole
    length: Whole

    @property
    def stop(self) -> Whole:
        """int64 [m], the row after the last row of each window."""
        return self.start + self.length

    @property
    def end(self) -> Whole:
        """int64 [m], the last row of each window."""
        return self.stop - 1

    def blocks(self) -> Iterator[tuple[Whole, WindowRows]]:
        """Yield the windows in blocks, the longest first, with the number of each window of the block."""
        order = np.argsort(-self.length, kind="stable")
        for first in range(0, len(order), WINDOWS_AT_ONCE):
            some = order[first : first + WINDOWS_AT_ONCE]
            yield some, WindowRows(self.start[some], self.length[some])

    def each_row(self) -> Iterator[tuple[int, Whole]]:
        """Yield, for each offset from the start, the offset and the rows there; windows are sorted, longest first."""
        longest = int(self.length[0]) if len(self.length) else 0
        n_windows = np.searchsorted(-self.length, -np.arange(longest), side="left")
        for offset in range(longest):
            yield offset, self.start[: n_windows[offset]] + offset


class _Rows(NamedTuple):
    """Rows of k columns, prepared for windows.

    Attributes
    ----------
    values : float64 [k, n], 0 where missing
    present : bool [k, n]
    first : int64 [k, n], the first row with a value from each row on; n if there is none
    steps : float64 [k, n], the absolute difference from the last value before; 0 where there is none
    """

    values: Floats
    present: Flags
    first: Whole
    steps: Floats


def number_statistics(values: Floats, ticks: Whole | None, windows: WindowRows) -> dict[str, Floats]:
    """Return mean, std, min, max, trend and step of each column in each window, float64 [k, m], NaN where undefined.

    Missing values are left out. The trend is the least-squares slope per row, or per second if times are given; a
    window with fewer than two values, or with all values at one time, has none. The step is the mean absolute
    difference of successive values. The standard deviation is that of the population, divided by the number of values.

    Parameters
    ----------
    values
        float64 [k, n], NaN where missing.
    ticks
        int64 [n], the times in microseconds; None for a trend per row.
    windows
        The m windows of these rows.
    """
    rows = _prepared(values)
    found = {name: np.empty((len(values), len(windows.start))) for name in _STATISTICS}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for some, block in windows.blocks():
            statistics = _of_block(rows, ticks, block)
            for name in _STATISTICS:
                column = statistics[name]
                column[~np.isfinite(column)] = np.nan
                found[name][:, some] = column
    return found


_STATISTICS = ("mean", "std", "min", "max", "trend", "step")


def _prepared(values: Floats) -> _Rows:
    present = ~np.isnan(values)
    n_rows = values.shape[1]
    own = np.arange(n_rows)
    first = np.minimum.accumulate(np.where(present, own, n_rows)[:, ::-1], axis=1)[:, ::-1]
    last = np.maximum.accumulate(np.where(present, own, -1), axis=1)
    before = np.concatenate([np.full((len(values), 1), -1), last[:, :-1]], axis=1) if n_rows else last
    filled = np.where(present, values, 0.0)
    earlier = np.take_along_axis(filled, np.maximum(before, 0), axis=1) if n_rows else filled
    with np.errstate(over="ignore"):
        steps = np.where(present & (before >= 0), np.abs(filled - earlier), 0.0)
    return _Rows(filled, present, first, steps)


def _of_block(rows: _Rows, ticks: Whole | None, block: WindowRows) -> dict[str, Floats]:
    """Return the statistics of windows that are sorted, the longest first."""
    shape = (len(rows.values), len(block.start))
    first = rows.first[:, block.start]
    place = _places(ticks, block)
    # Differences from the first value: equal values give exactly 0, and large values of small spread lose no digits.
    reference = np.take_along_axis(rows.values, np.minimum(first, rows.values.shape[1] - 1), axis=1)
    count, total, total_place, step = (np.zeros(shape) for _ in range(4))
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for offset, at in block.each_row():
        here = np.s_[:, : len(at)]
        present, value = rows.present[:, at], rows.values[:, at]
        count[here] += present
        total[here] += np.where(present, value - reference[here], 0.0)
        total_place[here] += np.where(present, place(offset, at), 0.0)
        step[here] += np.where(at > first[here], rows.steps[:, at], 0.0)
        low[here] = np.where(present, np.minimum(low[here], value), low[here])
        high[here] = np.where(present, np.maximum(high[here], value), high[here])
    mean, mean_place = total / count, total_place / count
    spread, spread_place, product = (np.zeros(shape) for _ in range(3))
    for offset, at in block.each_row():
        here = np.s_[:, : len(at)]
        present = rows.present[:, at]
        away = np.where(present, rows.values[:, at] - reference[here] - mean[here], 0.0)
        away_place = np.where(present, place(offset, at) - mean_place[here], 0.0)
        spread[here] += away * away
        spread_place[here] += away_place * away_place
        product[here] += away * away_place
    return {
        "mean": reference + mean,
        "std": np.sqrt(spread / count),
        "min": low,
        "max": high,
        "trend": product / spread_place,
        "step": step / np.maximum(count - 1, 0.0),
    }


def _places(ticks: Whole | None, block: WindowRows) -> Callable[[int, Whole], Floats | float]:
    """Return the function that gives the places of rows on the axis of the trend: rows, or seconds from the end."""
    if ticks is None:
        return lambda offset, at: float(offset)  # noqa: ARG005 - the place is the same in all windows
    end = ticks[block.end]
    return lambda offset, at: (ticks[at] - end[: len(at)]) / TICKS_PER_SECOND  # noqa: ARG005


def window_counts(flags: Flags, windows: WindowRows) -> Whole:
    """Return the number of flagged rows in each window, int64 [k, m]; ``flags`` is bool [k, n]."""
    running = np.zeros((len(flags), flags.shape[1] + 1), np.int64)
    np.cumsum(flags, axis=1, out=running[:, 1:])
    return running[:, windows.stop] - running[:, windows.start]


def window_distinct(codes: Floats, present: Flags, windows: WindowRows) -> Whole:
    """Return the number of distinct values in each window, int64 [k, m], of codes [k, n]; missing ones are left out.

    A value is counted at its first row in the window: where the last row before with the same value, if any, is before
    the start.
    """
    n_rows = codes.shape[1]
    before = np.full(codes.shape, -1, np.int64)
    for column, own in zip(codes, before, strict=True):
        order = np.argsort(column, kind="stable")
        is_same = column[order[1:]] == column[order[:-1]]
        own[order[1:][is_same]] = order[:-1][is_same]
    before = np.where(present, before, n_rows)
    found = np.empty((len(codes), len(windows.start)), np.int64)
    for some, block in windows.blocks():
        count = np.zeros((len(codes), len(some)), np.int64)
        for _, at in block.each_row():
            count[:, : len(at)] += before[:, at] < block.start[: len(at)]
        found[:, some] = count
    return found

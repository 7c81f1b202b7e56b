"""Statistics of windows: each window is computed from its own rows, so that its bits do not depend on other rows.

Sums run over the rows of a window in an order that depends on the length of the window alone: over the rows of each
piece of 64 rows, and then over the pieces. Each step adds one row to the sums of many pieces by operations that treat
each element by itself. Running sums over a stream would be faster, but their rounding depends on all rows before, and
the order in which NumPy adds along an axis depends on the shape of the array. Sums of whole numbers are exact, so
counts are differences of running counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.sequences._durations import TICKS_PER_SECOND
from oddrow.sequences._tails import runs

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

PIECE_ROWS = 64
"""Rows of a piece of a window."""
PIECES_AT_ONCE = 4_096
"""Pieces computed together: their intermediate values stay in the processor's cache."""
STATISTICS = ("mean", "std", "min", "max", "trend", "step")


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

    def each_row(self) -> Iterator[tuple[int, Whole]]:
        """Yield, for each offset from the start, the offset and the rows there; windows are sorted, longest first."""
        longest = int(self.length[0]) if len(self.length) else 0
        n_windows = np.searchsorted(-self.length, -np.arange(longest), side="left")
        for offset in range(longest):
            yield offset, self.start[: n_windows[offset]] + offset


class _Block(NamedTuple):
    """Windows that are computed together, and their pieces.

    Attributes
    ----------
    number : int64 [m], the numbers of the windows
    windows : the windows, the longest first
    pieces : p pieces, the longest first
    window : int64 [p], the place in this block of the window of each piece
    of_window : the pieces of each window in order, as rows of an array of pieces
    order : int64 [p], the places of the pieces in that array
    """

    number: Whole
    windows: WindowRows
    pieces: WindowRows
    window: Whole
    of_window: WindowRows
    order: Whole

    def joined(self, join: np.ufunc, of_pieces: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the results [k, m] of the windows from those [k, p] of their pieces."""
        if len(self.order) == len(self.number):
            return of_pieces
        ordered = np.empty_like(of_pieces)
        ordered[:, self.order] = of_pieces
        joined: npt.NDArray[Any] = ordered[:, self.of_window.start]
        for offset, at in self.of_window.each_row():
            if offset:
                joined[:, : len(at)] = join(joined[:, : len(at)], ordered[:, at])
        return joined


def _blocks(windows: WindowRows) -> Iterator[_Block]:
    """Yield the windows in blocks, the longest first."""
    order = np.argsort(-windows.length, kind="stable")
    first = 0
    while first < len(order):
        most_pieces = -(-int(windows.length[order[first]]) // PIECE_ROWS)
        number = order[first : first + max(PIECES_AT_ONCE // most_pieces, 1)]
        yield _block(number, WindowRows(windows.start[number], windows.length[number]))
        first += len(number)


def _block(number: Whole, windows: WindowRows) -> _Block:
    n_pieces = -(-windows.length // PIECE_ROWS)
    window = np.repeat(np.arange(len(number)), n_pieces)
    skipped = runs(np.zeros_like(n_pieces), n_pieces) * PIECE_ROWS
    start, length = windows.start[window] + skipped, np.minimum(windows.length[window] - skipped, PIECE_ROWS)
    order = np.argsort(-length, kind="stable")
    of_window = WindowRows(np.cumsum(n_pieces) - n_pieces, n_pieces)
    return _Block(number, windows, WindowRows(start[order], length[order]), window[order], of_window, order)


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
    found = {name: np.empty((len(values), len(windows.start))) for name in STATISTICS}
    has_missing = np.isnan(values).any(axis=1)
    # a column without missing values is not masked, which takes a third of the time and gives the same bits
    for is_masked in (False, True):
        columns = np.flatnonzero(has_missing == is_masked)
        if not len(columns):
            continue
        rows = _prepared(values[columns], is_masked=is_masked)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for block in _blocks(windows):
                for name, statistic in _of_block(rows, ticks, block).items():
                    statistic[~np.isfinite(statistic)] = np.nan
                    found[name][np.ix_(columns, block.number)] = statistic
    return found


class _Rows(NamedTuple):
    """Rows of k columns, prepared for windows.

    Attributes
    ----------
    values : float64 [k, n], 0 where missing
    given : float64 [k, n], NaN where missing
    present : float64 [k, n], 1 where there is a value and 0 where it is missing; None if none is missing
    first : int64 [k, n], the first row with a value from each row on; n if there is none
    steps : float64 [k, n], the absolute difference from the last value before; 0 where there is none
    """

    values: Floats
    given: Floats
    present: Floats | None
    first: Whole
    steps: Floats

    def masked(self, terms: Floats, at: Whole) -> Floats:
        """Return terms [k, m] of rows [m], 0 where the value is missing."""
        return terms if self.present is None else terms * np.take(self.present, at, axis=1)


def _prepared(values: Floats, *, is_masked: bool) -> _Rows:
    n_columns, n_rows = values.shape
    present = ~np.isnan(values)
    own = np.arange(n_rows)
    first = np.minimum.accumulate(np.where(present, own, n_rows)[:, ::-1], axis=1)[:, ::-1]
    last = np.maximum.accumulate(np.where(present, own, -1), axis=1)
    before = np.concatenate([np.full((n_columns, 1), -1), last], axis=1)[:, :n_rows]
    filled = np.where(present, values, 0.0)
    earlier = np.take_along_axis(filled, np.maximum(before, 0), axis=1)
    with np.errstate(over="ignore"):
        steps = np.where(present & (before >= 0), np.abs(filled - earlier), 0.0)
    return _Rows(filled, values, present.astype(np.float64) if is_masked else None, first, steps)


def _of_block(rows: _Rows, ticks: Whole | None, block: _Block) -> dict[str, Floats]:
    """Return the statistics [k, m] of the windows of a block."""
    shape = (len(rows.values), len(block.pieces.start))
    of_places = (shape[0] if rows.present is not None else 1, shape[1])  # without a mask, the same in all columns
    first = np.take(rows.first, block.windows.start, axis=1)
    # Differences from the first value: equal values give exactly 0, and large values of small spread lose no digits.
    reference = np.take_along_axis(rows.values, np.minimum(first, rows.values.shape[1] - 1), axis=1)
    of_piece, first_of_piece = reference[:, block.window], first[: of_places[0], block.window]
    total, step = np.zeros(shape), np.zeros(shape)
    count, total_place = np.zeros(of_places), np.zeros(of_places)
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for _, at in block.pieces.each_row():
        here = np.s_[:, : len(at)]
        value = np.take(rows.values, at, axis=1)
        count[here] += rows.masked(np.ones((1, len(at))), at)
        total[here] += rows.masked(value - of_piece[here], at)
        total_place[here] += rows.masked(_places(ticks, block, at), at)
        step[here] += np.take(rows.steps, at, axis=1) * (at > first_of_piece[here])
        given = value if rows.present is None else np.take(rows.given, at, axis=1)
        low[here], high[here] = np.fmin(low[here], given), np.fmax(high[here], given)
    count, total, total_place, step = (block.joined(np.add, one) for one in (count, total, total_place, step))
    mean, mean_place = total / count, total_place / count
    away_from, mean_place_of_piece = (reference + mean)[:, block.window], mean_place[:, block.window]
    spread, spread_place, product = np.zeros(shape), np.zeros(of_places), np.zeros(shape)
    for _, at in block.pieces.each_row():
        here = np.s_[:, : len(at)]
        away = rows.masked(np.take(rows.values, at, axis=1) - away_from[here], at)
        away_place = rows.masked(_places(ticks, block, at) - mean_place_of_piece[here], at)
        spread[here] += away * away
        spread_place[here] += away_place * away_place
        product[here] += away * away_place
    spread, spread_place, product = (block.joined(np.add, one) for one in (spread, spread_place, product))
    return {
        "mean": reference + mean,
        "std": np.sqrt(spread / count),
        "min": block.joined(np.minimum, low),
        "max": block.joined(np.maximum, high),
        "trend": product / spread_place,
        "step": step / np.maximum(count - 1, 0.0),
    }


def _places(ticks: Whole | None, block: _Block, at: Whole) -> Floats:
    """Return the places [1, m] of rows [m] on the axis of the trend: rows from the start, or seconds from the end."""
    window = block.window[: len(at)]
    if ticks is None:
        return (at - block.windows.start[window]).astype(np.float64)[None]
    return ((ticks[at] - ticks[block.windows.end[window]]) / TICKS_PER_SECOND)[None]


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
    for block in _blocks(windows):
        start = block.windows.start[block.window]
        count = np.zeros((len(codes), len(start)), np.int64)
        for _, at in block.pieces.each_row():
            count[:, : len(at)] += np.take(before, at, axis=1) < start[: len(at)]
        found[:, block.number] = block.joined(np.add, count)
    return found

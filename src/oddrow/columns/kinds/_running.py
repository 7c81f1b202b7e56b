"""Running columns, whose later rows have later values: the novelty of a jump beyond the values that next rows can have.

A new row is expected to lie outside the training range of a running column, so its position in that range is not used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from oddrow.columns.kinds._graph_columns import GraphColumns
from oddrow.graph import Value
from oddrow.table import Floats

MAX_AHEAD, MAX_BACK = 2.0, 0.5
"""A value has no novelty within this many widths of the training range after its end, or before its start: next rows
extend about one width beyond the end, and none are expected before the start."""
MAX_EXCESS = 1e290
"""Bound of an excess, whose product with any number of training rows is finite."""
DAY, WEEK = 86_400.0, 7 * 86_400.0
"""Periods in seconds. Weeks start on Thursday, as 1970-01-01; the angle of a weekday has no meaning."""


def jump(values: Floats, low: float, high: float, step: float = 0.0) -> Floats:
    """Return float64 [n] >= 0: the distance of values beyond those that next rows can have, in widths of [low, high].

    ``step`` is the length of one value, such as a day for a date; the width includes it.

    Examples
    --------
    >>> jump(np.array([150.0, 300.0, 400.0, -100.0]), 0.0, 100.0)
    array([0. , 0. , 1. , 0.5])
    """
    # halves, since differences of huge values could overflow
    width = max(high / 2 - low / 2 + step / 2, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        ahead, back = (values / 2 - high / 2) / width - MAX_AHEAD, (low / 2 - values / 2) / width - MAX_BACK
    return np.asarray(np.clip(np.maximum(ahead, back), 0.0, MAX_EXCESS))


def jump_nats(columns: GraphColumns, values: Value, ranges: Sequence[tuple[float, float, float]]) -> Value:
    """Return the novelty in nats of values [n, k] in a graph, as :func:`jump`; ranges are (low, high, step)."""
    xp = columns.xp
    half_low, half_high, half_step = (np.array(numbers) / 2 for numbers in zip(*ranges, strict=True))
    width = np.maximum(half_high - half_low + half_step, np.finfo(float).tiny)
    ahead = (values / 2.0 - half_high) / width - MAX_AHEAD
    back = (half_low - values / 2.0) / width - MAX_BACK
    excess_widths = xp.clip(xp.maximum(ahead, back), np.zeros(len(width)), np.full(len(width), MAX_EXCESS))
    return xp.log1p(excess_widths * columns.n_rows)


def moment(seconds: float) -> dt.datetime | None:
    """Return a UTC time without a time zone; None outside the calendar."""
    try:
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=round(seconds))
    except OverflowError:
        return None

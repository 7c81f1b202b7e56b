"""Columns whose later rows have later values: how far a value lies outside what the next rows can reach.

The position of such a value among the training values says nothing about its row. Novelty is a value further ahead, or
further back, than the next rows can be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from oddrow.columns.kinds._graph_columns import GraphColumns
from oddrow.graph import Value
from oddrow.table import Floats

AHEAD, BACK = 2.0, 0.5
"""A value so many widths of the range of training beyond its last value, or before its first, is no novelty: the next
rows reach about one width further, and rows do not run back."""
MAX_EXCESS = 1e290
"""Times any number of training rows this is finite."""
DAY, WEEK = 86_400.0, 7 * 86_400.0
"""Periods in seconds. The day of 1970-01-01 is a Thursday; which angle a weekday has does not matter."""


def jump(values: Floats, low: float, high: float, step: float = 0.0) -> Floats:
    """float64 [n] >= 0: how far values lie outside what the next rows can reach, in widths of the range [low, high].

    ``step`` is what one value covers, as a date covers a day: the width is so much more.

    Examples
    --------
    >>> jump(np.array([150.0, 300.0, 400.0, -100.0]), 0.0, 100.0)
    array([0. , 0. , 1. , 0.5])
    """
    # halves: what is huge must not overflow
    width = max(high / 2 - low / 2 + step / 2, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        ahead, back = (values / 2 - high / 2) / width - AHEAD, (low / 2 - values / 2) / width - BACK
    return np.asarray(np.clip(np.maximum(ahead, back), 0.0, MAX_EXCESS))


def jump_nats(columns: GraphColumns, values: Value, ranges: Sequence[tuple[float, float, float]]) -> Value:
    """The novelty in nats of values [n, k] in a graph, as by :func:`jump`; low, high and step of each column."""
    xp = columns.xp
    half_low, half_high, half_step = (np.array(numbers) / 2 for numbers in zip(*ranges, strict=True))
    width = np.maximum(half_high - half_low + half_step, np.finfo(float).tiny)
    ahead = (values / 2.0 - half_high) / width - AHEAD
    back = (half_low - values / 2.0) / width - BACK
    excess_widths = xp.clip(xp.maximum(ahead, back), np.zeros(len(width)), np.full(len(width), MAX_EXCESS))
    return xp.log1p(excess_widths * columns.n_rows)


def moment(seconds: float) -> dt.datetime | None:
    """A UTC time without a zone; None beyond the calendar."""
    try:
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=round(seconds))
    except OverflowError:
        return None

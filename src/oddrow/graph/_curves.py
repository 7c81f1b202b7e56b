"""Piecewise linear curves and interval borders in a graph: one for each column of a matrix, evaluated together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.graph._graph import INTEGER, Value
from oddrow.graph._namespace import GraphNamespace

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

MAX_SHORT_KNOTS = 7
"""Three halvings find an interval among so many knots; such curves are evaluated apart from longer ones."""


def borders_reached(xp: GraphNamespace, x: Value, borders: Sequence[Floats]) -> Value:
    """Return how many of the ascending borders of its column each number [n, k] reaches, int64 [n, k].

    The result equals ``np.searchsorted(borders, x, side="right")`` and is found by binary search. All columns take as
    many steps as the longest one, in a table padded with infinity.
    """
    halvings = max(max((len(each) for each in borders), default=0).bit_length(), 1)
    width = 2**halvings - 1
    table = np.full((len(borders), width), np.inf)
    for row, each in zip(table, borders, strict=True):
        row[: len(each)] = each
    first: Places = np.arange(len(borders)) * width - 1  # the index before the first border, where no border is reached
    reached: Value = xp.broadcast_to(first, x, INTEGER)
    for halving in reversed(range(halvings)):
        probe = reached + 2**halving
        reached = xp.where(probe.taken_from(table.ravel()) <= x, probe, reached)
    return reached - first


@dataclass(frozen=True)
class _Pieces:
    """The linear pieces of a curve: one before its first knot, one after each knot."""

    starts: Floats
    values: Floats
    slopes: Floats

    @classmethod
    def of(cls, knots: Floats, values: Floats) -> _Pieces:
        rise, run = np.diff(values), np.diff(knots)
        slopes = np.divide(rise, run, out=np.zeros_like(run), where=run > 0)  # two equal knots enclose no number
        return cls(np.r_[0.0, knots], np.r_[values[0], values], np.r_[0.0, slopes, 0.0])


def interpolated(xp: GraphNamespace, x: Value, knots: Sequence[Floats], values: Sequence[Floats]) -> Value:
    """Return the curve's value at each number [n, k], constant outside the knots: ``np.interp``, bit for bit."""
    is_short = np.array([len(each) <= MAX_SHORT_KNOTS for each in knots], np.bool_)
    groups: list[list[int]] = [np.flatnonzero(is_short).tolist(), np.flatnonzero(~is_short).tolist()]
    curves = [
        _interpolated(xp, x[:, members], [knots[m] for m in members], [values[m] for m in members])
        for members in groups
        if len(members)
    ]
    if not curves:
        return x
    return xp.concatenate(curves, axis=1)[:, np.argsort(np.concatenate(groups))]


def _interpolated(xp: GraphNamespace, x: Value, knots: list[Floats], values: list[Floats]) -> Value:
    pieces = [_Pieces.of(*each) for each in zip(knots, values, strict=True)]
    firsts = np.cumsum([0, *(len(each.starts) for each in pieces)])[:-1]
    place = borders_reached(xp, x, knots) + firsts
    starts, heights, slopes = (
        place.taken_from(np.concatenate([getattr(each, name) for each in pieces]))
        for name in ("starts", "values", "slopes")
    )
    return slopes * (x - starts) + heights


def extrapolated(xp: GraphNamespace, x: Value, knots: Sequence[Floats], values: Sequence[Floats]) -> Value:
    """Return the curve's value at each number [n, k]; outside the knots the first or last piece continues."""
    pieces = [_Pieces.of(*curve) for curve in zip(knots, values, strict=True)]
    firsts, lasts = (np.array([each[end] for each in knots]) for end in (0, -1))
    # a curve with one knot is constant: both slopes are 0
    slopes_below, slopes_above = (
        np.array([each.slopes[1] for each in pieces]),
        np.array([each.slopes[-2] for each in pieces]),
    )
    below, above = xp.minimum(x - firsts, 0.0), xp.maximum(x - lasts, 0.0)
    return interpolated(xp, x, knots, values) + below * slopes_below + above * slopes_above

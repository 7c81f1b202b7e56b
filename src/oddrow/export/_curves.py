"""Curves that are linear between knots, and borders between codes: many at once, each on its own column of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.calibration import TailCurve
from oddrow.export._graph import INTEGER, Value
from oddrow.export._namespace import GraphNamespace
from oddrow.views import PiecewiseCurve

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

SHORT = 7
"""Knots that three halvings find: such curves are asked apart from the longer ones."""


def borders_reached(xp: GraphNamespace, x: Value, borders: Sequence[Floats]) -> Value:
    """How many of its ascending borders each number [n, k] reaches, int64 [n, k], by repeated halving.

    That is ``np.searchsorted(borders, x, side="right")``. All columns are halved as often as the longest needs, in a
    table that is filled up with infinity.
    """
    halvings = max(max((len(each) for each in borders), default=0).bit_length(), 1)
    width = 2**halvings - 1
    table = np.full((len(borders), width), np.inf)
    for row, each in zip(table, borders, strict=True):
        row[: len(each)] = each
    first: Places = np.arange(len(borders)) * width - 1  # the place before the first border: none is reached
    reached: Value = xp.broadcast_to(first, x, INTEGER)
    for halving in reversed(range(halvings)):
        probe = reached + 2**halving
        reached = xp.where(probe.taken_from(table.ravel()) <= x, probe, reached)
    return reached - first


@dataclass(frozen=True)
class _Pieces:
    """The straight pieces of a curve: one before its first knot, one after each knot."""

    starts: Floats
    values: Floats
    slopes: Floats

    @classmethod
    def of(cls, knots: Floats, values: Floats) -> _Pieces:
        rise, run = np.diff(values), np.diff(knots)
        slopes = np.divide(rise, run, out=np.zeros_like(run), where=run > 0)  # between equal knots lies nothing
        return cls(np.r_[0.0, knots], np.r_[values[0], values], np.r_[0.0, slopes, 0.0])


def interpolated(xp: GraphNamespace, x: Value, curves: Sequence[PiecewiseCurve | TailCurve]) -> Value:
    """Each number [n, k] on its curve, flat beyond the knots: ``np.interp``, bit for bit."""
    knots = [curve.knots for curve in curves]
    values = [curve.nats if isinstance(curve, TailCurve) else curve.values for curve in curves]
    is_short = np.array([len(each) <= SHORT for each in knots], np.bool_)
    groups = [np.flatnonzero(is_short), np.flatnonzero(~is_short)]
    parts = [
        _interpolated(xp, x[:, members], [knots[m] for m in members], [values[m] for m in members])
        for members in groups
        if len(members)
    ]
    if not parts:
        return x
    return xp.concatenate(parts, axis=1)[:, np.argsort(np.concatenate(groups))]


def _interpolated(xp: GraphNamespace, x: Value, knots: list[Floats], values: list[Floats]) -> Value:
    pieces = [_Pieces.of(*each) for each in zip(knots, values, strict=True)]
    firsts = np.cumsum([0, *(len(each.starts) for each in pieces)])[:-1]
    place = borders_reached(xp, x, knots) + firsts
    starts, heights, slopes = (
        place.taken_from(np.concatenate([getattr(each, name) for each in pieces]))
        for name in ("starts", "values", "slopes")
    )
    return slopes * (x - starts) + heights


def going_on(xp: GraphNamespace, x: Value, curves: Sequence[PiecewiseCurve]) -> Value:
    """As :meth:`oddrow.views.PiecewiseCurve.going_on`, each number [n, k] on its curve."""
    pieces = [_Pieces.of(curve.knots, curve.values) for curve in curves]
    firsts, lasts = (np.array([curve.knots[end] for curve in curves]) for end in (0, -1))
    # of a curve with one knot both are 0: it is flat
    slopes_below, slopes_above = (
        np.array([each.slopes[1] for each in pieces]),
        np.array([each.slopes[-2] for each in pieces]),
    )
    below, above = xp.minimum(x - firsts, 0.0), xp.maximum(x - lasts, 0.0)
    return interpolated(xp, x, curves) + below * slopes_below + above * slopes_above


def tail_nats(xp: GraphNamespace, scores: Value, tails: Sequence[TailCurve]) -> Value:
    """As :meth:`oddrow.calibration.TailCurve.__call__`, each score [n, k] on its curve."""
    firsts, lasts = (np.array([tail.knots[end] for tail in tails]) for end in (0, -1))
    scale, shape = np.array([tail.scale for tail in tails]), np.array([tail.shape for tail in tails])
    above = xp.maximum(scores - lasts, 0.0)
    below = xp.maximum(firsts - scores, 0.0)
    beyond = xp.log1p(above * shape / scale) / shape
    return (interpolated(xp, scores, tails) + beyond) / (below / scale + 1.0)

"""Held-out rows turn a raw score into a tail probability, and that into surprise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TAIL_SHARE = 0.1
"""Share of the held-out scores that the tail is fitted to."""
LEAST_SHAPE, MOST_SHAPE = 0.05, 0.9


@dataclass(frozen=True)
class TailCurve:
    """``score -> nats``: -ln of the share of held-out rows with at least this score, and beyond them a tail.

    Linear between the knots, so it increases strictly. Above the last knot it goes on along a generalised Pareto
    tail, for ranking; below the first it falls towards 0.

    Attributes
    ----------
    knots, nats : float64 [k], ascending
    scale, shape : of the Pareto excess over the last knot; the scale also sets how fast the curve falls below the first
    """

    knots: Floats
    nats: Floats
    scale: float
    shape: float

    @classmethod
    def learn(cls, scores: Floats, most_knots: int | None = None) -> TailCurve:
        """Learn from held-out scores [n], n >= 1, finite; with ``most_knots``, thinned evenly in nats (the tail stays).

        At a held-out score the share is the conformal p-value ``(1 + #{r_i >= r}) / (n + 1)``. The least strange has
        p = 1 and would have no nats; it gets half a row's, so that what lies below it can still have less.
        """
        ordered = np.sort(np.asarray(scores, np.float64))
        count = len(ordered)
        knots, first = np.unique(ordered, return_index=True)
        nats = -np.log((1.0 + count - first) / (count + 1.0))
        nats[0] = -np.log1p(-0.5 / (count + 1.0))
        start, scale, shape = _fitted_tail(ordered)
        if most_knots is not None and len(knots) > most_knots:
            kept = np.unique(np.searchsorted(nats, np.linspace(nats[0], nats[-1], most_knots)))
            knots, nats = knots[kept], nats[kept]
        return cls(knots, nats, float(scale + shape * (ordered[-1] - start)), shape)

    def __call__(self, scores: Floats) -> Floats:
        """Nats of scores [n]."""
        inside = np.interp(scores, self.knots, self.nats)
        above = np.maximum(scores - self.knots[-1], 0.0)
        beyond = np.log1p(self.shape * above / self.scale) / self.shape
        below = np.maximum(self.knots[0] - scores, 0.0)
        return np.asarray((inside + beyond) / (1.0 + below / self.scale))


@dataclass(frozen=True)
class Calibration:
    """``raw score -> surprise and p-value``, learned from the raw scores of held-out normal rows.

    The p-value of a raw score ``r`` is the conformal ``(1 + #{r_i >= r}) / (n + 1)`` (Vovk, Gammerman and Shafer 2005):
    among rows like the held-out ones it is at most ``a`` with probability at most ``a``, for every n. The surprise
    is its :class:`TailCurve`: within the held-out scores at most ``-ln p`` (but for half a row at the least strange),
    beyond the strangest of them growing where the p-value cannot.
    """

    scores: Floats
    """Held-out raw scores, ascending, float64 [n]."""

    @classmethod
    def learn(cls, scores: Floats) -> Calibration:
        """Learn from held-out raw scores [n], n >= 1, finite."""
        return cls(np.sort(np.asarray(scores, np.float64)))

    @cached_property
    def _curve(self) -> TailCurve:
        return TailCurve.learn(self.scores)

    def surprise(self, raw: Floats) -> Floats:
        """Nats of raw scores [n]; strictly increasing."""
        return self._curve(raw)

    def p_value(self, raw: Floats) -> Floats:
        """The conformal p-value of raw scores [n]."""
        at_least = len(self.scores) - np.searchsorted(self.scores, raw, side="left")
        return np.asarray((1.0 + at_least) / (len(self.scores) + 1.0))


def _tail_start(count: int) -> int:
    return min(int(np.floor((1.0 - TAIL_SHARE) * count)), count - 1)


def _fitted_tail(ordered: Floats) -> tuple[float, float, float]:
    """Start, scale and shape of a generalised Pareto tail by probability-weighted moments (Hosking and Wallis 1987).

    The shape is kept positive, so the tail has no end and the surprise no ceiling. Where the scores are too few or
    all alike, the spread of all scores stands in for the scale.
    """
    start = ordered[_tail_start(len(ordered))]
    excess = ordered[ordered > start] - start
    fallback = float(np.std(ordered)) or max(abs(float(ordered[-1])), 1.0) * 1e-3
    if len(excess) < 10:
        return float(start), fallback, LEAST_SHAPE
    survival = (np.arange(len(excess))[::-1] + 0.35) / len(excess)  # of the ascending excesses, plotting position
    first, second = float(np.mean(excess)), float(np.mean(survival * excess))
    shape = float(np.clip(2.0 - first / max(first - 2.0 * second, 1e-12 * first), LEAST_SHAPE, MOST_SHAPE))
    return float(start), first * (1.0 - shape), shape

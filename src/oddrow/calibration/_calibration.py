"""Held-out rows turn a raw score into a tail probability, and that into surprise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.container import MAX_NUMBER, Arrays, ArrayStore, piece_starts
from oddrow.exceptions import ModelFileError

Floats = npt.NDArray[np.float64]

TAIL_SHARE = 0.1
"""Share of the held-out scores that the tail is fitted to."""
LEAST_TAIL_ROWS = 10
LEAST_SHAPE, MOST_SHAPE = 0.05, 0.9
MOST_DISTANCE = 1.3
"""Bound on sqrt(m) times the Kolmogorov-Smirnov distance of m excesses to the Pareto tail fitted to them. Exceeded in
about 1 % of samples that do come from such a tail (by simulation, 10 to 1,000 excesses, shapes 0.05 to 0.6)."""

ROUNDING = 1e-12
"""Scores that differ by no larger share differ by rounding alone, and are the same."""

LOWEST_SCORE, HIGHEST_SCORE = -1e10, 1e150
"""No view of a row has a score beyond these, given the bounds of all parts of a model: every curve is finite there."""
MIN_NATS = 1e-250
"""No curve gives less at any score, so that parts of a surprise can be shares of it."""

Source: TypeAlias = Literal["held-out", "cross-fitted", "training"]
"""Where calibration scores come from: rows held out of the fit; every row, scored by a fit without it; or the rows
that the fit saw, as in the article."""


@dataclass(frozen=True)
class TailFit:
    """How the strangest tenth of some scores is distributed, for ranking beyond the strangest.

    Attributes
    ----------
    start, scale, shape : where the tail begins, and the generalised Pareto distribution of the excess over it
    n_excess : scores above the start
    kind : "generalised Pareto"; "exponential" where that does not fit; "spread" where there are too few scores for
        either: exponential on the scale of the spread of all scores
    """

    start: float
    scale: float
    shape: float
    n_excess: int
    kind: Literal["generalised Pareto", "exponential", "spread"]

    @classmethod
    def learn(cls, ordered: Floats) -> TailFit:
        """Fit to ascending scores [n] by probability-weighted moments (Hosking and Wallis 1987), and check the fit.

        The shape is kept positive, so the tail has no end and the surprise no ceiling.
        """
        start = float(ordered[min(int(np.floor((1.0 - TAIL_SHARE) * len(ordered))), len(ordered) - 1)])
        excess = ordered[ordered > start] - start
        if len(excess) < LEAST_TAIL_ROWS:
            largest = max(abs(float(ordered[-1])), 1.0)
            spread = float(np.std(ordered))
            if spread <= ROUNDING * largest:
                spread = largest * 1e-3
            return cls(start, spread, LEAST_SHAPE, len(excess), "spread")
        survival = (np.arange(len(excess))[::-1] + 0.35) / len(excess)  # of the ascending excesses, plotting position
        first, second = float(np.mean(excess)), float(np.mean(survival * excess))
        shape = float(np.clip(2.0 - first / max(first - 2.0 * second, 1e-12 * first), LEAST_SHAPE, MOST_SHAPE))
        fitted = cls(start, first * (1.0 - shape), shape, len(excess), "generalised Pareto")
        if fitted.distance(excess) * np.sqrt(len(excess)) <= MOST_DISTANCE:
            return fitted
        return cls(start, first, LEAST_SHAPE, len(excess), "exponential")

    def distance(self, excess: Floats) -> float:
        """Kolmogorov-Smirnov distance of ascending excesses [m] to the fitted tail."""
        share = 1.0 - (1.0 + self.shape * excess / self.scale) ** (-1.0 / self.shape)
        steps = np.arange(len(excess) + 1) / len(excess)
        return float(max(np.max(steps[1:] - share), np.max(share - steps[:-1])))

    def scale_at(self, score: float) -> float:
        """The scale of the excess over a score at or above the start."""
        return self.scale + self.shape * (score - self.start)


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
        is_apart = np.diff(knots, prepend=-np.inf) > ROUNDING * np.abs(knots)
        knots, first = knots[is_apart], first[is_apart]
        nats = -np.log((1.0 + count - first) / (count + 1.0))
        nats[0] = -np.log1p(-0.5 / (count + 1.0))
        tail = TailFit.learn(ordered)
        if most_knots is not None and len(knots) > most_knots:
            kept = np.unique(np.searchsorted(nats, np.linspace(nats[0], nats[-1], most_knots)))
            knots, nats = knots[kept], nats[kept]
        return cls(knots, nats, tail.scale_at(float(ordered[-1])), tail.shape)

    def moved(self, factor: float, shift: float) -> TailCurve:
        """The curve of scores that are so many times as large and then so much larger."""
        return TailCurve(self.knots * factor + shift, self.nats, self.scale * factor, self.shape)

    def __call__(self, scores: Floats) -> Floats:
        """Nats of scores [n]."""
        ends = (self.knots[0], self.knots[-1], self.scale, self.shape)
        return _beyond_the_knots(np.asarray(np.interp(scores, self.knots, self.nats)), scores, *map(np.asarray, ends))

    def packed(self) -> Arrays:
        """The knots, their nats, and what goes on beyond them: scale and shape."""
        return {"knots": self.knots, "nats": self.nats, "beyond": np.array([self.scale, self.shape])}

    @classmethod
    def unpacked(cls, store: ArrayStore) -> TailCurve:
        """A curve that is finite and positive for every score."""
        knots = store.take_ascending("knots", (None,))
        nats = store.take_ascending("nats", knots.shape)
        return cls._checked(store, knots, nats, store.take("beyond", np.float64, (2,)))

    @classmethod
    def _checked(cls, store: ArrayStore, knots: Floats, nats: Floats, beyond: Floats) -> TailCurve:
        scale, shape = beyond.tolist()
        if not min(scale, shape, nats[0]) > 0:
            raise ModelFileError(f"the curve {store.part!r} has no positive scale, shape and nats")
        curve = cls(knots, nats, scale, shape)
        _check_finite(store.part, curve)
        return curve


@dataclass(frozen=True)
class TailCurves:
    """A curve for each of k columns."""

    tails: tuple[TailCurve, ...]

    @cached_property
    def _ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """First knots, last knots, scales and shapes [k]."""
        ends = [(tail.knots[0], tail.knots[-1], tail.scale, tail.shape) for tail in self.tails]
        first, last, scale, shape = np.array(ends, np.float64).reshape(-1, 4).T
        return first, last, scale, shape

    def __call__(self, scores: Floats) -> Floats:
        """Nats float64 [n, k] of scores [n, k], each by the curve of its column."""
        nats = np.empty(scores.shape)
        for column, tail in enumerate(self.tails):
            nats[:, column] = np.interp(scores[:, column], tail.knots, tail.nats)
        return _beyond_the_knots(nats, scores, *self._ends)

    def packed(self) -> Arrays:
        """The knots and nats of all curves end to end, and the scale and shape of each."""
        nothing = [np.empty(0)]  # where there is no column, there is no curve
        return {
            "starts": piece_starts(len(tail.knots) for tail in self.tails),
            "knots": np.concatenate([*nothing, *(tail.knots for tail in self.tails)]),
            "nats": np.concatenate([*nothing, *(tail.nats for tail in self.tails)]),
            "beyond": np.array([(tail.scale, tail.shape) for tail in self.tails]).reshape(-1, 2),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, count: int) -> TailCurves:
        """So many curves, each as :meth:`TailCurve.unpacked` checks it."""
        knots = store.take("knots", np.float64, (None,))
        nats = store.take("nats", np.float64, knots.shape)
        beyond = store.take("beyond", np.float64, (count, 2))
        tails = []
        for piece, ends in zip(store.take_slices("starts", count, len(knots)), beyond, strict=True):
            if np.any(np.diff(knots[piece]) < 0) or np.any(np.diff(nats[piece]) < 0):
                raise ModelFileError(f"the scores of {store.part!r} are not ascending")
            tails.append(TailCurve._checked(store, knots[piece], nats[piece], ends))
        return cls(tuple(tails))


def _beyond_the_knots(
    nats: Floats, scores: Floats, first: Floats, last: Floats, scale: Floats, shape: Floats
) -> Floats:
    """Nats as they are between the knots, set right where scores lie outside: few, and logarithms take long."""
    above, below = scores > last, scores < first
    if above.any():
        of = [np.broadcast_to(value, scores.shape)[above] for value in (last, scale, shape)]
        nats[above] += np.log1p(of[2] * (scores[above] - of[0]) / of[1]) / of[2]
    if below.any():
        of = [np.broadcast_to(value, scores.shape)[below] for value in (first, scale)]
        nats[below] /= 1.0 + (of[0] - scores[below]) / of[1]
    return nats


@dataclass(frozen=True)
class Calibration:
    """``raw score -> surprise and p-value``, learned from the raw scores of normal rows.

    The p-value of a raw score ``r`` is the conformal ``(1 + #{r_i >= r}) / (n + 1)`` (Vovk, Gammerman and Shafer 2005):
    among rows like held-out ones it is at most ``a`` with probability at most ``a``, for every n. The surprise
    is its :class:`TailCurve`: within the held-out scores at most ``-ln p`` (but for half a row at the least strange),
    beyond the strangest of them growing where the p-value cannot.

    Where the rows are too few for a tail, nothing says how fast: all that n rows support is p <= 1 / (n + 1). Beyond
    the strangest the surprise then rises to the ``ln(n + 1)`` of that, and further, for ranking alone, by
    ``ln(1 + ln(1 + x))``, x being the distance in spreads of all scores. That is a log-Pareto tail, P(X > x) about
    1 / ln x, heavier than any Pareto tail (so it claims less than any that could have been fitted), and it adds less
    than 7 nats at any finite x.
    """

    scores: Floats
    """Raw scores of the calibration rows, ascending, float64 [n]."""
    source: Source = "held-out"
    extrapolates: bool = True
    """Whether surprise beyond the strangest row follows the tail where that was not fitted, as in older model files."""

    @classmethod
    def learn(cls, scores: Floats, source: Source = "held-out") -> Calibration:
        """Learn from raw scores [n], n >= 1, finite."""
        return cls(np.sort(np.asarray(scores, np.float64)), source, extrapolates=False)

    @property
    def n_rows(self) -> int:
        """How many rows calibrate."""
        return len(self.scores)

    @cached_property
    def _curve(self) -> TailCurve:
        return TailCurve.learn(self.scores)

    @cached_property
    def tail(self) -> TailFit:
        """The tail along which surprise grows beyond the strangest calibration row."""
        return TailFit.learn(self.scores)

    def surprise(self, raw: Floats) -> Floats:
        """Nats of raw scores [n]; strictly increasing."""
        if self.has_tail:
            return self._curve(raw)
        last = self.scores[-1]
        nats = self._curve(np.minimum(raw, last))
        above = raw > last
        if above.any():
            spreads = (raw[above] - last) / self.tail.scale
            rise = self.most_supported - nats[above]
            nats[above] += rise * spreads / (1.0 + spreads) + np.log1p(np.log1p(spreads))
        return nats

    @property
    def has_tail(self) -> bool:
        """Whether surprise beyond the strangest row follows :attr:`tail`."""
        return self.extrapolates or self.tail.kind != "spread"

    @property
    def most_supported(self) -> float:
        """The surprise in nats that the smallest possible p-value has; more of it only ranks."""
        return float(np.log(self.n_rows + 1.0))

    def p_value(self, raw: Floats) -> Floats:
        """The conformal p-value of raw scores [n]."""
        at_least = self.n_rows - np.searchsorted(self.scores, raw, side="left")
        return np.asarray((1.0 + at_least) / (self.n_rows + 1.0))

    def surprise_exceeded_by(self, count: int) -> float:
        """The surprise of the ``count``-th strangest calibration row (from 1).

        What lies above has fewer than ``count`` calibration rows at least as strange, so p <= count / (n + 1), and a
        new normal row lies above with that probability at most. Beyond the last row there is no bound: -inf.
        """
        if count > self.n_rows:
            return -np.inf
        return float(self.surprise(self.scores[[self.n_rows - count]])[0])

    def exceedances(self, surprise: float) -> int:
        """How many calibration rows have more than this surprise."""
        return int(np.sum(self.surprise(self.scores) > surprise))

    def packed(self) -> Arrays:
        """The raw scores; where they come from is JSON."""
        return {"scores": self.scores}

    @classmethod
    def unpacked(cls, store: ArrayStore, source: Source, *, extrapolates: bool) -> Calibration:
        """A calibration whose surprise is finite and positive for every raw score."""
        calibration = cls(store.take_ascending("scores", (None,)), source, extrapolates)
        _check_finite(store.part, calibration.surprise)
        return calibration


def _check_finite(name: str, score_to_nats: Callable[[Floats], Floats]) -> None:
    """Refuse a curve that does not stay finite and above zero as far out as any score can be."""
    with np.errstate(all="ignore"):
        nats = score_to_nats(np.array([LOWEST_SCORE, HIGHEST_SCORE]))
    if not (nats[0] > MIN_NATS and nats[1] < MAX_NUMBER):  # curves never fall; NaN fails too
        raise ModelFileError(f"the curve {name!r} is not finite and positive for every score")

"""Convert raw scores into tail probabilities of the calibration rows, and these into surprise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow._interpolation import interpolated
from oddrow.container import MAX_NUMBER, Arrays, ArrayStore, piece_starts
from oddrow.exceptions import ModelFileError
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants

Floats = npt.NDArray[np.float64]

LOWEST_SCORE, HIGHEST_SCORE = -1e10, 1e150
"""Bounds of every view's score, which follow from the bounds of a model's arrays; every curve is finite within them."""
MIN_NATS = 1e-250
"""Every curve returns more than this at every score, so that a surprise can be split into shares."""

Source: TypeAlias = Literal["held-out", "cross-fitted", "block cross-fitted", "group cross-fitted", "training"]
"""The rows whose scores calibrate: rows held out of the fit; all rows, each scored by a fit without it, without the
block of time that contains it, or without its group; or the training rows themselves, as in the article."""


@dataclass(frozen=True)
class TailFit:
    """The distribution of the highest tenth of some scores, which ranks scores above the highest one.

    Attributes
    ----------
    start, scale, shape : the score at which the tail begins, and the scale and shape of the generalised Pareto
        distribution of the excess over it
    n_excess : number of scores above the start
    kind : "generalised Pareto"; "exponential" where a generalised Pareto tail does not fit; "spread" where the scores
        are too few for a fit: an exponential tail whose scale is the standard deviation of all scores
    """

    start: float
    scale: float
    shape: float
    n_excess: int
    kind: Literal["generalised Pareto", "exponential", "spread"]

    @classmethod
    def learn(cls, ordered: Floats, constants: ScoringConstants = DEFAULT_CONSTANTS) -> TailFit:
        """Fit a tail to ascending scores [n] by probability-weighted moments (Hosking and Wallis 1987); check the fit.

        The shape is kept positive, so that the tail has no upper end and the surprise no upper bound.
        """
        min_shape, max_shape = constants.min_tail_shape, constants.max_tail_shape
        start = float(ordered[min(int(np.floor((1.0 - constants.tail_share) * len(ordered))), len(ordered) - 1)])
        excess = ordered[ordered > start] - start
        if len(excess) < constants.min_tail_rows:
            largest = max(abs(float(ordered[-1])), 1.0)
            spread = float(np.std(ordered))
            if spread <= constants.rounding * largest:
                spread = largest * 1e-3
            return cls(start, spread, min_shape, len(excess), "spread")
        survival = (np.arange(len(excess))[::-1] + 0.35) / len(excess)  # plotting positions of the ascending excesses
        first, second = float(np.mean(excess)), float(np.mean(survival * excess))
        shape = float(np.clip(2.0 - first / max(first - 2.0 * second, 1e-12 * first), min_shape, max_shape))
        fitted = cls(start, first * (1.0 - shape), shape, len(excess), "generalised Pareto")
        if fitted.distance(excess) * np.sqrt(len(excess)) <= constants.max_tail_distance:
            return fitted
        return cls(start, first, min_shape, len(excess), "exponential")

    def distance(self, excess: Floats) -> float:
        """Return the Kolmogorov-Smirnov distance of ascending excesses [m] to the fitted tail."""
        share = 1.0 - (1.0 + self.shape * excess / self.scale) ** (-1.0 / self.shape)
        steps = np.arange(len(excess) + 1) / len(excess)
        return float(max(np.max(steps[1:] - share), np.max(share - steps[:-1])))

    def scale_at(self, score: float) -> float:
        """Return the scale of the excess over a score at or above the start."""
        return self.scale + self.shape * (score - self.start)


@dataclass(frozen=True)
class TailCurve:
    """``score -> nats``: -ln of the share of calibration rows with at least this score, continued by a tail.

    The curve is linear between the knots and increases strictly. Above the last knot it follows a generalised Pareto
    tail, which serves to rank scores; below the first knot it falls towards 0.

    Attributes
    ----------
    knots, nats : float64 [k], ascending
    scale, shape : of the Pareto distribution of the excess over the last knot; the scale also determines how fast the
        curve falls below the first knot
    """

    knots: Floats
    nats: Floats
    scale: float
    shape: float

    @classmethod
    def learn(
        cls, scores: Floats, max_knots: int | None = None, constants: ScoringConstants = DEFAULT_CONSTANTS
    ) -> TailCurve:
        """Learn from calibration scores [n], n >= 1, finite; ``max_knots`` thins the knots evenly in nats.

        At a calibration score the share is the conformal p-value ``(1 + #{r_i >= r}) / (n + 1)``. The lowest score has
        p = 1, that is 0 nats; it is given the nats of half a row, so that scores below it can have fewer. Thinning
        does not change the tail.
        """
        ordered = np.sort(np.asarray(scores, np.float64))
        count = len(ordered)
        knots, first = np.unique(ordered, return_index=True)
        is_apart = np.diff(knots, prepend=-np.inf) > constants.rounding * np.abs(knots)
        knots, first = knots[is_apart], first[is_apart]
        nats = -np.log((1.0 + count - first) / (count + 1.0))
        nats[0] = -np.log1p(-0.5 / (count + 1.0))
        tail = TailFit.learn(ordered, constants)
        if max_knots is not None and len(knots) > max_knots:
            kept = np.unique(np.searchsorted(nats, np.linspace(nats[0], nats[-1], max_knots)))
            knots, nats = knots[kept], nats[kept]
        return cls(knots, nats, tail.scale_at(float(ordered[-1])), tail.shape)

    def moved(self, factor: float, shift: float) -> TailCurve:
        """Return the curve of the scores ``factor * score + shift``."""
        return TailCurve(self.knots * factor + shift, self.nats, self.scale * factor, self.shape)

    def __call__(self, scores: Floats) -> Floats:
        """Return the nats of scores [n]."""
        ends = (self.knots[0], self.knots[-1], self.scale, self.shape)
        return _with_tails(interpolated(scores, self.knots, self.nats), scores, *map(np.asarray, ends))

    def packed(self) -> Arrays:
        """Return the knots, their nats, and the scale and shape of the tail as arrays."""
        return {"knots": self.knots, "nats": self.nats, "beyond": np.array([self.scale, self.shape])}

    @classmethod
    def unpacked(cls, store: ArrayStore) -> TailCurve:
        """Rebuild a curve; refuse one that is not finite and positive for every score."""
        knots = store.take_ascending("knots", (None,))
        nats = store.take_ascending("nats", knots.shape)
        return cls._checked(store, knots, nats, store.take("beyond", np.float64, (2,)))

    @classmethod
    def _checked(cls, store: ArrayStore, knots: Floats, nats: Floats, beyond: Floats) -> TailCurve:
        scale, shape = beyond.tolist()
        if not min(scale, shape, nats[0]) > 0:
            raise ModelFileError(f"the curve {store.component!r} must have a positive scale, shape and nats")
        curve = cls(knots, nats, scale, shape)
        _check_finite(store.component, curve)
        return curve


@dataclass(frozen=True)
class TailCurves:
    """One tail curve for each of k columns."""

    tails: tuple[TailCurve, ...]

    @cached_property
    def _ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The first knots, last knots, scales and shapes [k]."""
        ends = [(tail.knots[0], tail.knots[-1], tail.scale, tail.shape) for tail in self.tails]
        first, last, scale, shape = np.array(ends, np.float64).reshape(-1, 4).T
        return first, last, scale, shape

    def __call__(self, scores: Floats) -> Floats:
        """Return nats float64 [n, k] of scores [n, k], each by the curve of its column."""
        nats = np.empty(scores.shape)
        for column, tail in enumerate(self.tails):
            nats[:, column] = interpolated(scores[:, column], tail.knots, tail.nats)
        return _with_tails(nats, scores, *self._ends)

    def packed(self) -> Arrays:
        """Return the concatenated knots and nats of all curves, and the scale and shape of each."""
        nothing = [np.empty(0)]  # np.concatenate needs an array, also where there is no column
        return {
            "starts": piece_starts(len(tail.knots) for tail in self.tails),
            "knots": np.concatenate([*nothing, *(tail.knots for tail in self.tails)]),
            "nats": np.concatenate([*nothing, *(tail.nats for tail in self.tails)]),
            "beyond": np.array([(tail.scale, tail.shape) for tail in self.tails]).reshape(-1, 2),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, count: int) -> TailCurves:
        """Rebuild ``count`` curves, each checked as by :meth:`TailCurve.unpacked`."""
        knots = store.take("knots", np.float64, (None,))
        nats = store.take("nats", np.float64, knots.shape)
        beyond = store.take("beyond", np.float64, (count, 2))
        tails = []
        for piece, ends in zip(store.take_slices("starts", count, len(knots)), beyond, strict=True):
            if np.any(np.diff(knots[piece]) < 0) or np.any(np.diff(nats[piece]) < 0):
                raise ModelFileError(f"the scores of {store.component!r} are not ascending")
            tails.append(TailCurve._checked(store, knots[piece], nats[piece], ends))
        return cls(tuple(tails))


def _with_tails(nats: Floats, scores: Floats, first: Floats, last: Floats, scale: Floats, shape: Floats) -> Floats:
    """Return interpolated nats, corrected at scores outside the knots: few need the logarithm, which is slow."""
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

    The p-value of a raw score ``r`` is the conformal ``(1 + #{r_i >= r}) / (n + 1)`` (Vovk, Gammerman and Shafer 2005).
    For a new row that is exchangeable with the n calibration rows it is at most ``a`` with probability at most ``a``,
    for every n. The surprise is the :class:`TailCurve` of the score. Within the range of the calibration scores it is
    at most ``-ln p`` (apart from the half row at the lowest score); above the highest score it keeps growing, while
    the p-value stays at its minimum.

    Too few rows do not determine how fast it grows: n rows only support p <= 1 / (n + 1). Above the highest score the
    surprise then approaches the corresponding ``ln(n + 1)``, plus ``ln(1 + ln(1 + x))`` that serves only to rank rows,
    where x is the distance from the highest score in standard deviations of all scores. This is a log-Pareto tail,
    P(X > x) about 1 / ln x. It is heavier than every Pareto tail, so it claims less than any tail that could have been
    fitted, and it adds less than 7 nats at any finite x.
    """

    scores: Floats
    """Raw scores of the calibration rows, ascending, float64 [n]."""
    source: Source = "held-out"
    extrapolates: bool = True
    """Whether the surprise above the highest score follows the tail even if the rows are too few to fit one."""
    constants: ScoringConstants = DEFAULT_CONSTANTS
    n_effective: float | None = None
    """How many independent rows estimate a rate as precisely; None if the calibration rows are independent."""

    @classmethod
    def learn(
        cls, scores: Floats, source: Source = "held-out", constants: ScoringConstants = DEFAULT_CONSTANTS
    ) -> Calibration:
        """Learn from raw scores [n], n >= 1, finite."""
        return cls(np.sort(np.asarray(scores, np.float64)), source, extrapolates=False, constants=constants)

    @property
    def n_rows(self) -> int:
        """The number of calibration rows."""
        return len(self.scores)

    @property
    def n_independent(self) -> float:
        """The number of independent rows that estimate a rate as precisely as the calibration rows do."""
        return float(self.n_rows) if self.n_effective is None else self.n_effective

    def worth(self, n_effective: float) -> Calibration:
        """Return this calibration with another effective number of rows, see :func:`effective_rows`."""
        return replace(self, n_effective=n_effective)

    @cached_property
    def curve(self) -> TailCurve:
        """The surprise of raw scores, continued by the tail whatever its kind."""
        return TailCurve.learn(self.scores, constants=self.constants)

    @cached_property
    def tail(self) -> TailFit:
        """The tail of the calibration scores."""
        return TailFit.learn(self.scores, self.constants)

    def surprise(self, raw: Floats) -> Floats:
        """Return the surprise in nats of raw scores [n]; it increases strictly with the score."""
        if self.has_tail:
            return self.curve(raw)
        last = self.scores[-1]
        nats = self.curve(np.minimum(raw, last))
        above = raw > last
        if above.any():
            spreads = (raw[above] - last) / self.tail.scale
            rise = self.most_supported - nats[above]
            nats[above] += rise * spreads / (1.0 + spreads) + np.log1p(np.log1p(spreads))
        return nats

    @property
    def has_tail(self) -> bool:
        """Whether the surprise above the highest calibration score follows :attr:`tail`."""
        return self.extrapolates or self.tail.kind != "spread"

    @property
    def most_supported(self) -> float:
        """-ln of the smallest possible p-value, in nats; a higher surprise only ranks rows."""
        return float(np.log(self.n_rows + 1.0))

    def p_value(self, raw: Floats) -> Floats:
        """Return the conformal p-values of raw scores [n]."""
        at_least = self.n_rows - np.searchsorted(self.scores, raw, side="left")
        return np.asarray((1.0 + at_least) / (self.n_rows + 1.0))

    def surprise_exceeded_by(self, count: int) -> float:
        """Return the ``count``-th highest surprise of the calibration rows, counted from 1.

        A row above it has p <= count / (n + 1), because fewer than ``count`` calibration rows score as high. A new
        normal row is above it with at most that probability. The result is -inf if ``count`` exceeds n.
        """
        if count > self.n_rows:
            return -np.inf
        return float(self.surprise(self.scores[[self.n_rows - count]])[0])

    def exceedances(self, surprise: float) -> int:
        """Return the number of calibration rows with a higher surprise than this."""
        return int(np.sum(self.surprise(self.scores) > surprise))

    def packed(self) -> Arrays:
        """Return the raw scores; their source is stored as JSON."""
        return {"scores": self.scores}

    @classmethod
    def unpacked(
        cls, store: ArrayStore, source: Source, constants: ScoringConstants, *, extrapolates: bool
    ) -> Calibration:
        """Rebuild a calibration; refuse one whose surprise is not finite and positive for every raw score."""
        calibration = cls(store.take_ascending("scores", (None,)), source, extrapolates, constants)
        _check_finite(store.component, calibration.surprise)
        return calibration


def _check_finite(name: str, score_to_nats: Callable[[Floats], Floats]) -> None:
    """Refuse a curve that is not finite and positive at the lowest and the highest possible score."""
    with np.errstate(all="ignore"):
        nats = score_to_nats(np.array([LOWEST_SCORE, HIGHEST_SCORE]))
    if not (nats[0] > MIN_NATS and nats[1] < MAX_NUMBER):  # a curve never decreases; NaN fails too
        raise ModelFileError(f"the curve {name!r} is not finite and positive for every score")

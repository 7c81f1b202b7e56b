"""The spaces in which distances between rows are taken: encoded features, each on another increasing scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from oddrow.columns import MAX_ENCODED, FeatureLayout
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.density import MAX_OUTPUT
from oddrow.exceptions import ModelFileError

Floats = npt.NDArray[np.float64]

MOST_KNOTS = 256
"""Knots of a curve at most: they travel with the model."""
STRAIGHT = 1e-6
"""A curve that departs from its chord by no more than this share of its rise is a straight line."""


@dataclass(frozen=True)
class PiecewiseCurve:
    """A curve that is linear between its knots, and flat beyond them.

    Attributes
    ----------
    knots, values : float64 [k], k >= 1, the knots strictly ascending
    """

    knots: Floats
    values: Floats

    def __call__(self, x: Floats) -> Floats:
        return np.asarray(np.interp(x, self.knots, self.values))

    def going_on(self, x: Floats) -> Floats:
        """The same, but on beyond its knots with the slope of its last piece."""
        below, above = np.minimum(x - self.knots[0], 0.0), np.maximum(x - self.knots[-1], 0.0)
        first, last = self.end_slopes
        return np.asarray(self(x) + below * first + above * last)

    @cached_property
    def end_slopes(self) -> tuple[float, float]:
        """Of the first piece and of the last; 0 where there is a single knot."""
        if len(self.knots) < 2:
            return 0.0, 0.0
        slopes = np.diff(self.values[[0, 1, -2, -1]])[[0, 2]] / np.diff(self.knots[[0, 1, -2, -1]])[[0, 2]]
        return float(slopes[0]), float(slopes[1])

    @classmethod
    def line(cls, factor: float) -> PiecewiseCurve:
        """So many times, between 0 and 1."""
        return cls(np.array([0.0, 1.0]), np.array([0.0, factor]))

    def simplified(self) -> PiecewiseCurve:
        """The same curve by its two ends, where it is a straight line."""
        knots, values = self.knots, self.values
        chord = np.interp(knots, knots[[0, -1]], values[[0, -1]])
        if np.max(np.abs(values - chord)) > STRAIGHT * (values[-1] - values[0]):
            return self
        return PiecewiseCurve(knots[[0, -1]], values[[0, -1]])


@dataclass(frozen=True)
class FeatureCurves:
    """A curve for each feature, applied to all features of many rows.

    Of the curves many are straight lines (flags, names, numbers without a tail): these are taken at once.
    """

    curves: tuple[PiecewiseCurve, ...]
    goes_on: bool = False

    @cached_property
    def _lines(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero([len(curve.knots) == 2 for curve in self.curves])

    @cached_property
    def _bent(self) -> tuple[int, ...]:
        return tuple(feature for feature, curve in enumerate(self.curves) if len(curve.knots) != 2)

    @cached_property
    def _ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Of the lines [n_lines]: first knot and last, value at the first, and slope."""
        lines = [self.curves[feature] for feature in self._lines]
        knots = np.array([line.knots for line in lines]).reshape(-1, 2)
        start = np.array([line.values[0] for line in lines])
        return knots[:, 0], knots[:, 1], start, np.array([line.end_slopes[0] for line in lines])

    def __call__(self, rows: npt.NDArray[np.float32]) -> Floats:
        """The values float64 [n, d] of the curves at rows [n, d]."""
        scaled = np.empty(rows.shape)
        if len(self._lines):
            first, last, start, slope = self._ends
            x = rows[:, self._lines].astype(np.float64)
            if not self.goes_on:
                np.clip(x, first, last, out=x)
            x -= first
            x *= slope
            x += start
            scaled[:, self._lines] = x
        for feature in self._bent:
            curve, x = self.curves[feature], rows[:, feature].astype(np.float64)
            scaled[:, feature] = curve.going_on(x) if self.goes_on else curve(x)
        return scaled

    def packed(self) -> Arrays:
        """The knots and values of all curves, end to end."""
        nothing = [np.empty(0)]  # where no column has a feature, there is no curve
        return {
            "starts": piece_starts(len(curve.knots) for curve in self.curves),
            "knots": np.concatenate([*nothing, *(curve.knots for curve in self.curves)]),
            "values": np.concatenate([*nothing, *(curve.values for curve in self.curves)]),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, count: int) -> FeatureCurves:
        """So many curves, each finite at every encoded feature."""
        knots = store.take("knots", np.float64, (None,))
        values = store.take("values", np.float64, knots.shape)
        furthest = np.array([-MAX_ENCODED, MAX_ENCODED])
        curves = []
        for piece in store.take_slices("starts", count, len(knots)):
            curve = PiecewiseCurve(knots[piece], values[piece])
            if np.any(np.diff(curve.knots) <= 0):
                raise ModelFileError(f"the knots of {store.part!r} are not ascending")
            with np.errstate(all="ignore"):
                reached = np.concatenate([curve.going_on(furthest), curve.values])
            if not np.abs(reached).max() <= MAX_OUTPUT:
                raise ModelFileError(f"a curve of {store.part!r} is not finite for every value")
            curves.append(curve)
        return cls(tuple(curves))


@dataclass(frozen=True)
class Space:
    """A scale for each encoded feature; in it, Euclidean distance tells how far two rows are apart.

    ``goes_on`` says whether the curves go on beyond the range of training or are flat there.
    """

    curves: tuple[PiecewiseCurve, ...]
    goes_on: bool

    @classmethod
    def standardised(
        cls, layout: FeatureLayout, training: npt.NDArray[np.float32], straightened: Callable[..., Floats]
    ) -> Space:
        """Each number linear in its value, and each feature in standard deviations of the training rows [n, d].

        ``straightened`` undoes the encoding's logarithm, see :meth:`oddrow.columns.TableEncoding.straightened`.
        """
        low, high = training.min(axis=0), training.max(axis=0)
        grid = np.linspace(low, high, MOST_KNOTS).astype(np.float32)
        on_grid, on_rows = straightened(grid), straightened(training)
        largest = np.maximum(np.abs(on_rows).max(axis=0), np.finfo(float).tiny)  # a square must not overflow
        deviation = np.std(on_rows / largest, axis=0)
        curves = []
        for feature in range(layout.n_features):
            if not high[feature] > low[feature] or not deviation[feature] > 0:
                curves.append(PiecewiseCurve.line(1.0))
                continue
            knots, first = np.unique(grid[:, feature].astype(np.float64), return_index=True)
            values = on_grid[first, feature] / largest[feature] / deviation[feature]
            curves.append(PiecewiseCurve(knots, np.maximum.accumulate(values)).simplified())
        return cls(_with_categories(layout, curves), goes_on=True)

    @classmethod
    def normal_scores(cls, layout: FeatureLayout, training: npt.NDArray[np.float32]) -> Space:
        """Each feature as the normal quantile of its rank among the training rows [n, d] (van der Waerden 1952).

        Equal values have the middle of their ranks. Beyond the range of training the curve is flat.
        """
        curves = [_normal_score(feature.astype(np.float64)) for feature in training.T]
        return cls(_with_categories(layout, curves), goes_on=False)

    @classmethod
    def encoded(cls, layout: FeatureLayout) -> Space:
        """Features as they are encoded."""
        return cls(_with_categories(layout, [PiecewiseCurve.line(1.0)] * layout.n_features), goes_on=True)

    def apply(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Encoded rows [n, d] in this space."""
        return self._scales(rows).astype(np.float32)

    @cached_property
    def _scales(self) -> FeatureCurves:
        return FeatureCurves(self.curves, self.goes_on)

    def packed(self) -> Arrays:
        """The curves; whether they go on is known of each space."""
        return self._scales.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, n_features: int, *, goes_on: bool) -> Space:
        """The space of so many features."""
        return cls(FeatureCurves.unpacked(store, n_features).curves, goes_on)


def _with_categories(layout: FeatureLayout, curves: list[PiecewiseCurve]) -> tuple[PiecewiseCurve, ...]:
    """The curves, but those of one-hot groups such that two different categories are 1 apart."""
    for group in layout.groups:
        # the place of the never seen stands behind the group's last
        curves[group[0] : group[-1] + 2] = [PiecewiseCurve.line(float(np.sqrt(0.5)))] * (len(group) + 1)
    return tuple(curves)


def _normal_score(values: Floats) -> PiecewiseCurve:
    normal = NormalDist()
    knots, counts = np.unique(values, return_counts=True)
    n_rows = len(values)
    share = np.clip((np.cumsum(counts) - counts / 2) / n_rows, 0.5 / n_rows, 1 - 0.5 / n_rows)
    if len(knots) > MOST_KNOTS:
        ends = normal.inv_cdf(share[0]), normal.inv_cdf(share[-1])
        wanted = [normal.cdf(score) for score in np.linspace(*ends, MOST_KNOTS)]
        kept = np.unique(np.minimum(np.searchsorted(share, wanted), len(knots) - 1))
        knots, share = knots[kept], share[kept]
    return PiecewiseCurve(knots, np.array([normal.inv_cdf(each) for each in share]))

"""Spaces in which distances between rows are computed: each encoded feature on an increasing scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from oddrow._interpolation import interpolated as sorted_interpolation
from oddrow.columns import MAX_ENCODED, FeatureLayout
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.density import MAX_OUTPUT
from oddrow.exceptions import ModelFileError
from oddrow.graph import FLOAT, GraphNamespace, Value, extrapolated, interpolated
from oddrow.scoring_constants import ScoringConstants

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PiecewiseCurve:
    """A curve that is linear between its knots, and constant beyond them.

    Attributes
    ----------
    knots, values : float64 [k], k >= 1, the knots strictly ascending
    """

    knots: Floats
    values: Floats

    def __call__(self, x: Floats) -> Floats:
        return sorted_interpolation(x, self.knots, self.values)

    def going_on(self, x: Floats) -> Floats:
        """Return the values of the curve, continued beyond its knots with the slope of its last piece."""
        below, above = np.minimum(x - self.knots[0], 0.0), np.maximum(x - self.knots[-1], 0.0)
        first, last = self.end_slopes
        return np.asarray(self(x) + below * first + above * last)

    @cached_property
    def end_slopes(self) -> tuple[float, float]:
        """Return the slopes of the first and the last piece; 0 for a single knot."""
        if len(self.knots) < 2:
            return 0.0, 0.0
        slopes = np.diff(self.values[[0, 1, -2, -1]])[[0, 2]] / np.diff(self.knots[[0, 1, -2, -1]])[[0, 2]]
        return float(slopes[0]), float(slopes[1])

    @classmethod
    def line(cls, factor: float) -> PiecewiseCurve:
        """Return the line through 0 with slope ``factor``, between 0 and 1."""
        return cls(np.array([0.0, 1.0]), np.array([0.0, factor]))

    def simplified(self, tolerance: float) -> PiecewiseCurve:
        """Return the curve's chord if the curve deviates by at most ``tolerance`` of its rise, else the curve."""
        knots, values = self.knots, self.values
        chord = np.interp(knots, knots[[0, -1]], values[[0, -1]])
        if np.max(np.abs(values - chord)) > tolerance * (values[-1] - values[0]):
            return self
        return PiecewiseCurve(knots[[0, -1]], values[[0, -1]])


@dataclass(frozen=True)
class FeatureCurves:
    """One curve per feature, applied to all features of many rows.

    Many curves are straight lines (flags, names, numbers without a tail): these are evaluated in one operation.
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
        """The first knot, the last knot, the value at the first knot, and the slope of the straight lines [n_lines]."""
        lines = [self.curves[feature] for feature in self._lines]
        knots = np.array([line.knots for line in lines]).reshape(-1, 2)
        start = np.array([line.values[0] for line in lines])
        return knots[:, 0], knots[:, 1], start, np.array([line.end_slopes[0] for line in lines])

    def __call__(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return the values float64 [n, d] of the curves at rows [n, d]."""
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
        """Return the concatenated knots and values of all curves."""
        nothing = [np.empty(0)]  # a table without features has no curves
        return {
            "starts": piece_starts(len(curve.knots) for curve in self.curves),
            "knots": np.concatenate([*nothing, *(curve.knots for curve in self.curves)]),
            "values": np.concatenate([*nothing, *(curve.values for curve in self.curves)]),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, count: int) -> FeatureCurves:
        """Rebuild ``count`` curves; check that each is finite at every encoded feature."""
        knots = store.take("knots", np.float64, (None,))
        values = store.take("values", np.float64, knots.shape)
        furthest = np.array([-MAX_ENCODED, MAX_ENCODED])
        curves = []
        for piece in store.take_slices("starts", count, len(knots)):
            curve = PiecewiseCurve(knots[piece], values[piece])
            if np.any(np.diff(curve.knots) <= 0):
                raise ModelFileError(f"the knots of {store.component!r} are not ascending")
            with np.errstate(all="ignore"):
                reached = np.concatenate([curve.going_on(furthest), curve.values])
            if not np.abs(reached).max() <= MAX_OUTPUT:
                raise ModelFileError(f"a curve of {store.component!r} is not finite for every value")
            curves.append(curve)
        return cls(tuple(curves))


@dataclass(frozen=True)
class Space:
    """A scale for each encoded feature; the distance between two rows is Euclidean on these scales.

    ``goes_on`` is True if the curves continue beyond the training range, and False if they are constant there.
    """

    curves: tuple[PiecewiseCurve, ...]
    goes_on: bool

    @classmethod
    def standardised(
        cls,
        layout: FeatureLayout,
        training: npt.NDArray[np.float32],
        straightened: Callable[..., Floats],
        constants: ScoringConstants,
    ) -> Space:
        """Learn numbers linear in their value, and all features in standard deviations of the training rows [n, d].

        ``straightened`` inverts the encoding's logarithm, see :meth:`oddrow.columns.TableEncoding.straightened`.
        """
        low, high = training.min(axis=0), training.max(axis=0)
        grid = np.linspace(low, high, constants.max_curve_knots).astype(np.float32)
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
            curves.append(PiecewiseCurve(knots, np.maximum.accumulate(values)).simplified(constants.straight_tolerance))
        return cls(_with_categories(layout, curves), goes_on=True)

    @classmethod
    def normal_scores(
        cls, layout: FeatureLayout, training: npt.NDArray[np.float32], constants: ScoringConstants
    ) -> Space:
        """Learn each feature's normal quantile of its rank among the training rows [n, d] (van der Waerden 1952).

        Equal values have the middle of their ranks. Beyond the training range the curve is constant.
        """
        curves = [_normal_score(feature.astype(np.float64), constants.max_curve_knots) for feature in training.T]
        return cls(_with_categories(layout, curves), goes_on=False)

    @classmethod
    def encoded(cls, layout: FeatureLayout) -> Space:
        """Return the space of the encoded features themselves."""
        return cls(_with_categories(layout, [PiecewiseCurve.line(1.0)] * layout.n_features), goes_on=True)

    def apply(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return encoded rows [n, d] in this space."""
        return self._scales(rows).astype(np.float32)

    def graph(self, xp: GraphNamespace, rows: Value) -> Value:
        """Add the operations of :meth:`apply` to a graph, in double precision and rounded as there."""
        knots, values = [curve.knots for curve in self.curves], [curve.values for curve in self.curves]
        scaled = (extrapolated if self.goes_on else interpolated)(xp, rows, knots, values)
        return scaled.astype(np.float32).astype(FLOAT)

    def packed(self) -> Arrays:
        """Return the curves; the kind of space determines ``goes_on``."""
        return self._scales.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, n_features: int, *, goes_on: bool) -> Space:
        """Rebuild the space of ``n_features`` features."""
        return cls(FeatureCurves.unpacked(store, n_features).curves, goes_on)

    @cached_property
    def _scales(self) -> FeatureCurves:
        return FeatureCurves(self.curves, self.goes_on)


def _with_categories(layout: FeatureLayout, curves: list[PiecewiseCurve]) -> tuple[PiecewiseCurve, ...]:
    """Return the curves, with those of one-hot groups changed so that two different categories are 1 apart."""
    for group in layout.groups:
        # the feature of an unseen name follows the last feature of the group
        curves[group[0] : group[-1] + 2] = [PiecewiseCurve.line(float(np.sqrt(0.5)))] * (len(group) + 1)
    return tuple(curves)


def _normal_score(values: Floats, max_knots: int) -> PiecewiseCurve:
    normal = NormalDist()
    knots, counts = np.unique(values, return_counts=True)
    n_rows = len(values)
    share = np.clip((np.cumsum(counts) - counts / 2) / n_rows, 0.5 / n_rows, 1 - 0.5 / n_rows)
    if len(knots) > max_knots:
        ends = normal.inv_cdf(share[0]), normal.inv_cdf(share[-1])
        wanted = [normal.cdf(score) for score in np.linspace(*ends, max_knots)]
        kept = np.unique(np.minimum(np.searchsorted(share, wanted), len(knots) - 1))
        knots, share = knots[kept], share[kept]
    return PiecewiseCurve(knots, np.array([normal.inv_cdf(each) for each in share]))

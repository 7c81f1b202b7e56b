"""Rarity of each column's value, independent of the other columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.container import Arrays, ArrayStore
from oddrow.density import ColumnSums
from oddrow.graph import FLOAT, interpolated
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext, indicator
from oddrow.views._row_context import RowContext
from oddrow.views._spaces import FeatureCurves, PiecewiseCurve
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MarginalView:
    """Nats of each feature's value from one curve per feature, summed over the features of a column."""

    layout: FeatureLayout
    curves: tuple[PiecewiseCurve, ...]

    name: ClassVar[str] = "marginal"
    judges: ClassVar[Judged] = Judged.COLUMNS
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> MarginalView:
        constants = context.basis.constants
        features = context.training.rows.T
        return cls(
            context.basis.layout, tuple(rarity_curve(feature.astype(np.float64), constants) for feature in features)
        )

    def score(self, rows: RowContext) -> ViewScore:
        """Return the nats of each column; a column without a value has those of its flag alone."""
        layout = self.layout
        nats = self._curves(rows.rows)
        places = [place for group in layout.groups for place in range(group[0], group[-1] + 2)]
        nats[:, places] *= rows.rows[:, places] > 0  # for a category, only the feature of its value counts
        if not rows.presence.all():
            flags = np.asarray(layout.binary, np.int64)[np.asarray(layout.is_presence_flag, np.bool_)]
            counts = rows.presence[:, np.asarray(layout.feature_column, np.int64)]
            counts[:, flags] = True
            counts[:, places] = True
            nats *= counts
        by_column = ColumnSums(layout.feature_column, layout.n_columns)(nats)
        return ViewScore(by_column, power=rows.constants.marginal_power)

    def units(self, training: RowContext) -> None:  # noqa: ARG002 - every fit counts the same values
        return None

    def packed(self) -> Arrays:
        """Return the curves."""
        return self._curves.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> MarginalView:
        return cls(basis.layout, FeatureCurves.unpacked(store, basis.layout.n_features).curves)

    def graph(self, rows: GraphRowContext) -> GraphScore:
        layout, xp = self.layout, rows.xp
        flags = {feature for feature, is_flag in zip(layout.binary, layout.is_presence_flag, strict=True) if is_flag}
        places = {place for group in layout.groups for place in range(group[0], group[-1] + 2)}
        is_flag = np.array([feature in flags for feature in range(layout.n_features)], np.bool_)
        is_place = np.array([feature in places for feature in range(layout.n_features)], np.bool_)
        is_taken, has_value = rows.rows > 0.0, rows.presence[:, layout.feature_column]
        # for a category, only the feature of its value counts; for a column without a value, only its flag
        counts = (is_taken | ~is_place) & (has_value | (is_place | is_flag)) | is_flag
        knots, values = [curve.knots for curve in self.curves], [curve.values for curve in self.curves]
        nats = interpolated(xp, rows.rows, knots, values) * counts.astype(FLOAT)
        return GraphScore(
            nats @ indicator(layout.feature_column, layout.n_columns), power=rows.constants.marginal_power
        )

    @cached_property
    def _curves(self) -> FeatureCurves:
        return FeatureCurves(self.curves)


def rarity_curve(values: Floats, constants: ScoringConstants) -> PiecewiseCurve:
    """Return the curve from a feature's value to nats, learned from the training values, float64 [n], n >= 1.

    A feature with few distinct values has the frequency of each value, and between them the frequency of an unseen
    value, by the rule of succession. Any other feature has -ln of its density, estimated by the distance to its
    nearest training values (Loftsgaarden and Quesenberry 1965), in the feature's own unit, up to one width of the
    training range outside that range.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= constants.max_counted_values:
        return _counted(distinct, counts)
    low, high = values.min(), values.max()
    inner = np.quantile(values, np.linspace(0.0, 1.0, constants.max_curve_knots // 2))
    outer = np.linspace(2 * low - high, 2 * high - low, constants.max_curve_knots // 2)
    knots = np.unique(np.concatenate([inner, outer]))
    k = min(constants.density_neighbours, len(values))
    reach = _reach(np.sort(values), knots, k)
    floor = (high - low) / len(values) * 1e-3  # bounds the density at repeated values
    return PiecewiseCurve(knots, np.log(np.maximum(reach, floor) / (high - low) * len(values) / k))


def _counted(values: Floats, counts: npt.NDArray[np.int64]) -> PiecewiseCurve:
    n_rows = int(counts.sum())
    middles = (values[1:] + values[:-1]) / 2
    knots = np.concatenate([values, middles, [values[0] - 1.0, values[-1] + 1.0]])
    nats = np.concatenate([-np.log(counts / (n_rows + 1.0)), np.full(len(values) + 1, np.log(n_rows + 1.0))])
    knots, first = np.unique(knots, return_index=True)
    return PiecewiseCurve(knots, nats[first])


def _reach(ordered: Floats, at: Floats, k: int) -> Floats:
    """Return the distance of each point [m] to the k-th nearest of ascending values [n]."""
    start = np.searchsorted(ordered, at)[:, None] - np.arange(k + 1)
    start = np.clip(start, 0, len(ordered) - k)
    furthest = np.maximum(at[:, None] - ordered[start], ordered[start + k - 1] - at[:, None])
    return np.asarray(furthest.min(axis=1))

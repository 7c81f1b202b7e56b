"""How rare each column's value is by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.container import Arrays, ArrayStore
from oddrow.density import ColumnSums
from oddrow.views._spaces import MOST_KNOTS, FeatureCurves, PiecewiseCurve

Floats = npt.NDArray[np.float64]

FEW_VALUES = 20
"""A feature of no more values is counted, any other is measured."""
NEIGHBOURS = 10
"""The density at a value is taken from the distance to its so many nearest."""


def rarity_curve(values: Floats) -> PiecewiseCurve:
    """Nats of a feature's value by itself, learned from the training rows, float64 [n], n >= 1.

    A feature of few values has the frequency of each, and between them that of a value never seen, by the rule of
    succession. Any other has -ln of its density, estimated by the nearest of its values (Loftsgaarden and
    Quesenberry 1965), in a unit of its own, up to one width of its range outside.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= FEW_VALUES:
        return _counted(distinct, counts)
    low, high = values.min(), values.max()
    inner = np.quantile(values, np.linspace(0.0, 1.0, MOST_KNOTS // 2))
    outer = np.linspace(2 * low - high, 2 * high - low, MOST_KNOTS // 2)
    knots = np.unique(np.concatenate([inner, outer]))
    k = min(NEIGHBOURS, len(values))
    reach = _reach(np.sort(values), knots, k)
    floor = (high - low) / len(values) * 1e-3  # of many equal values: dense, but not without bound
    return PiecewiseCurve(knots, np.log(np.maximum(reach, floor) / (high - low) * len(values) / k))


def _counted(values: Floats, counts: npt.NDArray[np.int64]) -> PiecewiseCurve:
    n_rows = int(counts.sum())
    middles = (values[1:] + values[:-1]) / 2
    knots = np.concatenate([values, middles, [values[0] - 1.0, values[-1] + 1.0]])
    nats = np.concatenate([-np.log(counts / (n_rows + 1.0)), np.full(len(values) + 1, np.log(n_rows + 1.0))])
    knots, first = np.unique(knots, return_index=True)
    return PiecewiseCurve(knots, nats[first])


def _reach(ordered: Floats, at: Floats, k: int) -> Floats:
    """Distance of each point [m] to the k-th nearest of ascending values [n]."""
    start = np.searchsorted(ordered, at)[:, None] - np.arange(k + 1)
    start = np.clip(start, 0, len(ordered) - k)
    furthest = np.maximum(at[:, None] - ordered[start], ordered[start + k - 1] - at[:, None])
    return np.asarray(furthest.min(axis=1))


@dataclass(frozen=True)
class Marginals:
    """How rare each feature's value is by itself, and so each column's: a curve of nats for each feature."""

    curves: tuple[PiecewiseCurve, ...]

    @classmethod
    def learn(cls, rows: npt.NDArray[np.float32]) -> Marginals:
        """Learn from encoded training rows [n, d]."""
        return cls(tuple(rarity_curve(feature.astype(np.float64)) for feature in rows.T))

    def nats(self, layout: FeatureLayout, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> Floats:
        """Nats of each column [n, n_columns]; of what has no value, those of its flag alone."""
        nats = self._curves(rows)
        places = [place for group in layout.groups for place in range(group[0], group[-1] + 2)]
        nats[:, places] *= rows[:, places] > 0  # of a category, the one place that is taken
        if not presence.all():
            flags = np.asarray(layout.binary, np.int64)[np.asarray(layout.is_presence_flag, np.bool_)]
            counts = presence[:, np.asarray(layout.feature_column, np.int64)]
            counts[:, flags] = True
            counts[:, places] = True
            nats *= counts
        return ColumnSums(layout.feature_column, layout.n_columns)(nats)

    @cached_property
    def _curves(self) -> FeatureCurves:
        return FeatureCurves(self.curves)

    def packed(self) -> Arrays:
        """The curves."""
        return self._curves.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, n_features: int) -> Marginals:
        """The curves of so many features."""
        return cls(FeatureCurves.unpacked(store, n_features).curves)

"""Calibrate the views' scores to nats of surprise with held-out rows, and combine them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from oddrow.calibration import TailCurve, TailCurves
from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.exceptions import SettingError
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._evidence import Evidence, split_total
from oddrow.views._nats import power_mean, scale_of
from oddrow.views._registry import VIEWS
from oddrow.views._view import ViewScore, ViewUnits
from oddrow.views._views import RowViews, Views

Floats = npt.NDArray[np.float64]


def checked_view_weights(weights: Mapping[str, float] | None, views: Collection[str] | None = None) -> Floats:
    """Return the weights of the views divided by the largest; views that are not named have weight 1.

    ``views`` are the names of the views, in order; None means all registered ones.

    Raises
    ------
    SettingError
        If a name is not that of a view, a weight is not a finite number >= 0, or all weights are 0.

    Examples
    --------
    >>> checked_view_weights({"likelihood": 2, "marginal": 0})
    array([1. , 0. , 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """
    if weights is not None and not isinstance(weights, Mapping):
        raise SettingError(f"view_weights is {weights!r:.60}; give a mapping of view to weight, or None")
    given, names = dict(weights or {}), VIEWS if views is None else views
    for name, weight in given.items():
        if name not in names:
            raise SettingError(f"view_weights has {name!r}, which is not a view; choose from {', '.join(names)}")
        is_number = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
        if not (is_number and np.isfinite(weight) and weight >= 0):
            raise SettingError(f"view_weights has {name!r} at {weight!r:.40}; give a finite number >= 0")
    complete = np.array([float(given.get(name, 1.0)) for name in names])
    if not complete.any():
        raise SettingError("view_weights sets every weight to 0; give at least one view a weight > 0")
    return np.asarray(complete / complete.max())  # weights <= 1 keep products with nats finite


@dataclass(frozen=True)
class ScaledScore:
    """A view's score in nats, and the weights by which it is split over columns and no column.

    Attributes
    ----------
    nats : float64 [n]
    by_column : float64 [n, n_columns] >= 0
    by_none : float64 [n] >= 0
    """

    nats: Floats
    by_column: Floats
    by_none: Floats


@dataclass(frozen=True)
class ViewScale:
    """The calibration of a view's score to nats of surprise.

    Attributes
    ----------
    columns : for a view that scores columns separately, the curves of the columns, and last that of no column
    total : the curve of the view's score
    """

    columns: TailCurves
    total: TailCurve

    @classmethod
    def learn(cls, score: ViewScore, constants: ScoringConstants) -> ViewScale:
        """Learn from the scores of rows that the view did not learn from."""
        if score.power is None:
            return cls(TailCurves(()), scale_of(score.values[:, 0], constants))
        columns = TailCurves(tuple(scale_of(values, constants) for values in score.values.T))
        total = power_mean(_calibrated(columns, score.values, constants), score.power)
        return cls(columns, scale_of(total, constants))

    def from_units(self, units: ViewUnits | None) -> ViewScale:
        """Return this scale, which was learned in units, for the scores of a fit with these units."""
        if units is None:
            return self
        if not self.columns.tails:
            return ViewScale(self.columns, self.total.moved(float(units.spread[0]), float(units.center[0])))
        moves = zip(self.columns.tails, units.spread, units.center, strict=True)
        moved = tuple(tail.moved(float(factor), float(shift)) for tail, factor, shift in moves)
        return ViewScale(TailCurves(moved), self.total)

    def scaled(self, score: ViewScore, constants: ScoringConstants) -> ScaledScore:
        """Return scores on this scale."""
        none = np.zeros(len(score.by_column))
        if score.power is None:
            by_none = none if score.by_none is None else score.by_none
            return ScaledScore(self.total(score.values[:, 0]), score.by_column, by_none)
        nats = _calibrated(self.columns, score.values, constants)
        split = np.expm1(nats * score.power)
        n_columns = score.by_column.shape[1]
        by_none = none if score.by_none is None else split[:, n_columns]
        return ScaledScore(self.total(power_mean(nats, score.power)), split[:, :n_columns], by_none)

    def packed(self) -> Arrays:
        """Return the curves."""
        parts = packed_components({"parts": self.columns}) if self.columns.tails else {}
        return parts | packed_components({"total": self.total})

    @classmethod
    def unpacked(cls, store: ArrayStore, n_curves: int) -> ViewScale:
        """Rebuild the scale of a view that has ``n_curves`` curves of columns."""
        columns = TailCurves.unpacked(store.under("parts"), n_curves) if n_curves else TailCurves(())
        return cls(columns, TailCurve.unpacked(store.under("total")))


@dataclass(frozen=True)
class ScaledViews:
    """The scores of rows by all views in nats, before the views are combined.

    Attributes
    ----------
    nats : float64 [n, n_views], at most ``max_nats``
    scores : the score of each view
    novelty : float64 [n, n_columns], nats
    power : exponent, of opposite sign, of the power mean that combines the views
    """

    nats: Floats
    scores: Sequence[ScaledScore]
    novelty: Floats
    power: float

    def combined(self, weights: Floats) -> Evidence:
        """Return the evidence of all views together, with these weights [n_views]."""
        none = np.zeros(len(self.nats))
        brought = weights * np.expm1(self.nats * self.power)
        shares, _ = split_total(power_mean(self.nats, self.power, weights), brought, none)
        parts = [
            split_total(share, each.by_column, each.by_none) for share, each in zip(shares.T, self.scores, strict=True)
        ]
        column, combination = (sum(each) for each in zip(*parts, strict=True))
        # novelty is added, because most rows have none and averaging it in would dilute the other views
        return Evidence(np.asarray(column + self.novelty), np.asarray(combination))


@dataclass(frozen=True)
class ViewScales:
    """The scale and the weight of each view, and their combination.

    Attributes
    ----------
    weights : float64 [n_views], the largest 1
    scales : the scale of each view by name, in the order of the weights
    """

    weights: Floats
    scales: Mapping[str, ViewScale]
    constants: ScoringConstants

    @classmethod
    def learn(
        cls, views: Views, rows: RowViews, weights: Floats, trained: npt.NDArray[np.bool_] | None = None
    ) -> ViewScales:
        """Learn from the views' scores of rows; ``trained`` [n] marks the training rows among them."""
        constants = views.basis.constants
        is_new = None if trained is None or trained.all() else ~trained
        scales = {}
        for view in views.views:
            score = rows.scores[view.name]
            scales[view.name] = ViewScale.learn(
                score if view.scores_training_rows or is_new is None else score.rows(is_new), constants
            )
        return cls(weights, scales, constants)

    def from_units(self, units: Mapping[str, ViewUnits | None]) -> ViewScales:
        """Return these scales, which were learned in units, for the scores of a fit with these units."""
        return replace(self, scales={name: scale.from_units(units[name]) for name, scale in self.scales.items()})

    def scaled(self, rows: RowViews) -> ScaledViews:
        """Return the views' scores in nats."""
        constants = self.constants
        scores = [scale.scaled(rows.scores[name], constants) for name, scale in self.scales.items()]
        nats = np.minimum(np.stack([score.nats for score in scores], axis=1), constants.max_nats)
        return ScaledViews(nats, scores, rows.novelty, constants.power)

    def evidence(self, rows: RowViews) -> Evidence:
        """Return the combined evidence of all views."""
        return self.scaled(rows).combined(self.weights)

    def packed(self) -> Arrays:
        """Return the scale of each view; the weights are a parameter of the detector."""
        return packed_components(self.scales)

    @classmethod
    def unpacked(cls, store: ArrayStore, weights: Floats, views: Views) -> ViewScales:
        """Rebuild the scales of these views."""
        n_columns = views.basis.layout.n_columns
        scales = {
            view.name: ViewScale.unpacked(store.under(view.name), view.judges.n_curves(n_columns))
            for view in views.views
        }
        return cls(weights, scales, views.basis.constants)


def _calibrated(tails: TailCurves, values: Floats, constants: ScoringConstants) -> Floats:
    """Return the surprise of each column [n, k], at most ``max_nats``."""
    surprises = tails(values)
    return np.minimum(surprises, constants.max_nats, out=surprises)

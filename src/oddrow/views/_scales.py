"""The views of a row, each put on the scale of surprise by rows that the fit did not learn from, and combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from oddrow.calibration import TailCurve, TailCurves
from oddrow.container import Arrays, ArrayStore, packed_parts
from oddrow.exceptions import SettingError
from oddrow.views._evidence import Evidence, split_total
from oddrow.views._views import RowViews, ViewUnits

Floats = npt.NDArray[np.float64]

POWER = 0.25
"""Exponent, of opposite sign, of the power mean that combines tail probabilities: of columns, and of views."""
MARGINAL_POWER = 0.5
"""The same for columns by themselves and in pairs, where a single one tells more."""
MOST_NATS = 600.0
"""Bound of one column's surprise, or one view's, so that its exponential is finite."""
MOST_KNOTS = 256
"""Knots of each view's and each column's curve at most: they travel with the model."""
LEAST_SHAPE = 0.3
"""No view's tail, and no column's, is lighter: beyond the rows it was learned from it grows as a logarithm, so that
none outvotes all others by mere extrapolation."""

VIEWS = (
    "likelihood",
    "marginal",
    "dependence",
    "nearest",
    "sparseness",
    "rank_nearest",
    "rank_sparseness",
    "latent_nearest",
)
"""The views by name, in the order in which their weights stand."""


def checked_view_weights(weights: Mapping[str, float] | None) -> Floats:
    """The weights of all views [8] as shares of the largest; some are given by name, the others have 1.

    Raises
    ------
    SettingError
        If a name is none of :data:`VIEWS`, a weight no finite number >= 0, or all are 0.

    Examples
    --------
    >>> checked_view_weights({"likelihood": 2, "marginal": 0})
    array([1. , 0. , 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """
    if weights is not None and not isinstance(weights, Mapping):
        raise SettingError(f"view_weights is {weights!r:.60}; give a mapping of view to weight, or None")
    given = dict(weights or {})
    for name, weight in given.items():
        if name not in VIEWS:
            raise SettingError(f"view_weights has {name!r}, which is no view; choose from {', '.join(VIEWS)}")
        is_number = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
        if not (is_number and np.isfinite(weight) and weight >= 0):
            raise SettingError(f"view_weights has {name!r} at {weight!r:.40}; give a finite number >= 0")
    complete = np.array([float(given.get(name, 1.0)) for name in VIEWS])
    if not complete.any():
        raise SettingError("view_weights leaves no view: all weights are 0")
    return np.asarray(complete / complete.max())  # no product with what a view brings can overflow


@dataclass(frozen=True)
class ViewScales:
    """How many nats of surprise each view's score is, learned from rows that the views did not learn from."""

    weights: Floats
    """Of the views [8], in the order of :data:`VIEWS`, the largest 1."""
    column_tails: tuple[TailCurve, ...]
    """Of the nats of each column, and last of the latent."""
    marginal_tails: tuple[TailCurve, ...]
    """Of the nats of each column by itself."""
    dependence_tails: tuple[TailCurve, ...]
    """Of the nats of each column beside the one that tells most about it."""
    likelihood: TailCurve
    marginal: TailCurve
    dependence: TailCurve
    nearest: TailCurve
    sparseness: TailCurve
    rank_nearest: TailCurve
    rank_sparseness: TailCurve
    latent_nearest: TailCurve

    @classmethod
    def learn(cls, rows: RowViews, weights: Floats, trained: npt.NDArray[np.bool_] | None = None) -> ViewScales:
        """Learn from what the views see of rows.

        Of those that ``trained`` [n] the network the likelihood tells too little: its scale is learned from the others.
        """
        unseen = rows.nats if trained is None or trained.all() else rows.nats[~trained]
        column_tails = tuple(scale_of(nats) for nats in unseen.T)
        marginal_tails = tuple(scale_of(nats) for nats in rows.marginal.T)
        dependence_tails = tuple(scale_of(nats) for nats in rows.dependence.T)
        scores = (
            power_mean(_calibrated(column_tails, unseen), POWER),
            power_mean(_calibrated(marginal_tails, rows.marginal), MARGINAL_POWER),
            power_mean(_calibrated(dependence_tails, rows.dependence), MARGINAL_POWER),
            np.sqrt(rows.nearest.sum(axis=1)),
            rows.sparseness,
            np.sqrt(rows.rank_nearest.sum(axis=1)),
            rows.rank_sparseness,
            np.sqrt(rows.latent_nearest),
        )
        return cls(weights, column_tails, marginal_tails, dependence_tails, *map(scale_of, scores))

    def from_units(self, units: ViewUnits) -> ViewScales:
        """The scales that were learned in units, for what a fit of such units sees."""
        return replace(
            self,
            column_tails=_moved(self.column_tails, units.spread, units.center),
            dependence_tails=_moved(self.dependence_tails, units.dependence_spread, units.dependence_center),
            latent_nearest=self.latent_nearest.moved(units.latent, 0.0),
        )

    def evidence(self, rows: RowViews) -> Evidence:
        """The views' parts on one scale, and combined."""
        none = np.zeros(len(rows.novelty))
        nats = _calibrated(self.column_tails, rows.nats)
        marginal_nats = _calibrated(self.marginal_tails, rows.marginal)
        dependence_nats = _calibrated(self.dependence_tails, rows.dependence)
        weight = np.expm1(nats * POWER)
        views = (  # the nats of each, and in proportion to what they are split over the columns and what none carries
            (self.likelihood(power_mean(nats, POWER)), weight[:, :-1], weight[:, -1]),
            (
                self.marginal(power_mean(marginal_nats, MARGINAL_POWER)),
                np.expm1(marginal_nats * MARGINAL_POWER),
                none,
            ),
            (
                self.dependence(power_mean(dependence_nats, MARGINAL_POWER)),
                np.expm1(dependence_nats * MARGINAL_POWER),
                none,
            ),
            (self.nearest(np.sqrt(rows.nearest.sum(axis=1))), rows.nearest, none),
            (self.sparseness(rows.sparseness), rows.apartness, none),
            (self.rank_nearest(np.sqrt(rows.rank_nearest.sum(axis=1))), rows.rank_nearest, none),
            (self.rank_sparseness(rows.rank_sparseness), rows.rank_apartness, none),
            (self.latent_nearest(np.sqrt(rows.latent_nearest)), np.zeros_like(rows.novelty), none + 1.0),
        )
        view_nats = np.minimum(np.stack([view for view, _, _ in views], axis=1), MOST_NATS)
        brought = self.weights * np.expm1(view_nats * POWER)
        shares, _ = split_total(power_mean(view_nats, POWER, self.weights), brought, none)
        parts = [split_total(share, *split) for share, (_, *split) in zip(shares.T, views, strict=True)]
        column, combination = (sum(each) for each in zip(*parts, strict=True))
        # beside the views and not among them: where there is none, which is nearly always, it must not thin them out
        return Evidence(np.asarray(column + rows.novelty), np.asarray(combination))

    def packed(self) -> Arrays:
        """The curves of the views by name, and those of the columns; the weights are a parameter of the detector."""
        columns = {
            "likelihood.columns": TailCurves(self.column_tails),
            "marginal.columns": TailCurves(self.marginal_tails),
            "dependence.columns": TailCurves(self.dependence_tails),
        }
        return packed_parts({name: getattr(self, name) for name in VIEWS}) | packed_parts(columns)

    @classmethod
    def unpacked(cls, store: ArrayStore, weights: Floats, n_columns: int) -> ViewScales:
        """The scales of a table of so many columns."""
        return cls(
            weights,
            TailCurves.unpacked(store.under("likelihood.columns"), n_columns + 1).tails,
            TailCurves.unpacked(store.under("marginal.columns"), n_columns).tails,
            TailCurves.unpacked(store.under("dependence.columns"), n_columns).tails,
            *(TailCurve.unpacked(store.under(name)) for name in VIEWS),
        )


def _moved(tails: tuple[TailCurve, ...], spread: Floats, center: Floats) -> tuple[TailCurve, ...]:
    moves = zip(tails, spread, center, strict=True)
    return tuple(tail.moved(float(factor), float(shift)) for tail, factor, shift in moves)


def scale_of(scores: Floats) -> TailCurve:
    """Nats of a view's score, or a column's."""
    curve = TailCurve.learn(scores, MOST_KNOTS)
    return replace(curve, shape=max(curve.shape, LEAST_SHAPE))


def _calibrated(tails: tuple[TailCurve, ...], nats: Floats) -> Floats:
    """Each column's own surprise [n, n_columns or one more], at most ``MOST_NATS``."""
    surprises = TailCurves(tails)(nats)
    return np.minimum(surprises, MOST_NATS, out=surprises)


def power_mean(nats: Floats, power: float, weights: Floats | None = None) -> Floats:
    """-ln of the power mean of tail probabilities [n] from their nats [n, k], alike or of ``weights`` [k]."""
    powers = np.exp(nats * power)
    # NumPy's average without weights fails for no rows
    mean = powers.mean(axis=1) if weights is None else np.average(powers, axis=1, weights=weights)
    return np.asarray(np.log(mean) / power)

"""The default evidence: several views of a row, scaled and calibrated by held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.calibration import Calibration
from oddrow.columns import EncodedTable, FeatureLayout, TableEncoding
from oddrow.density import DensityModel, FeatureRange, FittedNetwork, MixedLikelihood
from oddrow.expectations import Expectations
from oddrow.fitting._cross_fit import fit_folds
from oddrow.fitting._folding import Folding
from oddrow.fitting._network_fit import NetworkFit, fit_to_split
from oddrow.fitting._order_test import OrderTest
from oddrow.fitting._plan import CalibratedFit, FitPlan, HeldOut
from oddrow.fitting._splits import SplitTable
from oddrow.surprise import IsolationEvidence, ScoreParts, SurpriseModel, ViewEvidence, kept_rows
from oddrow.views import RowViews, Views, ViewScales, checked_view_weights

SCALING_ROWS = 2_000
"""The number of rows that set the scales of the views, if there are fewer stopping rows."""
CALIBRATED_AT_ONCE = 2**12
"""Calibration rows per batch; the views' scores of a row take more memory than the row."""
MAX_LEVEL_ROWS = 4_096
"""The number of rows, evenly spread, from which the level of each kind of row is learned."""


@dataclass(frozen=True)
class ViewLearner:
    """Learns the views of a row, their scales and their calibration.

    Attributes
    ----------
    view_weights : weights of the views by name; a view that is not named has weight 1, and None names no view
    isolates : whether the table may hold odd rows, so that isolation has more weight than all views together. A
        cross-calibration does not use isolation
    """

    view_weights: Mapping[str, float] | None = None
    isolates: bool = False

    def weighted(self, view_weights: Mapping[str, float] | None) -> ViewLearner:
        """Return the learner with these weights of the views.

        Raises
        ------
        SettingError
            If a name is not that of a view, or a weight is invalid.
        """
        checked_view_weights(view_weights)
        return replace(self, view_weights=view_weights)

    def isolating(self) -> ViewLearner:
        """Return the learner for a table that may hold odd rows."""
        return replace(self, isolates=True)

    def fit_split(
        self, plan: FitPlan, table: pa.Table, in_doubt: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> CalibratedFit:
        """Fit once; held-out rows calibrate."""
        shares = (plan.recipe.stopping_share, plan.recipe.calibration_share)
        split = SplitTable.draw(table, in_doubt, shares, rng)
        fit = _fit(plan, split, table.num_rows, rng)
        calibrating = fit.encoding.encode(table.take(split.calibration))
        # no variable keeps the views' scores: for a long table they take more memory than the rest of a fit
        scales = ViewScales.learn(
            fit.views,
            fit.views.of(fit.scale_rows, fit.own[fit.scale_index], fit.has_trained),
            checked_view_weights(self.view_weights),
            fit.has_trained,
        )
        views = ViewEvidence(fit.views, scales)
        own = fit.own[split.calibration]
        batches = np.split(np.arange(len(own)), range(CALIBRATED_AT_ONCE, len(own), CALIBRATED_AT_ONCE))
        parts, judge = None, _isolating(views, fit, split, rng) if self.isolates else views
        if isinstance(judge, IsolationEvidence):
            raw = np.concatenate([judge.evidence(calibrating.take(batch), own[batch]).raw for batch in batches])
        else:
            raw, parts = _parts(views, calibrating, own, batches)
        surprise_model = SurpriseModel(judge, Calibration.learn(raw, "held-out", plan.recipe.constants), parts)
        calibrated = _calibrated(fit, surprise_model, plan.control.spent_checkpoint(fit.network.health))
        if self.isolates:
            return calibrated  # by a parameter, or as a fold of a table that may be sorted by anything
        order_test = OrderTest.of(fit.views, fit.equal, calibrating, split.calibration, own, raw)
        is_new = np.flatnonzero(~fit.has_trained)
        held_out = HeldOut(split.calibration, raw, fit.scale_rows.take(is_new), fit.own[fit.scale_index[is_new]])
        return replace(calibrated, order_test=order_test, held_out=held_out)

    def fit_cross(
        self,
        plan: FitPlan,
        table: pa.Table,
        in_doubt: npt.NDArray[np.bool_],
        folding: Folding,
        rng: np.random.Generator,
    ) -> CalibratedFit:
        """Fit all rows; each row calibrates with its score by a fit without it.

        Scores of several fits can only be pooled on one scale. So the scales of the views are learned from all rows
        together, each scored by the fit without it, in the units of that fit. (With a separate scale for each fit, 2.2
        % of the new normal rows of mammography and mnist were flagged where 1 % was promised, because the scales differ
        by chance, most of all in the tail. Without units, 7 % of AgriculturalYield's new normal rows were flagged,
        because two networks may explain a column by different other columns.)
        """

        def fit_one(plan: FitPlan, split: SplitTable) -> ViewFit:
            return _fit(plan, split, table.num_rows, rng)

        def see(fit: ViewFit, held_out: EncodedTable) -> RowViews:
            return fit.views.of(held_out).in_units(fit.views.units(fit.training))

        found = fit_folds(plan, table, in_doubt, folding, fit_one, see, rng)
        fit, pooled = found.whole, RowViews.joined(found.seen)
        scales = ViewScales.learn(fit.views, pooled, checked_view_weights(self.view_weights))
        raw, parts = ViewEvidence(fit.views, scales).parts(pooled)
        calibration = folding.calibration([raw], plan.recipe.constants)
        own_scales = scales.from_units(fit.views.units(fit.training))
        kept = parts.take(kept_rows(len(raw), parts.n_values))
        surprise_model = SurpriseModel(ViewEvidence(fit.views, own_scales), calibration, kept)
        return _calibrated(fit, surprise_model, found.control.spent_checkpoint(fit.network.health))


@dataclass(frozen=True)
class ViewFit:
    """A fitted network with the views of its rows.

    Attributes
    ----------
    base : the network, its encoding and the encoded training rows
    views : the learned views
    own : int [n], the index in the memory of each row of the table; -1 if it is not remembered
    equal : int [n], the index in the memory of the remembered row that equals each row of the table; -1 if there is
        none, or if none was looked up, see :class:`oddrow.views.Remembered`
    scale_rows : the encoded rows that set the scales of the views
    scale_index : which rows of the table these are
    has_trained : which of these are training rows
    """

    base: NetworkFit[MixedLikelihood]
    views: Views
    own: npt.NDArray[np.int64]
    equal: npt.NDArray[np.int64]
    scale_rows: EncodedTable
    scale_index: npt.NDArray[np.int64]
    has_trained: npt.NDArray[np.bool_]

    @property
    def encoding(self) -> TableEncoding:
        """The encoding of the rows."""
        return self.base.encoding

    @property
    def network(self) -> FittedNetwork:
        """The fitted network."""
        return self.base.network

    @property
    def training(self) -> EncodedTable:
        """The encoded training rows."""
        return self.base.training


def _fit(plan: FitPlan, split: SplitTable, n_rows: int, rng: np.random.Generator) -> ViewFit:
    """Fit the network and learn the views.

    ``n_rows``, the rows of the whole table, sets the mini-batch size. Training, stopping and calibration rows
    and the rows between are remembered, except for rows in doubt.
    """
    from oddrow.training import DEFAULT_TRAINING  # loads JAX

    def likelihood_of(layout: FeatureLayout) -> MixedLikelihood:
        return MixedLikelihood(layout, plan.recipe.constants)

    base = fit_to_split(plan, split, likelihood_of, DEFAULT_TRAINING.for_rows(n_rows), rng)
    encoding, training = base.encoding, base.training
    calibrating = split.calibration[~split.in_doubt[split.calibration]]
    pool = np.concatenate([split.training, split.stopping, calibrating, split.between])
    held_out = encoding.encode(split.table.take(pool[len(split.training) :]))
    density = DensityModel(base.network, base.likelihood, FeatureRange.learn(training.rows))
    moments = None if split.moments is None else split.moments.take(pool)
    views, remembered = Views.learn(density, training, held_out, encoding.straightened, rng, moments)
    own, equal = np.full((2, split.table.num_rows), -1)
    own[pool], equal[pool] = remembered.place, remembered.equal
    scaling, has_trained = _scaling_rows(split, own, rng)
    return ViewFit(base, views, own, equal, encoding.encode(split.table.take(scaling)), scaling, has_trained)


def _scaling_rows(
    split: SplitTable, own: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the rows that set the scales of the views, and which of them are training rows.

    The stopping rows set the scales. Training rows are added up to :data:`SCALING_ROWS` if the memory is known to
    hold rows of this table: the distance of a training row to its neighbours is that of a new row if the row itself and
    its duplicates are excluded.
    """
    n_more = max(SCALING_ROWS - len(split.stopping), 0) if np.any(own >= 0) else 0
    more = rng.permutation(split.training)[:n_more] if len(split.stopping) else split.training
    return np.concatenate([split.stopping, more]), np.arange(len(split.stopping) + len(more)) >= len(split.stopping)


def _parts(
    views: ViewEvidence, rows: EncodedTable, own: npt.NDArray[np.int64], batches: Sequence[npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.float64], ScoreParts]:
    """Return the raw scores of calibration rows, and the parts of those that keep them."""
    raw, kept = [], []
    for batch in batches:
        scores, parts = views.parts(views.views.of(rows.take(batch), own[batch]))
        chosen = kept_rows(len(own), parts.n_values)
        raw.append(scores)
        kept.append(parts.take(chosen[np.isin(chosen, batch)] - batch[0]))
    return np.concatenate(raw), ScoreParts.joined(kept)


def _isolating(views: ViewEvidence, fit: ViewFit, split: SplitTable, rng: np.random.Generator) -> IsolationEvidence:
    """Return the views combined with isolation, compared within kinds of rows where columns hold names."""
    judge = IsolationEvidence.learn(views, fit.training, rng)
    if not fit.encoding.layout.groups:
        return judge
    # includes rows in doubt, which may be the strangest rows of an ordinary kind
    known = np.sort(np.concatenate([split.training, split.stopping, np.flatnonzero(split.in_doubt)]))
    known = np.setdiff1d(known, split.calibration)
    known = known[np.linspace(0, len(known) - 1, min(len(known), MAX_LEVEL_ROWS), dtype=np.int64)]
    return judge.comparing_kinds(fit.encoding.encode(split.table.take(known)), fit.own[known])


def _calibrated(fit: ViewFit, surprise_model: SurpriseModel, spent: Path | None) -> CalibratedFit:
    expectations = Expectations.learn(fit.encoding, fit.views.basis.coding.edges, fit.training)
    return CalibratedFit(fit.encoding, surprise_model, expectations, fit.training, spent)

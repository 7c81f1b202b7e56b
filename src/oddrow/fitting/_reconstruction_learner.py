"""The article's evidence: the reconstruction error of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.calibration import Calibration
from oddrow.columns import EncodedTable
from oddrow.density import DensityModel, FeatureRange, SquaredError
from oddrow.exceptions import SettingError
from oddrow.fitting._cross_fit import fit_folds
from oddrow.fitting._folding import Folding
from oddrow.fitting._network_fit import NetworkFit, fit_to_split
from oddrow.fitting._plan import CalibratedFit, FitPlan
from oddrow.fitting._splits import SplitTable
from oddrow.surprise import ReconstructionEvidence, SurpriseModel


@dataclass(frozen=True)
class ReconstructionLearner:
    """Trains as the article does, with squared errors; the evidence is the mean absolute error of a row."""

    def weighted(self, view_weights: Mapping[str, float] | None) -> ReconstructionLearner:
        """Return this learner, which has no views to weight.

        Raises
        ------
        SettingError
            If weights are given.
        """
        if view_weights is not None:
            raise SettingError('settings="article" has no views, so view_weights has no effect; leave one of them out')
        return self

    def isolating(self) -> ReconstructionLearner:
        """Return this learner: the article does not compare rows with one another."""
        return self

    def fit_split(
        self, plan: FitPlan, table: pa.Table, in_doubt: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> CalibratedFit:
        """Fit once; the training rows calibrate, as in the article."""
        shares = (plan.recipe.stopping_share, plan.recipe.calibration_share)
        fit = _fit(plan, SplitTable.draw(table, in_doubt, shares, rng), rng)
        calibration = Calibration.learn(
            _evidence_model(fit).evidence(fit.training).raw, "training", plan.recipe.constants
        )
        return _calibrated(fit, calibration, plan.control.spent_checkpoint(fit.network.health))

    def fit_cross(
        self,
        plan: FitPlan,
        table: pa.Table,
        in_doubt: npt.NDArray[np.bool_],
        folding: Folding,
        rng: np.random.Generator,
    ) -> CalibratedFit:
        """Fit all rows; each row calibrates with its reconstruction error in a fit without it."""

        def fit_one(plan: FitPlan, split: SplitTable) -> NetworkFit[SquaredError]:
            return _fit(plan, split, rng)

        def see(fit: NetworkFit[SquaredError], held_out: EncodedTable) -> npt.NDArray[np.float64]:
            return _evidence_model(fit).evidence(held_out).raw

        found = fit_folds(plan, table, in_doubt, folding, fit_one, see, rng)
        calibration = folding.calibration(found.seen, plan.recipe.constants)
        return _calibrated(found.whole, calibration, found.control.spent_checkpoint(found.whole.network.health))


def _fit(plan: FitPlan, split: SplitTable, rng: np.random.Generator) -> NetworkFit[SquaredError]:
    from oddrow.training import ARTICLE_TRAINING  # loads JAX

    return fit_to_split(plan, split, SquaredError, ARTICLE_TRAINING, rng)


def _evidence_model(fit: NetworkFit[SquaredError]) -> ReconstructionEvidence:
    unbounded = FeatureRange.unbounded(fit.likelihood.layout.n_features)
    return ReconstructionEvidence(DensityModel(fit.network, fit.likelihood, unbounded))


def _calibrated(fit: NetworkFit[SquaredError], calibration: Calibration, spent: Path | None) -> CalibratedFit:
    surprise_model = SurpriseModel(_evidence_model(fit), calibration)
    return CalibratedFit(fit.encoding, surprise_model, None, fit.training, spent)

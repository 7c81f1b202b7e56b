"""What is to be fitted: a recipe, the description of the training data, and how the fit runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import NOTHING_ELSE, EncodedTable, EncodingStyle, TableEncoding, TableSchema, TableSketch
from oddrow.density import FittedNetwork
from oddrow.expectations import Expectations
from oddrow.fitting._calibration_choice import CalibrationName
from oddrow.fitting._cleaning import Clean
from oddrow.fitting._dependence import Dependence
from oddrow.fitting._folding import Folding
from oddrow.fitting._order_test import OrderTest
from oddrow.fitting._run_control import RunControl
from oddrow.policies import Policy
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants
from oddrow.surprise import SurpriseModel


@dataclass(frozen=True)
class HeldOut:
    """Rows of a single fit whose scores are like those of new rows.

    Attributes
    ----------
    index : int [n], the rows of the table that calibrate, ascending
    raw : float64 [n], their raw scores, each as by a memory without the row
    watched, watched_own : the encoded rows that decided when to stop, and their indices [m] in the memory (-1: none)
    """

    index: npt.NDArray[np.int64]
    raw: npt.NDArray[np.float64]
    watched: EncodedTable
    watched_own: npt.NDArray[np.int64]


@dataclass(frozen=True)
class CalibratedFit:
    """What an evidence learner returns.

    Attributes
    ----------
    encoding : how the rows are encoded
    surprise_model : the evidence model and its calibration
    expectations : the usual value of each column given the others; None if only the network provides it
    training : the encoded training rows
    spent_checkpoint : the folder whose checkpoints are no longer needed, because no fit was cut off
    order_test : the test of a random hold-out for rows that depend on their order; None if there was none
    held_out : the rows that calibrate and their raw scores; None if no rows were held out of a single fit
    """

    encoding: TableEncoding
    surprise_model: SurpriseModel
    expectations: Expectations | None
    training: EncodedTable
    spent_checkpoint: Path | None
    order_test: OrderTest | None = None
    held_out: HeldOut | None = None


class EvidenceLearner(Protocol):
    """Fits the network, and learns one kind of evidence from it, with its calibration."""

    def weighted(self, view_weights: Mapping[str, float] | None) -> Self:
        """Return the learner with these weights of the views.

        Raises
        ------
        SettingError
            If a weight is invalid, or if this evidence has no views.
        """
        ...

    def isolating(self) -> Self:
        """Return the learner for a table that may hold odd rows."""
        ...

    def fit_split(
        self, plan: FitPlan, table: pa.Table, in_doubt: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> CalibratedFit:
        """Fit once, and calibrate with held-out rows. Rows ``in_doubt`` [n] calibrate, but do not train."""
        ...

    def fit_cross(
        self,
        plan: FitPlan,
        table: pa.Table,
        in_doubt: npt.NDArray[np.bool_],
        folding: Folding,
        rng: np.random.Generator,
    ) -> CalibratedFit:
        """Fit all rows; each row calibrates with its score by a fit without it. ``in_doubt`` as in ``fit_split``."""
        ...


@dataclass(frozen=True)
class Recipe:
    """The definition of a model, independent of the rows to which it is fitted.

    Attributes
    ----------
    style : how columns are encoded
    hidden : widths of the hidden layers of the encoder; those of the decoder are the same in reverse
    n_latent : number of latent dimensions
    stopping_share : share of the rows that is watched for early stopping and sets the scales of the views
    calibration_share : share of the rows that calibrates the surprise. If both shares are 0, the training rows
        calibrate
    evidence : what is learned from the fitted network
    is_variational : whether the latent is sampled
    kl_weight : factor of the KL term
    calibration : "split" holds rows out to calibrate; "cross" lets every row train and calibrate; "blocks" does so for
        rows that depend on each other
    clean : "robust" sets rows that stand out aside before anything is learned
    policy : what decides; None for about one false alarm in a hundred normal rows
    flagged_share : share of the training rows to flag instead; None where a policy decides
    constants : the constants that define a score
    """

    style: EncodingStyle
    hidden: tuple[int, ...]
    n_latent: int
    stopping_share: float
    calibration_share: float
    evidence: EvidenceLearner
    is_variational: bool = True
    kl_weight: float = 1.0
    calibration: CalibrationName = "split"
    clean: Clean = "assume"
    policy: Policy | None = None
    flagged_share: float | None = None
    constants: ScoringConstants = DEFAULT_CONSTANTS


@dataclass(frozen=True)
class TrainingData:
    """The description of the training rows, in addition to the table that holds them.

    Attributes
    ----------
    schema : the kinds of the columns
    encoding : an encoding learned elsewhere; None learns it from the training rows
    rest : summaries of training rows that are not in the table
    start : a network whose weights are the initial ones; None draws initial weights
    dependence : which rows depend on each other, for the calibration "blocks"; None if the rows are independent
    """

    schema: TableSchema
    encoding: TableEncoding | None = None
    rest: TableSketch = NOTHING_ELSE
    start: FittedNetwork | None = None
    dependence: Dependence | None = None


@dataclass(frozen=True)
class FitPlan:
    """What is to be fitted: what defines the model, what describes the rows, and how the fit runs."""

    recipe: Recipe
    data: TrainingData
    control: RunControl = field(default_factory=RunControl)

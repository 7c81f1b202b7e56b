"""A detector without scikit-learn's base classes, whose import takes longer than all other imports of a fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oddrow.columns import TableEncoding
from oddrow.density import TrainingHealth
from oddrow.detector import _learning, _scoring
from oddrow.fitted import FittedModel
from oddrow.fitting import Cleaning, OrderTest
from oddrow.policies import Policy
from oddrow.sequences import EntityHistory, Preparation, Windows


@dataclass
class PlainDetector:
    """A detector that is fitted and saved like an estimator, but is none for scikit-learn.

    The command line fits with it. With equal parameters it learns the same model as the estimator, bit for bit.

    Attributes
    ----------
    is_variational : whether it is :class:`oddrow.VAEDetector` or :class:`oddrow.AutoencoderDetector` without
        scikit-learn
    kl_weight : as in VAEDetector; 0 where the latent is not sampled
    settings, ... : parameters with the names and defaults of the estimators
    model_, ... : the fitted attributes of the estimators
    """

    is_variational: bool
    kl_weight: float
    settings: str = "default"
    contamination: str | float = "auto"
    policy: Policy | None = None
    view_weights: Mapping[str, float] | None = None
    calibration: str = "auto"
    time: str | None = None
    group: str | None = None
    gap: int | None = None
    sequences: Windows | EntityHistory | Preparation | None = None
    clean: str = "assume"
    columns: Mapping[str, str] | None = None
    encoding: TableEncoding | None = None
    random_state: int | np.random.Generator | np.random.RandomState | None = None
    max_steps: int | None = None
    time_limit: float | None = None
    checkpoint: str | Path | None = None
    resume: bool = False
    on_progress: Callable[[int, int, float], None] | None = None
    on_interrupt: Callable[[], bool] | None = None
    on_phase: Callable[[str], None] | None = None
    device: str = "auto"

    model_: FittedModel = field(init=False)
    cleaning_: Cleaning | None = field(init=False)
    order_test_: OrderTest | None = field(init=False)
    offset_: float = field(init=False)
    n_features_in_: int = field(init=False)
    feature_names_in_: npt.NDArray[np.object_] = field(init=False)

    fit_batches = _learning.fit_batches
    fit_sampled = _learning.fit_sampled
    sampling = _learning.sampling

    @property
    def health_(self) -> TrainingHealth:
        """How the fit went."""
        return _scoring.health(self)

    @property
    def notes_(self) -> tuple[str, ...]:
        """Sentences about columns with special treatment, for example columns that were left out."""
        return _scoring.notes(self)

"""The parameters and fitted attributes of an estimator that the functions for learning and scoring use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from oddrow.columns import TableEncoding
from oddrow.exceptions import SettingError
from oddrow.fitted import FittedModel
from oddrow.fitting import Cleaning, OrderTest
from oddrow.policies import Policy
from oddrow.sequences import EntityHistory, Preparation, Windows


class Detector(Protocol):
    """The parameters and the fitted attributes of both estimators, see :class:`oddrow.VAEDetector`."""

    settings: str
    kl_weight: float
    contamination: str | float
    policy: Policy | None
    view_weights: Mapping[str, float] | None
    calibration: str
    time: str | None
    group: str | None
    gap: int | None
    sequences: Windows | EntityHistory | Preparation | None
    clean: str
    columns: Mapping[str, str] | None
    encoding: TableEncoding | None
    random_state: int | np.random.Generator | np.random.RandomState | None
    max_steps: int | None
    time_limit: float | None
    checkpoint: str | Path | None
    resume: bool
    on_progress: Callable[[int, int, float], None] | None
    on_interrupt: Callable[[], bool] | None
    on_phase: Callable[[str], None] | None
    device: str

    model_: FittedModel
    cleaning_: Cleaning | None
    order_test_: OrderTest | None
    offset_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    @property
    def is_variational(self) -> bool:
        """Whether the latent is sampled."""


DetectorT = TypeVar("DetectorT", bound=Detector)
"""The type of an estimator: a fit returns the type on which it was called."""


def decide_by(detector: Detector, model: FittedModel) -> None:
    """Set a detector's fitted model, and the threshold of its policy."""
    threshold = model.threshold
    detector.model_ = model
    detector.offset_ = np.nan if threshold is None else -threshold


def check_fitted(detector: Detector) -> None:
    """Refuse a detector that has not been fitted.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If so.
    """
    if not hasattr(detector, "model_"):
        from sklearn.utils.validation import check_is_fitted  # slow to import, and only the error needs it

        check_is_fitted(detector, "model_")


def generator(random_state: int | np.random.Generator | np.random.RandomState | None) -> np.random.Generator:
    """Return a generator: an int always starts the same stream, a generator or RandomState advances."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"random_state is {random_state!r}; give a whole number >= 0, a Generator or None"
        ) from error

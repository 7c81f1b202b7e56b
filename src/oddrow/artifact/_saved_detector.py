"""The result of reading a model file of any protocol: a fitted model, and the parameters of its estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from oddrow.fitted import FittedModel
from oddrow.fitting import Cleaning

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, VAEDetector


@dataclass(frozen=True)
class SavedDetector:
    """A fitted detector as every reader returns it.

    Attributes
    ----------
    model : the fitted model, which scores rows
    kind : the class of the detector
    parameters : its parameters by name; absent ones have their defaults
    feature_names : the column names of the training table; None if it had none
    n_features_in : the number of columns of the training table
    cleaning : the rows that were set aside before training; None without cleaning
    """

    model: FittedModel
    kind: Literal["vae", "autoencoder"]
    parameters: Mapping[str, Any]
    feature_names: tuple[str, ...] | None
    n_features_in: int
    cleaning: Cleaning | None

    def detector(self) -> VAEDetector | AutoencoderDetector:
        """Return the estimator, as it was when it was saved."""
        from oddrow.detector import AutoencoderDetector, VAEDetector  # loads scikit-learn, which scoring does not need

        detector = (VAEDetector if self.kind == "vae" else AutoencoderDetector)(**self.parameters)
        detector.model_ = self.model
        detector.cleaning_ = self.cleaning
        threshold = self.model.threshold
        detector.offset_ = np.nan if threshold is None else -threshold
        detector.n_features_in_ = self.n_features_in
        if self.feature_names is not None:
            detector.feature_names_in_ = np.asarray(self.feature_names, dtype=object)
        return detector

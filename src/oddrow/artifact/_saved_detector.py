"""What a model file gives, whatever its protocol: a fitted model, and what the estimator around it needs."""

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
    """A fitted detector as every reader gives it.

    Attributes
    ----------
    kind : the class of the detector
    parameters : its parameters by name; those that are not there have their defaults
    feature_names : the columns of the training table; None where they had no names
    n_features_in : how many they were
    cleaning : what was set aside before anything was learned; None where nothing was looked for
    """

    model: FittedModel
    kind: Literal["vae", "autoencoder"]
    parameters: Mapping[str, Any]
    feature_names: tuple[str, ...] | None
    n_features_in: int
    cleaning: Cleaning | None

    def detector(self) -> VAEDetector | AutoencoderDetector:
        """The estimator, as it was when it was saved."""
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

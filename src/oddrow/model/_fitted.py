"""What a fit leaves: weights, and how they were reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.model._network import NetworkShape


@dataclass(frozen=True)
class LearningCurve:
    """Losses along the fit, one entry a check; nats per row.

    ``reconstruction`` and ``kl`` are the unweighted parts of ``held_out_loss``; the weights kept are those of
    ``best_step``.
    """

    step: npt.NDArray[np.int64]
    training_loss: npt.NDArray[np.float64]
    held_out_loss: npt.NDArray[np.float64]
    reconstruction: npt.NDArray[np.float64]
    kl: npt.NDArray[np.float64]
    best_step: int


@dataclass(frozen=True)
class FittedNetwork:
    """A network's shape, its float32 weights by name, and its learning curve."""

    shape: NetworkShape
    parameters: Mapping[str, npt.NDArray[np.float32]]
    learning_curve: LearningCurve

    @cached_property
    def scoring_parameters(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """The weights in double precision, for scoring; see ``oddrow.scoring.in_blocks``."""
        return {name: value.astype(np.float64) for name, value in self.parameters.items()}

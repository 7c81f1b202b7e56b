"""The result of a fit: a network's weights and the health of the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.density._health import HealthFigures, LearningCurve, TrainingHealth
from oddrow.density._network import NetworkShape


@dataclass(frozen=True)
class FittedNetwork:
    """A network's shape, its float32 weights by name, and the health of the fit that found them."""

    shape: NetworkShape
    parameters: Mapping[str, npt.NDArray[np.float32]]
    health: TrainingHealth

    @property
    def learning_curve(self) -> LearningCurve:
        """The losses at each check of the fit."""
        return self.health.learning_curve

    @cached_property
    def scoring_parameters(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """The weights in double precision, for scoring; see ``oddrow.density.in_blocks``."""
        return {name: value.astype(np.float64) for name, value in self.parameters.items()}

    def packed(self) -> Arrays:
        """The weights and the learning curve; shape and health are JSON, see :meth:`unpacked`."""
        return {**self.parameters, **packed_components({"curve": self.learning_curve})}

    @classmethod
    def unpacked(cls, store: ArrayStore, shape: NetworkShape, health: HealthFigures) -> FittedNetwork:
        """The network of a shape that has been checked."""
        weights = {}
        for name, (n_in, n_out) in shape.layers.items():
            weights[f"{name}_weight"] = store.take(f"{name}_weight", np.float32, (n_in, n_out))
            weights[f"{name}_bias"] = store.take(f"{name}_bias", np.float32, (n_out,))
        curve = LearningCurve.unpacked(store.under("curve"), health.best_step)
        return cls(shape, weights, health.with_curve(curve, shape.n_latent, shape.is_variational))

"""Fitting of the network with JAX and Optax.

No other package of oddrow imports JAX or Optax. This package is imported when a model is fitted, never when rows are
scored.
"""

from oddrow.training._checkpoint import discard_checkpoint
from oddrow.training._interruption import Interruption
from oddrow.training._loop import OnProgress, fit_network
from oddrow.training._settings import ARTICLE_TRAINING, DEFAULT_TRAINING, TrainingSettings

__all__ = [
    "ARTICLE_TRAINING",
    "DEFAULT_TRAINING",
    "Interruption",
    "OnProgress",
    "TrainingSettings",
    "discard_checkpoint",
    "fit_network",
]

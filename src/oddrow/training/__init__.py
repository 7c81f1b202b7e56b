"""The density is fitted: the only room where JAX and Optax live. Imported when fitting, never when scoring."""

from oddrow.training._checkpoint import discard_checkpoint
from oddrow.training._interruption import Interruption, OnInterrupt
from oddrow.training._loop import OnProgress, fit_network
from oddrow.training._settings import ARTICLE_TRAINING, DEFAULT_TRAINING, TrainingSettings

__all__ = [
    "ARTICLE_TRAINING",
    "DEFAULT_TRAINING",
    "Interruption",
    "OnInterrupt",
    "OnProgress",
    "TrainingSettings",
    "discard_checkpoint",
    "fit_network",
]

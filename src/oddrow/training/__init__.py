"""The density is fitted: the only room where JAX and Optax live. Imported when fitting, never when scoring."""

from oddrow.training._loop import OnProgress, fit_network
from oddrow.training._settings import ARTICLE_TRAINING, DEFAULT_TRAINING, TrainingSettings

__all__ = ["ARTICLE_TRAINING", "DEFAULT_TRAINING", "OnProgress", "TrainingSettings", "fit_network"]

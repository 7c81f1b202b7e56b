"""A density over rows: the network, the likelihood of each kind of column, the loss by its parts."""

from oddrow.model._column_sums import ColumnSums
from oddrow.model._fitted import FittedNetwork
from oddrow.model._health import (
    CopyingShare,
    Diagnosis,
    FitEnd,
    Gain,
    LearningCurve,
    Rollback,
    TrainingHealth,
)
from oddrow.model._likelihoods import Likelihood, MixedLikelihood, SquaredError
from oddrow.model._loss import LossParts, kl_divergence, loss_parts
from oddrow.model._network import NetworkShape, decode, encode, initial_parameters

__all__ = [
    "ColumnSums",
    "CopyingShare",
    "Diagnosis",
    "FitEnd",
    "FittedNetwork",
    "Gain",
    "LearningCurve",
    "Likelihood",
    "LossParts",
    "MixedLikelihood",
    "NetworkShape",
    "Rollback",
    "SquaredError",
    "TrainingHealth",
    "decode",
    "encode",
    "initial_parameters",
    "kl_divergence",
    "loss_parts",
]

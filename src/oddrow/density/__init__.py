"""The density model: the network, the likelihoods of the columns, the training loss, the health of a fit."""

from oddrow.density._blocks import BLOCK_ROWS, in_blocks, in_slabs
from oddrow.density._column_sums import ColumnSums
from oddrow.density._density_model import MAX_OUTPUT, DensityModel
from oddrow.density._fitted_network import FittedNetwork
from oddrow.density._health import (
    CopyingShare,
    FitEnd,
    Gain,
    HealthFigures,
    LearningCurve,
    Rollback,
    TrainingHealth,
)
from oddrow.density._likelihoods import Likelihood, MixedLikelihood, SquaredError
from oddrow.density._loss import LossParts, kl_divergence, loss_parts
from oddrow.density._network import NetworkShape, decode, encode, initial_parameters
from oddrow.density._row_likelihood import FeatureRange, RowLikelihood

__all__ = [
    "BLOCK_ROWS",
    "MAX_OUTPUT",
    "ColumnSums",
    "CopyingShare",
    "DensityModel",
    "FeatureRange",
    "FitEnd",
    "FittedNetwork",
    "Gain",
    "HealthFigures",
    "LearningCurve",
    "Likelihood",
    "LossParts",
    "MixedLikelihood",
    "NetworkShape",
    "Rollback",
    "RowLikelihood",
    "SquaredError",
    "TrainingHealth",
    "decode",
    "encode",
    "in_blocks",
    "in_slabs",
    "initial_parameters",
    "kl_divergence",
    "loss_parts",
]

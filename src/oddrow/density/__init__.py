"""The density model: the network, the likelihoods of the columns, the training loss, the health of a fit."""

from oddrow.density._blocks import BLOCK_ROWS, in_blocks, in_slabs
from oddrow.density._column_sums import ColumnSums
from oddrow.density._fitted_network import FittedNetwork
from oddrow.density._health import CopyingShare, FitEnd, Gain, LearningCurve, Rollback, TrainingHealth
from oddrow.density._likelihoods import Likelihood, MixedLikelihood, SquaredError
from oddrow.density._loss import LossParts, kl_divergence, loss_parts
from oddrow.density._network import NetworkShape, decode, encode, initial_parameters
from oddrow.density._row_likelihood import FeatureRange, RowLikelihood, latent_means, read_rows, row_likelihood

__all__ = [
    "BLOCK_ROWS",
    "ColumnSums",
    "CopyingShare",
    "FeatureRange",
    "FitEnd",
    "FittedNetwork",
    "Gain",
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
    "latent_means",
    "loss_parts",
    "read_rows",
    "row_likelihood",
]

"""The density of rows as a fit leaves it: the network, the likelihood of the columns, the range of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density._blocks import in_blocks
from oddrow.density._fitted_network import FittedNetwork
from oddrow.density._likelihoods import MixedLikelihood, SquaredError
from oddrow.density._loss import kl_divergence
from oddrow.density._network import decode, encode
from oddrow.density._row_likelihood import FeatureRange, RowLikelihood

Floats = npt.NDArray[np.float64]
LikelihoodT_co = TypeVar("LikelihoodT_co", bound=MixedLikelihood | SquaredError, covariant=True)


@dataclass(frozen=True)
class DensityModel(Generic[LikelihoodT_co]):
    """Scores encoded rows with a fitted network; nothing is sampled.

    Attributes
    ----------
    network : the weights and how they were reached
    likelihood : how each column is distributed given the decoder's outputs
    feature_range : the encoder sees rows clipped to it
    """

    network: FittedNetwork
    likelihood: LikelihoodT_co
    feature_range: FeatureRange

    @property
    def layout(self) -> FeatureLayout:
        """Which features belong to which column."""
        return self.likelihood.layout

    def encode(self, rows: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Latent means and log-variances [n, n_latent] of one block of encoded rows [n, n_features]."""
        seen = self.feature_range.clip(rows).astype(np.float64)
        mean, log_variance = encode(np, self.network.shape, self.network.scoring_parameters, seen)
        return mean, log_variance

    def decode(self, latent: Floats) -> Floats:
        """Decoder outputs [n, n_outputs] of latent means [n, n_latent]."""
        outputs: Floats = decode(np, self.network.shape, self.network.scoring_parameters, latent)
        return outputs

    def read_block(self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of one block of encoded rows."""
        mean, log_variance = self.encode(rows)
        outputs = self.decode(mean)
        nats = self.likelihood.negative_log_likelihood(
            np, outputs, rows.astype(np.float64), presence.astype(np.float64)
        )
        is_variational = self.network.shape.is_variational
        kl = kl_divergence(np, mean, log_variance) if is_variational else np.zeros_like(mean)
        return RowLikelihood(nats, kl.sum(axis=1), mean, outputs)

    def read(self, encoded: EncodedTable) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of encoded rows, block by block."""

        def block(rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
            read = self.read_block(rows, presence)
            return read.column_nats, read.kl_nats, read.latent, read.outputs

        return RowLikelihood(*in_blocks(block, encoded.rows, encoded.presence))

    def latent_means(self, encoded: EncodedTable) -> Floats:
        """Latent means [n, n_latent] of encoded rows, without the decoder's work."""
        return in_blocks(lambda rows: (self.encode(rows)[0],), encoded.rows)[0]

"""The density of rows as a fit leaves it: the network, the likelihood of the columns, the range of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from oddrow.columns import MAX_ENCODED, FeatureLayout
from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.density._blocks import in_blocks
from oddrow.density._fitted_network import FittedNetwork
from oddrow.density._health import HealthFigures
from oddrow.density._likelihoods import MixedLikelihood, SquaredError
from oddrow.density._loss import kl_divergence
from oddrow.density._network import NetworkShape, decode, encode
from oddrow.density._row_likelihood import FeatureRange, RowLikelihood
from oddrow.exceptions import ModelFileError

Floats = npt.NDArray[np.float64]
LikelihoodT_co = TypeVar("LikelihoodT_co", bound=MixedLikelihood | SquaredError, covariant=True)
MAX_OUTPUT = 1e30
"""Magnitude of what the network gives: it is kept in single precision, and its square in double."""


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

    def read(self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of encoded rows, block by block."""

        def block(rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
            read = self.read_block(rows, presence)
            return read.column_nats, read.kl_nats, read.latent, read.outputs

        return RowLikelihood(*in_blocks(block, rows, presence))

    def latent_means(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Latent means [n, n_latent] of encoded rows [n, n_features], without the decoder's work."""
        return in_blocks(lambda block: (self.encode(block)[0],), rows)[0]

    def packed(self) -> Arrays:
        """The network and the range of the features."""
        return packed_components({"network": self.network, "range": self.feature_range})

    @classmethod
    def unpacked(
        cls,
        store: ArrayStore,
        likelihood: LikelihoodT_co,  # type: ignore[misc]  # as in a constructor, which a type checker exempts
        shape: NetworkShape,
        health: HealthFigures,
    ) -> DensityModel[LikelihoodT_co]:
        """The density of rows that such a likelihood reads, if no row can overflow in it."""
        shape.check()
        n_features = likelihood.layout.n_features
        if (shape.n_inputs, shape.n_outputs) != (n_features, likelihood.n_outputs):
            raise ModelFileError("the network does not fit the encoding")
        network = FittedNetwork.unpacked(store.under("network"), shape, health)
        # the article does not clip: its range is infinite
        is_article = isinstance(likelihood, SquaredError)
        feature_range = FeatureRange.unpacked(store.under("range"), n_features, may_be_infinite=is_article)
        density = cls(network, likelihood, feature_range)
        density._check_finite()
        return density

    def _check_finite(self) -> None:
        """Refuse weights with which some row could overflow: no output is above the product of the layers' norms."""
        ends = np.abs(np.concatenate([self.feature_range.low, self.feature_range.high])).astype(np.float64)
        largest = float(np.max(ends, initial=0.0, where=np.isfinite(ends)))
        if not np.isfinite(ends).all():  # what is not clipped is as far out as its encoding lets it
            largest = max(largest, MAX_ENCODED)
        for name in self.network.shape.layers:
            weight, bias = (self.network.parameters[f"{name}_{part}"] for part in ("weight", "bias"))
            norm = float(np.abs(weight).sum(axis=0, dtype=np.float64).max(initial=0.0))
            largest = norm * largest + float(np.abs(bias).max(initial=0.0))
            if not largest <= MAX_OUTPUT:
                raise ModelFileError(f"the weights up to {name!r} are so large that a row could overflow")

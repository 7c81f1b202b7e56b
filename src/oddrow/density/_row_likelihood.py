"""How improbable the model finds each column of a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.density._blocks import in_blocks
from oddrow.density._fitted_network import FittedNetwork
from oddrow.density._likelihoods import MixedLikelihood, SquaredError
from oddrow.density._loss import kl_divergence
from oddrow.density._network import decode, encode


@dataclass(frozen=True)
class FeatureRange:
    """The range of each encoded feature in training, float32 [n_features] each.

    The encoder is shown rows clipped to it: one value far out must not throw every other column's expectation off.
    """

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    @classmethod
    def learn(cls, rows: npt.NDArray[np.float32]) -> FeatureRange:
        return cls(rows.min(axis=0), rows.max(axis=0))

    @classmethod
    def unbounded(cls, n_features: int) -> FeatureRange:
        """No clipping: the article's encoder sees what there is."""
        return cls(np.full(n_features, -np.inf, np.float32), np.full(n_features, np.inf, np.float32))

    @cached_property
    def _is_bounded(self) -> bool:
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def clip(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.clip(rows, self.low, self.high) if self._is_bounded else rows


@dataclass(frozen=True)
class RowLikelihood:
    """Nats of each row, with the latent at its mean.

    Attributes
    ----------
    column_nats : float64 [n, n_columns], negative log-likelihood of each column given the latent mean
    kl_nats : float64 [n], what the latent itself costs: how unusual the combination is
    latent : float64 [n, n_latent], latent means
    outputs : float64 [n, n_outputs], what the decoder gives for the latent mean
    """

    column_nats: npt.NDArray[np.float64]
    kl_nats: npt.NDArray[np.float64]
    latent: npt.NDArray[np.float64]
    outputs: npt.NDArray[np.float64]


def row_likelihood(
    network: FittedNetwork,
    likelihood: MixedLikelihood | SquaredError,
    feature_range: FeatureRange,
    rows: npt.NDArray[np.float32],
    presence: npt.NDArray[np.bool_],
) -> RowLikelihood:
    """Score one block of encoded rows; nothing is sampled."""
    parameters = network.scoring_parameters
    mean, log_variance = encode(np, network.shape, parameters, feature_range.clip(rows).astype(np.float64))
    outputs = decode(np, network.shape, parameters, mean)
    nats = likelihood.negative_log_likelihood(np, outputs, rows.astype(np.float64), presence.astype(np.float64))
    kl = kl_divergence(np, mean, log_variance) if network.shape.is_variational else np.zeros_like(mean)
    return RowLikelihood(nats, kl.sum(axis=1), mean, outputs)


def read_rows(
    network: FittedNetwork,
    likelihood: MixedLikelihood | SquaredError,
    feature_range: FeatureRange,
    encoded: EncodedTable,
) -> RowLikelihood:
    """Score encoded rows block by block."""

    def block(rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.float64], ...]:
        read = row_likelihood(network, likelihood, feature_range, rows, presence)
        return read.column_nats, read.kl_nats, read.latent, read.outputs

    return RowLikelihood(*in_blocks(block, encoded.rows, encoded.presence))


def latent_means(network: FittedNetwork, feature_range: FeatureRange, encoded: EncodedTable) -> npt.NDArray[np.float64]:
    """Latent means [n, n_latent] of encoded rows, as :func:`read_rows` gives them beside much else."""

    def block(rows: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64]]:
        seen = feature_range.clip(rows).astype(np.float64)
        return (encode(np, network.shape, network.scoring_parameters, seen)[0],)

    return in_blocks(block, encoded.rows)[0]

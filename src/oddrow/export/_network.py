"""What the network makes of encoded rows, traced through the functions that fit and score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oddrow.columns import EncodedValues
from oddrow.density import DensityModel, Likelihood, decode, encode, kl_divergence
from oddrow.graph import FLOAT, GraphNamespace, Value


@dataclass(frozen=True)
class ReadValues:
    """As :class:`oddrow.density.RowLikelihood`, in a graph.

    Attributes
    ----------
    kl_nats : float64 [n, 1]
    latent, outputs : float64 [n, n_latent], [n, n_outputs]
    """

    kl_nats: Value
    latent: Value
    outputs: Value


def read_values(xp: GraphNamespace, density: DensityModel[Likelihood], encoded: EncodedValues) -> ReadValues:
    """The latent means of encoded rows, what they cost, and what the decoder gives for them."""
    shape, parameters = density.network.shape, density.network.scoring_parameters
    feature_range = density.feature_range
    rows = encoded.rows
    if np.isfinite(feature_range.low).any() or np.isfinite(feature_range.high).any():
        rows = xp.clip(rows, feature_range.low, feature_range.high)
    mean, log_variance = encode(xp, shape, parameters, rows)
    kl = kl_divergence(xp, mean, log_variance) if shape.is_variational else xp.zeros_like(mean)
    return ReadValues(kl.sum(axis=1, keepdims=True), mean, decode(xp, shape, parameters, mean))


def column_nats(likelihood: Likelihood, xp: GraphNamespace, outputs: Value, encoded: EncodedValues) -> Value:
    """Negative log-likelihood of each column [n, n_columns]."""
    nats: Value = likelihood.parts(xp, outputs, encoded.rows, encoded.presence.astype(FLOAT)) @ likelihood.to_column
    return nats

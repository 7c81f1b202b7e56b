"""Encoded rows as the network reads them, as operations of a graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oddrow.density._density_model import DensityModel
from oddrow.density._likelihoods import Likelihood
from oddrow.density._loss import kl_divergence
from oddrow.density._network import decode, encode
from oddrow.graph import FLOAT, GraphNamespace, Value


@dataclass(frozen=True)
class ReadValues:
    """As :class:`RowLikelihood`, in a graph.

    Attributes
    ----------
    kl_nats : float64 [n, 1]
    latent, outputs : float64 [n, n_latent], [n, n_outputs]
    """

    kl_nats: Value
    latent: Value
    outputs: Value


def read_values(xp: GraphNamespace, density: DensityModel[Likelihood], rows: Value) -> ReadValues:
    """The latent means of encoded rows [n, n_features], their cost, and the decoder's outputs for them."""
    shape, parameters, feature_range = density.network.shape, density.network.scoring_parameters, density.feature_range
    if np.isfinite(feature_range.low).any() or np.isfinite(feature_range.high).any():
        rows = xp.clip(rows, feature_range.low, feature_range.high)
    mean, log_variance = encode(xp, shape, parameters, rows)
    kl = kl_divergence(xp, mean, log_variance) if shape.is_variational else xp.zeros_like(mean)
    return ReadValues(kl.sum(axis=1, keepdims=True), mean, decode(xp, shape, parameters, mean))


def column_nats(xp: GraphNamespace, likelihood: Likelihood, outputs: Value, rows: Value, presence: Value) -> Value:
    """Negative log-likelihood of each column [n, n_columns]."""
    nats: Value = likelihood.parts(xp, outputs, rows, presence.astype(FLOAT)) @ likelihood.to_column
    return nats

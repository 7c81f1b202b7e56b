"""The training loss, returned with its parts."""

from __future__ import annotations

from typing import Any, NamedTuple

from oddrow.density._likelihoods import Likelihood
from oddrow.density._network import Array, NetworkShape, Parameters, decode, encode


class LossParts(NamedTuple):
    """The negative evidence lower bound and its parts, in nats, each averaged over the rows.

    ``reconstruction`` [n_parts], by the parts of the likelihood, and ``kl`` [n_latent] are unweighted; ``total`` is
    ``reconstruction_weight * sum(reconstruction) + kl_weight * sum(kl)``. The class is a NamedTuple and not a
    dataclass, because JAX accepts a NamedTuple as a pytree without registration.
    """

    total: Array
    reconstruction: Array
    kl: Array


def kl_divergence(xp: Any, mean: Array, log_variance: Array) -> Array:
    """Return KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, by latent dimension [n, n_latent].

    The formula is from Kingma and Welling (2014), appendix B.
    """
    return 0.5 * (mean * mean + xp.exp(log_variance) - 1.0 - log_variance)


def loss_parts(
    xp: Any,
    shape: NetworkShape,
    likelihood: Likelihood,
    parameters: Parameters,
    rows: Array,
    presence: Array,
    noise: Array | None,
    *,
    kl_weight: float = 1.0,
    reconstruction_weight: float = 1.0,
) -> LossParts:
    """Return the loss of a mini-batch.

    Parameters
    ----------
    xp, shape, likelihood, parameters
        The array namespace, the network's shape, the columns' distributions, the weights by name.
    rows, presence
        Encoded rows [n, n_features], presence [n, n_columns].
    noise
        Standard normal draws [n, n_latent] that sample the latent. With None, and for a network that is not
        variational, the latent mean is decoded.
    kl_weight, reconstruction_weight
        Factors of the two terms; with both 1.0 the loss is the negative evidence lower bound.
    """
    mean, log_variance = encode(xp, shape, parameters, rows)
    sampled = shape.is_variational and noise is not None
    latent = mean + xp.exp(0.5 * log_variance) * noise if sampled else mean
    outputs = decode(xp, shape, parameters, latent)
    share = xp.full((rows.shape[0],), 1.0 / rows.shape[0], rows.dtype)
    reconstruction = share @ likelihood.parts(xp, outputs, rows, presence)
    kl = share @ kl_divergence(xp, mean, log_variance)
    if not shape.is_variational:
        kl = xp.zeros_like(kl)
    total = reconstruction_weight * xp.sum(reconstruction) + kl_weight * xp.sum(kl)
    return LossParts(total, reconstruction, kl)

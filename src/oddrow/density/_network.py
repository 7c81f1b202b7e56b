"""The encoder and the decoder, written once as pure functions of an array namespace, parameters and rows.

The array namespace ``xp`` is ``jax.numpy`` in the steps of a fit, and ``numpy`` elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import ModelFileError

Array: TypeAlias = Any
"""An array of the namespace that is passed in."""
Parameters: TypeAlias = Mapping[str, Array]

LOG_VARIANCE_BOUND = 10.0
"""The latent log-variance is clipped to plus and minus this bound, so that its exponential fits into float32."""
MAX_WIDTH = 65_536
"""Of a hidden layer or the latent: 256 rows of it are held while scoring."""
MAX_LAYERS = 16


@dataclass(frozen=True)
class NetworkShape:
    """The sizes of an encoder, a multilayer perceptron from features to a latent, and of its mirrored decoder.

    Attributes
    ----------
    n_inputs, n_outputs : number of features, number of outputs that the likelihood reads
    hidden : widths of the encoder's hidden layers; the decoder has them in reverse order
    n_latent : number of latent units
    is_variational : whether the encoder returns a log-variance in addition to the mean
    """

    n_inputs: int
    hidden: tuple[int, ...]
    n_latent: int
    n_outputs: int
    is_variational: bool

    def check(self) -> None:
        """Refuse widths that no network has, before they are multiplied."""
        widths = (*self.hidden, self.n_latent)
        if len(self.hidden) > MAX_LAYERS or not all(1 <= width <= MAX_WIDTH for width in widths):
            raise ModelFileError(
                f"a network of {len(self.hidden):,} hidden layers, up to {max(widths):,} wide; "
                f"a model file holds at most {MAX_LAYERS} and {MAX_WIDTH:,}"
            )

    @property
    def layers(self) -> dict[str, tuple[int, int]]:
        """The numbers of inputs and outputs of each layer by its name, encoder first."""
        latent_outputs = self.n_latent * (2 if self.is_variational else 1)
        encoder = pairwise((self.n_inputs, *self.hidden, latent_outputs))
        decoder = pairwise((self.n_latent, *reversed(self.hidden), self.n_outputs))
        named = {f"encoder_{index}": sizes for index, sizes in enumerate(encoder)}
        return named | {f"decoder_{index}": sizes for index, sizes in enumerate(decoder)}


def initial_parameters(shape: NetworkShape, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Draw float32 weights uniformly with Glorot's width (Glorot and Bengio 2010), and set biases to zero."""
    parameters = {}
    for name, (n_in, n_out) in shape.layers.items():
        bound = np.sqrt(6.0 / max(n_in + n_out, 1))
        parameters[f"{name}_weight"] = rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)
        parameters[f"{name}_bias"] = np.zeros(n_out, np.float32)
    return parameters


def encode(xp: Any, shape: NetworkShape, parameters: Parameters, rows: Array) -> tuple[Array, Array]:
    """Encode rows [n, n_inputs] into latent means and log-variances, each [n, n_latent].

    The log-variances of a network that is not variational are zero.
    """
    outputs = _perceptron(xp, "encoder", len(shape.hidden) + 1, parameters, rows)
    mean = outputs[:, : shape.n_latent]
    if not shape.is_variational:
        return mean, xp.zeros_like(mean)
    log_variance = xp.clip(outputs[:, shape.n_latent :], -LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)
    return mean, log_variance


def decode(xp: Any, shape: NetworkShape, parameters: Parameters, latent: Array) -> Array:
    """Decode latents [n, n_latent] into outputs [n, n_outputs]."""
    return _perceptron(xp, "decoder", len(shape.hidden) + 1, parameters, latent)


def _perceptron(xp: Any, part: str, n_layers: int, parameters: Parameters, rows: Array) -> Array:
    for index in range(n_layers):
        rows = rows @ parameters[f"{part}_{index}_weight"]
        rows += parameters[f"{part}_{index}_bias"]
        if index < n_layers - 1:
            rows = xp.maximum(rows, 0.0)
    return rows

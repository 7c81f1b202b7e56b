"""The article's three latent spaces: trained on reconstruction only, on KL only, on both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import TableEncoding, TableSchema
from oddrow.density import NetworkShape, SquaredError, encode

HIDDEN = (64,)
N_LATENT = 2
STEPS = 3_000
PRECISION = 20.0
"""Factor of the squared error, which makes a pixel normal with variance 1/40. With the article's variance of 1/2, the
reconstruction of 64 pixels in [0, 1] gains less than the KL costs, and the posterior collapses."""


@dataclass(frozen=True)
class LatentSpace:
    """One panel: the latents of labelled rows, from a network trained on part of the loss.

    Attributes
    ----------
    title, caption : name of the panel, and a sentence about it
    points : float64 [n, 2], one draw of the latent for each row
    labels : int [n]
    """

    title: str
    caption: str
    points: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]


_PANELS = (
    (
        "only reconstruction",
        "Each digit has its own region, but the regions lie far apart and the space between them is empty: "
        "nothing pulls the latents towards the origin.",
        (PRECISION, 0.0),
    ),
    (
        "only KL divergence",
        "Every row is drawn from the same standard normal distribution: the digits are mixed, and the latent carries "
        "no information about the row.",
        (0.0, 1.0),
    ),
    (
        "both",
        "The digits keep their regions inside one round cloud around the origin: points near each other are similar "
        "rows, and the cloud has few gaps.",
        (PRECISION, 1.0),
    ),
)


def reproduce_latent_space(seed: int = 0) -> tuple[LatentSpace, ...]:
    """Train three networks on scikit-learn's handwritten digits (1,797 rows of 64 pixels), each with part of the loss.

    The latent has two dimensions, so it can be plotted directly. Each row is one draw from the distribution that the
    encoder gives it, as the decoder gets it in training.
    """
    from sklearn.datasets import load_digits  # slow to import

    from oddrow.training import TrainingSettings, fit_network  # imports JAX

    digits = load_digits()
    table = pa.table({f"pixel_{index}": pixel for index, pixel in enumerate(digits.data.T)})
    numbers = dict.fromkeys(table.column_names, "number")
    encoding = TableEncoding.learn(TableSchema.infer(table, numbers), table, style="article")
    encoded = encoding.encode(table)
    likelihood = SquaredError(encoding.layout)
    shape = NetworkShape(encoding.layout.n_features, HIDDEN, N_LATENT, likelihood.n_outputs, is_variational=True)
    spaces = []
    for title, caption, (reconstruction_weight, kl_weight) in _PANELS:
        settings = TrainingSettings(
            kl_weight=kl_weight, reconstruction_weight=reconstruction_weight, max_steps=STEPS, patience=None
        )
        rng = np.random.default_rng(seed)
        network = fit_network(shape, likelihood, encoded, None, settings, rng)
        mean, log_variance = encode(np, shape, network.scoring_parameters, encoded.rows.astype(np.float64))
        points = mean + np.exp(0.5 * log_variance) * rng.standard_normal(mean.shape)
        spaces.append(LatentSpace(title, caption, points, digits.target.astype(np.int64)))
    return tuple(spaces)

"""The article's three latent spaces: only reconstruction, only KL, both."""

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
"""Factor of the squared error: a pixel is normal with variance 1/40. At the article's 1/2, on pixels in [0, 1], it is
all noise to the KL, and the latent of 64 pixels collapses."""


@dataclass(frozen=True)
class LatentSpace:
    """One panel: where a network trained on part of the loss puts labelled rows.

    Attributes
    ----------
    title, caption : what it is, and a sentence on what to see
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
        "Each digit has its own region, but the regions lie far apart and the space between them means nothing: "
        "no pull holds the cloud together.",
        (PRECISION, 0.0),
    ),
    (
        "only KL divergence",
        "Every row is drawn from the same standard normal cloud: the digits are mixed, and the latent says nothing "
        "about the row.",
        (0.0, 1.0),
    ),
    (
        "both",
        "The digits keep their regions inside one round cloud about the origin: near points are alike, and most of "
        "the cloud is filled.",
        (PRECISION, 1.0),
    ),
)


def reproduce_latent_space(seed: int = 0) -> tuple[LatentSpace, ...]:
    """Train the article's loss three times on scikit-learn's handwritten digits (1,797 rows of 64 pixels).

    The latent has two dimensions, so it is seen as it is, and each row is shown by one draw from its own
    distribution, as the decoder sees it.
    """
    from sklearn.datasets import load_digits  # slow to import, and few reproduce

    from oddrow.training import TrainingSettings, fit_network  # JAX: only when it runs

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

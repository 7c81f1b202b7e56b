"""What single views learn from and score, without a fitted network."""

from __future__ import annotations

import numpy as np

from oddrow.density import DensityModel, FeatureRange, MixedLikelihood
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import RowContext, ViewBasis


def basis_of(encoding, training, constants=DEFAULT_CONSTANTS):
    """What the views share, of encoded training rows; there is no network, so no view may read rows with it."""
    density = DensityModel(None, MixedLikelihood(encoding.layout, constants), FeatureRange.learn(training.rows))
    rng = np.random.default_rng(0)
    return ViewBasis.learn(density, training, training.take(np.arange(0)), encoding.straightened, rng)[0]


def rows_of(basis, encoded, counted=None):
    """Encoded rows as the views see them."""
    n_rows = len(encoded.rows)
    counted = np.zeros(n_rows, np.bool_) if counted is None else counted
    return RowContext(basis, encoded.rows, encoded.presence, np.full(n_rows, -1), counted)

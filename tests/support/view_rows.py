"""What single views learn from and score, without a fitted network."""

from __future__ import annotations

from collections import Counter

import numpy as np

from oddrow.density import DensityModel, FeatureRange, MixedLikelihood
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import LearningContext, RowContext, ViewBasis


def basis_of(encoding, training, constants=DEFAULT_CONSTANTS):
    """What the views share, of encoded training rows; there is no network, so no view may read rows with it."""
    density = DensityModel(None, MixedLikelihood(encoding.layout, constants), FeatureRange.learn(training.rows))
    rng = np.random.default_rng(0)
    return ViewBasis.learn(density, training, training.take(np.arange(0)), encoding.straightened, rng)[0]


def context_of(basis, training, *, seed=0, is_dependent=False):
    """What a view learns from, of encoded training rows; a row that occurs once has its place in the memory."""
    keys = [row.tobytes() for row in training.rows]
    places = {row.tobytes(): place for place, row in enumerate(basis.normal_rows.rows)}
    counts = Counter(keys)
    place = np.array([places.get(key, -1) if counts[key] == 1 else -1 for key in keys], np.int64)
    return LearningContext(basis, training, place, np.random.default_rng(seed), is_dependent)


def rows_of(basis, encoded, counted=None):
    """Encoded rows as the views see them."""
    n_rows = len(encoded.rows)
    counted = np.zeros(n_rows, np.bool_) if counted is None else counted
    return RowContext(basis, encoded.rows, encoded.presence, np.full(n_rows, -1), counted)

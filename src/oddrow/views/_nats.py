"""Convert scores to nats of surprise, and combine nats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from oddrow.calibration import TailCurve
from oddrow.scoring_constants import ScoringConstants

Floats = npt.NDArray[np.float64]


def scale_of(scores: Floats, constants: ScoringConstants) -> TailCurve:
    """Learn the curve from the scores of a view, or of a column, to nats."""
    curve = TailCurve.learn(scores, constants.max_scale_knots, constants)
    return replace(curve, shape=max(curve.shape, constants.min_scale_shape))


def power_mean(nats: Floats, power: float, weights: Floats | None = None) -> Floats:
    """Return -ln of the power mean of tail probabilities [n] from their nats [n, k], by default with equal weights."""
    powers = np.exp(nats * power)
    # NumPy's average without weights fails for an empty array
    mean = powers.mean(axis=1) if weights is None else np.average(powers, axis=1, weights=weights)
    return np.asarray(np.log(mean) / power)

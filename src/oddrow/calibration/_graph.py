"""The tail curves of a calibration as graph operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oddrow.calibration._calibration import TailCurve
from oddrow.graph import GraphNamespace, Value, interpolated


def tail_nats(xp: GraphNamespace, scores: Value, tails: Sequence[TailCurve]) -> Value:
    """Return nats [n, k] of scores [n, k], each by the curve of its column, as :meth:`TailCurves.__call__` does."""
    firsts, lasts = (np.array([tail.knots[end] for tail in tails]) for end in (0, -1))
    scale, shape = np.array([tail.scale for tail in tails]), np.array([tail.shape for tail in tails])
    above = xp.maximum(scores - lasts, 0.0)
    below = xp.maximum(firsts - scores, 0.0)
    beyond = xp.log1p(above * shape / scale) / shape
    return (interpolated(xp, scores, [tail.knots for tail in tails], [tail.nats for tail in tails]) + beyond) / (
        below / scale + 1.0
    )

"""The scales of numbers, many at once: :class:`oddrow.table.Scaling`, each on its own column of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.graph import GraphNamespace, Value

MOST = 1e300
"""Bound of a number in robust scales, as in the encoding."""


def standardised(xp: GraphNamespace, values: Value, scalings: Sequence[Any]) -> Value:
    """Numbers [n, k] as :meth:`Scaling.apply` gives them, operation by operation."""
    center, scale, mean, deviation = (_of_each(scalings, name) for name in ("center", "scale", "mean", "deviation"))
    curved = xp.clip((values / 2.0 - center / 2) / (scale / 2), -MOST, MOST)
    heavy = np.array([scaling.heavy for scaling in scalings])
    if heavy.any():
        curved = xp.where(heavy, xp.arcsinh(curved), curved)
    whole = (curved - mean) / deviation
    inside = _inside(xp, whole, scalings)
    beyond, span = whole - inside, _of_each(scalings, "span")
    return inside + xp.sign(beyond) * span * xp.log1p(xp.abs(beyond) / span)


def excess(xp: GraphNamespace, standard: Value, scalings: Sequence[Any]) -> Value:
    """How far standardised numbers [n, k] lie outside the range of training, in its widths."""
    return xp.abs(standard - _inside(xp, standard, scalings)) / _of_each(scalings, "span")


def _inside(xp: GraphNamespace, standard: Value, scalings: Sequence[Any]) -> Value:
    return xp.clip(standard, _of_each(scalings, "low"), _of_each(scalings, "high"))


def _of_each(scalings: Sequence[Any], name: str) -> npt.NDArray[np.float64]:
    return np.array([getattr(scaling, name) for scaling in scalings])

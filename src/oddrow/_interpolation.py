"""Linear interpolation of many numbers between the knots of a curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MIN_SORTED = 1024
"""Smallest number of numbers that are sorted first."""
MIN_KNOTS = 16
"""Smallest number of knots for which numbers are sorted first."""

Floats = npt.NDArray[np.float64]


def interpolated(x: npt.NDArray[np.floating], knots: Floats, values: Floats) -> Floats:
    """Return ``np.interp(x, knots, values)`` of numbers [n], with the same bits, in less than half the time.

    NumPy searches the knots for each number beginning where it found the last one, and sorting costs less than most of
    these searches.
    """
    if len(x) < MIN_SORTED or len(knots) < MIN_KNOTS:
        return np.asarray(np.interp(x, knots, values))
    order = np.argsort(x)
    found = np.empty(len(x))
    found[order] = np.interp(x[order], knots, values)
    return found

"""The points of a labelled sequence: checks, and the runs of true points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import DataError

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


def checked_points(is_anomaly: npt.ArrayLike, surprise: npt.ArrayLike) -> tuple[Flags, Floats]:
    """Return labels and scores of n points as arrays.

    Raises
    ------
    DataError
        If there is no point, or the two have different lengths.
    """
    truth, scores = flags(is_anomaly, "is_anomaly"), np.asarray(surprise, dtype=np.float64)
    if truth.shape != scores.shape:
        raise DataError(f"is_anomaly has shape {truth.shape} and surprise {scores.shape}; give one of each for a point")
    if not len(truth):
        raise DataError("there is no point to evaluate")
    return truth, scores


def flags(values: npt.ArrayLike, name: str) -> Flags:
    """Return labels or decisions as bool [n]; 0 and 1 are accepted.

    Raises
    ------
    DataError
        If they are not one value for each point, or not true and false.
    """
    given = np.asarray(values)
    if given.ndim != 1 or not np.isin(given, (0, 1)).all():
        raise DataError(f"{name} is not an array [n] of true and false")
    return given.astype(np.bool_)


def runs(is_true: Flags) -> tuple[Positions, Positions]:
    """Return the first positions of the runs of true points, and the positions after their last points."""
    edges = np.diff(np.concatenate(([0], is_true.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)

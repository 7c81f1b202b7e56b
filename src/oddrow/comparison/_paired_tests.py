"""Statistics of a few random splits of one table: the interval of a mean, and tests of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its 95 % interval; the ends are None for a single value."""

    mean: float
    low: float | None
    high: float | None


def resampled_interval(values: Sequence[float], test_to_train: float) -> Interval:
    """Return Student's interval of the mean over splits, with the variance of :func:`resampled_t_test`.

    The values are shares, so the interval is clipped to 0 and 1.

    Examples
    --------
    >>> resampled_interval([0.9], 1.0)
    Interval(mean=0.9, low=None, high=None)
    >>> interval = resampled_interval([0.90, 0.91, 0.92], 0.0)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.8852, 0.9348)
    """
    count = len(values)
    mean = float(np.mean(values))
    if count < 2:
        return Interval(mean, None, None)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * _standard_error(np.asarray(values), test_to_train)
    return Interval(mean, max(mean - half, 0.0), min(mean + half, 1.0))


def resampled_t_test(differences: Sequence[float], test_to_train: float) -> float:
    """Return the two-sided p-value of a mean difference of 0 over random splits, by the corrected resampled t-test.

    Splits of one table overlap, so their differences are not independent: the variance of the mean is
    ``(1 / n_splits + n_test / n_train) * variance`` (Nadeau and Bengio, *Inference for the
    Generalization Error*, 2003).

    Parameters
    ----------
    differences
        Differences of one metric between two methods, one per split, at least 2.
    test_to_train
        ``n_test / n_train`` of a split.

    Examples
    --------
    >>> round(resampled_t_test([0.02, 0.01, 0.03], 0.0), 4), round(resampled_t_test([0.02, 0.01, 0.03], 1.0), 4)
    (0.0742, 0.2254)
    """
    values = np.asarray(differences)
    error = _standard_error(values, test_to_train)
    mean = abs(float(np.mean(values)))
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return float(2.0 * stdtr(len(values) - 1, -mean / error))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values after Holm's (1979) step-down adjustment, which controls the family-wise error rate.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min((len(p_values) - place) * p_values[index], 1.0))
        adjusted[index] = highest
    return [float(value) for value in adjusted]


def _standard_error(values: npt.NDArray[np.float64], test_to_train: float) -> float:
    # ptp is exactly 0 for equal values, where std may be a rounding error above 0
    spread = float(np.ptp(values)) and float(np.std(values, ddof=1))
    return float(np.sqrt(1.0 / len(values) + test_to_train)) * spread

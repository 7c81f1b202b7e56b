"""The effective number of calibration rows: how many independent rows estimate a rate as precisely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LEVELS = (0.1, 0.05, 0.02, 0.01)
"""Shares of the highest scores whose dependence within clusters is examined."""
MIN_HIGH_ROWS = 20
"""Smallest number of high scores from which their dependence is estimated."""


def effective_rows(scores: Floats, cluster: Places) -> float:
    """Return the effective number of rows of scores [n] that depend on each other within clusters.

    Parameters
    ----------
    scores
        Raw scores of the calibration rows.
    cluster
        The number of the cluster of each row [n]: its group, or a stretch of time longer than the gap. Rows of
        different clusters count as independent.

    Returns
    -------
    n / max(d, 1), where d is the design effect (Kish 1965) of the share of rows above a high score: the variance of
    this share between clusters, divided by the variance that independent rows would have. The largest design effect
    of several such scores counts. It is multiplied by the squared ratio of the quantiles of Student's t with
    clusters - 1 degrees of freedom and of the normal distribution, since few clusters estimate a variance poorly.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> independent = rng.normal(size=10_000)
    >>> effective_rows(independent, np.arange(10_000) // 50) > 6_000
    True
    >>> repeated = np.repeat(rng.normal(size=200), 50)
    >>> effective_rows(repeated, np.arange(10_000) // 50) < 300
    True
    """
    n_rows = len(scores)
    _, own, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    n_clusters = len(sizes)
    if n_clusters < 2:
        return 1.0
    largest = 1.0
    ordered = np.sort(scores)
    for level in LEVELS:
        is_high = scores > ordered[min(int(np.floor((1.0 - level) * n_rows)), n_rows - 1)]
        n_high = int(is_high.sum())
        if n_high < MIN_HIGH_ROWS or n_high == n_rows:
            continue
        share = n_high / n_rows
        excess = np.bincount(own, is_high, n_clusters) - share * sizes
        variance = n_clusters / (n_clusters - 1.0) * float(np.sum(excess**2))
        largest = max(largest, variance / (n_rows * share * (1.0 - share)))
    if largest > 1.0:
        largest = 1.0 + (largest - 1.0) * _few_clusters(n_clusters - 1)
    return n_rows / largest


def _few_clusters(freedom: int) -> float:
    """Return the squared ratio of the 97.5 % quantiles of Student's t and of the normal distribution.

    The expansion in the inverse degrees of freedom is that of Abramowitz and Stegun (1964), 26.7.5; its error is below
    2 % from 3 degrees of freedom on, and it is too small below.
    """
    z = 1.959963984540054
    terms = (
        (z**3 + z) / 4.0,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96.0,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0,
    )
    t = z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
    return float((t / z) ** 2)

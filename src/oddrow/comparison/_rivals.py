"""The rival methods: each learns from encoded rows and gives a function that says how odd later rows are.

Every class has ``fit(rows, seed)``; scikit-learn's parts are imported there, as few who import oddrow compare methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Oddness: TypeAlias = Callable[[Floats], Floats]
"""Encoded rows [n, d] -> float64 [n], larger is odder."""

MOST_ROWS = 10_000
"""Methods whose cost grows with the square of the rows learn from at most so many, drawn with the seed."""
NEIGHBOURS_LOF = 20
COMPONENTS = 4
VARIANCE_FLOOR = 1e-3
"""Least variance of a direction (the columns have 1): what hardly varies in training must not decide alone."""
MOST_ROBUST_FEATURES = 50
"""With more features, the robust covariance would take minutes."""
ROWS_A_FEATURE = 5
"""With fewer rows a feature, a full covariance is mostly noise."""


def drawn(rows: Floats, seed: int) -> npt.NDArray[np.int64]:
    """Indices of at most :data:`MOST_ROWS` rows, ascending; of fewer rows all."""
    if len(rows) <= MOST_ROWS:
        return np.arange(len(rows))
    return np.sort(np.random.default_rng(seed).choice(len(rows), MOST_ROWS, replace=False))


def nearest_neighbours(k: int) -> Callable[[Floats, int], Oddness]:
    """Mean Euclidean distance to the k nearest training rows.

    A training row is not its own neighbour where the very training rows are scored.
    """

    def fit(training: Floats, seed: int) -> Oddness:  # noqa: ARG001 - nothing is random
        from sklearn.neighbors import NearestNeighbors

        alone = len(training) == 1
        neighbours = NearestNeighbors(n_neighbors=min(k, len(training) - (not alone))).fit(training)

        def oddness(rows: Floats) -> Floats:
            themselves = not alone and np.array_equal(rows, training)
            distances, _ = neighbours.kneighbors(None if themselves else rows)
            return np.asarray(distances.mean(axis=1))

        return oddness

    return fit


def local_outlier_factor(training: Floats, seed: int) -> Oddness:
    """Breunig et al. 2000, 20 neighbours; where the very training rows are scored, none is its own neighbour."""
    from sklearn.neighbors import LocalOutlierFactor

    index = drawn(training, seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Duplicate values")  # a known limit of the method: left as it is
        factor = LocalOutlierFactor(n_neighbors=max(min(NEIGHBOURS_LOF, len(index) - 1), 1), novelty=True)
        factor.fit(training[index])

    def oddness(rows: Floats) -> Floats:
        scores = -factor.score_samples(rows)
        if np.array_equal(rows, training):
            scores[index] = -factor.negative_outlier_factor_
        return np.asarray(scores)

    return oddness


def isolation_forest(training: Floats, seed: int) -> Oddness:
    """Liu, Ting and Zhou 2008: 100 trees of 256 rows."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(random_state=seed).fit(training)
    return lambda rows: -forest.score_samples(rows)


def one_class_svm(training: Floats, seed: int) -> Oddness:
    """Schölkopf et al. 2001: radial kernel, scikit-learn's ``gamma="scale"`` and ``nu=0.5``."""
    from sklearn.svm import OneClassSVM

    machine = OneClassSVM().fit(training[drawn(training, seed)])
    return lambda rows: -machine.decision_function(rows)


def gaussian_mixture(training: Floats, seed: int) -> Oddness:
    """Negative log density under four Gaussians, of full covariance where the rows are many enough for one."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rows = training[drawn(training, seed)]
    n_rows, n_features = rows.shape
    components = min(COMPONENTS, n_rows)
    is_full = n_features <= 2 * MOST_ROBUST_FEATURES and n_rows >= ROWS_A_FEATURE * n_features * components
    mixture = GaussianMixture(
        components, covariance_type="full" if is_full else "diag", reg_covar=VARIANCE_FLOOR, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # also that there are fewer distinct rows than components
        mixture.fit(rows)
    return lambda later: -mixture.score_samples(later)


def elliptic_envelope(training: Floats, seed: int) -> Oddness:
    """Mahalanobis distance under a robust covariance (Rousseeuw and Van Driessen 1999, FastMCD).

    With more than 50 features, fewer than 5 rows a feature, or a singular covariance (one-hot columns make one) there
    is no such covariance: then Ledoit and Wolf's (2004) shrunk one of all rows, which is not robust.
    """
    from sklearn.covariance import LedoitWolf, MinCovDet

    rows = training[drawn(training, seed)]
    n_rows, n_features = rows.shape
    is_regular = (
        n_features <= MOST_ROBUST_FEATURES
        and n_rows >= ROWS_A_FEATURE * n_features
        and np.linalg.matrix_rank(rows - rows.mean(axis=0)) == n_features
    )
    shape: Any = None
    if is_regular:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that half of the rows may lie on a plane: seen below
            shape = MinCovDet(random_state=seed).fit(rows)
        if np.linalg.matrix_rank(shape.covariance_) < n_features:
            shape = None
    if shape is None:
        shape = LedoitWolf().fit(rows)
        shape.covariance_ = shape.covariance_ + VARIANCE_FLOOR * np.eye(n_features)
        shape.precision_ = np.linalg.pinv(shape.covariance_, hermitian=True)
    return lambda later: np.asarray(shape.mahalanobis(later))


@dataclass(frozen=True)
class _Components:
    """Principal directions [d, d] of the training rows about their mean, and the variance along each."""

    mean: Floats
    directions: Floats
    variances: Floats

    def oddness(self, rows: Floats) -> Floats:
        return np.asarray(np.sum(((rows - self.mean) @ self.directions) ** 2 / self.variances, axis=1))


def principal_components(training: Floats, seed: int) -> Oddness:  # noqa: ARG001 - nothing is random
    """Squared projections over their variance, summed over all components (Shyu et al. 2003): the minor ones decide."""
    mean = training.mean(axis=0)
    centred = training - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(training))
    return _Components(mean, directions, np.maximum(variances, VARIANCE_FLOOR)).oddness


def empirical_tails(training: Floats, seed: int) -> Oddness:  # noqa: ARG001 - nothing is random
    """ECOD (Li et al. 2022): each column's improbability in its rarer tail, summed over the columns.

    So does the authors' program (PyOD's), but there the rows to be scored count among the others. The paper's text sums
    one tail over all columns, left, right or by skewness, and takes the largest sum: on the development sets that
    told anomalies apart less well.
    """
    ordered = np.sort(training, axis=0)
    n = len(ordered)

    def oddness(rows: Floats) -> Floats:
        total = np.zeros(len(rows))
        for column, values in zip(rows.T, ordered.T, strict=True):
            at_most = np.searchsorted(values, column, side="right")
            at_least = n - np.searchsorted(values, column, side="left")
            # the row itself counts as one more: a value beyond all others is improbable and not impossible
            total -= np.log((1.0 + np.minimum(at_most, at_least)) / (1.0 + n))
        return total

    return oddness


RIVALS: dict[str, Callable[[Floats, int], Oddness]] = {
    "knn1": nearest_neighbours(1),
    "knn5": nearest_neighbours(5),
    "lof": local_outlier_factor,
    "iforest": isolation_forest,
    "ocsvm": one_class_svm,
    "gmm": gaussian_mixture,
    "elliptic": elliptic_envelope,
    "pca": principal_components,
    "ecod": empirical_tails,
}
"""The rival methods by name."""

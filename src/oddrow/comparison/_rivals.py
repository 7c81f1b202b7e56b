"""The rival methods: each is fitted to encoded rows and a seed, and returns a function that scores later rows.

scikit-learn's modules are imported inside the methods, because most programs that import oddrow do not compare methods.
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
"""A function from encoded rows [n, d] to scores float64 [n]; higher is odder."""

MAX_ROWS = 10_000
"""Maximum number of training rows, drawn with the seed, of methods whose cost grows with the square of that number."""
NEIGHBOURS_LOF = 20
COMPONENTS = 4
VARIANCE_FLOOR = 1e-3
"""Minimum variance of a direction (each column has variance 1), so that a direction that hardly varies among the
training rows does not dominate the score."""
MAX_ROBUST_FEATURES = 50
"""Maximum number of features for the robust covariance; with more it would take minutes."""
MIN_ROWS_PER_FEATURE = 5
"""Minimum number of rows per feature for a full covariance; with fewer it is mostly noise."""


def drawn(rows: Floats, seed: int) -> npt.NDArray[np.int64]:
    """Return the ascending indices of all rows, or of :data:`MAX_ROWS` random rows if there are more."""
    if len(rows) <= MAX_ROWS:
        return np.arange(len(rows))
    return np.sort(np.random.default_rng(seed).choice(len(rows), MAX_ROWS, replace=False))


def nearest_neighbours(k: int) -> Callable[[Floats, int], Oddness]:
    """Return the method that scores a row by its mean Euclidean distance to the k nearest training rows.

    When the training rows themselves are scored, no row is its own neighbour.
    """

    def fit(training: Floats, seed: int) -> Oddness:  # noqa: ARG001 - nothing is random
        from sklearn.neighbors import NearestNeighbors

        alone = len(training) == 1
        neighbours = NearestNeighbors(n_neighbors=min(k, len(training) - (not alone))).fit(training)

        def oddness(rows: Floats) -> Floats:
            are_training_rows = not alone and np.array_equal(rows, training)
            distances, _ = neighbours.kneighbors(None if are_training_rows else rows)
            return np.asarray(distances.mean(axis=1))

        return oddness

    return fit


def local_outlier_factor(training: Floats, seed: int) -> Oddness:
    """Local outlier factor (Breunig et al. 2000) with 20 neighbours.

    When the training rows themselves are scored, no row is its own neighbour.
    """
    from sklearn.neighbors import LocalOutlierFactor

    index = drawn(training, seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Duplicate values")  # a known limit of the method
        factor = LocalOutlierFactor(n_neighbors=max(min(NEIGHBOURS_LOF, len(index) - 1), 1), novelty=True)
        factor.fit(training[index])

    def oddness(rows: Floats) -> Floats:
        scores = -factor.score_samples(rows)
        if np.array_equal(rows, training):
            scores[index] = -factor.negative_outlier_factor_
        return np.asarray(scores)

    return oddness


def isolation_forest(training: Floats, seed: int) -> Oddness:
    """Isolation forest (Liu, Ting and Zhou 2008): 100 trees of 256 rows."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(random_state=seed).fit(training)
    return lambda rows: -forest.score_samples(rows)


def one_class_svm(training: Floats, seed: int) -> Oddness:
    """One-class SVM (Schölkopf et al. 2001): radial kernel, scikit-learn's ``gamma="scale"`` and ``nu=0.5``."""
    from sklearn.svm import OneClassSVM

    machine = OneClassSVM().fit(training[drawn(training, seed)])
    return lambda rows: -machine.decision_function(rows)


def gaussian_mixture(training: Floats, seed: int) -> Oddness:
    """Negative log density under four Gaussians, with full covariances if there are enough rows, else diagonal ones."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rows = training[drawn(training, seed)]
    n_rows, n_features = rows.shape
    components = min(COMPONENTS, n_rows)
    is_full = n_features <= 2 * MAX_ROBUST_FEATURES and n_rows >= MIN_ROWS_PER_FEATURE * n_features * components
    mixture = GaussianMixture(
        components, covariance_type="full" if is_full else "diag", reg_covar=VARIANCE_FLOOR, random_state=seed
    )
    with warnings.catch_warnings():
        # scikit-learn also warns here if there are fewer distinct rows than components
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(rows)
    return lambda later: -mixture.score_samples(later)


def elliptic_envelope(training: Floats, seed: int) -> Oddness:
    """Mahalanobis distance under a robust covariance (Rousseeuw and Van Driessen 1999, FastMCD).

    With more than 50 features, with fewer than 5 rows per feature, or with a singular covariance (as one-hot columns
    give) the robust covariance cannot be computed. Ledoit and Wolf's (2004) shrunk covariance of all rows, which is not
    robust, is used instead.
    """
    from sklearn.covariance import LedoitWolf, MinCovDet

    rows = training[drawn(training, seed)]
    n_rows, n_features = rows.shape
    is_regular = (
        n_features <= MAX_ROBUST_FEATURES
        and n_rows >= MIN_ROWS_PER_FEATURE * n_features
        and np.linalg.matrix_rank(rows - rows.mean(axis=0)) == n_features
    )
    shape: Any = None
    if is_regular:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a singular covariance, which is checked below
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
    """Principal directions [d, d] of the training rows around their mean [d], and the variance [d] along each."""

    mean: Floats
    directions: Floats
    variances: Floats

    def oddness(self, rows: Floats) -> Floats:
        return np.asarray(np.sum(((rows - self.mean) @ self.directions) ** 2 / self.variances, axis=1))


def principal_components(training: Floats, seed: int) -> Oddness:  # noqa: ARG001 - nothing is random
    """Sum over all principal components of the squared projection divided by its variance (Shyu et al. 2003).

    Components of small variance have the greatest influence.
    """
    mean = training.mean(axis=0)
    centred = training - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(training))
    return _Components(mean, directions, np.maximum(variances, VARIANCE_FLOOR)).oddness


def empirical_tails(training: Floats, seed: int) -> Oddness:  # noqa: ARG001 - nothing is random
    """ECOD (Li et al. 2022): the negative log probability of each column's rarer tail, summed over the columns.

    The authors' program in PyOD does the same, but counts the rows to be scored among the training rows. The paper's
    text instead sums one tail over all columns (left, right or by skewness) and takes the largest sum; on the
    development data sets that found anomalies less well.
    """
    ordered = np.sort(training, axis=0)
    n = len(ordered)

    def oddness(rows: Floats) -> Floats:
        total = np.zeros(len(rows))
        for column, values in zip(rows.T, ordered.T, strict=True):
            at_most = np.searchsorted(values, column, side="right")
            at_least = n - np.searchsorted(values, column, side="left")
            # the row itself counts as one more row, so that a value beyond all others has a probability above 0
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

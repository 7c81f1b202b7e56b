"""The rival methods: known answers, parity with a second way to compute them, and tables that break nothing."""

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from oddrow.comparison import _rivals
from oddrow.comparison._rivals import RIVALS


@pytest.fixture(scope="module")
def training():
    return np.random.default_rng(1).normal(size=(300, 4))


@pytest.mark.parametrize("name", RIVALS)
def test_far_rows_get_higher_scores_and_the_same_seed_the_same_scores(name, training):
    later = np.vstack([np.full((1, 4), 6.0), np.random.default_rng(2).normal(size=(50, 4))])
    scores = RIVALS[name](training, 3)(later)
    assert scores.shape == (51,)
    assert np.argmax(scores) == 0
    np.testing.assert_array_equal(scores, RIVALS[name](training, 3)(later))
    np.testing.assert_allclose(scores[7:9], RIVALS[name](training, 3)(later[7:9]), rtol=1e-6, atol=1e-8)


HOSTILE = {
    "two rows": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "one row twenty times": np.ones((20, 3)),
    "more columns than rows": np.random.default_rng(0).normal(size=(12, 40)),
    "a plane": np.random.default_rng(0).normal(size=(60, 1)) * np.array([1.0, 2.0, -1.0]),
    "one far out": np.vstack([np.random.default_rng(0).normal(size=(59, 2)), [[1e9, -1e9]]]),
}


@pytest.mark.parametrize("name", RIVALS)
@pytest.mark.parametrize("table", HOSTILE)
def test_every_table_gives_finite_scores(name, table):
    rows = HOSTILE[table]
    later = np.vstack([rows, rows + 1.0, np.full((1, rows.shape[1]), 1e9)])
    oddness = RIVALS[name](rows, 0)
    assert np.isfinite(oddness(later)).all()
    assert np.isfinite(oddness(rows)).all()


def test_nearest_neighbours_are_distances():
    rows = np.array([[0.0], [1.0], [10.0]])
    np.testing.assert_allclose(RIVALS["knn1"](rows, 0)(np.array([[4.0], [0.0]])), [3.0, 0.0])
    np.testing.assert_allclose(RIVALS["knn5"](rows, 0)(np.array([[4.0]])), [np.mean([3.0, 4.0])])  # 2 others at most


def test_a_training_row_is_not_its_own_neighbour(training):
    rows = np.vstack([training, [[9.0] * 4]])
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_allclose(RIVALS["knn1"](rows, 0)(rows), distances.min(axis=1))
    factor = LocalOutlierFactor(20).fit(rows)
    np.testing.assert_allclose(RIVALS["lof"](rows, 0)(rows), -factor.negative_outlier_factor_)


def test_principal_components_give_the_mahalanobis_distance_without_flat_directions(training):
    later = training[:9] + 2
    centred = later - training.mean(axis=0)
    inverse = np.linalg.inv(np.cov(training.T, ddof=0))
    expected = np.einsum("ni,ij,nj->n", centred, inverse, centred)
    np.testing.assert_allclose(RIVALS["pca"](training, 0)(later), expected)


@pytest.mark.parametrize("name", ["pca", "elliptic", "gmm"])
def test_a_row_off_the_plane_of_the_training_rows_is_odd(name):
    rng = np.random.default_rng(0)
    first = rng.normal(size=400)
    rows = np.column_stack([first, first])
    inside, outside = np.array([[1.0, 1.0]]), np.array([[1.0, -1.0]])
    oddness = RIVALS[name](rows, 0)
    assert oddness(outside)[0] > oddness(np.vstack([rows, inside])).max()


def test_empirical_tails_are_log_probabilities_by_counts(training):
    rows = np.column_stack([np.exp(training[:, 0]), np.round(training[:, 1])])
    later = np.array([[0.5, -3.0], [40.0, 1.0], [5.0, 0.0]])
    left = -np.log([[(1 + np.sum(rows[:, j] <= row[j])) / 301 for j in (0, 1)] for row in later])
    right = -np.log([[(1 + np.sum(rows[:, j] >= row[j])) / 301 for j in (0, 1)] for row in later])
    np.testing.assert_allclose(RIVALS["ecod"](rows, 0)(later), np.maximum(left, right).sum(axis=1))


def test_the_robust_covariance_is_not_moved_by_a_few_rows(training):
    dirty = np.vstack([training, np.full((30, 4), 8.0) + 0.01 * training[:30]])
    scores = RIVALS["elliptic"](dirty, 0)(dirty)
    assert scores[300:].min() > 5 * np.quantile(scores[:300], 0.99)


@pytest.mark.parametrize("name", ["lof", "ocsvm", "gmm", "elliptic"])
def test_costly_methods_learn_from_a_limited_number_of_rows_drawn_with_the_seed(name, training, monkeypatch):
    monkeypatch.setattr(_rivals, "MAX_ROWS", 100)
    index = _rivals.drawn(training, 5)
    assert len(index) == 100 == len(set(index))
    assert not np.array_equal(index, _rivals.drawn(training, 6))
    later = np.random.default_rng(2).normal(size=(20, 4))
    np.testing.assert_allclose(RIVALS[name](training, 5)(later), RIVALS[name](training[index], 5)(later))

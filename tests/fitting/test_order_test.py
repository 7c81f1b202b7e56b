"""A fit notices rows that depend on their order, and says nothing about rows that do not."""

import warnings

import numpy as np
import pytest

from oddrow import VAEDetector
from oddrow.exceptions import DependenceWarning
from oddrow.fitting._order_test import NearRows, _successive_correlation


def rows_in_time(n_rows=1_500, phi=0.97, seed=0):
    noise = np.random.default_rng(seed).normal(size=(n_rows, 3))
    rows = np.zeros((n_rows, 3))
    for row in range(1, n_rows):
        rows[row] = phi * rows[row - 1] + noise[row]
    return rows


COPIES = {
    "none": lambda rng: rng.normal(size=(500, 3)),
    "400 of 500 rows occur twice": lambda rng: rng.normal(size=(300, 3))[[*range(300), *range(200)]],
    "each twice": lambda rng: rng.normal(size=(250, 3)).repeat(2, axis=0),
    "each ten times": lambda rng: rng.normal(size=(50, 3)).repeat(10, axis=0),
    "three values": lambda rng: rng.integers(0, 3, size=(500, 1)) * [1.0, 2.0],
    "a rare value": lambda rng: rng.choice(3, size=(500, 1), p=[0.9, 0.095, 0.005]) * [1.0, 2.0],
}
"""Tables of 500 rows, or 300 and 250 distinct ones, to be shuffled."""


def fitted(rows, **parameters):
    return VAEDetector(random_state=0, **parameters).fit(rows)


def test_rows_in_time_are_noticed(untrained):
    with pytest.warns(DependenceWarning, match="the rows depend on their order") as caught:
        detector = fitted(rows_in_time())
    assert detector.order_test_.near > 10 * detector.order_test_.near_expected
    assert "calibration='blocks' and time='order'" in str(caught[0].message)


def test_the_same_rows_in_a_random_order_are_not(untrained):
    rows = np.random.default_rng(1).permutation(rows_in_time())
    assert not fitted(rows).order_test_.finds_dependence


@pytest.mark.parametrize("seed", range(6))
def test_independent_rows_are_not_noticed(untrained, seed):
    rng = np.random.default_rng(seed)
    for rows in (rng.normal(size=(400, 3)), rng.integers(0, 3, size=(600, 3)).astype(float), rng.normal(size=(120, 2))):
        test = fitted(rows).order_test_
        assert test is None or not test.finds_dependence


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("seed", range(3))
def test_shuffled_copies_are_not_noticed(untrained, kind, seed):
    rng = np.random.default_rng(seed)
    test = fitted(rng.permutation(COPIES[kind](rng))).order_test_
    assert not test.finds_dependence
    assert test.near_deviations < 3.5


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_time_are_noticed_when_they_are_rounded_to_a_few_values(untrained, seed):
    rows = rows_in_time(seed=seed)
    for values in (3, 9):
        rounded = np.clip(np.round(rows / rows.std() * (values - 1) / 4), -(values // 2), values // 2)
        with pytest.warns(DependenceWarning):
            assert fitted(rounded).order_test_.near_deviations > 8


def test_copies_one_after_another_are_noticed(untrained):
    with pytest.warns(DependenceWarning):
        fitted(COPIES["each ten times"](np.random.default_rng(0)))


def test_the_nearest_rows_of_a_row_are_all_copies_of_its_nearest_row_without_itself():
    equal = np.arange(300)
    equal[[100, 200]] = 50
    rows = NearRows.of(equal, nearest=np.array([50, 50, 102]), at=np.array([50, 102, 104]))
    # within three rows in order of row 50, 102, 104: none of the rows 100 and 200; 100 of 50, 100 and 200; 102
    np.testing.assert_allclose(rows.found, [0, 1 / 3, 1])
    np.testing.assert_allclose(rows.expected, 6 / 299)
    np.testing.assert_allclose(rows.squares, [1 / 2, 1 / 3, 1])


def test_rows_that_are_nearest_to_each_other_count_twice():
    equal = np.arange(300)
    equal[[100, 200]] = 50
    pairs = NearRows.of(equal, nearest=np.array([50, 50, 121, 120]), at=np.array([50, 100, 120, 121]))
    np.testing.assert_allclose(pairs.squares, [3 / 4, 3 / 4, 2, 2])
    np.testing.assert_allclose(pairs.cubes, [5 / 8, 5 / 8, 4, 4])


def test_unknown_rows_are_nobodys_neighbours():
    equal = np.full(1_000, -1)
    equal[::2] = np.arange(500)
    rows = NearRows.of(equal, nearest=np.array([10, 400]), at=np.array([21, 101]))
    np.testing.assert_allclose(rows.found, [1, 0])
    np.testing.assert_allclose(rows.expected, 10 / 500)


def near_rows(rows, rng):
    """The nearest rows of a random fifth of the rows [n]: their copies, or those of the nearest other value."""
    values, equal, counts = np.unique(rows, return_inverse=True, return_counts=True)
    at = np.sort(rng.choice(len(rows), len(rows) // 5, replace=False))
    distance = np.abs(rows[at][:, None] - values)
    distance[(distance == 0) & (counts == 1)] = np.inf
    return NearRows.of(equal, distance.argmin(axis=1), at)


@pytest.mark.parametrize("kind", COPIES)
def test_deviations_of_shuffled_rows_are_at_most_standard_normal(kind):
    rng = np.random.default_rng(0)
    found = [near_rows(rng.permutation(COPIES[kind](rng)[:, 0]), rng) for _ in range(1_000)]
    deviations = np.array([rows.deviations for rows in found])
    differences = np.array([np.sum(rows.found - rows.expected) for rows in found])
    variance = np.mean([np.sum(rows.squares * rows.expected * (1 - rows.expected)) for rows in found])
    assert abs(differences.mean()) < 4 * differences.std() / np.sqrt(1_000)
    assert differences.var() < 1.2 * variance
    for level, most in ((2.326, 0.02), (3.09, 0.005), (4.0, 0.0)):
        assert np.mean(deviations > level) <= most


@pytest.mark.parametrize("n_rare", [2, 5, 50])
def test_a_few_rows_that_differ_from_equal_ones_are_no_correlation(n_rare):
    rng = np.random.default_rng(0)
    scores = (np.arange(100) < n_rare).astype(float)
    deviations = np.array([_successive_correlation(rng.permutation(scores))[1] for _ in range(2_000)])
    assert np.mean(deviations > 3.09) <= 0.003
    assert deviations.max() < 4


def test_groups_one_after_another_are_noticed(untrained):
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(60, 3)), 20, axis=0) + 0.3 * rng.normal(size=(1_200, 3))
    with pytest.warns(DependenceWarning):
        fitted(rows)


def test_a_calibration_that_respects_the_order_says_nothing(untrained):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DependenceWarning)
        assert fitted(rows_in_time(), calibration="blocks", time="order").order_test_ is None


def test_a_few_rows_are_not_tested(untrained):
    assert fitted(rows_in_time(100)).order_test_ is None

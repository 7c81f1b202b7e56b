"""A fit notices rows that depend on their order, and says nothing about rows that do not."""

import warnings

import numpy as np
import pytest

from oddrow import VAEDetector
from oddrow.exceptions import DependenceWarning


def rows_in_time(n_rows=1_500, phi=0.97):
    noise = np.random.default_rng(0).normal(size=(n_rows, 3))
    rows = np.zeros((n_rows, 3))
    for row in range(1, n_rows):
        rows[row] = phi * rows[row - 1] + noise[row]
    return rows


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

"""The effective number of rows is that of the independent rows whose rates vary as much."""

import numpy as np
import pytest
from scipy.stats import t

from oddrow.calibration import effective_rows
from oddrow.calibration._effective_rows import _few_clusters


def test_independent_rows_count_about_in_full():
    rng = np.random.default_rng(0)
    shares = [effective_rows(rng.normal(size=5_000), np.arange(5_000) // 100) / 5_000 for _ in range(20)]
    assert 0.55 < np.median(shares) <= 1.0


@pytest.mark.parametrize("copies", [5, 20, 100])
def test_rows_that_repeat_count_once(copies):
    rng = np.random.default_rng(1)
    n_rows = 20_000
    worth = [
        effective_rows(np.repeat(rng.normal(size=n_rows // copies), copies), np.arange(n_rows) // (5 * copies))
        for _ in range(20)
    ]
    # the largest of several estimates is taken, so the number is rather too small
    assert 0.4 * n_rows / copies < np.median(worth) < 1.1 * n_rows / copies


def test_it_lies_between_one_and_the_number_of_rows():
    rng = np.random.default_rng(2)
    for n_rows in (2, 30, 500):
        worth = effective_rows(rng.normal(size=n_rows), np.arange(n_rows) // 2)
        assert 1.0 <= worth <= n_rows
    assert effective_rows(np.arange(10.0), np.zeros(10, int)) == 1.0


@pytest.mark.parametrize(("freedom", "tolerance"), [(3, 0.05), (5, 0.01), (10, 1e-3), (49, 1e-5)])
def test_the_correction_for_few_clusters_is_that_of_student(freedom, tolerance):
    known = (t.ppf(0.975, freedom) / t.ppf(0.975, np.inf)) ** 2
    assert _few_clusters(freedom) == pytest.approx(known, rel=tolerance)

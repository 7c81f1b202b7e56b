"""Intervals and tests over splits: known answers, and what a test must not do too often."""

import numpy as np
import pytest
from scipy import stats

from oddrow.comparison import holm, resampled_interval, resampled_t_test


def test_with_independent_splits_it_is_students_t_test():
    values = np.array([0.03, -0.01, 0.02, 0.05])
    assert resampled_t_test(values, 0.0) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue)
    found = stats.ttest_1samp(values + 0.5, 0.0).confidence_interval(0.95)
    interval = resampled_interval(values + 0.5, 0.0)
    assert (interval.low, interval.high) == pytest.approx((found.low, found.high))


def test_the_variance_is_corrected_as_by_nadeau_and_bengio():
    values, ratio = np.array([0.03, -0.01, 0.02, 0.05]), 0.7
    t = values.mean() / np.sqrt((1 / 4 + ratio) * values.var(ddof=1))
    assert resampled_t_test(values, ratio) == pytest.approx(2 * stats.t.sf(abs(t), 3))
    assert resampled_t_test(-values, ratio) == pytest.approx(resampled_t_test(values, ratio))


def test_the_test_and_the_interval_agree():
    for seed in range(50):
        values = 0.5 + np.random.default_rng(seed).normal(0.02, 0.02, size=5)
        interval = resampled_interval(values, 1.0)
        p_value = resampled_t_test(values - 0.5, 1.0)
        assert (interval.low > 0.5 or interval.high < 0.5) == (p_value < 0.05)


def test_equal_values_are_no_difference_and_a_difference_without_spread_is_one():
    assert resampled_t_test([0.0, 0.0, 0.0], 1.0) == 1.0
    assert resampled_t_test([0.1, 0.1, 0.1], 1.0) == 0.0


def test_the_interval_is_clipped_to_shares():
    interval = resampled_interval([0.8, 1.0], 1.0)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_holm_adjusts_p_values_step_by_step():
    assert holm([0.01, 0.02, 0.9]) == pytest.approx([0.03, 0.04, 0.9])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_family_wise_error_rate():
    rng = np.random.default_rng(0)
    false_finds = [min(holm(list(rng.uniform(size=8)))) < 0.05 for _ in range(2000)]
    assert 0.035 < np.mean(false_finds) < 0.065

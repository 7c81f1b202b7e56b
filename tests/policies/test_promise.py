"""A promise is a value: its numbers are those of its sentence, and of SciPy's beta distribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies import (
    AlertBudget,
    Cost,
    FalseAlarmRate,
    FalseDiscoveryRate,
    FixedSurprise,
    Promise,
    RareLevel,
    RareRows,
    TrainingShare,
    is_flood,
    strictest_supported,
)


@given(st.integers(1, 2000), st.data())
def test_the_interval_of_a_rate_is_that_of_its_order_statistic(n_rows, data):
    count = data.draw(st.integers(1, max(n_rows // 2, 1)))
    promise = FalseAlarmRate((count + 0.5) / (n_rows + 1)).promise(Calibration(np.arange(float(n_rows))))
    assert promise.rate == count / (n_rows + 1)
    assert (promise.low, promise.high) == pytest.approx(beta.ppf([0.025, 0.975], count, n_rows + 1 - count), rel=1e-9)
    assert (promise.n_rows, promise.source) == (n_rows, "held-out")


@pytest.mark.parametrize(("n_rows", "count", "low", "high"), [(999, 10, 0.0048, 0.0170), (400, 4, 0.0027, 0.0218)])
def test_the_interval_of_a_promise_has_known_values(n_rows, count, low, high):
    promise = FalseAlarmRate(count / (n_rows + 1)).promise(Calibration(np.arange(float(n_rows))))
    assert (promise.low, promise.high) == pytest.approx((low, high), abs=5e-5)


def test_the_numbers_of_a_cost_are_the_false_alarms_of_its_sample():
    surprise, is_anomaly = np.arange(60.0), np.arange(60) % 20 > 16
    policy = Cost(3, 1).learn(surprise, is_anomaly)
    promise = policy.promise(Calibration(np.arange(9.0)))
    _, _, normal, alarms = policy.counts
    exact = binomtest(alarms, normal).proportion_ci(0.95, "exact")
    assert (promise.low, promise.high) == pytest.approx((exact.low, exact.high))
    assert (promise.rate, promise.n_rows, promise.source) == (alarms / normal, normal, "labelled sample")


@pytest.mark.parametrize(
    ("policy", "rate", "n_rows"),
    [
        (AlertBudget(2, per=100), 0.02, 999),
        (AlertBudget(2, per="day"), None, None),
        (FalseDiscoveryRate(0.1), None, 999),
        (TrainingShare(0.1, 2.0), None, None),
        (FixedSurprise(30.0), None, 999),
    ],
)
def test_a_policy_that_promises_something_else_than_a_rate_has_none(policy, rate, n_rows):
    promise = policy.promise(Calibration(np.arange(999.0)))
    assert promise.rate == rate
    assert promise.n_rows == n_rows
    assert (promise.rule != "") == (policy.kind != "fixed-surprise")


def test_a_bound_without_a_rate_is_one_sided():
    promise = FixedSurprise(30.0).promise(Calibration(np.arange(999.0)))
    assert promise.rate is None
    assert (promise.low, promise.high) == (0.0, pytest.approx(beta.ppf(0.975, 1, 999)))


def test_a_calibration_by_training_rows_has_no_interval():
    promise = FalseAlarmRate(0.01).promise(Calibration(np.arange(999.0), "training"))
    assert promise == Promise(0.01, n_rows=999, source="training")


def test_a_sentence_has_the_rule_the_rate_and_the_remark_in_this_order():
    promise = Promise(0.01, 0.005, 0.02, 1000, "cross-fitted", "at most 1 alert", "5 more rows are as strange")
    assert str(promise) == (
        "at most 1 alert; by chance about 1 in 100 normal rows, between 0.5 and 2 in 100 (95 %, 1,000 cross-fitted "
        "rows); 5 more rows are as strange"
    )


def dependent(n_rows, worth, source="block cross-fitted"):
    return Calibration(np.arange(float(n_rows)), source).worth(worth)


def test_the_interval_of_dependent_rows_has_the_mean_of_all_and_the_width_of_the_independent_ones():
    promise = FalseAlarmRate(0.02).promise(dependent(9_999, 499.0))
    assert promise.rate == 0.02
    assert (promise.low, promise.high) == pytest.approx(beta.ppf([0.025, 0.975], 0.02 * 500, 0.98 * 500), rel=1e-9)
    assert (promise.n_rows, promise.n_independent) == (9_999, 499.0)


def test_a_promise_in_time_names_its_independent_rows_and_what_it_does_not_cover():
    assert str(FalseAlarmRate(0.02).promise(dependent(9_999, 499.0))) == (
        "about 2 in 100 normal rows, between 0.97 and 3.4 in 100 (95 %, 9,999 rows cross-fitted in blocks of time, "
        "worth 499 independent rows); a later change of what is normal is not covered"
    )


def test_a_promise_of_groups_names_its_independent_rows():
    text = str(FalseAlarmRate(0.02).promise(dependent(9_999, 499.0, "group cross-fitted")))
    assert text.endswith("(95 %, 9,999 rows cross-fitted in groups, worth 499 independent rows)")


def test_rows_that_are_all_independent_change_no_interval():
    independent = FalseAlarmRate(0.02).promise(Calibration(np.arange(999.0), "cross-fitted"))
    worth_all = FalseAlarmRate(0.02).promise(dependent(999, 999.0, "cross-fitted"))
    assert (worth_all.low, worth_all.high) == (independent.low, independent.high)


def test_a_rate_that_too_few_independent_rows_support_is_refused():
    with pytest.raises(
        SettingError, match="10,000 calibration rows, which depend on each other and are worth 80 indep"
    ):
        FalseAlarmRate(0.01).promise(dependent(10_000, 80.0))
    assert strictest_supported(0.01, dependent(10_000, 79.0)) == FalseAlarmRate(2 / 80)


def test_a_flood_of_dependent_rows_is_counted_by_their_worth():
    """Sixty rows where ten were expected are a flood if all rows are independent, and none if they are worth 30."""
    rare, level = RareRows(1_000, 60, {"x": 60}), RareLevel(1.0, 9)
    assert is_flood(rare, level, Calibration(np.arange(999.0)))
    assert not is_flood(rare, level, dependent(999, 30.0))

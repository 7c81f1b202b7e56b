"""A promise is a value: its numbers are those of its sentence, and of SciPy's beta distribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from oddrow.calibration import Calibration
from oddrow.policies import AlertBudget, Cost, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise, Promise, TrainingShare


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

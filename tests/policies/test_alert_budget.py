"""An alert budget is kept in every window and goes to the strangest rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies import AlertBudget, FalseAlarmRate


@pytest.fixture(scope="module")
def calibration():
    return Calibration.learn(np.random.default_rng(0).exponential(size=1999))


@given(st.integers(1, 20), st.integers(0, 3), st.integers(1, 700))
def test_no_window_has_more_alerts_than_the_budget_and_they_are_its_strangest(scored, alerts, boost, n_rows):
    calibration = Calibration.learn(np.random.default_rng(0).exponential(size=1999))
    raw = np.random.default_rng(n_rows).exponential(size=n_rows) + boost
    rows = scored(calibration, raw)
    policy = AlertBudget(alerts, per=100)
    is_odd = policy.decide(rows, calibration).is_odd
    alone = FalseAlarmRate(alerts / 100).decide(rows, calibration).is_odd
    assert not np.any(is_odd & ~alone)
    for start in range(0, n_rows, 100):
        window = slice(start, start + 100)
        assert is_odd[window].sum() == min(alone[window].sum(), alerts)
        assert raw[window][is_odd[window]].min(initial=np.inf) >= raw[window][~is_odd[window] & alone[window]].max(
            initial=0
        )


def test_the_earlier_of_equally_strange_rows_are_flagged_first(scored, calibration):
    is_odd = AlertBudget(2, per=10).decide(scored(calibration, [50.0] * 12), calibration).is_odd
    assert np.flatnonzero(is_odd).tolist() == [0, 1, 10, 11]


def test_the_promise_states_the_budget_its_rate_and_the_rows_beyond_the_budget(scored, calibration):
    quiet = AlertBudget(1, per=100).decide(scored(calibration, [0.0] * 100), calibration)
    assert str(quiet.promise).startswith("at most 1 alerts in 100 rows; by chance about 1 in 100 normal rows, between")
    assert not quiet.is_odd.any()
    loud = AlertBudget(1, per=100).decide(scored(calibration, [50.0] * 100), calibration)
    assert str(loud.promise).endswith("; 99 more rows are as strange, beyond the budget")


def test_each_day_has_its_own_budget(scored, calibration):
    day = np.array([5.0] * 100 + [6.0] * 50 + [np.nan] * 3)
    decision = AlertBudget(2, per="day").decide(scored(calibration, [50.0] * 153, day), calibration)
    assert [int(decision.is_odd[part].sum()) for part in (day == 5, day == 6, np.isnan(day))] == [2, 2, 2]
    assert "at most 2 alerts a day, the strangest first (100 rows on the busiest day); by chance about 2 in 100" in str(
        decision.promise
    )


def test_a_day_of_few_rows_does_not_make_ordinary_rows_alerts(scored, calibration):
    raw = np.random.default_rng(1).exponential(size=20)
    decision = AlertBudget(50, per="day").decide(scored(calibration, raw, np.zeros(20)), calibration)
    np.testing.assert_array_equal(
        decision.is_odd, FalseAlarmRate(0.1).decide(scored(calibration, raw), calibration).is_odd
    )


def test_a_budget_per_day_needs_days(scored, calibration):
    with pytest.raises(SettingError, match="no timestamp column"):
        AlertBudget(50, per="day").decide(scored(calibration, [1.0]), calibration)


def test_a_budget_that_the_rows_cannot_support_is_refused(calibration):
    with pytest.raises(SettingError, match=r"rate of 1e-05 cannot be promised from 1,999 .* at least 99,999"):
        AlertBudget(1, per=100_000).promise(calibration)


@pytest.mark.parametrize(
    "given", [(0, 10), (-1, 10), (1.5, 10), (True, 10), (10, 10), (5, "week"), (5, 10.5), (5, None)]
)
def test_budgets_without_meaning_are_named(given):
    with pytest.raises(SettingError, match=r"(alerts|per) is .*; give"):
        AlertBudget(*given)


def test_a_table_without_rows_has_no_alerts(scored, calibration):
    assert len(AlertBudget(5, per=100).decide(scored(calibration, []), calibration).is_odd) == 0
    assert len(AlertBudget(5, per="day").decide(scored(calibration, [], np.empty(0)), calibration).is_odd) == 0

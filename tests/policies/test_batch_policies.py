"""Policies that look at a whole batch: a budget is kept, and false discoveries stay as rare as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies import AlertBudget, FalseAlarmRate, FalseDiscoveryRate
from oddrow.surprise import Surprise


def scored(calibration, raw):
    """Rows of one column with these raw scores."""
    raw = np.asarray(raw, float)
    surprise = calibration.surprise(raw)
    return Surprise(surprise, calibration.p_value(raw), surprise[:, None], np.zeros(len(raw)))


@pytest.fixture(scope="module")
def calibration():
    return Calibration.learn(np.random.default_rng(0).exponential(size=1999))


# Alerts --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(0, 3), st.integers(1, 700))
def test_no_window_has_more_alerts_than_the_budget_and_they_are_its_strangest(alerts, boost, n_rows):
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


def test_of_equally_strange_rows_the_earlier_have_the_budget(calibration):
    is_odd = AlertBudget(2, per=10).decide(scored(calibration, [50.0] * 12), calibration).is_odd
    assert np.flatnonzero(is_odd).tolist() == [0, 1, 10, 11]


def test_the_promise_says_the_budget_its_chance_and_what_was_held_back(calibration):
    quiet = AlertBudget(1, per=100).decide(scored(calibration, [0.0] * 100), calibration)
    assert quiet.promise.startswith("at most 1 alerts in 100 rows; by chance about 1 in 100 normal rows, between")
    assert not quiet.is_odd.any()
    loud = AlertBudget(1, per=100).decide(scored(calibration, [50.0] * 100), calibration)
    assert loud.promise.endswith("; 99 more rows are as strange, beyond the budget")


def test_each_day_has_its_own_budget(calibration):
    day = np.array([5.0] * 100 + [6.0] * 50 + [np.nan] * 3)
    decision = AlertBudget(2, per="day").decide(scored(calibration, [50.0] * 153), calibration, day)
    assert [int(decision.is_odd[part].sum()) for part in (day == 5, day == 6, np.isnan(day))] == [2, 2, 2]
    assert (
        "at most 2 alerts a day, the strangest first (100 rows on the busiest day); by chance about 2 in 100"
        in decision.promise
    )


def test_a_day_of_few_rows_does_not_make_ordinary_rows_alerts(calibration):
    raw = np.random.default_rng(1).exponential(size=20)
    decision = AlertBudget(50, per="day").decide(scored(calibration, raw), calibration, np.zeros(20))
    np.testing.assert_array_equal(
        decision.is_odd, FalseAlarmRate(0.1).decide(scored(calibration, raw), calibration).is_odd
    )


def test_a_budget_per_day_needs_days(calibration):
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


def test_no_rows_are_no_alerts(calibration):
    assert len(AlertBudget(5, per=100).decide(scored(calibration, []), calibration).is_odd) == 0
    assert len(AlertBudget(5, per="day").decide(scored(calibration, []), calibration, np.empty(0)).is_odd) == 0


# False discoveries ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 400), st.sampled_from([0.05, 0.1, 0.3]), st.booleans())
def test_the_flagged_rows_are_those_of_scipy(n_odd, rate, conservative):
    rng = np.random.default_rng(n_odd)
    calibration = Calibration.learn(rng.exponential(size=1999))
    rows = scored(calibration, np.concatenate([rng.exponential(size=400), 6 + rng.exponential(size=n_odd)]))
    decision = FalseDiscoveryRate(rate, conservative).decide(rows, calibration)
    adjusted = false_discovery_control(rows.p_value, method="by" if conservative else "bh")
    np.testing.assert_array_equal(decision.is_odd, adjusted <= rate + 1e-12)
    np.testing.assert_array_equal(decision.is_odd, rows.surprise > decision.threshold)


@pytest.mark.parametrize("conservative", [False, True])
def test_false_discoveries_are_as_rare_as_promised_over_many_batches_and_calibrations(conservative):
    """The mean share over 600 batches, each of its own calibration, is below the rate, but for 3 standard errors."""
    rng = np.random.default_rng(5)
    shares, found = [], []
    for _ in range(600):
        calibration = Calibration.learn(rng.exponential(size=999))
        rows = scored(calibration, np.concatenate([rng.exponential(size=180), 5 + rng.exponential(size=20)]))
        is_odd = FalseDiscoveryRate(0.2, conservative).decide(rows, calibration).is_odd
        shares.append(is_odd[:180].sum() / max(is_odd.sum(), 1))
        found.append(is_odd[180:].mean())
    assert np.mean(shares) <= 0.2 * 180 / 200 + 3 * np.std(shares) / np.sqrt(600)
    assert np.mean(found) > (0.1 if conservative else 0.8)


def test_the_conservative_variant_flags_no_more(calibration):
    rows = scored(calibration, np.concatenate([np.random.default_rng(1).exponential(size=300), np.full(20, 8.0)]))
    plain = FalseDiscoveryRate(0.1).decide(rows, calibration).is_odd
    conservative = FalseDiscoveryRate(0.1, conservative=True).decide(rows, calibration).is_odd
    assert not np.any(conservative & ~plain)


def test_where_nothing_is_odd_the_threshold_is_out_of_reach(calibration):
    decision = FalseDiscoveryRate(0.1).decide(scored(calibration, np.zeros(50)), calibration)
    assert not decision.is_odd.any()
    assert decision.threshold == np.inf


def test_the_promise_says_what_cannot_be_told(calibration):
    promise = FalseDiscoveryRate(0.1).decide(scored(calibration, np.zeros(1000)), calibration).promise
    assert "fewer than 5 odd rows in 1,000 cannot be told: a single one needs 9,999 calibration rows" in promise
    rows = scored(calibration, [0.0] * 996 + [99.0] * 4)
    assert not FalseDiscoveryRate(0.1).decide(rows, calibration).is_odd.any()
    rows = scored(calibration, [0.0] * 995 + [99.0] * 5)
    assert FalseDiscoveryRate(0.1).decide(rows, calibration).is_odd.sum() == 5


def test_a_conservative_rate_that_no_row_of_the_batch_could_reach_is_refused():
    calibration = Calibration(np.arange(120.0))
    rows = scored(calibration, np.full(200, 500.0))
    with pytest.raises(SettingError, match=r"0.01, conservatively, cannot be had for 200 rows from 120 .* takes 587"):
        FalseDiscoveryRate(0.01, conservative=True).decide(rows, calibration)


def test_discoveries_by_rows_that_the_fit_saw_say_so():
    promise = FalseDiscoveryRate(0.1).promise(Calibration(np.arange(100.0), "training"))
    assert promise.endswith("100 rows that the fit saw: new rows may differ)")


def test_a_rate_below_every_p_value_is_refused():
    with pytest.raises(SettingError, match="takes at least 19"):
        FalseDiscoveryRate(0.05).promise(Calibration(np.arange(18.0)))

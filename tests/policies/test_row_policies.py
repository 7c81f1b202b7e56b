"""Policies that decide a row by itself: which rows are flagged, and what that promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from oddrow.calibration import Calibration
from oddrow.exceptions import DataError, SettingError
from oddrow.policies import (
    Cost,
    FalseAlarmRate,
    FixedSurprise,
    TrainingShare,
    checked_contamination,
    strictest_supported,
)
from oddrow.surprise import Surprise


def scored(calibration, raw):
    """Rows of one column with these raw scores."""
    raw = np.asarray(raw, float)
    surprise = calibration.surprise(raw)
    return Surprise(surprise, calibration.p_value(raw), surprise[:, None], np.zeros(len(raw)))


def flagged(policy, surprise):
    """Decide surprises that need no calibration."""
    surprise = np.asarray(surprise, float)
    rows = Surprise(surprise, np.exp(-surprise), surprise[:, None], np.zeros(len(surprise)))
    return policy.decide(rows, Calibration(np.arange(10.0))).is_odd


# A rate of false alarms ----------------------------------------------------------------------------------------------


@given(
    st.integers(1, 400).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(0, 300), min_size=n, max_size=n),
            st.lists(st.integers(-1, 301), min_size=1, max_size=50),
        )
    ),
    st.sampled_from([0.5, 0.3, 0.1, 0.05, 0.01]),
)
def test_a_rate_flags_the_rows_whose_p_value_is_at_most_the_rate(scores, rate):
    held_out, raw = scores
    calibration = Calibration.learn(np.array(held_out, float))
    rows = scored(calibration, raw)
    if rate * (len(held_out) + 1) < 1 - 1e-9:
        with pytest.raises(SettingError, match="cannot be promised"):
            FalseAlarmRate(rate).decide(rows, calibration)
        return
    decision = FalseAlarmRate(rate).decide(rows, calibration)
    np.testing.assert_array_equal(decision.is_odd, rows.p_value <= rate + 1e-12)
    np.testing.assert_array_equal(decision.is_odd, rows.surprise > decision.threshold)


@pytest.mark.parametrize(("n_held_out", "rate"), [(99, 0.01), (500, 0.01), (999, 0.1), (60, 0.05)])
def test_normal_rows_are_flagged_as_often_as_promised_over_many_calibrations(n_held_out, rate):
    """Over 4,000 calibrations: the exact rate without ties, by a test at one in ten thousand."""
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(4000):
        drawn = rng.exponential(size=n_held_out + 1)
        calibration = Calibration.learn(drawn[:-1])
        alarms += int(FalseAlarmRate(rate).decide(scored(calibration, drawn[-1:]), calibration).is_odd[0])
    exact = np.floor(rate * (n_held_out + 1) + 1e-9) / (n_held_out + 1)
    assert binom.ppf(1e-4, 4000, exact) <= alarms <= binom.ppf(1 - 1e-4, 4000, exact)


def test_the_interval_covers_the_true_rate_in_19_of_20_calibrations():
    """The rate of one calibration is known where the distribution is: exp(-threshold)."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(2000):
        calibration = Calibration.learn(rng.exponential(size=400))
        true_rate = np.exp(-np.sort(calibration.scores)[-4])  # four of 401 are at least as strange
        low, high = beta.ppf([0.025, 0.975], 4, 397)
        covered += low <= true_rate <= high
    assert binom.ppf(1e-4, 2000, 0.95) <= covered <= binom.ppf(1 - 1e-4, 2000, 0.95)
    assert FalseAlarmRate(0.01).promise(Calibration(np.arange(400.0))) == (
        f"about 1 in 100 normal rows, between {100 * low:.2g} and {100 * high:.2g} in 100 (95 %, 400 held-out rows)"
    )


@pytest.mark.parametrize(
    ("rate", "n_rows", "text"),
    [
        (0.001, 4000, "about 1 in 1,000 normal rows, between 0.27 and 2.2 in 1,000 (95 %, 4,000 held-out rows)"),
        (0.05, 199, "about 5 in 100 normal rows, between 2.4 and 8.4 in 100 (95 %, 199 held-out rows)"),
        (0.5, 99, "about 50 in 100 normal rows, between 40 and 60 in 100 (95 %, 99 held-out rows)"),
        (0.01, 99, "in 100 (95 %, 99 held-out rows, the rarest that so few can show)"),
    ],
)
def test_the_promise_says_the_rate_its_uncertainty_and_its_source(rate, n_rows, text):
    assert FalseAlarmRate(rate).promise(Calibration(np.arange(float(n_rows)))).endswith(text)


def test_a_threshold_from_rows_that_the_fit_saw_says_so():
    promise = FalseAlarmRate(0.01).promise(Calibration(np.arange(1000.0), "training"))
    assert promise == "about 1 in 100 normal rows (1,000 rows that the fit saw: new rows may differ)"


def test_a_rate_that_the_rows_cannot_show_is_refused_with_the_rows_it_takes():
    with pytest.raises(
        SettingError, match=r"rate of 1e-06 cannot be promised from 500 .* takes at least 999,999; ask for 0.002"
    ):
        FalseAlarmRate(1e-6).promise(Calibration(np.arange(500.0)))
    assert FalseAlarmRate(1 / 501).promise(Calibration(np.arange(500.0)))


@pytest.mark.parametrize("rate", [0, 1, -0.1, 2, np.nan, np.inf, "0.1", None, True, 10**400])
def test_a_rate_without_meaning_is_named(rate):
    with pytest.raises(SettingError, match=r"rate is .*; give a share of normal rows between 0 and 1"):
        FalseAlarmRate(rate)


@pytest.mark.parametrize(("n_rows", "rate"), [(1, 0.5), (2, 0.5), (39, 0.05), (98, 2 / 99), (99, 0.01), (5000, 0.01)])
def test_the_strictest_rate_supported_is_never_refused(n_rows, rate):
    calibration = Calibration(np.arange(float(n_rows)))
    policy = strictest_supported(0.01, calibration)
    assert policy.rate == pytest.approx(rate)
    assert policy.promise(calibration)


# A fixed surprise ----------------------------------------------------------------------------------------------------


def test_a_fixed_surprise_is_the_threshold_itself():
    assert flagged(FixedSurprise(2.0), [1.9, 2.0, 2.1]).tolist() == [False, False, True]


def test_a_fixed_surprise_states_the_rate_that_the_calibration_shows():
    calibration = Calibration(np.arange(999.0))
    assert "about 0.95 in 100 normal rows, between" in FixedSurprise(-np.log(0.0105)).promise(
        calibration
    )  # 9.5 of 1,000


def test_the_interval_of_a_fixed_surprise_covers_the_true_rate_wherever_it_falls_between_two_rows():
    """The worst case is a threshold just below a row: 2,000 calibrations of 120 rows."""
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(2000):
        calibration = Calibration.learn(rng.exponential(size=120))
        raw = np.sort(calibration.scores)[-1] - 1e-9  # exactly one row is above
        text = FixedSurprise(float(calibration.surprise(np.array([raw]))[0])).promise(calibration)
        low, high = (float(number) for number in text.split("between ")[1].split(" in ")[0].split(" and "))
        covered += low <= 100 * np.exp(-raw) <= high or abs(100 * np.exp(-raw) - low) < 0.01
    assert covered >= binom.ppf(1e-4, 2000, 0.95)


def test_what_is_asked_for_after_a_refusal_is_granted():
    for n_rows in range(5, 3000, 7):
        calibration = Calibration(np.arange(float(n_rows)))
        with pytest.raises(SettingError) as refused:
            FalseAlarmRate(1e-9).promise(calibration)
        rate = float(str(refused.value).split("ask for ")[1].split(" or more")[0])
        assert FalseAlarmRate(rate).promise(calibration)
        assert rate <= 1.2 / (n_rows + 1)


def test_a_fixed_surprise_of_rows_that_the_fit_saw_promises_no_bound():
    promise = FixedSurprise(30.0).promise(Calibration(np.arange(1000.0), "training"))
    assert promise == "none of 1,000 rows that the fit saw: new rows may differ"


def test_a_surprise_beyond_every_calibration_row_is_bounded_and_called_an_extrapolation():
    promise = FixedSurprise(30.0).promise(Calibration(np.arange(1000.0)))
    assert "no calibration row of 1,000 is so strange, so at most about 1 in 2" in promise  # 0.975 of Beta(1, 1000)
    assert "extrapolation" in promise


@pytest.mark.parametrize("surprise", [-1, np.nan, np.inf, "9", None])
def test_a_surprise_without_meaning_is_named(surprise):
    with pytest.raises(SettingError, match=r"surprise is .*; give a number of nats >= 0"):
        FixedSurprise(surprise)


# A share of the training rows ----------------------------------------------------------------------------------------


def test_a_row_is_odd_above_the_threshold_and_not_at_it():
    policy = TrainingShare.learn(0.25, np.array([1.0, 2.0, 3.0, 4.0]))
    assert flagged(policy, [2.9, 3.0, np.nextafter(3.0, 4.0), 4.0]).tolist() == [False, False, True, True]


@given(st.integers(2, 500), st.floats(0, 0.5))
def test_exactly_the_share_is_flagged(count, share):
    surprise = np.random.default_rng(count).permutation(count) / 7
    is_odd = flagged(TrainingShare.learn(share, surprise), surprise)
    assert is_odd.sum() == int(share * count + 1e-9)
    assert surprise[is_odd].min(initial=np.inf) > surprise[~is_odd].max()


@pytest.mark.parametrize(("count", "share", "expected"), [(10, 0.3, 3), (100, 0.29, 29), (1000, 0.001, 1), (7, 0.5, 3)])
def test_shares_that_floats_cannot_hold_flag_whole_rows(count, share, expected):
    surprise = np.arange(count, dtype=float)
    assert flagged(TrainingShare.learn(share, surprise), surprise).sum() == expected


def test_nothing_is_flagged_at_share_zero():
    surprise = np.array([3.0, 1.0, 2.0])
    assert not flagged(TrainingShare.learn(0.0, surprise), surprise).any()


def test_rows_as_strange_as_the_threshold_stay_together():
    surprise = np.array([1.0, 2.0, 2.0, 2.0, 2.0, 5.0])
    assert flagged(TrainingShare.learn(0.5, surprise), surprise).tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(("given", "share"), [("auto", None), (0, 0.0), (0.5, 0.5), (np.float32(0.25), 0.25)])
def test_contamination_that_has_a_meaning(given, share):
    assert checked_contamination(given) == share


@pytest.mark.parametrize(
    "contamination", [-0.1, 0.51, 1, True, False, "0.1", "Auto", None, np.nan, np.inf, [0.1], np.array([0.1, 0.2])]
)
def test_contamination_without_meaning_is_named(contamination):
    with pytest.raises(SettingError, match=r'contamination is .*; give "auto" or a share .* from 0 to 0.5'):
        checked_contamination(contamination)


# Costs ---------------------------------------------------------------------------------------------------------------

samples = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({odd for _, odd in rows}) == 2
)
costs = st.sampled_from([0.1, 1.0, 3.0, 100.0])


@given(samples, costs, costs)
def test_no_threshold_costs_less_than_the_one_learned(rows, miss, alarm):
    surprise, is_anomaly = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    policy = Cost(miss, alarm).learn(surprise, is_anomaly)

    def cost(threshold):
        is_odd = surprise > threshold
        return miss * np.sum(is_anomaly & ~is_odd) + alarm * np.sum(~is_anomaly & is_odd)

    assert cost(policy.at) == pytest.approx(min(cost(at) for at in np.arange(-1, 14)))
    is_odd = flagged(policy, surprise)
    assert policy.counts == (
        is_anomaly.sum(),
        np.sum(is_anomaly & ~is_odd),
        np.sum(~is_anomaly),
        np.sum(~is_anomaly & is_odd),
    )


def test_a_dearer_miss_never_raises_the_threshold():
    rng = np.random.default_rng(0)
    is_anomaly = rng.random(500) < 0.2
    surprise = rng.exponential(size=500) + 2 * is_anomaly
    thresholds = [Cost(miss, 1).learn(surprise, is_anomaly).at for miss in (0.1, 1, 10, 100)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[-1]


def test_a_cost_says_what_it_was_judged_on():
    policy = Cost(10, 1).learn(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    promise = policy.promise(Calibration(np.arange(10.0)))
    assert "cheapest on 4 labelled rows, 0.25 a row" in promise
    assert "0.00% of 2 odd rows missed, between 0.00% and 84.19%" in promise
    assert "50.00% of 2 normal rows flagged, between 1.26% and 98.74%" in promise


def test_a_cost_without_a_sample_says_what_it_needs():
    with pytest.raises(SettingError, match="has no labelled sample yet"):
        Cost(10, 1).threshold(Calibration(np.arange(10.0)))


@pytest.mark.parametrize("is_anomaly", [[True, True], [False, False]])
def test_a_sample_of_one_kind_teaches_no_cost(is_anomaly):
    with pytest.raises(DataError, match="only one kind"):
        Cost(10, 1).learn(np.array([1.0, 2.0]), np.array(is_anomaly))


@pytest.mark.parametrize("costs", [(0, 1), (1, -1), (np.nan, 1), (1, np.inf), ("1", 1)])
def test_costs_without_meaning_are_named(costs):
    with pytest.raises(SettingError, match=r"(miss|alarm) is .*; give a cost > 0"):
        Cost(*costs)

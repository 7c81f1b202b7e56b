"""A false-alarm rate flags the rows that it promises to flag, and refuses what the calibration rows cannot show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies import FalseAlarmRate, strictest_supported


@given(
    st.integers(1, 400).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(0, 300), min_size=n, max_size=n),
            st.lists(st.integers(-1, 301), min_size=1, max_size=50),
        )
    ),
    st.sampled_from([0.5, 0.3, 0.1, 0.05, 0.01]),
)
def test_a_rate_flags_the_rows_whose_p_value_is_at_most_the_rate(scored, scores, rate):
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
def test_normal_rows_are_flagged_as_often_as_promised_over_many_calibrations(scored, n_held_out, rate):
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
    assert str(FalseAlarmRate(0.01).promise(Calibration(np.arange(400.0)))) == (
        f"about 1 in 100 normal rows, between {100 * low:.2g} and {100 * high:.2g} in 100 (95 %, 400 held-out rows)"
    )


@pytest.mark.parametrize(
    ("rate", "n_rows", "text"),
    [
        (0.001, 4000, "about 1 in 1,000 normal rows, between 0.27 and 2.2 in 1,000 (95 %, 4,000 held-out rows)"),
        (0.05, 199, "about 5 in 100 normal rows, between 2.4 and 8.4 in 100 (95 %, 199 held-out rows)"),
        (0.5, 99, "about 50 in 100 normal rows, between 40 and 60 in 100 (95 %, 99 held-out rows)"),
        (0.01, 99, "in 100 (95 %, 99 held-out rows, the smallest rate that so few rows can show)"),
    ],
)
def test_the_promise_says_the_rate_its_uncertainty_and_its_source(rate, n_rows, text):
    assert str(FalseAlarmRate(rate).promise(Calibration(np.arange(float(n_rows))))).endswith(text)


def test_the_promise_of_an_alarm_rate_notes_a_calibration_by_training_rows():
    promise = FalseAlarmRate(0.01).promise(Calibration(np.arange(1000.0), "training"))
    assert str(promise) == "about 1 in 100 normal rows (1,000 rows that the fit saw: new rows may differ)"


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

"""A fixed surprise is the threshold itself, and promises the rate that the calibration rows show."""

import numpy as np
import pytest
from scipy.stats import binom

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies import FalseAlarmRate, FixedSurprise


def test_a_fixed_surprise_is_the_threshold_itself(flagged):
    assert flagged(FixedSurprise(2.0), [1.9, 2.0, 2.1]).tolist() == [False, False, True]


def test_a_fixed_surprise_states_the_rate_that_the_calibration_shows():
    calibration = Calibration(np.arange(999.0))
    assert "about 0.95 in 100 normal rows, between" in str(
        FixedSurprise(-np.log(0.0105)).promise(calibration)
    )  # 9.5 of 1,000


def test_the_interval_of_a_fixed_surprise_covers_the_true_rate_wherever_it_falls_between_two_rows():
    """The worst case is a threshold just below a row: 2,000 calibrations of 120 rows."""
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(2000):
        calibration = Calibration.learn(rng.exponential(size=120))
        raw = np.sort(calibration.scores)[-1] - 1e-9  # exactly one row is above
        promise = FixedSurprise(float(calibration.surprise(np.array([raw]))[0])).promise(calibration)
        covered += promise.low <= np.exp(-raw) <= promise.high
    assert covered >= binom.ppf(1e-4, 2000, 0.95)


def test_the_rate_that_a_refusal_suggests_is_accepted():
    for n_rows in range(5, 3000, 7):
        calibration = Calibration(np.arange(float(n_rows)))
        with pytest.raises(SettingError) as refused:
            FalseAlarmRate(1e-9).promise(calibration)
        rate = float(str(refused.value).split("ask for ")[1].split(" or more")[0])
        assert FalseAlarmRate(rate).promise(calibration)
        assert rate <= 1.2 / (n_rows + 1)


def test_a_fixed_surprise_of_rows_that_the_fit_saw_promises_no_bound():
    promise = FixedSurprise(30.0).promise(Calibration(np.arange(1000.0), "training"))
    assert str(promise) == "none of 1,000 rows that the fit saw: new rows may differ"


def test_a_surprise_beyond_every_calibration_row_is_bounded_and_called_an_extrapolation():
    promise = FixedSurprise(30.0).promise(Calibration(np.arange(1000.0)))
    assert "none of 1,000 calibration rows is as strange, so at most about 1 in 2" in str(
        promise
    )  # 0.975 of Beta(1, 1000)
    assert "extrapolation" in str(promise)


@pytest.mark.parametrize("surprise", [-1, np.nan, np.inf, "9", None])
def test_a_surprise_without_meaning_is_named(surprise):
    with pytest.raises(SettingError, match=r"surprise is .*; give a number of nats >= 0"):
        FixedSurprise(surprise)

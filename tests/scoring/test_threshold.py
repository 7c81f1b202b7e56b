"""From which surprise on a row is odd, and what that promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.exceptions import SettingError
from oddrow.scoring import checked_contamination, false_alarm_threshold, training_share_threshold


@pytest.mark.parametrize(("rate", "nats"), [(0.01, 4.605170186), (0.001, 6.907755279), (0.5, 0.693147181)])
def test_a_rate_of_false_alarms_is_its_own_surprise(rate, nats):
    assert false_alarm_threshold(rate, 500, held_out=True).surprise == pytest.approx(nats)


def test_the_promise_says_rate_and_source():
    assert false_alarm_threshold(0.01, 1234, held_out=True).promise == "about 1 normal row in 100 (1,234 held-out rows)"
    assert (
        false_alarm_threshold(0.01, 1234, held_out=False).promise == "about 1 normal row in 100 (1,234 training rows)"
    )


def test_a_row_is_odd_above_the_threshold_and_not_at_it():
    threshold = training_share_threshold(0.25, np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(
        threshold.is_odd(np.array([2.9, 3.0, np.nextafter(3.0, 4.0), 4.0])), [False, False, True, True]
    )


@given(st.integers(2, 500), st.floats(0, 0.5))
def test_exactly_the_share_is_flagged(count, share):
    surprise = np.random.default_rng(count).permutation(count) / 7
    flagged = training_share_threshold(share, surprise).is_odd(surprise)
    assert flagged.sum() == int(share * count + 1e-9)
    assert surprise[flagged].min(initial=np.inf) > surprise[~flagged].max()


@pytest.mark.parametrize(("count", "share", "flagged"), [(10, 0.3, 3), (100, 0.29, 29), (1000, 0.001, 1), (7, 0.5, 3)])
def test_shares_that_floats_cannot_hold_flag_whole_rows(count, share, flagged):
    surprise = np.arange(count, dtype=float)
    assert training_share_threshold(share, surprise).is_odd(surprise).sum() == flagged


def test_nothing_is_flagged_at_share_zero():
    surprise = np.array([3.0, 1.0, 2.0])
    assert not training_share_threshold(0.0, surprise).is_odd(surprise).any()


def test_rows_as_strange_as_the_threshold_stay_together():
    surprise = np.array([1.0, 2.0, 2.0, 2.0, 2.0, 5.0])
    assert training_share_threshold(0.5, surprise).is_odd(surprise).tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(("given", "share"), [("auto", None), (0, 0.0), (0.5, 0.5), (np.float32(0.25), 0.25)])
def test_contamination_that_has_a_meaning(given, share):
    assert checked_contamination(given) == share


@pytest.mark.parametrize(
    "contamination", [-0.1, 0.51, 1, True, False, "0.1", "Auto", None, np.nan, np.inf, [0.1], np.array([0.1, 0.2])]
)
def test_contamination_without_meaning_is_named(contamination):
    with pytest.raises(SettingError, match=r'contamination is .*; give "auto" or a share .* from 0 to 0.5'):
        checked_contamination(contamination)

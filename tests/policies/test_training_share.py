"""A share of the training rows is flagged exactly, ties excepted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.exceptions import SettingError
from oddrow.policies import TrainingShare, checked_contamination


def test_a_row_is_odd_above_the_threshold_and_not_at_it(flagged):
    policy = TrainingShare.learn(0.25, np.array([1.0, 2.0, 3.0, 4.0]))
    assert flagged(policy, [2.9, 3.0, np.nextafter(3.0, 4.0), 4.0]).tolist() == [False, False, True, True]


@given(st.integers(2, 500), st.floats(0, 0.5))
def test_exactly_the_share_is_flagged(flagged, count, share):
    surprise = np.random.default_rng(count).permutation(count) / 7
    is_odd = flagged(TrainingShare.learn(share, surprise), surprise)
    assert is_odd.sum() == int(share * count + 1e-9)
    assert surprise[is_odd].min(initial=np.inf) > surprise[~is_odd].max()


@pytest.mark.parametrize(("count", "share", "expected"), [(10, 0.3, 3), (100, 0.29, 29), (1000, 0.001, 1), (7, 0.5, 3)])
def test_shares_that_floats_cannot_hold_flag_whole_rows(flagged, count, share, expected):
    surprise = np.arange(count, dtype=float)
    assert flagged(TrainingShare.learn(share, surprise), surprise).sum() == expected


def test_nothing_is_flagged_at_share_zero(flagged):
    surprise = np.array([3.0, 1.0, 2.0])
    assert not flagged(TrainingShare.learn(0.0, surprise), surprise).any()


def test_rows_as_strange_as_the_threshold_stay_together(flagged):
    surprise = np.array([1.0, 2.0, 2.0, 2.0, 2.0, 5.0])
    assert flagged(TrainingShare.learn(0.5, surprise), surprise).tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(("given", "share"), [("auto", None), (0, 0.0), (0.5, 0.5), (np.float32(0.25), 0.25)])
def test_contamination_is_auto_or_a_share_up_to_one_half(given, share):
    assert checked_contamination(given) == share


@pytest.mark.parametrize(
    "contamination", [-0.1, 0.51, 1, True, False, "0.1", "Auto", None, np.nan, np.inf, [0.1], np.array([0.1, 0.2])]
)
def test_contamination_without_meaning_is_named(contamination):
    with pytest.raises(SettingError, match=r'contamination is .*; give "auto" or a share .* from 0 to 0.5'):
        checked_contamination(contamination)

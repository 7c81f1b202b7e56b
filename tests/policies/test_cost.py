"""A cost finds the cheapest threshold on a labelled sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.calibration import Calibration
from oddrow.exceptions import DataError, SettingError
from oddrow.policies import Cost

samples = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({odd for _, odd in rows}) == 2
)
costs = st.sampled_from([0.1, 1.0, 3.0, 100.0])


@given(samples, costs, costs)
def test_no_threshold_costs_less_than_the_one_learned(flagged, rows, miss, alarm):
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


def test_the_promise_of_a_cost_states_its_labelled_sample():
    policy = Cost(10, 1).learn(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    promise = str(policy.promise(Calibration(np.arange(10.0))))
    assert "cheapest on 4 labelled rows, 0.25 a row" in promise
    assert "0.00% of 2 odd rows missed, between 0.00% and 84.19%" in promise
    assert "50.00% of 2 normal rows flagged, between 1.26% and 98.74%" in promise


def test_a_cost_without_a_sample_says_what_it_needs():
    with pytest.raises(SettingError, match="has no labelled sample yet"):
        Cost(10, 1).threshold(Calibration(np.arange(10.0)))


@pytest.mark.parametrize("is_anomaly", [[True, True], [False, False]])
def test_a_cost_cannot_be_learned_from_rows_of_one_label(is_anomaly):
    with pytest.raises(DataError, match="have one label"):
        Cost(10, 1).learn(np.array([1.0, 2.0]), np.array(is_anomaly))


@pytest.mark.parametrize("costs", [(0, 1), (1, -1), (np.nan, 1), (1, np.inf), ("1", 1)])
def test_costs_without_meaning_are_named(costs):
    with pytest.raises(SettingError, match=r"(miss|alarm) is .*; give a cost > 0"):
        Cost(*costs)

"""Events are counted as found only if an alert reaches them, and no more alerts are raised than allowed."""

import numpy as np
import pytest

from oddrow.exceptions import DataError, SettingError
from oddrow.metrics import events_found

TRUTH = np.isin(np.arange(100), [10, 11, 50, 51, 80, 81])


def scores(**places):
    surprise = np.zeros(100)
    for place, value in places.items():
        surprise[int(place[1:])] = value
    return surprise


def merged(flagged, max_gap, longest):
    """Alerts by their definition: number of them, each counted again after each ``longest`` points."""
    places = np.flatnonzero(flagged)
    groups = np.split(places, np.flatnonzero(np.diff(places) > max_gap) + 1) if len(places) else []
    return groups, sum(-(-(group[-1] - group[0] + 1) // longest) for group in groups)


@pytest.mark.parametrize("seed", range(30))
def test_the_threshold_is_the_last_before_the_alerts_are_too_many(seed):
    """Each threshold is tried, and alerts are merged anew at each."""
    rng = np.random.default_rng(seed)
    n_points, max_gap, longest, allowed = 80, int(rng.integers(1, 5)), int(rng.integers(1, 20)), int(rng.integers(0, 9))
    truth = np.repeat(rng.random(n_points // 4) < 0.2, 4)
    surprise = np.round(rng.exponential(size=n_points) + truth, 1)
    surprise[rng.random(n_points) < 0.1] = np.nan
    for counted in ("alerts", "false_alarms"):
        best = (0, None)
        event = np.cumsum(np.diff(np.concatenate(([0], truth.astype(int)))) == 1) * truth
        for threshold in np.unique(surprise[~np.isnan(surprise)])[::-1]:
            groups, alerts = merged(surprise >= threshold, max_gap, longest)
            false = 0
            for group in groups:
                touched = event[group[event[group] > 0]]
                times = -(-(group[-1] - group[0] + 1) // longest)
                false += max(times - (touched[-1] - touched[0] + 1 if len(touched) else 0), 0)
            if (alerts if counted == "alerts" else false) > allowed:
                break
            best = (len(set(event[surprise >= threshold]) - {0}), threshold, alerts, false)
        found = events_found(truth, surprise, allowed / 2, days=2, counted=counted, max_gap=max_gap, longest=longest)
        assert (found.found, found.threshold) == best[:2]
        assert (found.alerts, found.false_alarms) == (best[2:] or (0, 0))


def test_more_alerts_find_no_fewer_events():
    rng = np.random.default_rng(0)
    surprise = rng.exponential(size=100) + TRUTH
    shares = [events_found(TRUTH, surprise, allowed, days=1).share for allowed in range(8)]
    assert shares[0] == 0.0
    assert shares == sorted(shares)


def test_false_alarms_alone_can_be_limited():
    surprise = scores(p10=9, p30=8, p51=7, p60=6, p80=5)
    by_alerts = events_found(TRUTH, surprise, 2, days=1)
    by_false_alarms = events_found(TRUTH, surprise, 1, days=1, counted="false_alarms")
    assert (by_alerts.found, by_alerts.alerts, by_alerts.false_alarms) == (1, 2, 1)
    assert (by_false_alarms.found, by_false_alarms.alerts, by_false_alarms.false_alarms) == (2, 3, 1)


def test_the_number_of_days_multiplies_the_alerts():
    surprise = scores(p10=9, p30=8, p51=7, p60=6, p80=5)
    assert events_found(TRUTH, surprise, 0.5, days=6) == events_found(TRUTH, surprise, 3, days=1)


def test_neighbours_within_the_gap_are_one_alert():
    surprise = scores(p10=9, p13=8, p50=7)
    assert events_found(TRUTH, surprise, 2, days=1, max_gap=2).found == 1
    assert events_found(TRUTH, surprise, 2, days=1, max_gap=3).found == 2


def test_one_endless_alert_does_not_find_every_event():
    growing = np.arange(100.0)
    limited = events_found(TRUTH, growing, 2, days=1)
    assert (limited.found, limited.alerts) == (0, 2)
    assert events_found(TRUTH, growing, 2, days=1, longest=100).found == 3


def test_an_alert_over_a_whole_event_counts_once():
    found = events_found(TRUTH, scores(p50=9, p51=9), 1, days=1)
    assert (found.found, found.alerts, found.false_alarms) == (1, 1, 0)


def test_tolerance_reaches_behind_an_event_and_not_before_it():
    behind, before = scores(p54=9), scores(p48=9)
    assert [events_found(TRUTH, behind, 1, days=1, tolerance=points).found for points in (2, 3)] == [0, 1]
    assert events_found(TRUTH, before, 1, days=1, tolerance=3).found == 0


def test_tolerance_of_one_event_leaves_the_next_one_its_points():
    close = np.isin(np.arange(20), [5, 8])
    found = events_found(close, np.where(np.arange(20) == 8, 1.0, 0.0), 1, days=1, tolerance=5)
    assert (found.found, found.events) == (1, 2)
    both = events_found(close, np.where(np.isin(np.arange(20), [7, 8]), 1.0, 0.0), 1, days=1, tolerance=5)
    assert both.found == 2


@pytest.mark.parametrize("seed", range(5))
def test_entities_are_sequences_of_their_own_in_any_mixture(seed):
    rng = np.random.default_rng(seed)
    surprise = rng.exponential(size=100) + TRUTH
    entity = np.repeat(["a", "b"], 50)
    mixed = np.argsort(np.tile(np.arange(50), 2), kind="stable")  # a, b, a, b, ... in the order of time
    arguments = {"days": 1, "max_gap": 3, "tolerance": 2}
    whole = events_found(TRUTH, surprise, 4, entity=entity, **arguments)
    assert events_found(TRUTH[mixed], surprise[mixed], 4, entity=entity[mixed], **arguments) == whole


def test_nothing_is_merged_or_found_across_entities():
    truth, surprise = np.isin(np.arange(10), [4, 5]), np.isin(np.arange(10), [4, 5]).astype(float)
    entity = np.repeat([1, 2], 5)
    found = events_found(truth, surprise, 2, days=1, entity=entity)
    assert (found.events, found.found, found.alerts) == (2, 2, 2)
    late = events_found(np.arange(10) == 4, np.arange(10) == 5, 1, days=1, entity=entity, tolerance=5)
    assert late.found == 0


def test_points_without_a_score_are_never_flagged_and_are_counted():
    surprise = np.where(TRUTH & (np.arange(100) > 60), np.nan, TRUTH.astype(float))
    found = events_found(TRUTH, surprise, 5, days=1)
    assert (found.found, found.events, found.events_without_score, found.points_without_score) == (2, 3, 1, 2)
    nothing = events_found(TRUTH, np.full(100, np.nan), 5, days=1)
    assert (nothing.share, nothing.threshold, nothing.events_without_score) == (0.0, None, 3)


def test_without_an_event_there_is_no_share():
    assert events_found(np.zeros(5), np.arange(5.0), 1, days=1).share is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"alerts_per_day": -1}, "alerts_per_day is -1; give 0 or more"),
        ({"days": 0}, "days is 0; give the number of days"),
        ({"counted": "rows"}, "counted is 'rows'; give 'alerts' or 'false_alarms'"),
        ({"max_gap": 0}, "max_gap is 0; give 1 or more points"),
        ({"tolerance": -1}, "tolerance is -1; give 0 or more points"),
        ({"longest": 0}, "longest is 0; give 1 or more points"),
    ],
)
def test_a_wrong_setting_is_named(changed, message):
    with pytest.raises(SettingError, match=message):
        events_found(**({"is_anomaly": TRUTH, "surprise": np.ones(100), "alerts_per_day": 1, "days": 1} | changed))


def test_one_entity_for_each_point_is_needed():
    with pytest.raises(DataError, match=r"entity has shape \(3,\) for 100 points"):
        events_found(TRUTH, np.ones(100), 1, days=1, entity=[1, 2, 3])

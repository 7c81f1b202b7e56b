"""Affiliation precision and recall are those of their authors, and are means of probabilities."""

import numpy as np
import pytest

from oddrow.exceptions import DataError
from oddrow.metrics import affiliation_precision, affiliation_recall
from tests.support.published_metrics import N_CASES, affiliation_case

PUBLISHED = (  # python tests/support/published_metrics.py affiliation, with the authors' package of commit 8d84498
    (0.27259475218658896, 0.277332361516035),
    (0.41211519364448856, 0.4516527166974039),
    (0.7763874481327802, 0.612238775178121),
    (0.8077427821522309, 0.605607334797436),
    (0.5457192720997726, 0.4446361806154731),
    (0.5482664233576642, 0.9963503649635036),
    (0.5954785954785955, 0.8732048374905518),
    (0.3392857142857143, 0.11375661375661378),
    (0.44499524111675126, 0.23929251269035534),
    (0.6420144063586687, 0.33148472429210135),
    (0.7085901027077499, 0.8412698412698413),
    (0.6523976023976024, 0.9357142857142857),
    (0.6940193996544775, 0.6654589371980676),
    (0.7170545103998013, 0.9347889095980431),
)
BOTH = pytest.mark.parametrize("metric", [affiliation_precision, affiliation_recall])


def as_intervals(points):
    edges = np.diff(np.concatenate(([0], points, [0])))
    return np.column_stack((np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)))


@pytest.mark.parametrize(("seed", "published"), list(enumerate(PUBLISHED)))
def test_both_equal_those_of_the_authors(seed, published):
    flagged, truth = affiliation_case(seed)
    found = affiliation_precision(flagged, truth), affiliation_recall(flagged, truth)
    assert found == pytest.approx(published, abs=1e-9)


@BOTH
@pytest.mark.parametrize("seed", range(N_CASES))
def test_intervals_in_any_order_and_unit_give_what_points_give(metric, seed):
    flagged, truth = affiliation_case(seed)
    as_points = metric(flagged, truth)
    intervals = as_intervals(flagged)[::-1] * 0.5 + 7
    pieces = np.concatenate((intervals, intervals - np.array([0.0, 0.25])))  # overlapping ones are merged
    span = (7.0, 7 + len(truth) / 2)
    assert metric(pieces, as_intervals(truth) * 0.5 + 7, span) == pytest.approx(as_points, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_both_are_probabilities_of_random_instants(seed):
    """The definition itself, with many random instants instead of integrals; one event, one flagged interval."""
    rng = np.random.default_rng(seed)
    event, flagged = np.sort(rng.uniform(0, 100, 2)), np.sort(rng.uniform(0, 100, 2))
    anywhere, of_flagged, of_event = rng.uniform(0, 100, 4000), rng.uniform(*flagged, 2000), rng.uniform(*event, 2000)

    def distance(times, interval):
        return np.maximum(np.maximum(interval[0] - times, times - interval[1]), 0)

    here, there = distance(of_flagged, event)[:, None], distance(anywhere, event)[None]
    precision = np.where(here == 0, 1.0, there > here).mean()
    reach = distance(of_event, flagged)[:, None]
    recall = (np.abs(anywhere[None] - of_event[:, None]) > reach).mean()
    assert affiliation_precision([flagged], [event], (0, 100)) == pytest.approx(precision, abs=0.03)
    assert affiliation_recall([flagged], [event], (0, 100)) == pytest.approx(recall, abs=0.03)


@BOTH
def test_exactly_the_events_give_one(metric):
    truth = affiliation_case(3)[1]
    assert metric(truth, truth) == pytest.approx(1.0)


def test_a_far_alarm_lowers_precision_and_a_missed_event_recall():
    event, missed = (30, 40), (80, 90)
    precisions = [affiliation_precision([(start, start + 5)], [event], (0, 100)) for start in (30, 45, 60, 90)]
    assert precisions == sorted(precisions, reverse=True)
    assert affiliation_recall([event], [event, missed], (0, 100)) == pytest.approx(0.5)


def test_nothing_flagged_has_no_precision_and_recall_zero():
    nothing, truth = np.zeros(20), np.arange(20) == 7
    assert affiliation_precision(nothing, truth) is None
    assert affiliation_recall(nothing, truth) == 0.0
    assert affiliation_precision(truth, nothing) is None
    assert affiliation_recall(truth, nothing) is None
    assert affiliation_recall([], [(1, 2)], (0, 3)) == 0.0


@BOTH
@pytest.mark.parametrize(
    ("flagged", "events", "span", "message"),
    [
        ([(1, 2)], [(3, 4)], None, "span of the sequence is unknown"),
        ([(1, 9)], [(3, 4)], (0, 5), "an interval of flagged is outside the span 0 to 5"),
        ([(1, 2)], [(3, 9)], (0, 5), "an interval of events is outside the span 0 to 5"),
        ([(2, 2)], [(3, 4)], (0, 5), r"the interval \[2.0, 2.0\] of flagged does not end after its start"),
        ([(1, 2)], [(3, 4), (3.5, 5)], (0, 5), "two events overlap"),
        ([1, 0, 1], [1, 0], None, "there are 3 points in flagged and 2 in events"),
        ([(1, 2, 3)], [(3, 4)], (0, 5), r"flagged has shape \(1, 3\)"),
        ([1, 2], [(3, 4)], (0, 5), r"flagged is not an array \[n\] of true and false"),
    ],
)
def test_a_wrong_input_is_named(metric, flagged, events, span, message):
    with pytest.raises(DataError, match=message):
        metric(flagged, events, span)

"""The metrics of a sequence come together, with the counts of what has no score."""

import numpy as np
import pytest

from oddrow.exceptions import DataError
from oddrow.metrics import affiliation_precision, affiliation_recall, sequence_metrics, vus_pr
from tests.support.published_metrics import N_CASES, volume_case


@pytest.mark.parametrize("seed", range(N_CASES))
def test_each_metric_is_that_of_its_own_function(seed):
    truth, surprise, buffer = volume_case(seed)
    flagged = surprise > 2
    found = sequence_metrics(truth, surprise, flagged, buffer)
    assert found.vus_pr == vus_pr(truth, surprise, buffer)
    assert found.affiliation_precision == affiliation_precision(flagged, truth)
    assert found.affiliation_recall == affiliation_recall(flagged, truth)
    assert (found.points, found.points_without_score, found.events_without_score) == (len(truth), 0, 0)


def test_points_and_events_without_a_score_are_counted():
    truth = np.isin(np.arange(12), [1, 2, 5, 6, 9])
    surprise = np.where(np.isin(np.arange(12), [0, 1, 2, 5]), np.nan, np.arange(12.0))
    found = sequence_metrics(truth, surprise, surprise > 8)
    assert (found.events, found.events_without_score, found.points_without_score) == (3, 1, 4)


def test_a_flagged_point_has_a_score():
    with pytest.raises(DataError, match="point 1 is flagged without a score"):
        sequence_metrics([0, 1, 0], [1.0, np.nan, 2.0], [0, 1, 0])
    with pytest.raises(DataError, match="is_odd has 2 points and is_anomaly 3"):
        sequence_metrics([0, 1, 0], [1.0, 1.0, 2.0], [0, 1])

"""The volume under the precision-recall surface is aeon's, and points without a score change nothing else."""

import numpy as np
import pytest

from oddrow.exceptions import DataError, SettingError
from oddrow.metrics import vus_pr
from tests.support.published_metrics import N_CASES, volume_case

AEON = (  # python tests/support/published_metrics.py volume, with aeon 1.6.0
    0.151813482216708,
    0.488119247042923,
    0.39933288215251955,
    0.3778987020320421,
    0.10662214814375985,
    0.8958864886487189,
    0.6545465810726612,
    0.30851922249807007,
    0.1275997070943068,
    0.059345233233878254,
    0.9155684633114055,
    0.9276760886227764,
    0.06509675791836042,
    0.18259631302919177,
)
ONE_EVENT = np.arange(100) // 10 == 4


@pytest.mark.parametrize(("seed", "published"), list(enumerate(AEON)))
def test_the_volume_equals_that_of_aeon(seed, published):
    assert vus_pr(*volume_case(seed)) == pytest.approx(published, abs=1e-9)


def test_a_perfect_score_without_a_buffer_has_the_whole_area():
    assert vus_pr(ONE_EVENT, ONE_EVENT.astype(float), 0) == pytest.approx(1.0)


def test_a_late_score_counts_in_part_and_a_wrong_one_less():
    volumes = [vus_pr(ONE_EVENT, np.roll(ONE_EVENT, shift).astype(float), 40) for shift in (0, 5, 10, 15, 40)]
    assert volumes == sorted(volumes, reverse=True)
    assert len(set(volumes)) == len(volumes)


@pytest.mark.parametrize("seed", range(N_CASES))
def test_order_alone_decides_the_volume(seed):
    truth, surprise, buffer = volume_case(seed)
    assert vus_pr(truth, np.expm1(surprise), buffer) == vus_pr(truth, surprise, buffer)
    highest = np.where(surprise == surprise.max(), np.inf, surprise)
    assert vus_pr(truth, highest, buffer) == vus_pr(truth, surprise, buffer)


def test_points_without_a_score_at_the_ends_are_as_if_they_were_not_there():
    truth, surprise, buffer = volume_case(0)
    nothing = np.full(50, np.nan)
    longer = np.concatenate((np.zeros(50, dtype=int), truth, np.zeros(50, dtype=int)))
    assert not truth[:4].any() and not truth[-4:].any()
    assert vus_pr(longer, np.concatenate((nothing, surprise, nothing)), buffer) == vus_pr(truth, surprise, buffer)


def test_points_without_a_score_keep_their_places_in_time():
    """A false alarm far behind the event stays far, though only points without a score are between."""
    far = np.where(np.arange(100) == 90, 1.0, 0.0)
    without = np.where((np.arange(100) > 50) & (np.arange(100) < 88), np.nan, far)
    near = np.delete(without, np.flatnonzero(np.isnan(without)))
    assert vus_pr(ONE_EVENT, without, 20) < vus_pr(np.delete(ONE_EVENT, np.flatnonzero(np.isnan(without))), near, 20)


def test_an_event_without_a_score_is_left_out():
    two = ONE_EVENT | (np.arange(100) // 10 == 8)
    surprise = np.where(np.arange(100) // 10 == 8, np.nan, ONE_EVENT.astype(float))
    assert vus_pr(two, surprise, 0) == pytest.approx(1.0)


def test_an_undefined_volume_is_none_and_equal_scores_order_nothing():
    assert vus_pr(np.zeros(9), np.arange(9.0)) is None
    assert vus_pr(ONE_EVENT, np.where(ONE_EVENT, np.nan, 1.0)) is None
    assert vus_pr(ONE_EVENT, np.ones(100)) == 0.0


def test_a_wrong_input_is_named():
    with pytest.raises(SettingError, match="max_buffer is -1; give 0 or more points"):
        vus_pr(ONE_EVENT, np.ones(100), -1)
    with pytest.raises(DataError, match=r"is_anomaly has shape \(100,\) and surprise \(99,\)"):
        vus_pr(ONE_EVENT, np.ones(99))
    with pytest.raises(DataError, match="there is no point to evaluate"):
        vus_pr([], [])
    with pytest.raises(DataError, match="is_anomaly is not an array"):
        vus_pr([0, 1, 2], np.ones(3))

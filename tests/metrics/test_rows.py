"""The figures are the field's: each agrees with scikit-learn's, and has no value where it has no meaning."""

import numpy as np
import pytest
from sklearn import metrics

from oddrow.exceptions import DataError
from oddrow.metrics import detection_metrics


def drawn(seed):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(20, 300))
    truth = rng.random(rows) < rng.uniform(0.1, 0.9)
    surprise = np.round(rng.exponential(size=rows) + truth, 1)  # rounded: with ties
    return truth, surprise, surprise > rng.uniform(0.2, 2.0)


@pytest.mark.parametrize("seed", range(20))
def test_every_metric_equals_that_of_scikit_learn(seed):
    truth, surprise, flagged = drawn(seed)
    found = detection_metrics(truth, surprise, flagged)
    (true_normal, false_alarms), _ = metrics.confusion_matrix(truth, flagged)
    assert (found.rows, found.anomalies) == (len(truth), truth.sum())
    assert found.auroc == pytest.approx(metrics.roc_auc_score(truth, surprise))
    assert found.average_precision == pytest.approx(metrics.average_precision_score(truth, surprise))
    assert found.precision == pytest.approx(metrics.precision_score(truth, flagged))
    assert found.recall == pytest.approx(metrics.recall_score(truth, flagged))
    assert found.f1 == pytest.approx(metrics.f1_score(truth, flagged))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, flagged))
    assert found.false_alarm_rate == pytest.approx(false_alarms / (false_alarms + true_normal))
    assert found.flagged_share == pytest.approx(flagged.mean())


def test_the_area_under_the_curve_is_the_chance_to_order_a_pair():
    truth, surprise, flagged = drawn(99)
    pairs = np.sign(surprise[truth][:, None] - surprise[~truth][None])
    assert detection_metrics(truth, surprise, flagged).auroc == pytest.approx((pairs + 1).mean() / 2)


def test_a_perfect_detector_and_its_opposite():
    truth = np.array([False, False, True, True])
    surprise = np.array([0.0, 1.0, 2.0, 3.0])
    best, worst = detection_metrics(truth, surprise, truth), detection_metrics(truth, -surprise, ~truth)
    assert (best.auroc, best.average_precision, best.precision, best.recall, best.f1, best.accuracy) == (1.0,) * 6
    assert best.false_alarm_rate == 0.0
    assert (worst.auroc, worst.precision, worst.recall, worst.f1, worst.accuracy) == (0.0,) * 5
    assert worst.false_alarm_rate == 1.0


def test_order_alone_decides_the_areas():
    truth, surprise, flagged = drawn(7)
    as_is, bent = (detection_metrics(truth, scores, flagged) for scores in (surprise, np.expm1(surprise)))
    assert as_is == bent


@pytest.mark.parametrize(
    ("truth", "flagged", "without_meaning"),
    [
        ([False, False], [True, False], {"auroc", "average_precision", "recall"}),
        ([False, False], [False, False], {"auroc", "average_precision", "precision", "recall", "f1"}),
        ([True, True], [True, False], {"auroc", "average_precision", "false_alarm_rate"}),
        ([True, True], [False, False], {"auroc", "average_precision", "precision", "false_alarm_rate"}),
        ([True, False], [False, False], {"precision"}),
        ([True, False], [True, False], set()),
    ],
)
def test_an_undefined_metric_is_none(truth, flagged, without_meaning):
    figures = vars(detection_metrics(np.array(truth), np.array([2.0, 1.0]), np.array(flagged)))
    assert {name for name, value in figures.items() if value is None} == without_meaning


def test_metrics_are_plain_numbers():
    for value in vars(detection_metrics(*drawn(0))).values():
        assert type(value) in (int, float)


def test_metrics_of_a_table_without_rows_are_refused():
    none = np.array([])
    with pytest.raises(DataError, match="there is no row to evaluate"):
        detection_metrics(none.astype(bool), none, none.astype(bool))

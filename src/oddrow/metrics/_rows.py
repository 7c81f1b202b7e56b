"""Detection metrics of rows, computed from true labels, surprise and decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import DataError

__all__ = ["DetectionMetrics", "detection_metrics"]


@dataclass(frozen=True)
class DetectionMetrics:
    """Detection metrics of one labelled table; anomalies are the positive class.

    A metric that is not defined for the table is None: AUROC, for example, needs both anomalies and normal rows.

    Attributes
    ----------
    rows, anomalies : number of rows, number of anomalies among them
    auroc : area under the ROC curve of the surprise
    average_precision : area under the precision-recall curve of the surprise (step-wise)
    precision, recall, f1, accuracy : metrics of the decision
    false_alarm_rate : share of the normal rows that are flagged
    flagged_share : share of all rows that are flagged
    """

    rows: int
    anomalies: int
    auroc: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float
    false_alarm_rate: float | None
    flagged_share: float


def detection_metrics(
    is_anomaly: npt.NDArray[np.bool_], surprise: npt.NDArray[np.float64], is_odd: npt.NDArray[np.bool_]
) -> DetectionMetrics:
    """Compute the detection metrics of n rows.

    Parameters
    ----------
    is_anomaly
        bool [n], the true labels.
    surprise
        float64 [n], higher is stranger.
    is_odd
        bool [n], the decisions.

    Raises
    ------
    DataError
        If n is 0.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([False, False, False, True])
    >>> figures = detection_metrics(truth, np.array([0.1, 0.2, 5.0, 9.0]), np.array([False, False, True, True]))
    >>> figures.auroc, figures.precision, figures.recall, round(figures.false_alarm_rate, 3)
    (1.0, 0.5, 1.0, 0.333)
    """
    from sklearn.metrics import average_precision_score, roc_auc_score  # slow to import, and most runs need no metrics

    rows = len(is_anomaly)
    if rows == 0:
        raise DataError("there is no row to evaluate")
    anomalies = int(np.sum(is_anomaly))
    hits = int(np.sum(is_odd & is_anomaly))
    flagged = int(np.sum(is_odd))
    both = 0 < anomalies < rows
    return DetectionMetrics(
        rows=rows,
        anomalies=anomalies,
        auroc=float(roc_auc_score(is_anomaly, surprise)) if both else None,
        average_precision=float(average_precision_score(is_anomaly, surprise)) if both else None,
        precision=_share(hits, flagged),
        recall=_share(hits, anomalies),
        f1=_share(2 * hits, flagged + anomalies),
        accuracy=float(np.mean(is_odd == is_anomaly)),
        false_alarm_rate=_share(flagged - hits, rows - anomalies),
        flagged_share=flagged / rows,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

"""The metrics of one sequence together, with the number of points that have no score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import DataError
from oddrow.metrics._affiliation import affiliation_precision, affiliation_recall
from oddrow.metrics._points import checked_points, flags, runs
from oddrow.metrics._volume import vus_pr


@dataclass(frozen=True)
class SequenceMetrics:
    """Metrics of one labelled sequence; a metric that is not defined for it is None.

    Attributes
    ----------
    points, events : number of points, number of runs of anomalous points
    points_without_score : number of points whose surprise is NaN; VUS-PR leaves them out, and they are not flagged
    events_without_score : number of events without any scored point; VUS-PR leaves them out
    vus_pr : volume under the precision-recall surface of the surprise
    affiliation_precision, affiliation_recall : closeness of flagged points and events
    """

    points: int
    events: int
    points_without_score: int
    events_without_score: int
    vus_pr: float | None
    affiliation_precision: float | None
    affiliation_recall: float | None


def sequence_metrics(
    is_anomaly: npt.ArrayLike, surprise: npt.ArrayLike, is_odd: npt.ArrayLike, max_buffer: int = 100
) -> SequenceMetrics:
    """Compute the metrics of one sequence of n points in the order of time.

    Parameters
    ----------
    is_anomaly
        bool [n], the true labels.
    surprise
        float64 [n], higher is stranger; NaN is a point without a score.
    is_odd
        bool [n], the decisions.
    max_buffer
        The largest buffer of :func:`vus_pr` in points.

    Raises
    ------
    DataError
        If there is no point, the arrays have different lengths, or a point without a score is flagged.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.arange(100) // 10 == 4
    >>> surprise = np.where(truth, 5.0, 1.0)
    >>> surprise[:15] = np.nan  # windows of 16 points
    >>> figures = sequence_metrics(truth, surprise, surprise > 2.0, max_buffer=0)
    >>> figures.points_without_score, figures.vus_pr, figures.affiliation_recall
    (15, 1.0, 1.0)
    """
    truth, scores = checked_points(is_anomaly, surprise)
    flagged, is_missing = flags(is_odd, "is_odd"), np.isnan(scores)
    if flagged.shape != truth.shape:
        raise DataError(f"is_odd has {len(flagged)} points and is_anomaly {len(truth)}; give one for each point")
    if np.any(flagged & is_missing):
        raise DataError(f"point {int(np.argmax(flagged & is_missing))} is flagged without a score; flag scored points")
    starts, stops = runs(truth)
    return SequenceMetrics(
        points=len(truth),
        events=len(starts),
        points_without_score=int(np.sum(is_missing)),
        events_without_score=sum(
            bool(is_missing[start:stop].all()) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        ),
        vus_pr=vus_pr(truth, scores, max_buffer),
        affiliation_precision=affiliation_precision(flagged, truth),
        affiliation_recall=affiliation_recall(flagged, truth),
    )

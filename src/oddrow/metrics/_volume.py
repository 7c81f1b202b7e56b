"""The volume under the precision-recall surface of a sequence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import SettingError
from oddrow.metrics._points import Flags, Floats, Positions, checked_points, runs

N_THRESHOLDS = 250
"""Number of thresholds on each curve, at equal distances in the sorted scores; the published measure has 250."""


def vus_pr(is_anomaly: npt.ArrayLike, surprise: npt.ArrayLike, max_buffer: int = 100) -> float | None:
    """Compute the volume under the precision-recall surface of one sequence of n points (VUS-PR).

    For each buffer from 0 to ``max_buffer`` points, the labels get a slope of half the buffer before and after each
    event, so that a score which is high a little too early or too late counts in part; the result is the mean of the
    areas under the precision-recall curves of all buffers. An area lies between 0 and 1, higher is better. The number
    is that of ``range_pr_vus_score`` of aeon 1.6, whose default for ``max_buffer`` is 500.

    A point without a score (NaN) is left out of precision and recall; it keeps its place in time, so that buffers
    reach as far as without it. An event without any scored point is left out, too; :func:`sequence_metrics` counts
    both. An infinite surprise is higher than all others.

    Parameters
    ----------
    is_anomaly
        bool [n], the true labels in the order of time; a run of true points is one event.
    surprise
        float64 [n], higher is stranger; NaN is a point without a score.
    max_buffer
        The largest buffer in points, such as the length of a window or a period.

    Returns
    -------
    float or None
        None if no anomalous point has a score; 0 if all scores are equal, since they order nothing.

    Raises
    ------
    DataError
        If there is no point, or the arrays have different lengths.
    SettingError
        If ``max_buffer`` is negative.

    References
    ----------
    J. Paparrizos, P. Boniol, T. Palpanas, R. S. Tsay, A. Elmore, M. J. Franklin: Volume Under the Surface: A New
    Accuracy Evaluation Measure for Time-Series Anomaly Detection. PVLDB 15(11), 2022.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.arange(100) // 10 == 4  # one event, of points 40 to 49
    >>> surprise = np.where(truth, 5.0, 1.0)
    >>> late = np.roll(surprise, 5)
    >>> round(vus_pr(truth, surprise, 20), 3), round(vus_pr(truth, late, 20), 3), round(vus_pr(truth, late, 0), 3)
    (0.904, 0.706, 0.525)
    """
    truth, scores = checked_points(is_anomaly, surprise)
    if max_buffer < 0:
        raise SettingError(f"max_buffer is {max_buffer}; give 0 or more points")
    is_scored = ~np.isnan(scores)
    if not np.any(truth & is_scored):
        return None
    kept = scores[is_scored]
    if kept.min() == kept.max():
        return 0.0
    order = np.argsort(-kept, kind="stable")
    descending = kept[order]
    thresholds = descending[np.linspace(0, len(kept) - 1, N_THRESHOLDS, dtype=np.int64)]
    n_flagged = np.searchsorted(-descending, -thresholds, side="right").astype(np.int64)
    ranked = np.flatnonzero(is_scored)[order]
    areas = [
        _area(truth, _sloped(truth, buffer), scores, ranked, thresholds, n_flagged) for buffer in range(max_buffer + 1)
    ]
    return float(np.mean(areas))


def _sloped(truth: Flags, buffer: int) -> Floats:
    """Return the labels with a slope of ``buffer // 2`` points before and after each event."""
    labels = truth.astype(np.float64)
    if buffer <= 1:
        return labels
    slope = np.sqrt(1 - np.arange(buffer // 2 + 1) / buffer)
    for start, stop in zip(*runs(truth), strict=True):
        after = labels[stop - 1 : stop - 1 + buffer // 2]
        after += slope[: len(after)]
        before = labels[max(start - buffer // 2, 0) : start]
        before += slope[len(before) : 0 : -1]
    return np.minimum(labels, 1.0)


def _area(
    truth: Flags, labels: Floats, scores: Floats, ranked: Positions, thresholds: Floats, n_flagged: Positions
) -> float:
    """Return the area under the precision-recall curve of labels between 0 and 1.

    Recall is multiplied by the share of events of which a point is flagged. Positives are the mean of the given and
    the sloped labels, as the slopes would otherwise lower the recall of a score that finds the event alone.
    """
    hits = np.cumsum(labels[ranked])[n_flagged - 1]
    positives = (np.sum(truth[ranked]) + np.sum(labels[ranked])) / 2
    bounds = np.column_stack(runs(labels > 0)).ravel()
    # the extra NaN lets an event end with the sequence; fmax ignores NaN unless no point of the event has a score
    peaks = np.fmax.reduceat(np.append(scores, np.nan), bounds)[::2]
    peaks = np.sort(peaks[~np.isnan(peaks)])
    touched = 1 - np.searchsorted(peaks, thresholds) / len(peaks)
    recall = np.concatenate(([0.0], np.minimum(hits / positives, 1.0) * touched))
    precision = np.concatenate(([1.0], hits / n_flagged))
    return float(np.sum(np.diff(recall) * (precision[1:] + precision[:-1]) / 2))

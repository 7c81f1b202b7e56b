"""Affiliation precision and recall: how close flagged intervals and true events are, as probabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import DataError
from oddrow.metrics._points import Floats, flags, runs

_Zone = tuple[float, float, float, float, Floats]
"""Start and stop of an event's zone, of the event itself, and the flagged pieces [k, 2] inside the zone."""


def affiliation_precision(
    flagged: npt.ArrayLike, events: npt.ArrayLike, span: tuple[float, float] | None = None
) -> float | None:
    """Compute the affiliation precision of flagged points or intervals.

    The time between two events is divided at its middle, so that each event has a zone. A flagged instant at distance
    d from its zone's event counts as the probability that an instant drawn uniformly from the zone is farther away
    than d; inside the event it counts 1. The precision is the mean over the flagged instants of a zone, then over the
    zones in which something is flagged. A random detector gets about .5, so values below that are worse than chance.

    Parameters
    ----------
    flagged, events
        bool [n], where point i stands for the interval from i to i + 1; or numbers [k, 2], the starts and stops of
        intervals, in the same unit. Points without a score are not flagged. Flagged intervals may overlap.
    span
        Start and stop of the sequence; None for that of the points, 0 and n. Give it with intervals: the zones of the
        first and the last event end there.

    Returns
    -------
    float or None
        Between 0 and 1, higher is better; None if nothing is flagged or there is no event.

    Raises
    ------
    DataError
        If points have different numbers, an interval does not end after its start, events overlap, or something is
        outside ``span``.

    References
    ----------
    A. Huet, J. M. Navarro, D. Rossi: Local Evaluation of Time Series Anomaly Detection Algorithms. KDD 2022.

    Examples
    --------
    >>> round(affiliation_precision([(30, 40)], [(30, 40)], (0, 100)), 3)
    1.0
    >>> round(affiliation_precision([(42, 52)], [(30, 40)], (0, 100)), 3)
    0.76
    """
    shares = []
    for start, stop, event_start, event_stop, pieces in _zones(flagged, events, span):
        if not len(pieces):
            continue
        before = event_start - np.minimum(pieces, event_start)  # distances of both ends; equal ends add nothing
        after = np.maximum(pieces, event_stop) - event_stop
        inside = np.clip(pieces, event_start, event_stop)
        near = min(event_start - start, stop - event_stop)

        def integral(
            distance: Floats, near: float = near, length: float = event_stop - event_start, zone: float = stop - start
        ) -> Floats:
            """Integrate, from 0, the probability that a random instant of the zone is farther away."""
            both_sides = np.minimum(distance, near) ** 2 / 2 + near * np.maximum(distance - near, 0.0)
            result: Floats = distance - (length * distance + both_sides + distance**2 / 2) / zone
            return result

        parts = np.diff(inside) + np.diff(integral(after)) - np.diff(integral(before))
        shares.append(float(np.sum(parts) / np.sum(np.diff(pieces))))
    return float(np.mean(shares)) if shares else None


def affiliation_recall(
    flagged: npt.ArrayLike, events: npt.ArrayLike, span: tuple[float, float] | None = None
) -> float | None:
    """Compute the affiliation recall of flagged points or intervals.

    An instant of an event at distance d from the next flagged instant of its zone counts as the probability that an
    instant drawn uniformly from the zone is farther away than d. The recall is the mean over the instants of an event,
    then over the events; an event in whose zone nothing is flagged counts 0. Parameters, zones, errors and the source
    are those of :func:`affiliation_precision`.

    Returns
    -------
    float or None
        Between 0 and 1, higher is better; None if there is no event.

    Examples
    --------
    >>> affiliation_recall([(30, 40)], [(30, 40), (80, 90)], (0, 100))
    0.5
    >>> round(affiliation_recall([(42, 52)], [(30, 40)], (0, 100)), 3)
    0.86
    """
    shares = []
    for start, stop, event_start, event_stop, pieces in _zones(flagged, events, span):
        if not len(pieces):
            shares.append(0.0)
            continue
        ends = pieces.ravel()
        middles = (pieces[1:, 0] + pieces[:-1, 1]) / 2
        # between these instants the probability is linear in time, so that the trapezoid rule is exact
        bends = np.concatenate((ends, middles, (ends + start) / 2, (ends + stop) / 2))
        bends = bends[(event_start < bends) & (bends < event_stop)]
        times = np.unique(np.concatenate(([event_start], bends, [event_stop])))
        distance = _distance(times, pieces)
        closer = np.minimum(distance, times - start) + np.minimum(distance, stop - times)
        farther = 1 - closer / (stop - start)
        shares.append(float(np.trapezoid(farther, times)) / (event_stop - event_start))
    return float(np.mean(shares)) if shares else None


def _distance(times: Floats, pieces: Floats) -> Floats:
    """Return the distance of each time to the nearest piece; pieces are disjoint and ascending."""
    following = np.searchsorted(pieces[:, 0], times, side="right")
    previous_stop = np.concatenate(([-np.inf], pieces[:, 1]))[following]
    next_start = np.concatenate((pieces[:, 0], [np.inf]))[following]
    result: Floats = np.minimum(np.maximum(times - previous_stop, 0.0), next_start - times)
    return result


def _zones(flagged: npt.ArrayLike, events: npt.ArrayLike, span: tuple[float, float] | None) -> Iterator[_Zone]:
    """Yield each event with its zone and the flagged pieces in it, in the order of time."""
    (alarms, n_alarms), (truth, n_truth) = _intervals(flagged, "flagged"), _intervals(events, "events")
    if n_alarms is not None and n_truth is not None and n_alarms != n_truth:
        raise DataError(f"there are {n_alarms} points in flagged and {n_truth} in events; give the same points")
    n_points = n_alarms if n_truth is None else n_truth
    if span is None and n_points is None:
        raise DataError("the span of the sequence is unknown from intervals alone; give its start and stop as span")
    start, stop = span if span is not None else (0.0, float(n_points or 0))
    for found, name in ((alarms, "flagged"), (truth, "events")):
        if len(found) and (found[0, 0] < start or found[:, 1].max() > stop):
            raise DataError(f"an interval of {name} is outside the span {start} to {stop}; give the whole span")
    if np.any(truth[1:, 0] < truth[:-1, 1]):
        raise DataError("two events overlap; give disjoint events")
    if not len(truth):
        return
    alarms = _united(alarms)
    limits = np.concatenate(([start], (truth[1:, 0] + truth[:-1, 1]) / 2, [stop]))
    for (event_start, event_stop), low, high in zip(
        truth.tolist(), limits[:-1].tolist(), limits[1:].tolist(), strict=True
    ):
        first, last = np.searchsorted(alarms[:, 1], low, side="right"), np.searchsorted(alarms[:, 0], high)
        yield low, high, event_start, event_stop, np.clip(alarms[first:last], low, high)


def _intervals(given: npt.ArrayLike, name: str) -> tuple[Floats, int | None]:
    """Return intervals [k, 2] in the order of their starts, and the number of points if points are given."""
    array = np.asarray(given)
    if array.ndim == 1 and len(array):
        return np.column_stack(runs(flags(array, name))).astype(np.float64), len(array)
    intervals = array.astype(np.float64).reshape(-1, 2) if array.size % 2 == 0 else None
    if intervals is None or (array.size and array.shape != intervals.shape):
        raise DataError(f"{name} has shape {array.shape}; give bool [n], or starts and stops [k, 2]")
    wrong = intervals[~(intervals[:, 0] < intervals[:, 1])]
    if len(wrong):
        raise DataError(f"the interval {wrong[0].tolist()} of {name} does not end after its start")
    return intervals[np.argsort(intervals[:, 0], kind="stable")], None


def _united(intervals: Floats) -> Floats:
    """Merge intervals that overlap or touch; they are in the order of their starts."""
    if not len(intervals):
        return intervals
    reach = np.maximum.accumulate(intervals[:, 1])
    is_first = np.concatenate(([True], intervals[1:, 0] > reach[:-1]))
    is_last = np.concatenate((is_first[1:], [True]))
    return np.column_stack((intervals[is_first, 0], reach[is_last]))

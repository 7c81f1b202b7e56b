"""The share of true events that is found with a limited number of alerts."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import DataError, SettingError
from oddrow.metrics._points import Floats, Positions, checked_points, runs


@dataclass(frozen=True)
class EventsFound:
    """How many true events a limited number of alerts finds.

    Attributes
    ----------
    share : ``found / events``; None if there is no event
    found, events : number of events with a flagged point, number of events
    alerts : number of merged alerts; a long one counts more than once
    false_alarms : the part of ``alerts`` that belongs to no event
    threshold : points with at least this surprise are flagged; None if none is
    points_without_score : number of points without a score; they are never flagged
    events_without_score : number of events without any scored point; they count as missed
    """

    share: float | None
    found: int
    events: int
    alerts: int
    false_alarms: int
    threshold: float | None
    points_without_score: int
    events_without_score: int


def events_found(
    is_anomaly: npt.ArrayLike,
    surprise: npt.ArrayLike,
    alerts_per_day: float,
    *,
    days: float,
    counted: Literal["alerts", "false_alarms"] = "alerts",
    max_gap: int = 1,
    tolerance: int = 0,
    longest: int | None = None,
    entity: npt.ArrayLike | None = None,
) -> EventsFound:
    """Count the true events that are found when only so many merged alerts a day are raised.

    The threshold falls from the highest surprise to the lowest, and stops before there are more than
    ``alerts_per_day * days`` alerts. Flagged points of one entity at most ``max_gap`` points apart are one alert. An
    event is found if one of its points is flagged. As one endless alert would find every event, an alert counts again
    after each ``longest`` points.

    Parameters
    ----------
    is_anomaly
        bool [n], the true labels; within an entity in the order of time. A run of true points is one event.
    surprise
        float64 [n], higher is stranger; NaN is a point without a score, which is never flagged.
    alerts_per_day
        Maximum number of alerts a day; a fraction such as 1 / 7 allows one alert a week.
    days
        Number of days that the points cover. Several entities at the same time share the alerts.
    counted
        "alerts": all alerts are limited. "false_alarms": only what belongs to no event is limited, so that methods are
        compared at an equal number of false alarms.
    max_gap
        Maximum distance in points of two flagged points of one alert; 1 merges neighbours alone.
    tolerance
        Number of points after an event that still belong to it, such as the length of the windows that are scored:
        a window that contains the event's last point ends later.
    longest
        Number of points after which an alert counts again; None for the length of the longest event with its
        tolerance and ``max_gap``.
    entity
        [n], the entity of each point; None if all points are one sequence.

    Raises
    ------
    DataError
        If there is no point, or the arrays have different lengths.
    SettingError
        If a number is out of its range.

    Examples
    --------
    Three alerts a day find two of three events, as one alert is false:

    >>> import numpy as np
    >>> truth = np.isin(np.arange(100), [10, 11, 50, 51, 80, 81])
    >>> surprise = np.zeros(100)
    >>> surprise[[10, 30, 51, 80]] = [9.0, 8.0, 7.0, 6.0]
    >>> found = events_found(truth, surprise, 3, days=1)
    >>> found.found, found.alerts, found.false_alarms, found.threshold
    (2, 3, 1, 7.0)
    """
    truth, scores = checked_points(is_anomaly, surprise)
    _check(alerts_per_day, days, counted, max_gap, tolerance, longest)
    order, place = _places(len(truth), entity, max_gap, tolerance)
    truth, scores = truth[order], scores[order]
    labels = np.zeros(place[-1] + 1, dtype=np.bool_)
    labels[place] = truth
    starts, stops = runs(labels)
    event = np.full(len(labels) + tolerance, -1, dtype=np.int64)
    for number, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        event[start : stop + tolerance] = number  # the next event takes its own points back
    event = event[place]
    if longest is None:
        longest = int(np.max(stops - starts)) + tolerance + max_gap if len(starts) else len(truth)
    alerts = _Alerts(max_gap, longest)
    threshold, counts = _lowest(alerts, counted, alerts_per_day * days, scores, place, event)
    flagged = np.zeros(len(truth), dtype=np.bool_) if threshold is None else scores >= threshold
    is_scored = ~np.isnan(scores)
    found = len(np.unique(event[flagged & (event >= 0)]))
    return EventsFound(
        share=found / len(starts) if len(starts) else None,
        found=found,
        events=len(starts),
        alerts=counts[0],
        false_alarms=counts[1],
        threshold=threshold,
        points_without_score=int(np.sum(~is_scored)),
        events_without_score=len(starts) - len(np.unique(event[truth & is_scored])),
    )


def _check(alerts_per_day: float, days: float, counted: str, max_gap: int, tolerance: int, longest: int | None) -> None:
    if not alerts_per_day >= 0:
        raise SettingError(f"alerts_per_day is {alerts_per_day}; give 0 or more")
    if not 0 < days < math.inf:
        raise SettingError(f"days is {days}; give the number of days that the points cover, more than 0")
    if counted not in ("alerts", "false_alarms"):
        raise SettingError(f"counted is {counted!r}; give 'alerts' or 'false_alarms'")
    for name, value, least in (("max_gap", max_gap, 1), ("tolerance", tolerance, 0), ("longest", longest, 1)):
        if value is not None and value < least:
            raise SettingError(f"{name} is {value}; give {least} or more points")


def _places(n_points: int, entity: npt.ArrayLike | None, max_gap: int, tolerance: int) -> tuple[Positions, Positions]:
    """Return the order by entity, and places on one line with gaps between entities that nothing reaches over."""
    if entity is None:
        return np.arange(n_points), np.arange(n_points)
    _, code = np.unique(np.asarray(entity), return_inverse=True)
    if code.shape != (n_points,):
        raise DataError(f"entity has shape {code.shape} for {n_points} points; give one entity for each point")
    order = np.argsort(code, kind="stable").astype(np.int64)
    return order, np.arange(n_points) + code[order] * max(max_gap, tolerance)


@dataclass
class _Alerts:
    """Merged alerts, disjoint and in the order of their places.

    Each has its first and last place, and the first and last event of which it has a flagged point; without one, the
    last event is before the first.
    """

    max_gap: int
    longest: int
    starts: list[int] = field(default_factory=list)
    rest: list[tuple[int, int, int]] = field(default_factory=list)
    alerts: int = 0
    false_alarms: int = 0

    def add(self, place: int, event: int) -> None:
        """Flag one more point; ``event`` is -1 outside of events."""
        start, stop = place, place
        first, last = (event, event) if event >= 0 else (1, 0)
        after = bisect_right(self.starts, place)
        before = after
        if before and place - self.rest[before - 1][0] <= self.max_gap:
            before -= 1
        if after < len(self.starts) and self.starts[after] - place <= self.max_gap:
            after += 1
        for number in range(before, after):
            other_stop, other_first, other_last = self.rest[number]
            self._count(self.starts[number], other_stop, other_first, other_last, -1)
            start, stop = min(start, self.starts[number]), max(stop, other_stop)
            if first > last:
                first, last = other_first, other_last
            elif other_first <= other_last:
                first, last = min(first, other_first), max(last, other_last)
        self.starts[before:after] = [start]
        self.rest[before:after] = [(stop, first, last)]
        self._count(start, stop, first, last, 1)

    def _count(self, start: int, stop: int, first: int, last: int, sign: int) -> None:
        times = math.ceil((stop - start + 1) / self.longest)
        self.alerts += sign * times
        self.false_alarms += sign * max(times - (last - first + 1), 0)


def _lowest(
    alerts: _Alerts, counted: str, allowed: float, scores: Floats, place: Positions, event: Positions
) -> tuple[float | None, tuple[int, int]]:
    """Return the last threshold before more than the allowed number is counted, with alerts and false alarms at it."""
    threshold, counts = None, (0, 0)
    for points in _descending(scores):
        for point in points.tolist():
            alerts.add(int(place[point]), int(event[point]))
        if (alerts.alerts if counted == "alerts" else alerts.false_alarms) > allowed:
            break
        threshold, counts = float(scores[points[0]]), (alerts.alerts, alerts.false_alarms)
    return threshold, counts


def _descending(scores: Floats) -> list[Positions]:
    """Return the points in groups of equal scores, the highest first; points without a score are in none."""
    order = np.argsort(-scores, kind="stable").astype(np.int64)  # NaN comes last
    order = order[: len(scores) - int(np.sum(np.isnan(scores)))]
    if not len(order):
        return []
    return np.split(order, np.flatnonzero(np.diff(scores[order]) != 0) + 1)

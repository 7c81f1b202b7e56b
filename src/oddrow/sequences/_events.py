"""Merged events: adjacent alerts of one entity as one event with a start, a peak and an end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import DataError, SettingError

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Column: TypeAlias = Sequence[Any] | npt.NDArray[Any] | pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class Event:
    """Alerts of one entity that are close to each other.

    Attributes
    ----------
    start, end : times of the first and of the last alert
    peak : time of the alert with the highest surprise, the first of several
    peak_surprise : its surprise in nats
    n_alerts : number of alerts
    entity : the entity; None if all rows are one sequence, and for rows whose entity is missing
    rows : indexes of the alerts' rows, from 0, ascending
    peak_row : the index of the peak's row
    """

    start: Any
    end: Any
    peak: Any
    peak_surprise: float
    n_alerts: int
    entity: Any
    rows: tuple[int, ...]
    peak_row: int


def merge_events(
    time: Column,
    surprise: npt.ArrayLike,
    is_odd: npt.ArrayLike,
    entity: Column | None = None,
    max_gap: int = 1,
) -> tuple[Event, ...]:
    """Merge the alerts among n scored rows into events, in the order of their first rows.

    Parameters
    ----------
    time
        [n], times of any type that has an order, such as seconds, datetime64 or integers; ascending in each entity.
    surprise
        float64 [n] in nats, higher is stranger. NaN is a row without a score, which cannot be an alert.
    is_odd
        bool [n], whether a row is an alert.
    entity
        [n], the entity of each row; rows whose entity is missing are a sequence of their own. None if all rows are one
        sequence.
    max_gap
        Alerts at most this number of the entity's rows apart are one event: 1 merges neighbours alone. The length of
        the windows is a good choice for windows, as two windows share a row up to that distance.

    Raises
    ------
    DataError
        If the lengths differ, a time is missing or before that of an earlier row of its entity, or an alert has no
        score.
    SettingError
        If ``max_gap`` is less than 1.

    Examples
    --------
    >>> surprise = [0.1, 5.0, 7.0, 0.2, 6.0, 0.1, 0.3, 9.0]
    >>> for event in merge_events(range(0, 80, 10), surprise, [value > 4 for value in surprise], max_gap=2):
    ...     print(event.start, event.peak, event.end, event.peak_surprise, event.rows)
    10 20 40 7.0 (1, 2, 4)
    70 70 70 9.0 (7,)
    """
    merging = EventMerging(max_gap)
    return tuple(sorted((*merging.feed(time, surprise, is_odd, entity), *merging.close()), key=_first_row))


def strongest_events(events: Iterable[Event], n_events: int) -> tuple[Event, ...]:
    """Return the events with the highest peaks, the highest first; of equal ones the earlier row first.

    Raises
    ------
    SettingError
        If ``n_events`` is less than 1.

    Examples
    --------
    >>> events = merge_events([1, 2, 3, 4, 5], [9.0, 0.0, 5.0, 0.0, 7.0], [True, False, True, False, True])
    >>> [event.peak_surprise for event in strongest_events(events, 2)]
    [9.0, 7.0]
    """
    if n_events < 1:
        raise SettingError(f"n_events is {n_events}; give 1 or more events")
    return tuple(sorted(events, key=lambda event: (-event.peak_surprise, event.rows[0]))[:n_events])


def _first_row(event: Event) -> int:
    return event.rows[0]


@dataclass
class _Sequence:
    """What is remembered of an entity: number of rows, time of the last row, and the event that may go on."""

    n_rows: int = 0
    last_time: Any = None
    open: Event | None = None
    last_alert: int = 0


@dataclass
class EventMerging:
    """Merge alerts batch after batch: any cut into batches gives the same events.

    An event is given out when a row of its entity is too far behind its last alert, and all others by :meth:`close`.
    Rows are counted over all batches.

    Examples
    --------
    >>> merging = EventMerging(max_gap=1)
    >>> merging.feed([1, 2], [0.5, 8.0], [False, True])
    ()
    >>> [(event.start, event.end) for event in merging.feed([3, 4, 5], [9.0, 0.2, 0.1], [True, False, False])]
    [(2, 3)]
    >>> merging.close()
    ()
    """

    max_gap: int = 1
    _n_rows: int = 0
    _sequences: dict[Any, _Sequence] = field(default_factory=dict)

    def feed(
        self, time: Column, surprise: npt.ArrayLike, is_odd: npt.ArrayLike, entity: Column | None = None
    ) -> tuple[Event, ...]:
        """Take the next rows and return the events that have ended; see :func:`merge_events` for the parameters."""
        if self.max_gap < 1:
            raise SettingError(f"max_gap is {self.max_gap}; give 1 or more rows")
        times, scores = _values(time), np.asarray(surprise, dtype=np.float64)
        odd = np.asarray(is_odd, dtype=np.bool_)
        names, code = _codes(entity, len(times))
        if not len(times) == len(scores) == len(odd) == len(code):
            lengths = f"{len(times)}, {len(scores)}, {len(odd)} and {len(code)}"
            raise DataError(f"time, surprise, is_odd and entity have {lengths} rows; give one of each for a row")
        self._check(times, scores, odd)
        ended = []
        order = np.argsort(code, kind="stable")
        bounds = np.searchsorted(code[order], np.arange(len(names) + 1))
        for name, begin, stop in zip(names, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if begin < stop:
                sequence = self._sequences.setdefault(name, _Sequence())
                ended += self._follow(sequence, name, order[begin:stop], times, scores, odd)
        self._n_rows += len(times)
        return tuple(sorted(ended, key=_first_row))

    def close(self) -> tuple[Event, ...]:
        """Return the events that were still open, in the order of their first rows; the rows have ended."""
        events = [sequence.open for sequence in self._sequences.values() if sequence.open is not None]
        self._sequences.clear()
        return tuple(sorted(events, key=_first_row))

    def _follow(
        self, sequence: _Sequence, name: Any, rows: Positions, times: npt.NDArray[Any], scores: Floats, odd: Flags
    ) -> list[Event]:
        """Take the next rows of one entity and return its events that have ended."""
        self._check_order(sequence, name, rows, times)
        places = np.flatnonzero(odd[rows])
        events = []
        if len(places):
            breaks = np.flatnonzero(np.diff(places) > self.max_gap) + 1
            events = [self._event(name, rows[group], times, scores) for group in np.split(places, breaks)]
            is_near = sequence.n_rows + int(places[0]) - sequence.last_alert <= self.max_gap
            if sequence.open is not None and is_near:
                events[0] = _joined(sequence.open, events[0])
            elif sequence.open is not None:
                events.insert(0, sequence.open)
            sequence.last_alert = sequence.n_rows + int(places[-1])
        elif sequence.open is not None:
            events = [sequence.open]
        sequence.n_rows += len(rows)
        sequence.last_time = times[rows[-1]]
        may_go_on = bool(events) and sequence.n_rows - sequence.last_alert <= self.max_gap
        sequence.open = events.pop() if may_go_on else None
        return events

    def _event(self, name: Any, rows: Positions, times: npt.NDArray[Any], scores: Floats) -> Event:
        peak = rows[np.argmax(scores[rows])]
        return Event(
            start=_plain(times[rows[0]]),
            end=_plain(times[rows[-1]]),
            peak=_plain(times[peak]),
            peak_surprise=float(scores[peak]),
            n_alerts=len(rows),
            entity=name,
            rows=tuple((rows + self._n_rows).tolist()),
            peak_row=int(peak) + self._n_rows,
        )

    def _check(self, times: npt.NDArray[Any], scores: Floats, odd: Flags) -> None:
        missing = _is_missing(times)
        if missing.any():
            raise DataError(
                f"the time of row {self._n_rows + int(np.argmax(missing))} is missing; give each row a time"
            )
        unscored = odd & np.isnan(scores)
        if unscored.any():
            row = self._n_rows + int(np.argmax(unscored))
            raise DataError(f"row {row} is odd without a score; a row whose surprise is NaN cannot be odd")

    def _check_order(self, sequence: _Sequence, name: Any, rows: Positions, times: npt.NDArray[Any]) -> None:
        own = times[rows]
        if sequence.n_rows and own[0] < sequence.last_time:
            place, earlier = 0, sequence.last_time
        elif np.any(own[1:] < own[:-1]):
            place = int(np.argmax(own[1:] < own[:-1])) + 1
            earlier = own[place - 1]
        else:
            return
        raise DataError(
            f"row {self._n_rows + int(rows[place])} has the time {own[place]}, before {earlier} of an earlier row"
            f"{'' if name is None else f' of entity {name!r}'}; sort the rows by time"
        )


def _joined(event: Event, later: Event) -> Event:
    peak = later if later.peak_surprise > event.peak_surprise else event
    return replace(
        peak,
        start=event.start,
        end=later.end,
        n_alerts=event.n_alerts + later.n_alerts,
        rows=event.rows + later.rows,
    )


def _plain(time: Any) -> Any:
    """Return a Python value for a NumPy scalar, except for a datetime64, of which Python cannot hold nanoseconds."""
    return time.item() if isinstance(time, np.generic) and not isinstance(time, np.datetime64) else time


def _is_missing(times: npt.NDArray[Any]) -> Flags:
    if times.dtype.kind == "O":
        return np.array([time is None or time != time for time in times], dtype=np.bool_)
    missing: Flags = times != times  # NaN and NaT alone differ from themselves
    return missing


def _values(column: Column) -> npt.NDArray[Any]:
    if isinstance(column, pa.Array):
        values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
        return values
    return np.asarray(column)


def _codes(entity: Column | None, n_rows: int) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """Return the entities, and the place in them of each row's entity."""
    if entity is None:
        return [None], np.zeros(n_rows, dtype=np.int64)
    array = entity.combine_chunks() if isinstance(entity, pa.ChunkedArray) else entity
    array = array if isinstance(array, pa.Array) else pa.array(array)
    plain = array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array
    encoded = plain.dictionary_encode(null_encoding="encode")
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)

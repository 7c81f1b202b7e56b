"""Events of a scored stream: adjacent alerts merged, with their reasons, as a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from oddrow.batch._scored_table import EVENT_REASONS, N_EVENT_REASONS
from oddrow.columns import TableSchema
from oddrow.exceptions import SettingError
from oddrow.files import table_writer
from oddrow.fitted import FittedModel
from oddrow.sequences import Event, EventMerging

_COLUMNS = (
    "start",
    "peak",
    "end",
    "peak_surprise",
    "alerts",
    "first_row",
    "last_row",
    "reason_1",
    "reason_2",
    "reason_3",
)


class StreamEvents:
    """The events of a stream whose parts are fed in order; memory holds the alerts and their reasons.

    Raises
    ------
    SettingError
        If the model scores each row by itself.
    """

    def __init__(self, model: FittedModel) -> None:
        if model.preparation is None:
            raise SettingError(
                "events are merged from rows in time, and this model scores each row by itself; fit one with windows "
                "or entity features"
            )
        self._preparation = model.preparation
        if self._preparation.entity in _COLUMNS:
            raise SettingError(
                f"the column {self._preparation.entity!r} of the entity has the name of a column of events; rename it"
            )
        self._merging = EventMerging(self._preparation.max_gap)
        self._events: list[Event] = []
        self._alerts: dict[int, _Alert] = {}
        self._n_rows = 0
        self._types: dict[str, pa.DataType] = {}

    def feed(self, rows: pa.RecordBatch) -> None:
        """Take the next scored rows."""
        plan = self._preparation
        names = [plan.time] if plan.entity is None else [plan.time, plan.entity]
        self._types = {name: rows.schema.field(name).type for name in names}
        # rows without a score do not separate alerts: windows may end at every tenth row alone
        scored = np.flatnonzero(rows.column("surprise").is_valid())
        surprise = rows.column("surprise").to_numpy(zero_copy_only=False)[scored]
        is_odd = rows.column("is_odd").fill_null(False).to_numpy(zero_copy_only=False)[scored]
        time, reasons = rows.column(plan.time), rows.column(EVENT_REASONS)
        for row in scored[is_odd].tolist():
            name = None if plan.entity is None else rows.column(plan.entity)[row].as_py()
            self._alerts[self._n_rows + row] = _Alert(time[row].as_py(), name, reasons[row].as_py() or "[]")
        entity = None if plan.entity is None else self._entities(rows, plan.entity).take(pa.array(scored))
        # the order of times was checked when the rows were derived, so events are merged by the numbers of the rows
        self._take(self._merging.feed(self._n_rows + scored, surprise, is_odd, entity))
        self._n_rows += rows.num_rows

    def _entities(self, rows: pa.RecordBatch, name: str) -> pa.ChunkedArray:
        """Return the entity of each row as the preparation reads it: ``7``, ``7.0`` and `` 7`` may be one."""
        columns = tuple(column for column in self._preparation.schema.columns if column.name == name)
        table = pa.Table.from_batches([rows.select([name])])
        values: pa.ChunkedArray = TableSchema(columns).values(table)[name]
        return values

    def _take(self, ended: tuple[Event, ...]) -> None:
        """Keep events that have ended."""
        self._events += (replace(event, rows=()) for event in ended)

    def table(self) -> pa.Table:
        """Return one row for each event, in the order of their first rows; the stream has ended."""
        self._take(self._merging.close())
        plan, alerts = self._preparation, self._alerts
        events = sorted(self._events, key=lambda event: int(event.start))
        columns: dict[str, Any] = {
            name: pa.array([alerts[getattr(event, name)].time for event in events], self._types.get(plan.time))
            for name in ("start", "peak", "end")
        }
        if plan.entity is not None:
            columns[plan.entity] = pa.array(
                [alerts[event.peak].entity for event in events], self._types.get(plan.entity)
            )
        columns["peak_surprise"] = pa.array([event.peak_surprise for event in events], pa.float64())
        columns["alerts"] = pa.array([event.n_alerts for event in events], pa.int64())
        columns["first_row"] = pa.array([int(event.start) + 1 for event in events], pa.int64())
        columns["last_row"] = pa.array([int(event.end) + 1 for event in events], pa.int64())
        reasons = [json.loads(alerts[event.peak].reasons) for event in events]
        for place in range(N_EVENT_REASONS):
            texts = [found[place][1] if place < len(found) else None for found in reasons]
            columns[f"reason_{place + 1}"] = pa.array(texts, pa.string())
        return pa.table(columns)


class _Alert(NamedTuple):
    time: object
    entity: object
    reasons: str


def write_events(target: str | Path, events: pa.Table, *, force: bool) -> int:
    """Write a table of events to a file, and return their number.

    Raises
    ------
    OutputError
        If the file exists and ``force`` is not set, or cannot be written.
    """
    with table_writer(target, events.schema, force=force) as write:
        write(events)
    n_events: int = events.num_rows
    return n_events

"""Check that a plan from a file can read every table of its schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow.columns import MAX_COLUMNS, ColumnSchema, Kind, TableSchema, check_schema
from oddrow.exceptions import SettingError
from oddrow.sequences._durations import MAX_SECONDS, TICKS_PER_SECOND
from oddrow.sequences._history_columns import HistoryColumns
from oddrow.sequences._window_columns import (
    EVENT_FEATURES,
    MAX_LENGTH,
    MAX_TYPES,
    NUMBER_FEATURES,
    TIME_FEATURES,
    EventColumn,
    NumberColumn,
    WindowColumns,
    WindowShape,
)
from oddrow.table import shortened

MAX_TICKS = round(MAX_SECONDS * TICKS_PER_SECOND)
MIN_UNIT, MAX_UNIT = -964, 1_024
"""Exponents of two between which the unit of every column of float64 numbers lies."""
_FLAGS = ("false", "true")


def check_windows(
    schema: TableSchema,
    time: str,
    entity: str | None,
    shape: WindowShape,
    columns: WindowColumns,
    usual_step: int | None,
) -> None:
    """Refuse windows that cannot be derived from every table of the schema; the parameters are those of the plan.

    Raises
    ------
    SettingError
        If there is a fault; the message names it.
    """
    kinds = _checked_columns(schema, time, entity)
    _check_shape(shape)
    _check(usual_step is None or 1 <= usual_step <= 2 * MAX_TICKS, f"the usual step {usual_step} is no duration")
    _check(columns.time == time, f"the times of windows are those of {shortened(columns.time)}, not of the time column")
    _check_distinct("a raw column", [column.name for column in columns.raw])
    values = schema.values(pa.table({name: pa.nulls(0) for name in schema.sources}))
    for column in columns.raw:
        _check(column.name in kinds, f"column {shortened(column.name)} is not in the schema of windows")
        _check(column.name not in (time, entity), f"column {shortened(column.name)} orders the rows")
        is_array = isinstance(values[column.name], np.ndarray)
        if isinstance(column, EventColumn):
            _check_event(column, kinds[column.name])
        else:
            is_number = is_array and np.ndim(values[column.name]) == 1 and kinds[column.name].kind != Kind.BOOLEAN
            _check(is_number, f"column {shortened(column.name)} is no number")
            _check_number(column, shape)
    _check_known("time", columns.time_features, TIME_FEATURES)
    _check_derived(columns.names, schema)


def check_history(columns: HistoryColumns) -> None:
    """Refuse entity features that cannot be derived from every table of the schema.

    Raises
    ------
    SettingError
        If there is a fault; the message names it.
    """
    kinds = _checked_columns(columns.schema, columns.time, columns.entity)
    names = [number.name for number in columns.numbers]
    _check_distinct("a number column", names)
    for number in columns.numbers:
        is_number = number.name in kinds and kinds[number.name].kind == Kind.NUMBER and number.name != columns.time
        _check(is_number, f"column {shortened(number.name)} is no number")
        _check(MIN_UNIT <= number.unit <= MAX_UNIT, f"the unit of {shortened(number.name)} is out of range")
    others = {name: column.kind for name, column in kinds.items() if name not in (columns.time, columns.entity)}
    for name, kind in others.items():
        is_read = name in names if kind == Kind.NUMBER else kind == Kind.CATEGORY
        _check(is_read, f"column {shortened(name)} of the schema gives no feature")
    _check_derived(columns.feature_names, columns.schema)


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise SettingError(what)


def _checked_columns(schema: TableSchema, time: str, entity: str | None) -> dict[str, ColumnSchema]:
    """Return the columns by name."""
    check_schema(schema)
    kinds = {column.name: column for column in schema.columns}
    _check(len(kinds) <= MAX_COLUMNS, f"the schema has more than {MAX_COLUMNS:,} columns")
    _check(time != entity, "time and entity are the same column")
    _check(all(column.kind != Kind.IGNORE for column in schema.columns), "a column that is read is ignored")
    is_time = time in kinds and kinds[time].kind in (Kind.TIMESTAMP, Kind.NUMBER)
    _check(is_time, f"the time {shortened(time)} is no column of times or numbers")
    if entity is not None:
        is_entity = entity in kinds and kinds[entity].kind == Kind.CATEGORY
        _check(is_entity, f"the entity {shortened(entity)} is no column of names")
    for name in filter(None, (time, entity)):
        _check(kinds[name].reads == (name,), f"column {shortened(name)} is read from another column")
    return kinds


def _check_shape(shape: WindowShape) -> None:
    _check((shape.length is None) != (shape.span is None), "windows have a length or a span, and not both")
    _check((shape.step is None) != (shape.step_span is None), "windows have a step in rows or in time, and not both")
    _check(shape.step_span is None or shape.span is not None, "windows with a length have a step in rows")
    for name, value, least, most in (
        ("length", shape.length, 2, MAX_LENGTH),
        ("span", shape.span, 1, MAX_TICKS),
        ("step", shape.step, 1, MAX_TICKS),
        ("step_span", shape.step_span, 1, MAX_TICKS),
        ("max_gap", shape.max_gap, 1, MAX_TICKS),
    ):
        _check(value is None or least <= value <= most, f"{name} of windows is {value}; it is from {least} to {most:,}")


def _check_number(column: NumberColumn, shape: WindowShape) -> None:
    _check_known(column.name, column.features, NUMBER_FEATURES)
    most = MAX_LENGTH if shape.length is None else shape.length - 1
    is_lag = all(1 <= lag <= most for lag in column.lags)
    _check(is_lag, f"a lag of column {shortened(column.name)} is not from 1 to {most:,}")


def _check_event(column: EventColumn, schema: ColumnSchema) -> None:
    _check(
        schema.kind in (Kind.BOOLEAN, Kind.CATEGORY, Kind.CONSTANT, Kind.TEXT),
        f"column {shortened(column.name)} is a {schema.kind}, which has no types",
    )
    _check(schema.kind != Kind.BOOLEAN or column.types == _FLAGS, f"the types of {shortened(column.name)} are no flags")
    _check(len(column.types) <= MAX_TYPES, f"column {shortened(column.name)} has more than {MAX_TYPES} types")
    _check_distinct(f"a type of {shortened(column.name)}", column.types)
    _check_known(column.name, column.counted, column.types)
    _check_known(column.name, column.features, EVENT_FEATURES)


def _check_known(name: str, found: Sequence[str], known: Iterable[str]) -> None:
    unknown = set(found) - set(known)
    _check(not unknown, f"{shortened(min(unknown, default=''))} is nothing that windows derive from {shortened(name)}")


def _check_distinct(what: str, names: Sequence[Any]) -> None:
    _check(len(set(names)) == len(names), f"{what} occurs twice")


def _check_derived(derived: Sequence[str], schema: TableSchema) -> None:
    _check(len(derived) <= MAX_COLUMNS, f"more than {MAX_COLUMNS:,} columns are derived")
    _check_distinct("a derived column", derived)
    clashes = {*derived} & {*schema.sources}
    _check(not clashes, f"the derived column {shortened(min(clashes, default=''))} has the name of a raw one")

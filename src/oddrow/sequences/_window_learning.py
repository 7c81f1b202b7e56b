"""What windows learn from training rows: the kinds of the raw columns, the derived columns, and the usual spacing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import NOTHING_ELSE, ColumnSchema, Kind, TableSchema, TableSketch, is_ignored
from oddrow.exceptions import DataError, SettingError
from oddrow.remedies import Setting, remedy
from oddrow.sequences._durations import MAX_SECONDS, ticks_of
from oddrow.sequences._window_columns import MAX_TYPES, EventColumn, NumberColumn, WindowColumns, WindowShape
from oddrow.table import LIKE_A_DATE, Floats, python_values, shortened

MIN_TYPE_ROWS = 2
"""Smallest number of training rows of a type that is counted by itself."""


class Spacing(NamedTuple):
    """The times between successive rows of an entity: the median in microseconds, and whether all are equal."""

    usual: int | None
    is_even: bool


@dataclass(frozen=True)
class RawColumns:
    """The raw columns that windows read."""

    time: ColumnSchema
    entity: ColumnSchema | None
    others: tuple[ColumnSchema, ...]

    @classmethod
    def judge(
        cls, rows: pa.Table, time: str, entity: str | None, kinds: Mapping[str, str], rest: TableSketch
    ) -> RawColumns:
        """Judge the columns of training rows; times besides ``time`` are left out.

        Raises
        ------
        DataError
            If there are no rows, or no row has a time.
        """
        if not rows.num_rows:
            raise DataError("the table has no rows to learn windows from")
        given = {name: kind for name, kind in kinds.items() if name not in (time, entity)}
        others = [
            column
            for column in TableSchema.judge(rows, given, rest).used
            if not {time, entity} & {*column.reads} and column.kind != Kind.TIMESTAMP
        ]
        of_entity = None if entity is None else _judged(rows, entity, Kind.CATEGORY, rest)
        return cls(_time_column(rows, time, kinds.get(time, ""), rest), of_entity, tuple(others))

    @property
    def schema(self) -> TableSchema:
        """The columns in the order time, entity, others."""
        return TableSchema((*self._of_sequence.columns, *self.others))

    @property
    def _of_sequence(self) -> TableSchema:
        return TableSchema((self.time,) if self.entity is None else (self.time, self.entity))

    def spacing(self, rows: pa.Table) -> Spacing:
        """Return the spacing of successive rows, which are sorted by time first; rows without a time are left out."""
        values = self._of_sequence.values(rows)
        seconds = np.asarray(values[self.time.name], np.float64)
        is_time = np.abs(seconds) <= MAX_SECONDS
        ticks = ticks_of(seconds[is_time])
        entity = np.zeros(len(ticks), np.int64)
        if self.entity is not None:
            names: Any = values[self.entity.name]
            codes = names.dictionary_encode(null_encoding="encode").combine_chunks().indices
            entity = codes.to_numpy(zero_copy_only=False)[is_time]
        order = np.lexsort((ticks, entity))
        steps = np.diff(ticks[order])[entity[order][1:] == entity[order][:-1]]
        positive = steps[steps > 0]
        usual = round(float(np.median(positive))) if len(positive) else None
        return Spacing(usual, len(steps) > 0 and bool((steps == steps[0]).all()))

    def derived(
        self, rows: pa.Table, rest: TableSketch, shape: WindowShape, lags: tuple[int, ...], *, is_even: bool
    ) -> WindowColumns:
        """Return the derived columns.

        Raises
        ------
        SettingError
            If one has the name of a raw column.
        """
        numbers: list[NumberColumn] = []
        events: list[EventColumn] = []
        for column, values in zip(self.others, TableSchema(self.others).values(rows).values(), strict=True):
            has_missing = any(rest.column(source).n_missing for source in column.reads)
            if isinstance(values, np.ndarray) and values.ndim == 1 and column.kind != Kind.BOOLEAN:
                has_missing = has_missing or bool(np.isnan(values).any())
                numbers.append(_number_column(column, lags, shape, has_missing=has_missing))
            elif column.kind == Kind.BOOLEAN or not isinstance(values, np.ndarray):
                events.append(_event_column(column, values, has_missing=has_missing))
        # the duration, or the number of rows, of windows of evenly spaced rows is a constant
        of_spacing = () if is_even else ("duration",) if shape.span is None else ("rows",)
        columns = WindowColumns(tuple(numbers), tuple(events), self.time.name, ("since", *of_spacing))
        _check_names(columns.names, rows.column_names)
        return columns


def _time_column(rows: pa.Table, name: str, given: str, rest: TableSketch) -> ColumnSchema:
    """Return the column of the time: read as times, or else as numbers."""
    column = judged = _judged(rows, name, "" if is_ignored(given) else given, rest)
    if column.kind != Kind.TIMESTAMP:
        is_temporal = pa.types.is_temporal(rows.schema.field(name).type)
        column = _judged(rows, name, Kind.TIMESTAMP if is_temporal else Kind.NUMBER, rest)
    seconds = _seconds(rows, column)
    if not len(seconds) and judged.kind == Kind.CONSTANT:  # a single time, which is read as one if its form is certain
        column = _judged(rows, name, Kind.TIMESTAMP, rest)
        seconds = _seconds(rows, column) if column.form.dates not in ("dmy", "mdy") else seconds
    if not len(seconds):
        raise _no_time(rows.column(name), name)
    if column.kind == Kind.NUMBER and not given.partition(";")[0].strip():
        return _counted_since_1970(rows, column, np.sort(seconds), rest)
    return column


def _no_time(values: pa.ChunkedArray, name: str) -> DataError:
    """Return the error about a column without any time."""
    example = next((value for value in python_values(values) if value is not None), None)
    if isinstance(example, str) and re.search(LIKE_A_DATE, example):
        forms = [Setting("columns", {name: f"timestamp; dates={form}"}) for form in ("dmy", "mdy")]
        return DataError(
            f"column {shortened(name)} cannot be the time: whether the day or the month comes first in "
            f"{shortened(example)} cannot be told from its values",
            remedy=remedy("say it with ", forms[0], " or ", forms[1]),
        )
    held = "it is empty" if example is None else f"{shortened(example)} is neither a date or time nor a number"
    return DataError(f"column {shortened(name)} cannot be the time: {held}; name another column")


def _counted_since_1970(rows: pa.Table, column: ColumnSchema, ordered: Floats, rest: TableSketch) -> ColumnSchema:
    """Return a column of numbers as times if its sorted values count from 1970, or are dates of eight digits.

    Numbers are judged as such where they run on from row to row, which they do not if the rows of one entity come after
    those of another.
    """
    whole = ordered.astype(np.int64) if bool((ordered == np.floor(ordered)).all()) else ordered
    found = _judged(pa.table({column.name: whole}), column.name, "", NOTHING_ELSE)
    if found.kind != Kind.TIMESTAMP:
        return column
    return _judged(rows, column.name, f"timestamp; dates={found.form.dates}", rest)


def _seconds(rows: pa.Table, column: ColumnSchema) -> Floats:
    """Return the times that are there and can be counted in microseconds."""
    seconds = np.asarray(TableSchema((column,)).values(rows)[column.name], np.float64)
    return seconds[np.abs(seconds) <= MAX_SECONDS]


def _judged(rows: pa.Table, name: str, given: str, rest: TableSketch) -> ColumnSchema:
    """Return the schema of one column, whatever the others are."""
    (column,) = TableSchema.judge(rows.select([name]), {name: given} if given else {}, rest).columns
    return column


def _number_column(
    column: ColumnSchema, lags: tuple[int, ...], shape: WindowShape, *, has_missing: bool
) -> NumberColumn:
    """Return what is derived from a column of numbers; of two values the others follow from the last and the trend."""
    missing = ("missing",) if has_missing else ()
    if column.kind == Kind.COUNTER:
        return NumberColumn(column.name, ("trend", "step", *missing) if shape.length != 2 else ("trend", *missing), ())
    if shape.length == 2:
        return NumberColumn(column.name, ("last", "trend", *missing), ())
    return NumberColumn(column.name, ("last", "mean", "std", "min", "max", "trend", "step", *missing), lags)


def _event_column(column: ColumnSchema, values: Any, *, has_missing: bool) -> EventColumn:
    """Return what is derived from a column of names or flags.

    The rows of all types, of others and of missing values add up to the rows of the window, so of two types the rarer
    one is counted, and of a constant none.
    """
    types: tuple[str, ...] = ("false", "true")
    if isinstance(values, np.ndarray):
        found = [("false", int((values == 0).sum())), ("true", int((values == 1).sum()))]
        n_distinct, has_missing = 2, has_missing or bool(np.isnan(values).any())
    else:
        counted = pc.value_counts(values.drop_null())
        found = list(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
        n_distinct, has_missing = len(found), has_missing or values.null_count > 0
        found = sorted(found, key=lambda entry: (-entry[1], entry[0]))[:MAX_TYPES]
        types = tuple(name for name, count in found if count >= MIN_TYPE_ROWS or column.kind == Kind.CONSTANT)
    names = types
    if column.kind == Kind.CONSTANT:
        names = ()
    elif n_distinct == 2 and len(types) == 2:
        names = (min(reversed(found), key=lambda entry: entry[1])[0],)
    features = [
        *(["other"] if types else []),
        *(["missing"] if has_missing else []),
        *(["distinct"] if n_distinct > 2 else []),
    ]
    return EventColumn(column.name, types, names, tuple(features))


def _check_names(derived: Sequence[str], raw: Sequence[str]) -> None:
    repeated = sorted({name for name in derived if derived.count(name) > 1} | ({*derived} & {*raw}))
    if repeated:
        raise SettingError(
            f"the derived column {shortened(repeated[0])} has the name of another column; rename the raw column, or "
            "leave it out"
        )

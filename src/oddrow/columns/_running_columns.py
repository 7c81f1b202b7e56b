"""Detect running columns (later rows have later values) and identifiers, by comparing all columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._dates_in_numbers import are_compact_dates, epoch_of, is_named_as_time
from oddrow.columns._given_column import NOTHING_GIVEN, GivenColumn
from oddrow.columns._row_order import MIN_ROWS, evenly_spread, identifies_rows, number_run, time_run
from oddrow.columns._text_facts import TextFacts
from oddrow.table import as_numbers, as_seconds, is_string, shortened

Floats = npt.NDArray[np.float64]

FEW_ROWS = 200
"""The first rows, which suffice to rule out most columns."""
MAX_KEYS = 4
"""Largest number of columns by which the rows are sorted if no column runs on in the order of the table."""


def with_order(
    columns: Sequence[ColumnSchema], table: pa.Table, given: Mapping[str, GivenColumn], n_rows: int
) -> tuple[ColumnSchema, ...]:
    """Return the columns, with running columns and identifiers marked; ``n_rows`` is that of the whole table.

    Columns whose kind is given are unchanged.
    """
    if table.num_rows < MIN_ROWS // 3:
        return tuple(columns)
    return _Ordering(tuple(columns), table, given, n_rows).judged()


@dataclass
class _Ordering:
    """The judgement of all columns of a table by the order of its rows."""

    columns: tuple[ColumnSchema, ...]
    table: pa.Table
    given: Mapping[str, GivenColumn]
    n_rows: int

    def judged(self) -> tuple[ColumnSchema, ...]:
        self.rows = pa.array(evenly_spread(self.table.num_rows))
        self.values: dict[str, Floats] = {}
        columns = tuple(map(self._single_date, map(self._as_timestamp, self.columns)))
        columns = tuple(self._running(column, "") for column in columns)
        if any(column.runs_on or column.kind == Kind.COUNTER for column in columns):
            return tuple(map(self._without_identifiers, columns))
        for key in self._order_keys(columns):
            columns = tuple(self._running(column, key) for column in columns)
        return tuple(map(self._without_identifiers, map(self._latest_clock(columns), columns)))

    def _is_judged(self, column: ColumnSchema) -> bool:
        given = self.given.get(column.name, NOTHING_GIVEN)
        return given.kind is None and not given.is_kept and not column.runs_on

    def _stored(self, column: ColumnSchema) -> pa.ChunkedArray:
        """Return the table values of a column that has one source."""
        return self.table.column(column.reads[0])

    def _read(self, column: ColumnSchema) -> Floats:
        """Return the numbers, or times in seconds, of the examined rows."""
        if column.name not in self.values:
            values = self._stored(column).take(self.rows)
            form = replace(column.form, is_lenient=True)
            reads = as_seconds if column.kind == Kind.TIMESTAMP else as_numbers
            found = reads(values, form)
            self.values[column.name] = np.where(np.isinf(found), np.nan, found)
        return self.values[column.name]

    def _as_timestamp(self, column: ColumnSchema) -> ColumnSchema:
        """Return a column of dates of eight digits, or of counts since 1970, as a timestamp."""
        if column.kind != Kind.NUMBER or not self._is_judged(column):
            return column
        values = self._read(column)
        if not is_string(self._stored(column).type) and are_compact_dates(values):
            self.values.pop(column.name)
            form = replace(column.form, dates="compact")
            return replace(column, kind=Kind.TIMESTAMP, why=f"dates of eight digits ({column.why})", form=form)
        epoch = epoch_of(values)
        if epoch is not None and (is_named_as_time(column.name) or number_run(values) is not None):
            self.values.pop(column.name)
            form = replace(column.form, dates=epoch)
            unit = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[epoch.split()[1]]
            return replace(column, kind=Kind.TIMESTAMP, why=f"{unit} since 1970 ({column.why})", form=form)
        return column

    def _single_date(self, column: ColumnSchema) -> ColumnSchema:
        """Return a column with one date in all rows as a clock, since later rows may be of the next day."""
        if column.kind != Kind.CONSTANT or not self._is_judged(column) or self.table.num_rows < MIN_ROWS:
            return column
        value = self._stored(column).drop_null().slice(0, 1)
        if not len(value):
            return column
        form = column.form
        if is_string(value.type):
            forms, _ = TextFacts.of(value.combine_chunks(), np.ones(1, np.int64)).date_forms
            if not forms or forms[0] == "time":
                return column
            if len(forms) > 1 or forms[0] == "compact":
                return self._left_out(column, "is the same date in all rows")
            form = replace(form, dates=forms[0])
        elif not (pa.types.is_date(value.type) or pa.types.is_timestamp(value.type)):
            return column
        return self._as_running(replace(column, kind=Kind.TIMESTAMP, form=form), "from day to day")

    def _left_out(self, column: ColumnSchema, why: str) -> ColumnSchema:
        note = f"{shortened(column.name)} {why}: it is left out"
        return replace(column, kind=Kind.IGNORE, why=f"{column.why}; {why}", note=_joined(column.note, note))

    def _running(self, column: ColumnSchema, key: str) -> ColumnSchema:
        """Return the column as a running column if it runs on in the order of the rows, or of a key column."""
        is_time = column.kind == Kind.TIMESTAMP
        if not (is_time or column.kind == Kind.NUMBER) or not self._is_judged(column):
            return column
        if is_time and not self._holds_moments(column):
            return column if key else self._time_of_day(column)
        if column.name == key:
            return self._as_running(column, "by itself")
        values = self._read(column)
        if key:
            values = values[np.argsort(self.values[key], kind="stable")]
        elif not is_time and _is_mixed(values[:FEW_ROWS]):
            return column
        run = time_run(values) if is_time else number_run(values)
        if run is None:
            return column
        return self._as_running(column, f"in order of {shortened(key)}" if key else "from row to row")

    def _time_of_day(self, column: ColumnSchema) -> ColumnSchema:
        """Leave out times of day that rise with the rows of one day: they only follow the order of the rows."""
        if time_run(self._read(column)) is None:
            return column
        return self._left_out(column, "runs on from row to row within a day")

    def _as_running(self, column: ColumnSchema, how: str) -> ColumnSchema:
        name = shortened(column.name)
        if column.kind == Kind.TIMESTAMP:
            note = f"{name} runs on {how}: the model uses its hour, its weekday and jumps, but not its position in time"
            return replace(column, runs_on=True, why=f"{column.why}; runs on {how}", note=_joined(column.note, note))
        note = f"{name} runs on {how}: the model uses only jumps far ahead or back"
        return replace(
            column,
            kind=Kind.COUNTER,
            runs_on=True,
            why=f"{column.why}; runs on {how}",
            note=_joined(column.note, note),
        )

    def _holds_moments(self, column: ColumnSchema) -> bool:
        """Return whether a column of times holds moments, as opposed to times of day."""
        return column.form.dates != "time" and not pa.types.is_time(self._stored(column).type)

    def _order_keys(self, columns: Sequence[ColumnSchema]) -> list[str]:
        """Return columns by which the rows may have been sorted: times first, then identifiers."""
        times = [one.name for one in columns if one.kind == Kind.TIMESTAMP and self._holds_moments(one)]
        numbers = [one.name for one in columns if one.kind == Kind.NUMBER and self._identifies_rows(one)]
        for name in times:
            self._read(next(one for one in columns if one.name == name))
        return [name for name in (*times, *numbers) if self._orders_others(name, columns)][:MAX_KEYS]

    def _orders_others(self, key: str, columns: Sequence[ColumnSchema]) -> bool:
        """Return whether some other column runs on in the order of this one."""
        order = np.argsort(self.values[key], kind="stable")
        for column in columns:
            is_time = column.kind == Kind.TIMESTAMP and self._holds_moments(column)
            if column.name == key or not self._is_judged(column) or not (is_time or column.kind == Kind.NUMBER):
                continue
            values = self._read(column)[order]
            run = number_run(values) if not (is_time or _is_mixed(values[:FEW_ROWS])) else None
            if run is not None or (is_time and time_run(values) is not None):
                return True
        return False

    def _latest_clock(self, columns: Sequence[ColumnSchema]) -> _AsClock:
        """Choose the column with the latest moment as the clock of a shuffled table without other running columns."""
        times = [one for one in columns if one.kind == Kind.TIMESTAMP and self._is_judged(one)]
        moments = [one for one in times if self._holds_moments(one)]
        if any(column.runs_on or column.kind == Kind.COUNTER for column in columns) or not moments:
            return _AsClock(self, "")
        latest = max(moments, key=lambda column: (np.nanmax(self._read(column), initial=-np.inf), column.name))
        return _AsClock(self, latest.name if len(self._read(latest)) >= MIN_ROWS else "")

    def _identifies_rows(self, column: ColumnSchema) -> bool:
        values = self._read(column)
        few = values[:FEW_ROWS]
        if len(np.unique(few)) < len(few):
            return False
        return identifies_rows(values, column.name, self.n_rows)

    def _without_identifiers(self, column: ColumnSchema) -> ColumnSchema:
        """Leave out a column of numbers that identify rows."""
        if column.kind != Kind.NUMBER or not self._is_judged(column) or not self._identifies_rows(column):
            return column
        name = shortened(column.name)
        return replace(
            column,
            kind=Kind.IGNORE,
            why=f"looks like an identifier: whole numbers, all different, in no order ({column.why})",
            note=f"{name} looks like an identifier (whole numbers, all different, in no order): it is left out",
        )


@dataclass(frozen=True)
class _AsClock:
    """Mark one column as the clock of a table whose rows are in no order."""

    ordering: _Ordering
    name: str

    def __call__(self, column: ColumnSchema) -> ColumnSchema:
        if column.name != self.name or not self.name:
            return column
        return self.ordering._as_running(column, "though the rows are in no order")


def _is_mixed(values: Floats) -> bool:
    """Return whether some values rise and others fall, as in most columns."""
    present = values[~np.isnan(values)]
    steps = np.diff(present / 2)
    return bool(min(np.sum(steps > 0), np.sum(steps < 0)) > 0.05 * len(present))


def _joined(one: str, other: str) -> str:
    return f"{one}; {other}" if one else other

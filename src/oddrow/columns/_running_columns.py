"""Which columns have later values in later rows, and which only identify rows: judged of all columns together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._dates_in_numbers import are_compact_dates, epoch_of, is_named_as_time
from oddrow.columns._given_column import NOTHING_GIVEN, GivenColumn
from oddrow.columns._row_order import MIN_ROWS, evenly, is_numbering, number_run, time_run
from oddrow.columns._text_facts import TextFacts
from oddrow.table import as_numbers, as_seconds, is_string, shortened

Floats = npt.NDArray[np.float64]

FEW_ROWS = 200
"""Rows that rule out nearly all columns at once."""
MAX_KEYS = 4
"""Columns by which the rows are put in order, where the table's own order shows nothing."""


def with_order(
    columns: Sequence[ColumnSchema], table: pa.Table, given: Mapping[str, GivenColumn], n_rows: int
) -> tuple[ColumnSchema, ...]:
    """The columns, with those that run on or identify rows named as such; ``n_rows`` has the whole table.

    What was given by hand stays.
    """
    if table.num_rows < MIN_ROWS // 3:
        return tuple(columns)
    return _Ordering(tuple(columns), table, given, n_rows).judged()


@dataclass
class _Ordering:
    columns: tuple[ColumnSchema, ...]
    table: pa.Table
    given: Mapping[str, GivenColumn]
    n_rows: int

    def judged(self) -> tuple[ColumnSchema, ...]:
        self.rows = pa.array(evenly(self.table.num_rows))
        self.values: dict[str, Floats] = {}
        columns = tuple(map(self._only_day, map(self._dated, self.columns)))
        columns = tuple(self._running(column, "") for column in columns)
        if any(column.runs_on or column.kind == Kind.COUNTER for column in columns):
            return tuple(map(self._numbering, columns))
        for key in self._keys(columns):
            columns = tuple(self._running(column, key) for column in columns)
        return tuple(map(self._numbering, map(self._only_clock(columns), columns)))

    def _is_judged(self, column: ColumnSchema) -> bool:
        given = self.given.get(column.name, NOTHING_GIVEN)
        return given.kind is None and not given.is_kept and not column.runs_on

    def _stored(self, column: ColumnSchema) -> pa.ChunkedArray:
        """The values in the table, of a column that reads one table column."""
        return self.table.column(column.reads[0])

    def _read(self, column: ColumnSchema) -> Floats:
        """Numbers, or seconds, of the rows that are looked at."""
        if column.name not in self.values:
            values = self._stored(column).take(self.rows)
            form = replace(column.form, is_lenient=True)
            reads = as_seconds if column.kind == Kind.TIMESTAMP else as_numbers
            found = reads(values, form)
            self.values[column.name] = np.where(np.isinf(found), np.nan, found)
        return self.values[column.name]

    def _dated(self, column: ColumnSchema) -> ColumnSchema:
        """Whole numbers that are dates of eight digits, or count the time since 1970, are times."""
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

    def _only_day(self, column: ColumnSchema) -> ColumnSchema:
        """A column that has one date in all rows: the next rows may be of the next day."""
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
        """The column as one that runs on, if it does in the order of the rows, or of the values of a key column."""
        is_time = column.kind == Kind.TIMESTAMP
        if not (is_time or column.kind == Kind.NUMBER) or not self._is_judged(column):
            return column
        if is_time and not self._is_moment(column):
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
        """Times of day of rows that all are of one day say no more than that the day goes on."""
        if time_run(self._read(column)) is None:
            return column
        return self._left_out(column, "runs on from row to row within a day")

    def _as_running(self, column: ColumnSchema, how: str) -> ColumnSchema:
        name = shortened(column.name)
        if column.kind == Kind.TIMESTAMP:
            note = f"{name} runs on {how}: its hour and weekday are evidence, and a jump, but not that it is later"
            return replace(column, runs_on=True, why=f"{column.why}; runs on {how}", note=_joined(column.note, note))
        note = f"{name} runs on {how}: a jump far ahead or back is evidence, any other value is not"
        return replace(
            column,
            kind=Kind.COUNTER,
            runs_on=True,
            why=f"{column.why}; runs on {how}",
            note=_joined(column.note, note),
        )

    def _is_moment(self, column: ColumnSchema) -> bool:
        """Whether a column of times holds moments, and not times of day."""
        return column.form.dates != "time" and not pa.types.is_time(self._stored(column).type)

    def _keys(self, columns: Sequence[ColumnSchema]) -> list[str]:
        """Columns by which the rows may have been in order: times first, then numbers that were given out."""
        times = [one.name for one in columns if one.kind == Kind.TIMESTAMP and self._is_moment(one)]
        numbers = [one.name for one in columns if one.kind == Kind.NUMBER and self._is_numbering(one)]
        for name in times:
            self._read(next(one for one in columns if one.name == name))
        return [name for name in (*times, *numbers) if self._is_key(name, columns)][:MAX_KEYS]

    def _is_key(self, key: str, columns: Sequence[ColumnSchema]) -> bool:
        """Whether some other column runs on in the order of this one."""
        order = np.argsort(self.values[key], kind="stable")
        for column in columns:
            is_time = column.kind == Kind.TIMESTAMP and self._is_moment(column)
            if column.name == key or not self._is_judged(column) or not (is_time or column.kind == Kind.NUMBER):
                continue
            values = self._read(column)[order]
            run = number_run(values) if not (is_time or _is_mixed(values[:FEW_ROWS])) else None
            if run is not None or (is_time and time_run(values) is not None):
                return True
        return False

    def _only_clock(self, columns: Sequence[ColumnSchema]) -> _AsClock:
        """In a table out of order, and with no other sign of it, the latest column of moments is its clock."""
        times = [one for one in columns if one.kind == Kind.TIMESTAMP and self._is_judged(one)]
        moments = [one for one in times if self._is_moment(one)]
        if any(column.runs_on or column.kind == Kind.COUNTER for column in columns) or not moments:
            return _AsClock(self, "")
        latest = max(moments, key=lambda column: (np.nanmax(self._read(column), initial=-np.inf), column.name))
        return _AsClock(self, latest.name if len(self._read(latest)) >= MIN_ROWS else "")

    def _is_numbering(self, column: ColumnSchema) -> bool:
        values = self._read(column)
        few = values[:FEW_ROWS]
        if len(np.unique(few)) < len(few):
            return False
        return is_numbering(values, column.name, self.n_rows)

    def _numbering(self, column: ColumnSchema) -> ColumnSchema:
        """Numbers that identify rows are left out."""
        if column.kind != Kind.NUMBER or not self._is_judged(column) or not self._is_numbering(column):
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
    """Marks one column as the clock of a table that is out of order."""

    ordering: _Ordering
    name: str

    def __call__(self, column: ColumnSchema) -> ColumnSchema:
        if column.name != self.name or not self.name:
            return column
        return self.ordering._as_running(column, "though the rows are in no order")


def _is_mixed(values: Floats) -> bool:
    """Whether a few values go up and down, as those of nearly every column do."""
    present = values[~np.isnan(values)]
    steps = np.diff(present / 2)
    return bool(min(np.sum(steps > 0), np.sum(steps < 0)) > 0.05 * len(present))


def _joined(one: str, other: str) -> str:
    return f"{one}; {other}" if one else other

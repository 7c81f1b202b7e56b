"""Windows: one derived row for the last rows, or the last minutes, of an entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow.columns import NOTHING_ELSE, TableSketch, is_ignored
from oddrow.exceptions import SettingError
from oddrow.sequences._durations import duration_ticks
from oddrow.sequences._window_columns import MAX_LENGTH, WindowShape
from oddrow.sequences._window_learning import RawColumns
from oddrow.sequences._window_plan import WindowPlan
from oddrow.table import as_table

_SHOWN = 8
"""Largest number of column names in an error."""


@dataclass(frozen=True)
class Windows:
    """Windows of ordered rows: their specification. :meth:`learn` learns the derived columns from training rows.

    A window belongs to the row at which it ends, and contains this row and earlier rows of the same entity. Exactly one
    of ``length`` and ``span`` is given. Rows at which no full window ends have no derived row.

    Parameters
    ----------
    time
        The column of the time of a row: dates, times, their texts, or numbers, which count seconds. Times are compared
        as whole microseconds.
    entity
        The column whose equal values belong to one sequence, such as a machine or a customer; None if all rows are one
        sequence. Missing values are an entity of their own.
    length
        The number of rows of a window, from 2 to 1,000,000. The first window of an entity ends at its ``length``-th
        row.
    span
        The duration of a window, such as ``"10min"``: a window that ends at time t contains the rows in (t - span, t].
        The first window of an entity ends at the first row that is at least a span after the entity's first row.
    step
        Every step-th row ends a window. With a span also a duration: a row ends a window if at least this time has
        passed since the end of the last window.
    max_gap
        The longest duration between two rows of a window. After a longer gap windows begin anew, as for a new entity.
    lags
        The numbers of rows before the end whose values are derived columns too.

    Examples
    --------
    >>> rows = {"minute": [0, 60, 120, 180], "pressure": [1.0, 3.0, 2.0, 6.0]}
    >>> table = Windows("minute", length=3).table(rows)
    >>> table.select(["minute", "pressure.last", "pressure.mean", "pressure.trend"]).to_pylist()[0]
    {'minute': 120, 'pressure.last': 2.0, 'pressure.mean': 2.0, 'pressure.trend': 0.5}
    """

    time: str
    entity: str | None = None
    length: int | None = None
    span: str | None = None
    step: int | str = 1
    max_gap: str | None = None
    lags: Sequence[int] = (1,)

    def learn(
        self,
        table: Any,
        columns: Mapping[str, str] | None = None,
        rest: TableSketch = NOTHING_ELSE,
        ordered: Any = None,
    ) -> WindowPlan:
        """Learn which columns are derived, from raw training rows.

        A column of numbers gives the last value, mean, standard deviation (of the population), minimum, maximum, trend
        (least-squares slope per row with a length, per second with a span), mean absolute step, the lags, and if
        training rows have missing values the share of missing ones. A column of names or flags gives the number of rows
        of each of its at most 20 most frequent types, of rows of other types, and of distinct values. A running number
        (a counter) gives trend and step, a constant the number of rows with another value; times besides ``time``,
        identifiers and ignored columns give none. All rows together give the seconds since the previous row, and, if
        rows are not evenly spaced, the seconds from the first to the last row, or with a span the number of rows.

        Parameters
        ----------
        table
            The training rows: anything that holds a table. They may be a sample.
        columns
            Column name to kind, for columns whose kind is not judged.
        rest
            A sketch of the training rows that are not in the table.
        ordered
            Successive training rows in any order, from which the usual time between two rows is learned; by default
            all rows of ``table``, which is right if they are no sample.

        Raises
        ------
        SettingError
            If a value of the specification is not valid, if a column is not in the table, or if the name of a derived
            column is that of a raw one.
        DataError
            If the table has no rows, or its column of the time holds no time.
        """
        shape, lags = self._shape(), self._lags()
        if self.time == self.entity:
            raise SettingError(f"time and entity are both the column {self.time!r}; give two columns")
        given = {} if columns is None else dict(columns)
        ignored = {name for name in {*given} - {self.time, self.entity} if is_ignored(given[name])}
        rows = as_table(table, reads=lambda name: name not in ignored)
        for setting, name in (("time", self.time), ("entity", self.entity)):
            if name is not None and name not in rows.column_names:
                shown = ", ".join(map(repr, rows.column_names[:_SHOWN]))
                more = ", ..." if rows.num_columns > _SHOWN else ""
                raise SettingError(f"{setting}={name!r}: the table has no such column; it has {shown}{more}")
        raw = RawColumns.judge(rows, self.time, self.entity, given, rest)
        spacing = raw.spacing(rows if ordered is None else as_table(ordered))
        derived = raw.derived(rows, rest, shape, lags, is_even=spacing.is_even)
        return WindowPlan(raw.schema, self.time, self.entity, shape, derived, spacing.usual)

    def table(self, table: Any, columns: Mapping[str, str] | None = None) -> pa.Table:
        """Learn from a table and return its windows; see :meth:`learn` and :meth:`WindowPlan.table`."""
        rows = as_table(table)
        return self.learn(rows, columns).table(rows)

    def check(self) -> None:
        """Check the specification without a table.

        Raises
        ------
        SettingError
            If a value is not valid.
        """
        self._shape()
        self._lags()

    # Checks ----------------------------------------------------------------------------------------------------------

    def _shape(self) -> WindowShape:
        if (self.length is None) == (self.span is None):
            given = "neither is" if self.length is None else "both are"
            raise SettingError(
                f"{given} given of length, a number of rows, and span, a duration such as '10min'; give one of them"
            )
        if self.length is not None and not (_is_whole(self.length, 2) and self.length <= MAX_LENGTH):
            raise SettingError(f"length={self.length!r} is not a whole number from 2 to {MAX_LENGTH:,} rows")
        step_span = None
        if isinstance(self.step, str):
            if self.span is None:
                raise SettingError(f"step={self.step!r} is a duration, which needs a span; with a length, give rows")
            step_span = duration_ticks(self.step, "step")
        elif not _is_whole(self.step, 1):
            raise SettingError(f"step={self.step!r} is not a whole number of at least 1 row")
        return WindowShape(
            None if self.length is None else int(self.length),
            None if self.span is None else duration_ticks(self.span, "span"),
            None if step_span is not None else int(self.step),
            step_span,
            None if self.max_gap is None else duration_ticks(self.max_gap, "max_gap"),
        )

    def _lags(self) -> tuple[int, ...]:
        lags = self.lags
        if isinstance(lags, str) or not isinstance(lags, Sequence) or not all(_is_whole(lag, 1) for lag in lags):
            raise SettingError(f"lags={lags!r} are not whole numbers of at least 1 row")
        if lags and max(lags) > MAX_LENGTH:
            raise SettingError(f"lags={lags!r} are more than {MAX_LENGTH:,} rows")
        if len(set(lags)) != len(lags):
            raise SettingError(f"lags={lags!r} names a number of rows twice")
        if self.length is not None and lags and max(lags) >= self.length:
            raise SettingError(
                f"lags={lags!r}: a window of {self.length} rows has no row {max(lags)} rows before its end"
            )
        return tuple(map(int, lags))


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least

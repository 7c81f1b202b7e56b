"""Learned windows: the derived columns, and the passes over later tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.sequences._durations import MAX_SECONDS, duration_words
from oddrow.sequences._plan_checks import check_windows
from oddrow.sequences._preparation import SequenceState
from oddrow.sequences._whole_table import time_order, unfit_rows
from oddrow.sequences._window_columns import WindowColumns, WindowShape
from oddrow.sequences._window_run import WindowRun
from oddrow.table import as_table, shortened


@dataclass(frozen=True)
class WindowPlan:
    """Learned windows: what :meth:`Windows.learn` returns. A :class:`oddrow.sequences.Preparation`.

    Attributes
    ----------
    schema : the raw columns that are read, and their kinds
    shape : where windows begin and end
    columns : the derived columns
    usual_step : the median time in microseconds between successive rows of an entity; None if no entity had two
    """

    schema: TableSchema
    time: str
    entity: str | None
    shape: WindowShape
    columns: WindowColumns
    usual_step: int | None
    kind: Literal["windows"] = "windows"

    @property
    def summary(self) -> str:
        """What is derived, in words: 'windows over the last 16 rows of each 'machine', in the order of 'at''."""
        shape = self.shape
        step = "" if shape.step is None or shape.step == 1 else f", one at every {shape.step:,} rows"
        step = step if shape.step_span is None else f", at least {duration_words(shape.step_span)} apart"
        gap = "" if shape.max_gap is None else f", without gaps of more than {duration_words(shape.max_gap)}"
        of_entity = "" if self.entity is None else f" of each {shortened(self.entity)}"
        return f"windows {shape.words}{of_entity}, in the order of {shortened(self.time)}{step}{gap}"

    @property
    def kinds(self) -> Mapping[str, str]:
        """No kinds: those of windows are judged from their values."""
        return {}

    @property
    def max_gap(self) -> int:
        """The number of windows, about, that end within a window: alerts of windows that share a row are one event."""
        rows = self.shape.length
        if rows is None:
            rows = (self.shape.span or 0) // (self.usual_step or self.shape.span or 1)
        return max(-(-rows // (self.shape.step or 1)), 1)

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that are read."""
        return self.schema.sources

    def begin(self, state: SequenceState | None = None) -> WindowRun:
        """Begin a pass over a table; with a state, after the rows that it describes.

        Raises
        ------
        DataError
            If the state is not one of these windows.
        """
        return WindowRun(self.schema, self.entity, self.shape, self.columns, self.usual_step, state)

    def table(self, table: Any) -> pa.Table:
        """Return the windows of a whole table, in the order of the rows at which they end.

        The rows are sorted by time first; equal times keep their order.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or holds a value that its kind does not allow.
        DataError
            If the time of a row is missing.
        """
        rows = as_table(table, reads=set(self.sources).__contains__)
        order = time_order(self.schema, self.time, rows)
        return self.begin().feed(rows.take(pa.array(order))).table

    def unfit_rows(self, table: pa.Table) -> dict[int, str]:
        """Return the rows of a table that no window can contain, counted from 0, with the reason.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or has a type that its kind does not allow in any row.
        """
        return unfit_rows(self.schema, self.time, table, MAX_SECONDS)

    def check(self) -> None:
        """Refuse a plan that :meth:`Windows.learn` cannot have learned, such as a damaged one from a file.

        Raises
        ------
        SettingError
            If there is a fault; the message names it.
        """
        check_windows(self.schema, self.time, self.entity, self.shape, self.columns, self.usual_step)

    def keeps(self, column: str) -> bool:
        """Return whether a column of the table is one of the derived rows, too: the time and the entity are."""
        return column in (self.time, self.entity)

    def derives(self, column: str) -> bool:
        """Return whether a column is derived, and not one of the table."""
        return column in self._origins

    def original(self, column: str) -> str:
        """Return the raw column from which a derived column is computed."""
        return self._origins[column][0] if column in self._origins else column

    def words(self, column: str) -> str:
        """Return a derived column in words of the raw one: 'pressure: trend over the last 16 rows'."""
        return ": ".join(self._origins[column]) if column in self._origins else column

    @cached_property
    def _origins(self) -> Mapping[str, tuple[str, str]]:
        return self.columns.origins(self.shape.words)

"""Mergeable per-column summaries of the rows of a table that are no longer in memory.

One pass over the parts of a table, in one process or in many, records what a sample of the rows does not determine: the
smallest and the largest value, whether a value is missing, and which names occur.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from oddrow.columns._given_kinds import given_kind, is_ignored
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds import KINDS

MAX_NAMES = 1_000_000
"""Largest number of distinct values kept for all columns of a table together."""
MIN_COLUMN_NAMES, MAX_COLUMN_NAMES = 1_000, 100_000
"""Bounds of the number of distinct values kept for one column, whatever the number of columns."""


@dataclass(frozen=True, eq=False)
class TableSketch:
    """A summary of rows, column by column.

    Attributes
    ----------
    kinds : the given kinds of columns; ignored columns are not summarised
    columns : the sketches by name
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    n_rows: int = 0
    columns: Mapping[str, ColumnSketch] = field(default_factory=dict)

    def column(self, name: str) -> ColumnSketch:
        """Return the sketch of a column; that of no rows if the column was not summarised."""
        return self.columns.get(name, NO_ROWS)

    def extended(self, rows: pa.Table) -> TableSketch:
        """Return the sketch with further rows, which have the same columns."""
        if not rows.num_rows:
            return self
        most = min(max(MAX_NAMES // rows.num_columns, MIN_COLUMN_NAMES), MAX_COLUMN_NAMES)
        columns = {}
        for name in rows.column_names:
            known = self.column(name)
            if not is_ignored(self.kinds.get(name)):
                column = ColumnSketch.of(rows.column(name), most, known, of_names=self._takes_names(name))
                columns[name] = known.merged(column)
        return replace(self, n_rows=self.n_rows + rows.num_rows, columns=columns)

    def _takes_names(self, name: str) -> bool:
        kind = given_kind(self.kinds.get(name))
        return kind is not None and kind in KINDS and KINDS[kind].sketches_names

    def merged(self, other: TableSketch) -> TableSketch:
        """Return the sketch of the rows of both, which have the same columns."""
        columns = {name: self.column(name).merged(other.column(name)) for name in self.columns or other.columns}
        return replace(self, n_rows=self.n_rows + other.n_rows, columns=columns)


NOTHING_ELSE = TableSketch()
"""The sketch of no rows: there are no training rows outside the table."""

"""Derive the rows of a whole table in memory, whatever the order of its rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.sequences._preparation import Preparation, Prepared


def prepared_table(preparation: Preparation, table: pa.Table) -> Prepared:
    """Return the derived rows of a table, in the order of the rows at which they end.

    The rows are brought into the order of time first; rows of equal time keep their order.

    Raises
    ------
    SchemaMismatchError
        If a column is missing, or holds a value that its kind does not allow.
    DataError
        If the time of a row is missing.
    """
    columns = tuple(column for column in preparation.schema.columns if column.name == preparation.time)
    times = np.asarray(TableSchema(columns).values(table)[preparation.time], np.float64)
    order = np.arange(table.num_rows)
    if not np.isnan(times).any():  # the run's error names a row without a time
        order = np.argsort(times, kind="stable")
    is_ordered = bool(np.all(order[1:] > order[:-1]))
    prepared = preparation.begin().feed(table if is_ordered else table.take(pa.array(order)))
    if is_ordered:
        return prepared
    row = order[prepared.row]
    back = np.argsort(row, kind="stable")
    return Prepared(prepared.table.take(pa.array(back)), row[back])

"""Derive the rows of a whole table in memory, whatever the order of its rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.sequences._preparation import Preparation, Prepared
from oddrow.table import shortened


def unfit_rows(schema: TableSchema, time: str, table: pa.Table, latest: float = np.inf) -> dict[int, str]:
    """Return the rows from which nothing can be derived, with the reason; rows without a time are among them.

    Parameters
    ----------
    schema, time
        The raw columns that are read, and the one of the time.
    table
        The rows, counted from 0.
    latest
        The largest magnitude of a time.

    Raises
    ------
    SchemaMismatchError
        If a column is missing, or has a type that its kind does not allow in any row.
    """
    unfit = schema.unfit_rows(table)
    fits = np.ones(table.num_rows, np.bool_)
    fits[list(unfit)] = False
    places = np.flatnonzero(fits)
    times = _only(schema, time)
    seconds = np.asarray(times.values(table if not unfit else table.take(pa.array(places)))[time], np.float64)
    for place in np.flatnonzero(~(np.abs(seconds) <= latest)).tolist():
        what = "the time is missing" if np.isnan(seconds[place]) else "the time is out of range"
        unfit[int(places[place])] = f"column {shortened(time)}: {what}"
    return dict(sorted(unfit.items()))


def time_order(schema: TableSchema, time: str, table: pa.Table) -> npt.NDArray[np.int64]:
    """Return the rows of a table in the order of time; rows of equal time keep their order.

    If a row has no time, the rows keep their order: the pass over them raises the error, which names the row.
    """
    seconds = np.asarray(_only(schema, time).values(table)[time], np.float64)
    return np.arange(table.num_rows) if np.isnan(seconds).any() else np.argsort(seconds, kind="stable")


def _only(schema: TableSchema, name: str) -> TableSchema:
    """Return the schema of one column."""
    return TableSchema(tuple(column for column in schema.columns if column.name == name))


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
    order = time_order(preparation.schema, preparation.time, table)
    is_ordered = bool(np.all(order[1:] > order[:-1]))
    prepared = preparation.begin().feed(table if is_ordered else table.take(pa.array(order)))
    if is_ordered:
        return prepared
    row = order[prepared.row]
    back = np.argsort(row, kind="stable")
    return Prepared(prepared.table.take(pa.array(back)), row[back])

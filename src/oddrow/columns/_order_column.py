"""The values of a column by which the rows of a table are ordered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns._column_schema import Kind
from oddrow.columns._schema import TableSchema
from oddrow.exceptions import DataError
from oddrow.table import shortened

_ORDERED = (Kind.NUMBER, Kind.TIMESTAMP, Kind.COUNTER)


def order_values(table: pa.Table, name: str, kinds: dict[str, str] | None = None) -> npt.NDArray[np.float64]:
    """Return the times of the rows: seconds since 1970 of a column of dates or times, or the numbers of a column.

    Parameters
    ----------
    table
        The rows, whose types may be those of a file that stores text.
    name
        The column.
    kinds
        Kinds of columns set by hand, see :meth:`TableSchema.infer`; only that of this column matters.

    Raises
    ------
    DataError
        If the table has no such column, if a value is missing, or if the column holds neither times nor numbers.

    Examples
    --------
    >>> order_values(pa.table({"at": ["1970-01-01T00:01", "1970-01-01T00:02"]}), "at")
    array([ 60., 120.])
    """
    if name not in table.column_names:
        named = ", ".join(shortened(other) for other in table.column_names[:8])
        raise DataError(f"the table has no column {shortened(name)} to order its rows by; it has {named}")
    only = table.select([name])
    given = (kinds or {}).get(name)
    overrides = None if given in (None, Kind.IGNORE) else {name: given}
    column = TableSchema.judge(only, overrides).columns[0]
    if column.kind not in _ORDERED:
        # a column that identifies rows is left out of a model, but its numbers may order the rows
        column = TableSchema.judge(only, {name: Kind.NUMBER if _is_number(only) else Kind.TIMESTAMP}).columns[0]
    try:
        values = TableSchema((column,)).values(only)[name]
    except DataError as error:
        raise DataError(
            f"column {shortened(name)} cannot order the rows, as it holds neither times nor numbers: {error}"
        ) from error
    values = np.asarray(values, np.float64)
    is_missing = np.isnan(values)
    unread = np.flatnonzero(is_missing & ~np.asarray(only.column(0).is_null(nan_is_null=True)))
    if len(unread):
        raise DataError(
            f"column {shortened(name)} cannot order the rows: row {unread[0] + 1:,}, counted from 1, holds "
            f"{only.column(0)[int(unread[0])].as_py()!r:.60}, which is neither a time nor a number; order by "
            "another column"
        )
    missing = np.flatnonzero(is_missing)
    if len(missing):
        raise DataError(
            f"column {shortened(name)} has no value in {len(missing):,} rows (the first is row {missing[0] + 1:,}, "
            "counted from 1), so these cannot be ordered; leave these rows out, or order by another column"
        )
    return values


def _is_number(table: pa.Table) -> bool:
    kind = table.column(0).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))

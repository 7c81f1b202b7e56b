"""Any container of rows becomes a plain :class:`pyarrow.Table`.

Only the ``table`` package knows data frames. All other code sees plain columns: null, boolean, integer, float, string,
date, time and timestamp, with null as the only sign of a missing value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from oddrow.exceptions import DataError
from oddrow.remedies import Setting, remedy
from oddrow.table._as_written import AS_WRITTEN, is_as_written
from oddrow.table._containers import Reads, named_columns, reject_duplicates
from oddrow.table._names import unrepeated
from oddrow.table._plain_columns import plain_column
from oddrow.table._python_objects import as_text

__all__ = ["ReadableTable", "as_table", "readable_table"]


def as_table(
    X: Any,
    column_names: Sequence[str] | None = None,
    reads: Callable[[str], bool] | None = None,
    *,
    passes: bool = False,
) -> pa.Table:
    """Convert anything that holds a table to a plain :class:`pyarrow.Table` with the rows in the same order.

    Columns become plain: dictionaries (pandas' categories) are decoded, extension types are replaced by their storage
    type (UUIDs by text), decimals become float64, durations float64 seconds, NaN becomes null. Dates, times,
    timestamps and their zones stay. Names become strings; a pandas index is dropped. A column of Python objects gets
    the type that its values share; otherwise it becomes float64 if all values are numbers, and text by ``str()`` if
    not.

    Parameters
    ----------
    X
        An Arrow table or record batch, a pandas or polars data frame, a lazy frame (which is collected),
        whatever else narwhals or the Arrow PyCapsule interface (``__arrow_c_stream__``) understands, a 2-D
        NumPy array or what NumPy can turn into one, a mapping of names to sequences, or a list of mappings, one a
        row; a mapping of names to single values is one row.
    column_names
        Names for an input without names, such as an array; the default is x0, x1 and so on. Names of the input are
        kept.
    reads
        Whether the column of a name is read; by default all are. A column that is not read may hold anything: it
        keeps its name and its length, and its values become nulls. A name that is read may occur only once.
    passes
        Columns that are not read keep their values: those that can become plain do, others stay as they are.

    Raises
    ------
    DataError
        If X is not two-dimensional, is sparse or complex, has no columns, has a name twice, or has columns
        of bytes, of nested values, or of text that is not UTF-8. The error names all such columns.

    Examples
    --------
    >>> table = as_table([[1, "red"], [2, None]], column_names=["size", "colour"])
    >>> table.to_pydict()
    {'size': [1, 2], 'colour': ['red', None]}

    """
    found = _read(X, column_names, reads or _every, passes=passes)
    if found.unreadable:
        raise _unreadable(found.unreadable)
    return found.table


@dataclass(frozen=True, eq=False)
class ReadableTable:
    """A table whose columns were read as far as possible.

    Attributes
    ----------
    table : every column; those that cannot be read as nulls
    unreadable : the reason for each column that cannot be read
    """

    table: pa.Table
    unreadable: Mapping[str, str]


def readable_table(X: Any, column_names: Sequence[str] | None = None) -> ReadableTable:
    """As :func:`as_table`, but a column that cannot be read is reported in the result instead of an error.

    Raises
    ------
    DataError
        If X is not a table, or has a name twice.

    Examples
    --------
    >>> found = readable_table({"size": [1, 2], "tags": [["a"], []]})
    >>> found.table.to_pydict()
    {'size': [1, 2], 'tags': [None, None]}
    >>> found.unreadable
    {'tags': "column 'tags' holds nested values (list<item: string>); drop it, or flatten it into plain columns"}
    """
    found = _read(X, column_names, _every, passes=False)
    return ReadableTable(found.table, {name: str(problem) for name, problem in found.unreadable.items()})


class _Read(NamedTuple):
    table: pa.Table
    unreadable: dict[str, DataError]


def _read(X: Any, column_names: Sequence[str] | None, reads: Reads, *, passes: bool) -> _Read:
    named, columns = named_columns(X, column_names, reads)
    names = [as_text(name) for name in named]
    if not names:
        rows = next(iter(getattr(X, "shape", (0,))), 0)
        # scikit-learn's estimator checks require these words.
        raise DataError(f"the table has no columns: 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    reject_duplicates([name for name in names if reads(name)])
    unreadable: dict[str, DataError] = {}
    plain = []
    for name, column in zip(names, columns, strict=True):
        is_read = reads(name)
        if not is_read and not passes:
            plain.append(pa.nulls(column.length))
            continue
        given = None
        try:
            given = column.read()
            plain.append(plain_column(name, given))
        except DataError as problem:
            if is_read:
                unreadable[name] = problem
            plain.append(pa.nulls(column.length) if is_read or given is None else given)
    is_arrow = isinstance(X, (pa.Table, pa.RecordBatch))
    metadata = AS_WRITTEN if is_arrow and is_as_written(X.schema) else None
    table = pa.Table.from_arrays(plain, names=list(unrepeated(names)[0]))
    return _Read(table.replace_schema_metadata(metadata) if metadata else table, unreadable)


def _unreadable(problems: Mapping[str, DataError]) -> DataError:
    """One error for all columns that cannot be read."""
    first = next(iter(problems.values()))
    names = list(problems)
    ignored = Setting("columns", dict.fromkeys(names, "ignore"))
    if len(names) == 1:
        return DataError(first.message, remedy=remedy("or leave it out with ", ignored))
    listed = ". ".join(problem.message for problem in problems.values())
    return DataError(
        f"{len(names)} columns cannot be read. {listed}", remedy=remedy("or leave them out with ", ignored)
    )


def _every(name: str) -> bool:  # noqa: ARG001 - every column, whatever its name
    return True

"""The border where tables come in: whatever holds one leaves as a plain :class:`pyarrow.Table`.

Here, and in the reading of files, is the only place that knows of data frames. Everything behind it sees
plain columns: null, boolean, integer, float, string, date, time and timestamp; null is the only sign of a
missing value. pandas and polars are never imported here: narwhals speaks to whichever of them the caller
has loaded already, and is itself imported only when something other than Arrow or NumPy arrives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError
from oddrow.remedies import Setting, remedy
from oddrow.table._as_written import AS_WRITTEN, is_as_written
from oddrow.table._names import unrepeated
from oddrow.table._python_objects import as_text, binary, from_numpy, from_objects, nested
from oddrow.table._values import TICKS, counted, shortened

__all__ = ["ReadableTable", "as_table", "readable_table"]


def as_table(
    X: Any,
    column_names: Sequence[str] | None = None,
    reads: Callable[[str], bool] | None = None,
    *,
    passes: bool = False,
) -> pa.Table:
    """Turn anything that holds a table into a plain :class:`pyarrow.Table`, in the same order.

    Columns become plain: dictionaries (pandas' categories) are decoded, extension types give way to their
    storage (UUIDs their text), decimals become float64, durations float64 seconds, NaN becomes null. Dates, times,
    timestamps and their zones stay. Names become strings; a pandas index is dropped. A column of Python objects keeps
    the type that its values share; otherwise it becomes float64 where all values are numbers, and text by
    ``str()`` where not.

    Parameters
    ----------
    X
        An Arrow table or record batch, a pandas or polars data frame, a lazy frame (which is collected),
        whatever else narwhals or the Arrow PyCapsule interface (``__arrow_c_stream__``) understands, a 2-D
        NumPy array or what NumPy can turn into one, a mapping of names to sequences, or a list of mappings, one a
        row; a mapping of names to single values is one row.
    column_names
        Names for an input that has none of its own, such as an array; without them its columns are called
        x0, x1 and so on. Names that the input has always win.
    reads
        Whether the column of a name is read; without it all are. A column that is not read may hold anything: it
        keeps its name and its length, and its values come as nulls. A name that occurs twice may not be read.
    passes
        Columns that are not read come with their values: plain ones as if they were read, others as they are.

    Raises
    ------
    DataError
        If X is not two-dimensional, is sparse or complex, has no columns, has a name twice, or has columns
        of bytes, of nested values, or of text that is no UTF-8, which are all named.

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
    """A table as far as it can be read.

    Attributes
    ----------
    table : every column; those that cannot be read as nulls
    unreadable : the reason for each column that cannot be read
    """

    table: pa.Table
    unreadable: Mapping[str, str]


def readable_table(X: Any, column_names: Sequence[str] | None = None) -> ReadableTable:
    """As :func:`as_table`, but a column that cannot be read is told and no error.

    Raises
    ------
    DataError
        If X is no table, or has a name twice.

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


def _read(X: Any, column_names: Sequence[str] | None, reads: _Reads, *, passes: bool) -> _Read:
    named, columns = _named_columns(X, column_names, reads)
    names = [as_text(name) for name in named]
    if not names:
        rows = next(iter(getattr(X, "shape", (0,))), 0)
        # scikit-learn's estimator checks look for these very words.
        raise DataError(f"the table has no columns: 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    _reject_duplicates([name for name in names if reads(name)])
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
            plain.append(_plain_column(name, given))
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


# The container: which names, which columns ------------------------------------------------------------------


_Reads: TypeAlias = Callable[[str], bool]


class _Column(NamedTuple):
    """One column: how many values it has, and what gives them as an Arrow array."""

    length: int
    read: Callable[[], Any]


def _held(column: Any) -> _Column:
    return _Column(len(column), lambda: column)


def _named_columns(X: Any, column_names: Sequence[str] | None, reads: _Reads) -> tuple[list[Any], list[_Column]]:
    if isinstance(X, pa.RecordBatch):
        X = pa.Table.from_batches([X])
    if isinstance(X, pa.Table):
        return X.column_names, list(map(_held, X.columns))
    if hasattr(X, "toarray") and hasattr(X, "nnz"):  # before the mappings: SciPy's DOK form is one too
        raise DataError("X is a sparse matrix, but dense data is required; convert it with X.toarray()")
    if isinstance(X, Mapping):
        return _from_mapping(X, reads)
    if isinstance(X, (list, tuple)) and X and all(isinstance(row, Mapping) for row in X):
        keys = dict.fromkeys(key for row in X for key in row)
        return _from_mapping({key: [row.get(key) for row in X] for key in keys}, reads)
    if isinstance(X, (str, bytes)):
        raise DataError(f"{X!r:.60} is a text, not a table; to read a file, use read_table")
    if not isinstance(X, (np.ndarray, list, tuple)):
        if _is_one_column(X):
            raise _one_dimensional(X)
        found = _from_frame(X, reads)
        if found is not None:
            return found
    return _from_array(X, column_names)


def _from_frame(X: Any, reads: _Reads) -> tuple[list[Any], list[_Column]] | None:
    import narwhals as nw

    try:
        frame: Any = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        names = [as_text(name) for name in X.columns]
        _reject_duplicates([name for name in names if reads(name)])
        if not hasattr(X, "set_axis"):
            raise DataError(str(error)) from error
        frame = nw.from_native(X.set_axis([f"{place}" for place in range(len(names))], axis=1))
        return names, [_Column(len(one), partial(_from_series, one)) for one in frame.iter_columns()]
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        # Column by column, for a whole pandas frame would bring its index along and fail on one mixed column.
        series = list(frame.iter_columns())
        return [one.name for one in series], [_Column(len(one), partial(_from_series, one)) for one in series]
    if hasattr(X, "__arrow_c_stream__"):
        try:
            table = pa.table(X)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{type(X).__name__} does not hand over an Arrow table: {error}") from error
        return table.column_names, list(map(_held, table.columns))
    return None


def _from_series(series: Any) -> Any:
    import narwhals as nw

    if series.dtype in (nw.Int128, nw.UInt128):  # which neither Arrow nor NumPy has; by way of text, rounded once
        return series.cast(nw.String).to_arrow().cast(pa.string()).cast(pa.float64())
    if series.dtype != nw.Object:  # polars would hand over its objects as the bytes of their addresses
        try:
            return series.to_arrow()
        except (pa.ArrowException, TypeError, ValueError):
            pass  # sparse and complex columns and half surrogates, which the way through NumPy reads or names
    try:
        values = series.to_numpy()
    except Exception as error:  # each library of data frames has errors of its own
        raise DataError(
            f"column {shortened(str(series.name))} has the type {series.dtype}, which cannot be read; "
            "drop it, or convert it to numbers, text or times"
        ) from error
    return from_numpy(str(series.name), values)


def _from_mapping(X: Mapping[Any, Any], reads: _Reads) -> tuple[list[Any], list[_Column]]:
    names = [as_text(name) for name in X]
    values = list(X.values())
    if values and all(value is None or isinstance(value, _SINGLE) for value in values):
        values = [[value] for value in values]  # one row
    columns = [_from_sequence(name, one, reads) for name, one in zip(names, values, strict=True)]
    lengths = {name: column.length for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise DataError(
            f"the columns differ in length: {shortened(shortest)} has {lengths[shortest]} values, "
            f"{shortened(longest)} has {lengths[longest]}"
        )
    return names, columns


_SINGLE = (str, bytes, bool, int, float, Decimal, date, time, timedelta, np.generic)


def _from_sequence(name: str, values: Any, reads: _Reads) -> _Column:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return _held(values)
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return _Column(len(values), partial(from_numpy, name, values))
    if isinstance(values, (list, tuple, range)):
        return _Column(len(values), lambda: from_objects(name, np.fromiter(values, dtype=object, count=len(values))))
    if _is_one_column(values):
        import narwhals as nw

        series: Any = nw.from_native(values, series_only=True, pass_through=True)
        if isinstance(series, nw.Series):
            return _Column(len(series), partial(_from_series, series))

    if not reads(name) and hasattr(values, "__len__"):
        return _held(pa.nulls(len(values)))
    raise DataError(f"column {shortened(name)} must be a sequence of values, but is of type {type(values).__name__}")


def _from_array(X: Any, column_names: Sequence[str] | None) -> tuple[list[Any], list[_Column]]:
    array = X if isinstance(X, np.ma.MaskedArray) else _array_of(X)
    if array.dtype.kind == "c":
        raise DataError("Complex data not supported; split it into real and imaginary columns")
    _reject_dimensions(array.ndim, X)
    n_rows, width = array.shape
    names = [f"x{j}" for j in range(width)] if column_names is None else list(column_names)
    if len(names) != width:
        raise DataError(f"the array has {width} columns, but {len(names)} column names were given")
    return names, [_Column(n_rows, partial(from_numpy, str(name), array[:, j])) for j, name in enumerate(names)]


def _array_of(X: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(X)
        if isinstance(X, (list, tuple)) and array.dtype.kind in "US":
            return np.asarray(X, dtype=object)  # NumPy turned the numbers beside the texts into texts
        return array
    except ValueError as error:
        raise DataError(f"X cannot be read as a table with rows of one length: {error}") from error


def _is_one_column(X: Any) -> bool:
    return isinstance(X, (pa.Array, pa.ChunkedArray)) or len(getattr(X, "shape", ())) == 1


def _one_dimensional(X: Any) -> DataError:
    # scikit-learn's estimator checks look for these very words.
    return DataError(
        f"Expected 2D array, got 1D array instead. Reshape your data: a {type(X).__name__} of {len(X)} values is one "
        "column or one row, and no table; of one row give df.iloc[[0]], with two brackets, or a list of one dict, of "
        'one column {"name": values}'
    )


def _reject_dimensions(count: int, X: Any = None) -> None:
    if count == 0:
        raise DataError(f"Expected 2D array, got a scalar instead: cannot read a table from {type(X).__name__}")
    if count != 2:
        raise DataError(
            f"Expected 2D array, got {count}D array instead. Reshape your data: array.reshape(-1, 1) "
            "if it is one column, array.reshape(1, -1) if it is one row"
        )


def _reject_duplicates(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        listed = ", ".join(map(shortened, twice[:8])) + (f" and {len(twice) - 8} more" if len(twice) > 8 else "")
        raise DataError(f"column names must be unique, but these occur more than once: {listed}")


# The types: Arrow to plain ----------------------------------------------------------------------------------


def _plain_column(name: str, column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    given = column.type
    try:
        column = _unwrapped(column)
        for is_kind, convert in _PLAIN_READINGS:
            if is_kind(column.type):
                return convert(column)
    except pa.ArrowException as error:
        raise DataError(
            f"column {shortened(name)} has the type {given}, but cannot be read as such ({error}); drop or convert it"
        ) from error
    kind = column.type
    if _is_binary(kind):
        raise binary(name)
    if pa.types.is_nested(kind) or isinstance(kind, pa.JsonType):
        raise nested(name, str(kind))
    raise DataError(f"column {shortened(name)} has the type {kind}, which cannot be read; drop or convert it")


def _unwrapped(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take off what only says how values are stored or meant: extension types, dictionaries, runs."""
    kind = column.type
    if isinstance(kind, pa.UuidType):
        return pa.chunked_array([[None if one is None else str(one) for one in column.to_pylist()]], pa.string())
    if isinstance(kind, pa.JsonType):
        return column
    if isinstance(kind, pa.BaseExtensionType):
        return _unwrapped(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _unwrapped(column.cast(kind.value_type))
    if pa.types.is_run_end_encoded(kind):
        return _unwrapped(pc.run_end_decode(column))
    return column


def _float_without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == pa.float16():
        column = column.cast(pa.float32())  # Arrow computes little with half floats
    is_nan = pc.is_nan(column)
    if not pc.any(is_nan).as_py():
        return column
    return pc.if_else(is_nan, pa.scalar(None, column.type), column)


def _checked_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column.validate(full=True)  # Arrow trusts whoever filled its buffers that they hold UTF-8
    return column.cast(pa.string())


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(counted(column, TICKS[column.type.unit]), from_pandas=True)])


def _decimal(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # By way of text, which is rounded once: Arrow's own way gives the same number of another scale other bits.
    return column.cast(pa.string()).cast(pa.float64())


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_binary,
            types.is_large_binary,
            types.is_binary_view,
            types.is_fixed_size_binary,
        )
    )


def _as_is(value: Any) -> Any:
    return value


_PLAIN_READINGS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], pa.ChunkedArray]], ...] = (
    (pa.types.is_floating, _float_without_nan),
    (pa.types.is_integer, _as_is),
    (pa.types.is_string, _checked_text),
    (pa.types.is_boolean, _as_is),
    (pa.types.is_null, _as_is),
    (pa.types.is_date, _as_is),
    (pa.types.is_time, _as_is),
    (pa.types.is_timestamp, _as_is),
    (pa.types.is_duration, _seconds),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_large_string, _checked_text),
    (pa.types.is_string_view, _checked_text),
)

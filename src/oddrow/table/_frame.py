"""The border where tables come in: whatever holds one leaves as a plain :class:`pyarrow.Table`.

Here, and in the reading of files, is the only place that knows of data frames. Everything behind it sees
plain columns: null, boolean, integer, float, string, date, time and timestamp; null is the only sign of a
missing value. pandas and polars are never imported here: narwhals speaks to whichever of them the caller
has loaded already, and is itself imported only when something other than Arrow or NumPy arrives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError

__all__ = ["as_table"]


def as_table(X: Any, column_names: Sequence[str] | None = None) -> pa.Table:
    """Turn anything that holds a table into a plain :class:`pyarrow.Table`, in the same order.

    Columns become plain: dictionaries (pandas' categories) are decoded, extension types give way to their
    storage, decimals become float64, durations float64 seconds, NaN becomes null. Dates, times, timestamps
    and their zones stay. Names become strings; a pandas index is dropped. A column of Python objects keeps
    the type that its values share; otherwise it becomes float64 where all values are numbers, and text by
    ``str()`` where not.

    Parameters
    ----------
    X
        An Arrow table or record batch, a pandas or polars data frame, a lazy frame (which is collected),
        whatever else narwhals or the Arrow PyCapsule interface (``__arrow_c_stream__``) understands, a 2-D
        NumPy array or what NumPy can turn into one, or a mapping of names to sequences.
    column_names
        Names for an input that has none of its own, such as an array; without them its columns are called
        x0, x1 and so on. Names that the input has always win.

    Raises
    ------
    DataError
        If X is not two-dimensional, is sparse or complex, has no columns, has a name twice, or has a column
        of bytes or of nested values.

    Examples
    --------
    >>> table = as_table([[1, "red"], [2, None]], column_names=["size", "colour"])
    >>> table.to_pydict()
    {'size': [1, 2], 'colour': ['red', None]}

    """
    names, columns = _named_columns(X, column_names)
    names = [str(name) for name in names]
    if not names:
        rows = next(iter(getattr(X, "shape", (0,))), 0)
        # scikit-learn's estimator checks look for these very words.
        raise DataError(f"the table has no columns: 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    _reject_duplicates(names)
    plain = [_plain_column(name, column) for name, column in zip(names, columns, strict=True)]
    return pa.Table.from_arrays(plain, names=names)


# The container: which names, which columns ------------------------------------------------------------------


def _named_columns(X: Any, column_names: Sequence[str] | None) -> tuple[list[Any], list[Any]]:
    if isinstance(X, pa.RecordBatch):
        X = pa.Table.from_batches([X])
    if isinstance(X, pa.Table):
        return X.column_names, X.columns
    if hasattr(X, "toarray") and hasattr(X, "nnz"):  # before the mappings: SciPy's DOK form is one too
        raise DataError("X is a sparse matrix, but dense data is required; convert it with X.toarray()")
    if isinstance(X, Mapping):
        return _from_mapping(X)
    if isinstance(X, (str, bytes)):
        raise DataError(f"{X!r:.60} is a text, not a table; to read a file, use read_table")
    if not isinstance(X, (np.ndarray, list, tuple)):
        _reject_dimensions(1 if _is_one_column(X) else 2)
        found = _from_frame(X)
        if found is not None:
            return found
    return _from_array(X, column_names)


def _from_frame(X: Any) -> tuple[list[Any], list[Any]] | None:
    import narwhals as nw

    try:
        frame: Any = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        _reject_duplicates([str(name) for name in X.columns])
        raise DataError(str(error)) from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        # Column by column, for a whole pandas frame would bring its index along and fail on one mixed column.
        series = list(frame.iter_columns())
        return [one.name for one in series], [_from_series(one) for one in series]
    if hasattr(X, "__arrow_c_stream__"):
        try:
            table = pa.table(X)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{type(X).__name__} does not hand over an Arrow table: {error}") from error
        return table.column_names, table.columns
    return None


def _from_series(series: Any) -> Any:
    import narwhals as nw

    if series.dtype != nw.Object:  # polars would hand over its objects as the bytes of their addresses
        try:
            return series.to_arrow()
        except (pa.ArrowException, TypeError, ValueError):
            pass  # sparse and complex columns and half surrogates, which the way through NumPy reads or names
    return _from_values(str(series.name), series.to_numpy())


def _from_mapping(X: Mapping[Any, Any]) -> tuple[list[Any], list[Any]]:
    columns = [_from_sequence(str(name), values) for name, values in X.items()]
    lengths = {str(name): len(column) for name, column in zip(X, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise DataError(
            f"the columns differ in length: {shortest!r} has {lengths[shortest]} values, "
            f"{longest!r} has {lengths[longest]}"
        )
    return list(X), columns


def _from_sequence(name: str, values: Any) -> Any:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return _from_values(name, values)
    if isinstance(values, (list, tuple, range)):
        return _from_objects(name, np.fromiter(values, dtype=object, count=len(values)))
    if _is_one_column(values):
        import narwhals as nw

        series: Any = nw.from_native(values, series_only=True, pass_through=True)
        if isinstance(series, nw.Series):
            return _from_series(series)
    raise DataError(f"column {name!r} must be a sequence of values, but is of type {type(values).__name__}")


def _from_array(X: Any, column_names: Sequence[str] | None) -> tuple[list[Any], list[Any]]:
    array = X if isinstance(X, np.ma.MaskedArray) else _array_of(X)
    if array.dtype.kind == "c":
        raise DataError("Complex data not supported; split it into real and imaginary columns")
    _reject_dimensions(array.ndim, X)
    width = array.shape[1]
    names = [f"x{j}" for j in range(width)] if column_names is None else list(column_names)
    if len(names) != width:
        raise DataError(f"the array has {width} columns, but {len(names)} column names were given")
    return names, [_from_values(str(name), array[:, j]) for j, name in enumerate(names)]


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
        listed = ", ".join(map(repr, twice))
        raise DataError(f"column names must be unique, but these occur more than once: {listed}")


# The values: Python and NumPy to Arrow ----------------------------------------------------------------------


def _from_values(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read one NumPy column ``values`` [n]; NaN, NaT and masked values become null."""
    kind = values.dtype.kind
    if kind == "c":
        raise DataError(f"Complex data not supported: column {name!r}; split it into real and imaginary parts")
    if kind == "O":
        if isinstance(values, np.ma.MaskedArray):
            mask, values = np.ma.getmaskarray(values), values.filled().copy()
            values[mask] = None
        return _from_objects(name, values)
    try:
        return pa.array(_arrow_ready(values), from_pandas=True)
    except (pa.ArrowException, TypeError) as error:
        raise DataError(f"column {name!r} cannot be read: its NumPy type is {values.dtype}") from error


def _arrow_ready(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Move the NumPy types that Arrow lacks to the nearest one it has."""
    dtype = values.dtype
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return values.astype(np.float32 if dtype.itemsize < 4 else np.float64)
    if dtype.kind in "mM":
        unit = np.datetime_data(dtype)[0]
        if unit not in ("s", "ms", "us", "ns") and (dtype.kind, unit) != ("M", "D"):
            return values.astype(f"{dtype.kind}8[s]")
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def _from_objects(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read one column of Python objects ``values`` [n] by the type they share, or as :func:`_from_mixed`."""
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, OverflowError, UnicodeEncodeError):
        return _from_mixed(name, values)
    # Arrow reads a date first and a datetime after it as two dates, and would lose the time of day. A UUID
    # becomes an extension type of bytes, though its text is what a reader knows it by.
    if isinstance(column.type, pa.BaseExtensionType) or pa.types.is_date(column.type):
        return _from_mixed(name, values)
    return column


def _from_mixed(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Read objects of several types: numbers as float64, days and moments as timestamps, others as text.

    Text keeps every distinction that ``str()`` shows, so that a stray word in a column of numbers is seen as
    such by whoever infers the column's kind, instead of stopping the reading or passing for a missing value.
    """
    present = [value for value in values if not _is_missing(value)]
    for value in present:
        if isinstance(value, (dict, list, tuple, set, frozenset, np.ndarray)):
            raise _nested(name, type(value).__name__)
        if isinstance(value, (bytes, bytearray, memoryview)):
            raise _binary(name)
        if isinstance(value, (complex, np.complexfloating)):
            raise DataError(f"Complex data not supported: column {name!r} holds {value}")
    convert, kind = _shared_reading(present)
    return pa.array([None if _is_missing(value) else convert(value) for value in values], kind)


def _shared_reading(present: list[Any]) -> tuple[Callable[[Any], Any], pa.DataType]:
    if not present:
        return _as_is, pa.null()
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return bool, pa.bool_()
    if all(isinstance(value, (Real, Decimal, np.bool_)) for value in present):
        try:
            for value in present:
                float(value)
            return float, pa.float64()
        except OverflowError:
            return _as_text, pa.string()
    if all(isinstance(value, date) for value in present):
        moments = [value for value in present if isinstance(value, datetime)]
        if not moments:
            return _as_is, pa.date32()
        # A day has no zone: beside moments that have one it stays text.
        if not any(value.tzinfo for value in moments):
            return _as_moment, pa.timestamp("us")
    return _as_text, pa.string()


def _as_text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode()  # half a surrogate pair is no text that Arrow holds


def _as_moment(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time())


def _is_missing(value: Any) -> bool:
    # pandas' markers are known by name, for pandas may not be imported here.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    can_be_nan = (float, Decimal, np.floating, np.datetime64, np.timedelta64)
    return isinstance(value, can_be_nan) and bool(value != value)


# The types: Arrow to plain ----------------------------------------------------------------------------------


def _plain_column(name: str, column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    column = _unwrapped(column)
    kind = column.type
    for is_kind, convert in _PLAIN_READINGS:
        if is_kind(kind):
            return convert(column)
    if _is_binary(kind):
        raise _binary(name)
    if pa.types.is_nested(kind):
        raise _nested(name, str(kind))
    raise DataError(f"column {name!r} has the type {kind}, which cannot be read; drop or convert it")


def _unwrapped(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take off what only says how values are stored or meant: extension types, dictionaries, runs."""
    kind = column.type
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


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    ticks_per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    # Unsafe, for the safe cast refuses counts over 2**53, where a float64 rounds: 104 days of nanoseconds.
    ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
    return pc.divide(ticks, float(ticks_per_second))


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


def _binary(name: str) -> DataError:
    return DataError(f"column {name!r} holds bytes, which cannot be compared; drop it, or decode it to text")


def _nested(name: str, kind: str) -> DataError:
    return DataError(f"column {name!r} holds nested values ({kind:.60}); drop it, or flatten it into plain columns")


def _as_is(value: Any) -> Any:
    return value


_PLAIN_READINGS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], pa.ChunkedArray]], ...] = (
    (pa.types.is_floating, _float_without_nan),
    (pa.types.is_integer, _as_is),
    (pa.types.is_string, _as_is),
    (pa.types.is_boolean, _as_is),
    (pa.types.is_null, _as_is),
    (pa.types.is_date, _as_is),
    (pa.types.is_time, _as_is),
    (pa.types.is_timestamp, _as_is),
    (pa.types.is_duration, _seconds),
    (pa.types.is_decimal, lambda column: column.cast(pa.float64())),
    (pa.types.is_large_string, lambda column: column.cast(pa.string())),
    (pa.types.is_string_view, lambda column: column.cast(pa.string())),
)

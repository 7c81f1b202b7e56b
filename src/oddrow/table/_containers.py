"""The columns of any container of rows: Arrow tables, data frames, arrays, mappings and lists.

pandas and polars are never imported here: narwhals works with whichever of them the caller has loaded already, and is
itself imported only when something other than Arrow or NumPy arrives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import DataError
from oddrow.table._python_objects import as_text, from_numpy, from_objects
from oddrow.table._values import shortened

__all__ = ["Column", "Reads", "named_columns", "reject_duplicates"]

Reads: TypeAlias = Callable[[str], bool]


class Column(NamedTuple):
    """One column: its number of values, and a function that returns them as an Arrow array."""

    length: int
    read: Callable[[], Any]


def _held(column: Any) -> Column:
    return Column(len(column), lambda: column)


def named_columns(X: Any, column_names: Sequence[str] | None, reads: Reads) -> tuple[list[Any], list[Column]]:
    """The names and the columns of a container; columns are converted to Arrow only when they are read.

    Raises
    ------
    DataError
        If X is not a table.
    """
    if isinstance(X, pa.RecordBatch):
        X = pa.Table.from_batches([X])
    if isinstance(X, pa.Table):
        return X.column_names, list(map(_held, X.columns))
    if hasattr(X, "toarray") and hasattr(X, "nnz"):  # before the mappings, because SciPy's DOK format is one
        raise DataError("X is a sparse matrix, but dense data is required; convert it with X.toarray()")
    if isinstance(X, Mapping):
        return _from_mapping(X, reads)
    if isinstance(X, (list, tuple)) and X and all(isinstance(row, Mapping) for row in X):
        keys = dict.fromkeys(key for row in X for key in row)
        return _from_mapping({key: [row.get(key) for row in X] for key in keys}, reads)
    if isinstance(X, (str, bytes)):
        raise DataError(f"{X!r:.60} is a text, not a table; to read a file, use oddrow.files.open(path).read()")
    if not isinstance(X, (np.ndarray, list, tuple)):
        if _is_one_column(X):
            raise _one_dimensional(X)
        found = _from_frame(X, reads)
        if found is not None:
            return found
    return _from_array(X, column_names)


def _from_frame(X: Any, reads: Reads) -> tuple[list[Any], list[Column]] | None:
    import narwhals as nw

    try:
        frame: Any = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        names = [as_text(name) for name in X.columns]
        reject_duplicates([name for name in names if reads(name)])
        if not hasattr(X, "set_axis"):
            raise DataError(str(error)) from error
        frame = nw.from_native(X.set_axis([f"{place}" for place in range(len(names))], axis=1))
        return names, [Column(len(one), partial(_from_series, one)) for one in frame.iter_columns()]
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        # Column by column: converting a whole pandas frame adds its index, and fails on one mixed column.
        series = list(frame.iter_columns())
        return [one.name for one in series], [Column(len(one), partial(_from_series, one)) for one in series]
    if hasattr(X, "__arrow_c_stream__"):
        try:
            table = pa.table(X)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{type(X).__name__} does not give an Arrow table: {error}") from error
        return table.column_names, list(map(_held, table.columns))
    return None


def _from_series(series: Any) -> Any:
    import narwhals as nw

    if series.dtype in (
        nw.Int128,
        nw.UInt128,
    ):  # by way of text, which is rounded once
        return series.cast(nw.String).to_arrow().cast(pa.string()).cast(pa.float64())
    if series.dtype != nw.Object:  # polars converts objects to the bytes of their addresses
        try:
            return series.to_arrow()
        except (pa.ArrowException, TypeError, ValueError):
            pass  # sparse and complex columns and lone surrogates: NumPy reads them, or the error names them
    try:
        values = series.to_numpy()
    except Exception as error:  # each data frame library raises its own errors
        raise DataError(
            f"column {shortened(str(series.name))} has the type {series.dtype}, which cannot be read; "
            "drop it, or convert it to numbers, text or times"
        ) from error
    return from_numpy(str(series.name), values)


def _from_mapping(X: Mapping[Any, Any], reads: Reads) -> tuple[list[Any], list[Column]]:
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


def _from_sequence(name: str, values: Any, reads: Reads) -> Column:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return _held(values)
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return Column(len(values), partial(from_numpy, name, values))
    if isinstance(values, (list, tuple, range)):
        return Column(len(values), lambda: from_objects(name, np.fromiter(values, dtype=object, count=len(values))))
    if _is_one_column(values):
        import narwhals as nw

        series: Any = nw.from_native(values, series_only=True, pass_through=True)
        if isinstance(series, nw.Series):
            return Column(len(series), partial(_from_series, series))

    if not reads(name) and hasattr(values, "__len__"):
        return _held(pa.nulls(len(values)))
    raise DataError(f"column {shortened(name)} must be a sequence of values, but is of type {type(values).__name__}")


def _from_array(X: Any, column_names: Sequence[str] | None) -> tuple[list[Any], list[Column]]:
    array = X if isinstance(X, np.ma.MaskedArray) else _array_of(X)
    if array.dtype.kind == "c":
        raise DataError("Complex data not supported; split it into real and imaginary columns")
    _reject_dimensions(array.ndim, X)
    n_rows, width = array.shape
    names = [f"x{j}" for j in range(width)] if column_names is None else list(column_names)
    if len(names) != width:
        raise DataError(f"the array has {width} columns, but {len(names)} column names were given")
    return names, [Column(n_rows, partial(from_numpy, str(name), array[:, j])) for j, name in enumerate(names)]


def _array_of(X: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(X)
        if isinstance(X, (list, tuple)) and array.dtype.kind in "US":
            return np.asarray(X, dtype=object)  # NumPy converts numbers in a column with texts to texts
        return array
    except ValueError as error:
        raise DataError(f"X cannot be read as a table with rows of one length: {error}") from error


def _is_one_column(X: Any) -> bool:
    return isinstance(X, (pa.Array, pa.ChunkedArray)) or len(getattr(X, "shape", ())) == 1


def _one_dimensional(X: Any) -> DataError:
    # scikit-learn's estimator checks require these words.
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


def reject_duplicates(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        listed = ", ".join(map(shortened, twice[:8])) + (f" and {len(twice) - 8} more" if len(twice) > 8 else "")
        raise DataError(f"column names must be unique, but these occur more than once: {listed}")

"""Arrow columns of any type become plain columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError
from oddrow.table._python_objects import binary, nested
from oddrow.table._values import TICKS, counted, shortened

__all__ = ["plain_column"]


def plain_column(name: str, column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
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
    """Decode dictionaries and run-end encoding, and replace extension types by their storage type."""
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
        column = column.cast(pa.float32())  # Arrow has few functions for half floats
    is_nan = pc.is_nan(column)
    if not pc.any(is_nan).as_py():
        return column
    return pc.if_else(is_nan, pa.scalar(None, column.type), column)


def _checked_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column.validate(full=True)  # Arrow itself does not check that its buffers hold UTF-8
    return column.cast(pa.string())


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(counted(column, TICKS[column.type.unit]), from_pandas=True)])


def _decimal(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # A number read from text is rounded once. Arrow's own cast gives equal numbers of different scale different bits.
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

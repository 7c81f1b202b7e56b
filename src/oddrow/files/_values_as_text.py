"""Values of Arrow columns as text, for files of CSV and JSON lines."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

__all__ = ["as_json", "in_utc", "plain_texts"]


def plain_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of a column as text: lists, structs and maps as JSON, bytes as hexadecimal digits."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column
    try:
        if not (pa.types.is_nested(kind) or _is_binary(kind)):
            return column.cast(pa.string())
    except pa.ArrowException:  # Arrow has no text for some types, such as intervals
        pass
    return pa.chunked_array([[_as_text(value) for value in column.to_pylist()]], pa.string())


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=as_json) if isinstance(value, (list, dict)) else str(value)


def as_json(value: Any) -> str:
    """The text of a value that JSON has no type for."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    )


def in_utc(table: pa.Table) -> pa.Table:
    """Convert every column with a time zone to UTC: writing UTC as text needs no database of time zones."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            utc = table.column(place).cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(place, field.name, utc)
    return table

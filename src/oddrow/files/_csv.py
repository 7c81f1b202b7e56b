"""CSV and TSV: bytes to columns of text, each field as it is written, and back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import TableReadError
from oddrow.files._csv_dialect import CsvDialect
from oddrow.files._csv_records import Region, ends_whole, record_problem, records, way_out

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "as_json",
    "in_utc",
    "plain_texts",
    "text_columns",
    "write_header",
    "write_rows",
]

# From bytes to columns of text ------------------------------------------------------------------------------

_BLOCK = 1 << 24
_FEW_BYTES = 1 << 20  # which one thread has read before another has woken up
_ROWS_AT_ONCE = 1 << 15
_MANY_BYTES = 1 << 28


def text_columns(region: Region, dialect: CsvDialect, *, only_count: bool = False) -> list[pa.ChunkedArray]:
    """The fields of whole records of UTF-8 as columns of text; with ``only_count`` the first column alone.

    An empty field is null, and a quoted one that is empty a text of no letters.

    Raises
    ------
    TableReadError
        Names the line that is wrong.
    """
    data = region.data
    if not data.strip(b"\r\n") and (dialect.width > 1 or not data):
        return [pa.chunked_array([], pa.string())] * dialect.width
    problem: Exception | None = None
    try:
        if b"\0" not in data and ends_whole(data, dialect.delimiter):
            return _text_columns(data, dialect.delimiter, dialect.width, only_count)
    except pa.ArrowInvalid as error:
        problem = error
    for record in records(region, dialect.delimiter):
        found = record_problem(record.data, dialect.delimiter, dialect.width)
        if found is not None:
            place = f"{dialect.label}, line {record.line}"
            raise TableReadError(f"{place}: {found}", remedy=way_out(found)) from problem
    raise TableReadError(f"{dialect.label}: cannot be read as CSV: {problem}") from problem


def _text_columns(data: bytes, delimiter: str, width: int, only_count: bool) -> list[pa.ChunkedArray]:
    """Split into fields and leave them text: pyarrow would infer types from the first block alone."""
    import pyarrow.csv as arrow_csv

    names = [str(place) for place in range(width)]
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(column_names=names, block_size=_BLOCK, use_threads=len(data) > _FEW_BYTES),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=width > 1
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # a quoted "" is a text of no letters
            include_columns=names[:1] if only_count else None,
        ),
    )
    columns: list[pa.ChunkedArray] = table.columns
    return columns


# From a table to text ---------------------------------------------------------------------------------------


def write_header(names: Sequence[str], stream: Any, delimiter: str) -> None:
    """Write the names of the columns; :func:`read_csv` reads the same back."""
    stream.write(f"{delimiter.join(map(_quoted, names))}\n".encode())


def write_rows(table: pa.Table, stream: Any, delimiter: str) -> None:
    """Write the rows of a table behind a header: each text as it is, in quotes only where it would be misread.

    Nothing stands for a missing value, and ``""`` for a text of no letters.
    """
    table = in_utc(table)
    for start in range(0, table.num_rows, _ROWS_AT_ONCE):
        fields = [_as_fields(column, delimiter) for column in table.slice(start, _ROWS_AT_ONCE).columns]
        fields[-1] = pc.binary_join_element_wise(fields[-1], "", "\n")
        lines = pc.binary_join_element_wise(*fields, delimiter) if len(fields) > 1 else fields[0]
        for chunk in lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]:
            if len(chunk):
                stream.write(_buffer(chunk))


def _as_fields(column: pa.ChunkedArray, delimiter: str) -> pa.Array:
    """One column as it stands in a file, none of its values null."""
    texts = plain_texts(column).combine_chunks()
    if isinstance(texts, pa.ChunkedArray):  # too many bytes for one array of small offsets
        texts = pa.chunked_array([chunk.cast(pa.large_string()) for chunk in texts.chunks]).combine_chunks()
    if texts.nbytes > _MANY_BYTES:
        texts = texts.cast(pa.large_string())
    kind = column.type
    is_bare = pa.types.is_null(kind) or (pa.types.is_primitive(kind) and not pa.types.is_interval(kind))
    if not is_bare:  # numbers and times have no delimiter or quote in them
        data = bytes(_buffer(texts)) if len(texts) else b""
        if any(sign in data for sign in (b'"', b"\n", b"\r", delimiter.encode())):
            needs = pc.match_substring_regex(texts, f'["\r\n{re.escape(delimiter)}]')
            quoted = pc.binary_join_element_wise("", pc.replace_substring(texts, '"', '""'), "", '"')
            texts = pc.if_else(pc.fill_null(needs, False), quoted, texts)
        texts = pc.if_else(pc.fill_null(pc.equal(texts, ""), False), '""', texts)
    return pc.fill_null(texts, "")


def _buffer(texts: pa.Array) -> memoryview:
    """The bytes of all texts, one behind the other."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(texts.type) else np.int32)
    return memoryview(data)[int(ends[texts.offset]) : int(ends[texts.offset + len(texts)])]


def plain_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values as a file of text holds them: lists, structs and maps as JSON, bytes in hexadecimal digits."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column
    try:
        if not (pa.types.is_nested(kind) or _is_binary(kind)):
            return column.cast(pa.string())
    except pa.ArrowException:  # a type that has no text of its own, such as an interval
        pass
    return pa.chunked_array([[_as_text(value) for value in column.to_pylist()]], pa.string())


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=as_json) if isinstance(value, (list, dict)) else str(value)


def as_json(value: Any) -> str:
    """What JSON has no form for, as text."""
    return value.hex() if isinstance(value, bytes) else str(value)


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    )


def _quoted(name: str) -> str:
    is_safe = name and name.isprintable() and not any(sign in name for sign in '",;\t|')
    return name if is_safe else '"' + name.replace('"', '""') + '"'


def in_utc(table: pa.Table) -> pa.Table:
    """Give every zoned column the zone UTC, so that writing it as text needs no database of zones."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            utc = table.column(place).cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(place, field.name, utc)
    return table

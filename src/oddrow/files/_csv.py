"""CSV and TSV: bytes to columns of text, each field as it is written, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import TableReadError
from oddrow.files._csv_dialect import CsvDialect
from oddrow.files._csv_records import Region, ends_whole, record_problem, records, way_out
from oddrow.files._values_as_text import in_utc, plain_texts

__all__ = ["text_columns", "write_header", "write_rows"]

# From bytes to columns of text ------------------------------------------------------------------------------

_BLOCK = 1 << 24
_MAX_SINGLE_THREAD_BYTES = 1 << 20
"""One thread reads so few bytes before a second one has started."""
_WRITTEN_ROWS = 1 << 15
_MAX_SMALL_OFFSET_BYTES = 1 << 28
"""Longer columns of text are written by way of 64-bit offsets: quoting may double their bytes."""


def text_columns(region: Region, dialect: CsvDialect, *, only_count: bool = False) -> list[pa.ChunkedArray]:
    """The fields of whole UTF-8 records as columns of text; with ``only_count`` the first column alone.

    An empty field is null; a field ``""`` is an empty text.

    Raises
    ------
    TableReadError
        If a record is wrong; the error names its line.
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
    """Split records into fields and keep these as text: pyarrow infers types from the first block alone."""
    import pyarrow.csv as arrow_csv

    names = [str(place) for place in range(width)]
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=_BLOCK, use_threads=len(data) > _MAX_SINGLE_THREAD_BYTES
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=width > 1
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # a quoted "" is an empty text
            include_columns=names[:1] if only_count else None,
        ),
    )
    columns: list[pa.ChunkedArray] = table.columns
    return columns


# From a table to text ---------------------------------------------------------------------------------------


def write_header(names: Sequence[str], stream: Any, delimiter: str) -> None:
    """Write the names of the columns."""
    stream.write(f"{delimiter.join(map(_quoted, names))}\n".encode())


def write_rows(table: pa.Table, stream: Any, delimiter: str) -> None:
    """Write the rows of a table: each text as it is, in quotes only where it would otherwise be misread.

    A missing value is written as an empty field, and an empty text as ``""``.
    """
    table = in_utc(table)
    for start in range(0, table.num_rows, _WRITTEN_ROWS):
        fields = [_as_fields(column, delimiter) for column in table.slice(start, _WRITTEN_ROWS).columns]
        fields[-1] = pc.binary_join_element_wise(fields[-1], "", "\n")
        lines = pc.binary_join_element_wise(*fields, delimiter) if len(fields) > 1 else fields[0]
        for chunk in lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]:
            if len(chunk):
                stream.write(_buffer(chunk))


def _as_fields(column: pa.ChunkedArray, delimiter: str) -> pa.Array:
    """The fields of one column as they are written; none is null."""
    texts = plain_texts(column).combine_chunks()
    if isinstance(texts, pa.ChunkedArray):  # too many bytes for one array with 32-bit offsets
        texts = pa.chunked_array([chunk.cast(pa.large_string()) for chunk in texts.chunks]).combine_chunks()
    if texts.nbytes > _MAX_SMALL_OFFSET_BYTES:
        texts = texts.cast(pa.large_string())
    kind = column.type
    is_bare = pa.types.is_null(kind) or (pa.types.is_primitive(kind) and not pa.types.is_interval(kind))
    if not is_bare:  # numbers and times contain no delimiter and no quote
        data = bytes(_buffer(texts)) if len(texts) else b""
        if any(sign in data for sign in (b'"', b"\n", b"\r", delimiter.encode())):
            needs = pc.match_substring_regex(texts, f'["\r\n{re.escape(delimiter)}]')
            quoted = pc.binary_join_element_wise("", pc.replace_substring(texts, '"', '""'), "", '"')
            texts = pc.if_else(pc.fill_null(needs, False), quoted, texts)
        texts = pc.if_else(pc.fill_null(pc.equal(texts, ""), False), '""', texts)
    return pc.fill_null(texts, "")


def _buffer(texts: pa.Array) -> memoryview:
    """The bytes of all texts, one after the other."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(texts.type) else np.int32)
    return memoryview(data)[int(ends[texts.offset]) : int(ends[texts.offset + len(texts)])]


def _quoted(name: str) -> str:
    is_safe = name and name.isprintable() and not any(sign in name for sign in '",;\t|')
    return name if is_safe else '"' + name.replace('"', '""') + '"'

"""JSON lines: one object a line."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError, OutputError, TableReadError
from oddrow.files._reading_options import reject_text_options
from oddrow.files._table_file import (
    Opening,
    SourceFile,
    TableFile,
    WholeTable,
    WriteRows,
    content_of,
    filled_files,
    with_expected_names,
)
from oddrow.files._values_as_text import as_json, in_utc, plain_texts
from oddrow.table import as_table

__all__ = ["JSON_LINES"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WRITTEN_ROWS = 10_000


@dataclass(frozen=True)
class _JsonLines:
    name: str = "jsonl"
    endings: tuple[str, ...] = (".jsonl", ".ndjson", ".json")

    def opened(self, files: Sequence[SourceFile], opening: Opening) -> Sequence[TableFile]:
        reject_text_options(files[0].label, self.name, opening.options)
        return [_opened(file, opening) for file in filled_files(files)]

    @contextmanager
    def writer(self, stream: Any, schema: pa.Schema) -> Iterator[WriteRows]:  # noqa: ARG002 - each line has the names
        yield lambda table: _write(table, stream)


JSON_LINES = _JsonLines()


def _opened(source: SourceFile, opening: Opening) -> TableFile:
    data = content_of(source)
    if data.strip():
        table = WholeTable.of(source, _table_in(data, source.label), opening)
    elif opening.may_be_empty:
        table = WholeTable(source, pa.table({}))  # without a row, JSON lines have no column names
    else:
        raise TableReadError(f"{source.label}: the file is empty")
    # An object may leave out a key whose value is missing, and so may all of them.
    return with_expected_names(table, opening, opening.may_lack)


def _table_in(data: bytes, label: str) -> pa.Table:
    # Not pyarrow.json: the types that it infers depend on where its blocks end, and pyarrow 26 crashes on a column
    # that is a number in one block and a boolean in the next. Here a type depends on all rows, and errors have a line.
    columns: dict[str, list[Any]] = {}
    rows = 0
    for number, line in enumerate(io.BytesIO(data.removeprefix(_BYTE_ORDER_MARK)), 1):
        if not line.strip():
            continue
        for name, value in _object_in(line, f"{label}, line {number}").items():
            values = columns.setdefault(name, [])
            values.extend([None] * (rows - len(values)))
            values.append(value)
        rows += 1
    for values in columns.values():
        values.extend([None] * (rows - len(values)))
    try:
        return pa.table({name: _column(name, values) for name, values in columns.items()})
    except DataError as error:
        raise TableReadError(f"{label}: {error.message}", remedy=error.remedy) from error


def _object_in(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8").strip(), object_pairs_hook=_with_unique_names)
    except (ValueError, RecursionError) as error:
        reason = str(error)
        if isinstance(error, json.JSONDecodeError):  # its own text counts lines within this line
            reason = f"{error.msg}, character {error.pos + 1}"
        raise TableReadError(f"{where}: is not valid JSON ({reason}); each line must hold one object") from error
    if not isinstance(row, dict):
        raise TableReadError(f"{where}: holds a {type(row).__name__}, but each line must hold one object")
    return row


def _with_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return row


def _column(name: str, values: list[Any]) -> pa.ChunkedArray:
    if any(isinstance(value, (dict, list)) for value in values):
        try:
            return pa.chunked_array([pa.array(values)])
        except (pa.ArrowException, ValueError, OverflowError):  # values of several types
            texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
            return pa.chunked_array([pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))])
    return as_table({name: values}).column(0)


def _write(table: pa.Table, stream: Any) -> None:
    table = in_utc(table)
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if pa.types.is_temporal(column.type):
            table = table.set_column(place, name, plain_texts(column))
        elif pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            raise OutputError(f"column {name!r} holds an infinite value, which JSON cannot; write another format")
    for batch in table.to_batches(max_chunksize=_WRITTEN_ROWS):
        rows = batch.to_pylist()
        for name in (one.name for one in batch.schema if isinstance(one.type, pa.JsonType)):
            for row in rows:
                row[name] = row[name] and json.loads(row[name])
        lines = [json.dumps(_finite(row), ensure_ascii=False, default=as_json) for row in rows]
        stream.write(("\n".join(lines) + "\n").encode())


def _finite(value: Any) -> Any:
    """A value with null for each NaN and infinity, which JSON does not have, within lists and structs too."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value

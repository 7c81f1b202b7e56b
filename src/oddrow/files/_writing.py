"""Tables to files, whole or some rows at a time; the bytes are the same."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import OutputError
from oddrow.files._atomic import atomic_write
from oddrow.files._csv import as_json, in_utc, plain_texts, write_header, write_rows
from oddrow.files._file_formats import KNOWN_FORMS, form_of

__all__ = ["table_writer", "write_table"]

ROW_GROUP_ROWS = 1 << 17
"""Rows of a Parquet row group: the same whatever batches the rows come in, so that the bytes are."""

_Write: TypeAlias = Callable[[pa.Table], None]


def write_table(table: pa.Table, target: str | Path, *, force: bool = False) -> None:
    """Write a plain table to a file whose suffix tells the form, as :func:`read_table` knows them.

    ``"-"`` writes CSV to standard output. A file appears whole or not at all: see
    :func:`oddrow.files.atomic_write`. CSV and JSON lines write moments with a zone in UTC, and bytes in hexadecimal
    digits; CSV writes lists, structs and maps as JSON, and a text in quotes only where it would be misread. So a field
    of CSV that was read as it is written is written alike.

    Raises
    ------
    OutputError
        If the file exists and ``force`` is not set, the suffix tells no known form, or writing fails.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(pa.table({"size": [1, 2]}), f"{folder}/sizes.csv.gz")
    ...     Path(folder, "sizes.csv.gz").stat().st_size > 0
    True

    """
    with table_writer(target, table.schema, force=force) as write:
        write(table)


@contextmanager
def table_writer(target: str | Path, schema: pa.Schema, *, force: bool = False) -> Iterator[_Write]:
    r"""As :func:`write_table`, of a table that comes in parts: yield what writes the next rows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with table_writer(f"{folder}/sizes.csv", pa.schema([("size", pa.int64())])) as write:
    ...         for sizes in ([1, 2], [3]):
    ...             write(pa.table({"size": sizes}))
    ...     Path(folder, "sizes.csv").read_text()
    'size\n1\n2\n3\n'

    """
    if str(target) == "-":
        with _csv_rows(sys.stdout.buffer, schema) as write:
            yield write
        sys.stdout.buffer.flush()
        return
    form = form_of(str(target))
    if form is None:
        raise OutputError(f"{target}: the suffix tells no known form; known are {KNOWN_FORMS}")
    try:
        with (
            atomic_write(target, force) as file,
            _packed(file, form.compression) as stream,
            _WRITERS[form.name](stream, schema) as write,
        ):
            yield write
    except pa.ArrowException as error:
        raise OutputError(f"{target}: the table cannot be written as {form.name}: {error}") from error


@contextmanager
def _packed(file: BinaryIO, compression: str | None) -> Iterator[Any]:
    if compression is None:
        yield file
        return
    with pa.CompressedOutputStream(_Unclosed(file), compression) as stream:
        yield stream


class _Unclosed(io.RawIOBase):
    """Pass on what is written; closing it, as a compressor does to what is below it, leaves the file open."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)


@contextmanager
def _csv_rows(stream: Any, schema: pa.Schema, delimiter: str = ",") -> Iterator[_Write]:
    write_header(schema.names, stream, delimiter)
    yield lambda table: write_rows(table, stream, delimiter)


@contextmanager
def _json_lines(stream: Any, schema: pa.Schema) -> Iterator[_Write]:  # noqa: ARG001 - each line has its names
    yield lambda table: _write_json_lines(table, stream)


def _write_json_lines(table: pa.Table, stream: Any) -> None:
    table = in_utc(table)
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if pa.types.is_temporal(column.type):
            table = table.set_column(place, name, plain_texts(column))
        elif pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            raise OutputError(f"column {name!r} holds an infinite value, which JSON cannot; write another form")
    for batch in table.to_batches(max_chunksize=10_000):
        rows = batch.to_pylist()
        for name in (one.name for one in batch.schema if isinstance(one.type, pa.JsonType)):
            for row in rows:
                row[name] = row[name] and json.loads(row[name])
        lines = [json.dumps(_plain(row), ensure_ascii=False, default=as_json) for row in rows]
        stream.write(("\n".join(lines) + "\n").encode())


def _plain(value: Any) -> Any:
    """A value as JSON has it: NaN and infinity, which it has not, are missing within lists and structs too."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


@contextmanager
def _parquet(stream: Any, schema: pa.Schema) -> Iterator[_Write]:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(stream, schema) as writer:
        waiting: list[pa.Table] = []

        def write_groups(least: int) -> None:
            rows = pa.concat_tables(waiting)
            while rows.num_rows >= least:
                # In one chunk, for where chunks end pages may end too.
                writer.write_table(rows.slice(0, ROW_GROUP_ROWS).combine_chunks(), ROW_GROUP_ROWS)
                rows = rows.slice(ROW_GROUP_ROWS)
            waiting[:] = [rows]

        def write(table: pa.Table) -> None:
            waiting.append(table)
            if sum(one.num_rows for one in waiting) >= ROW_GROUP_ROWS:
                write_groups(ROW_GROUP_ROWS)

        yield write
        if waiting:
            write_groups(1)


@contextmanager
def _arrow(stream: Any, schema: pa.Schema) -> Iterator[_Write]:
    with pa.ipc.new_file(stream, schema) as writer:
        yield writer.write_table


_WRITERS: dict[str, Callable[[Any, pa.Schema], AbstractContextManager[_Write]]] = {
    "csv": _csv_rows,
    "tsv": partial(_csv_rows, delimiter="\t"),
    "jsonl": _json_lines,
    "parquet": _parquet,
    "arrow": _arrow,
}

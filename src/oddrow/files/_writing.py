"""Tables to files, whole or some rows at a time; both give the same bytes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from oddrow.exceptions import OutputError
from oddrow.files._atomic import atomic_write
from oddrow.files._format_csv import CSV
from oddrow.files._formats import KNOWN_FORMATS, packing_of
from oddrow.files._table_file import WriteRows

__all__ = ["table_writer", "write_table"]


def write_table(table: pa.Table, target: str | Path, *, force: bool = False) -> None:
    """Write a plain table to a file in the format that its ending says; :func:`oddrow.files.open` lists them.

    ``"-"`` writes CSV to standard output. A file appears whole or not at all, see
    :func:`oddrow.files.atomic_write`. CSV and JSON lines hold times with a zone in UTC, and bytes as hexadecimal
    digits; CSV holds lists, structs and maps as JSON, and a text in quotes only where it would otherwise be misread. A
    field of CSV that was read as it is written is therefore written unchanged.

    Raises
    ------
    OutputError
        If the file exists and ``force`` is not set, the ending says no known format, or writing fails.

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
def table_writer(target: str | Path, schema: pa.Schema, *, force: bool = False) -> Iterator[WriteRows]:
    r"""As :func:`write_table`, for a table that comes in parts: yield the function that writes further rows.

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
        with CSV.writer(sys.stdout.buffer, schema) as write:
            yield write
        sys.stdout.buffer.flush()
        return
    packing = packing_of(str(target))
    if packing is None:
        raise OutputError(f"{target}: the ending of the name is not that of a known format; known are {KNOWN_FORMATS}")
    try:
        with (
            atomic_write(target, force) as file,
            _compressed(file, packing.compression) as stream,
            packing.format.writer(stream, schema) as write,
        ):
            yield write
    except pa.ArrowException as error:
        raise OutputError(f"{target}: the table cannot be written as {packing.format.name}: {error}") from error


@contextmanager
def _compressed(file: BinaryIO, compression: str | None) -> Iterator[Any]:
    if compression is None:
        yield file
        return
    with pa.CompressedOutputStream(_Unclosed(file), compression) as stream:
        yield stream


class _Unclosed(io.RawIOBase):
    """Pass on what is written. Closing this, as a compressor does with its target, leaves the file open."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)

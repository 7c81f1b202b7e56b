"""Tables in files, read whole: CSV, TSV, Parquet, Arrow IPC and JSON lines, gzip and zstd too.

A file is read whole into memory before it is parsed, so a plain file, a compressed one and a pipe take one
way, and an error can look at the text again to say which line is wrong. Nothing is memory-mapped: a file may
be overwritten by the very table that was read from it.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from oddrow.exceptions import DataError, TableReadError
from oddrow.files._csv_dialect import BYTE_ORDER_MARK
from oddrow.files._csv_files import CsvFile
from oddrow.files._file_formats import not_found, reject_folder, source_form, source_label
from oddrow.files._parquet import of_file, parquet_opened
from oddrow.files._reading_options import ReadingOptions, checked_reading, renaming_notes
from oddrow.files._text_types import CLOCKS, first_reading, typed
from oddrow.remedies import Advice, Setting, remedy
from oddrow.table import as_table, unrepeated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["content_of", "foreign_note", "read_table", "read_whole"]


def read_table(
    source: str | Path | BinaryIO,
    *,
    column_names: Sequence[str] | None = None,
    delimiter: str | None = None,
    format: str | None = None,  # noqa: A002 - the word that the command line uses too
    skip: int | None = None,
    has_header: bool | None = None,
    encoding: str | None = None,
    as_written: bool = False,
    may_be_empty: bool = False,
    on_note: Callable[[str], None] | None = None,
) -> pa.Table:
    r"""Read a file as a plain table: what :func:`as_table` promises about columns holds here too.

    CSV and TSV are UTF-8, with or without a byte order mark; a row that is not is read as Windows-1252. Lines before
    the header are skipped where ``skip`` says how many; a first line ``sep=;`` is honoured. A name that occurs twice
    has ``.1``, ``.2`` behind it from the second time on. A column without a name is called column_1, column_2 and so
    on by its place. Blank lines are skipped, but in a file of one column a blank line is a missing value.

    Types are inferred from all values of a column: boolean (true, false), integer, float, ISO 8601 date, time
    and timestamp (those with a zone offset come in UTC), else text. An empty field is missing. So are NA,
    N/A, n/a, #N/A, <NA>, NaN, nan, NULL, null, None and ? where all other values of the column are of one
    such type; in a column of text they stay what they are, for there NA may be Namibia. Integers with
    leading zeros, or too long for int64, are identifiers, and the whole column stays text.

    JSON lines hold one object a line; text that is a date or time throughout a column is read as such. A column that
    pandas marked as the index of its data frame is left out of a Parquet or Arrow file. Columns of lists, structs,
    maps or bytes come as they are, though nothing is learned from them.

    Parameters
    ----------
    source
        A path, whose suffix tells the form: .csv .txt .data .dat .tsv .parquet .pq .arrow .feather .ipc .jsonl
        .ndjson .json, each also with .gz or .zst behind it. Or a binary file object, or ``"-"`` for standard input:
        both are CSV.
    column_names
        Names for the columns of a CSV or TSV file that has no header.
    delimiter
        What separates the fields of a CSV file. Otherwise it is that one of comma, semicolon, tab and bar which
        stands in the header; of several the comma, or that one which splits the first lines evenly where the comma
        does not.
    format
        The form, such as ``"parquet"`` or ``"csv.gz"``, where the source has no suffix or a wrong one.
    skip
        How many lines of a CSV file stand before its header, or before its first row.
    has_header
        False for a CSV file without a header; its columns are then called column_1, column_2, or as
        ``column_names`` says.
    encoding
        Of a CSV file, such as ``"utf-16"`` or ``"windows-1252"``; a text that is in another one is an error.
    as_written
        Columns of CSV and TSV come as text, each field as it is written, null where it is empty and not in quotes.
        The metadata of the schema says so: ``{b"oddrow.fields": b"as written"}``.
    may_be_empty
        Whether a table without rows is read as that, instead of refused. Of CSV it still needs the header.
    on_note
        Is told in a sentence what was assumed: rows that are not UTF-8, names that occur twice, a header that looks
        like a row.

    Raises
    ------
    TableReadError
        If the source cannot be read as a table, or has no rows and may not be empty; names the source, and the line
        where known.
    SettingError
        If an argument has no meaning for this form.

    Examples
    --------
    >>> import io
    >>> read_table(io.BytesIO(b"zip,size\n02134,1.5\n10115,NA\n")).to_pydict()
    {'zip': ['02134', '10115'], 'size': [1.5, None]}

    """
    label = source_label(source)
    form = source_form(source, label, format)
    names = None if column_names is None else tuple(column_names)
    options = checked_reading(label, form, ReadingOptions(format, delimiter, names, skip, has_header, encoding))
    notes: list[str] = []
    table = read_whole(
        content_of(source, label), label, form.name, form.compression, options, notes, may_be_empty=may_be_empty
    )
    if form.name in ("csv", "tsv") and not as_written:
        table = pa.table({name: typed(table.column(name)) for name in table.column_names})
    if table.num_rows == 0 and not may_be_empty:
        raise TableReadError(f"{label}: has a header but no rows")
    if on_note is not None:
        for note in notes:
            on_note(note)
    return table


def read_whole(
    content: bytes,
    label: str,
    form: str,
    compression: str | None,
    options: ReadingOptions,
    notes: list[str],
    keeps: Collection[str] = (),
    *,
    may_be_empty: bool = False,
) -> pa.Table:
    """The table that the bytes of a file hold, CSV as it is written; adds to the notes what was assumed."""
    if form in ("csv", "tsv"):
        if not content or content.isspace():
            raise TableReadError(f"{label}: the file is empty")
        file = CsvFile.at(content, label, compression, options)
        table, n_foreign = file.table()
        notes += file.dialect.notes
        if n_foreign:
            notes.append(foreign_note(label, n_foreign))
        return table
    data = _decompressed(content, compression, label)
    if may_be_empty and form == "jsonl" and not data.strip():
        return pa.table({})  # JSON lines name their columns in their rows alone
    if not data or data.isspace():
        raise TableReadError(f"{label}: the file is empty")
    try:
        if form == "parquet":
            with parquet_opened(pa.BufferReader(data), label) as parquet:
                table = parquet.read()
        else:
            table = _read_arrow(data, label) if form == "arrow" else _read_json_lines(data, label)
        notes += renaming_notes(label, unrepeated(table.column_names)[1], {})
        return of_file(table, keeps)
    except TableReadError:
        raise
    except DataError as error:
        raise TableReadError(f"{label}: {error.message}", remedy=error.remedy) from error


def foreign_note(label: str, n_rows: int) -> str:
    """Say how many rows are not UTF-8."""
    rows = "1 row is" if n_rows == 1 else f"{n_rows:,} rows are"
    return Advice(
        f"{label}: {rows} not UTF-8, and read as Windows-1252", remedy("say what the file is by ", Setting("encoding"))
    )


def content_of(source: str | Path | BinaryIO, label: str) -> bytes:
    """The bytes of a source, or an error that names it."""
    try:
        if not isinstance(source, (str, Path)):
            data: object = source.read()
        elif str(source) == "-":
            data = sys.stdin.buffer.read()
        else:
            reject_folder(Path(source))
            data = Path(source).read_bytes()
    except FileNotFoundError as error:
        raise not_found(label) from error
    except PermissionError as error:
        raise TableReadError(f"{label}: no permission to read this file") from error
    except OSError as error:
        raise TableReadError(f"{label}: cannot be read: {error.strerror or error}") from error
    if not isinstance(data, bytes):
        raise TableReadError(f"{label}: gives {type(data).__name__}, not bytes; open it in binary mode")
    return data


def _decompressed(data: bytes, compression: str | None, label: str) -> bytes:
    if compression is None:
        return data
    try:
        content: bytes = pa.CompressedInputStream(pa.BufferReader(data), compression).read()
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(f"{label}: the {compression} data is damaged or cut short: {error}") from error
    return content


def _read_arrow(data: bytes, label: str) -> pa.Table:
    open_it = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
    try:
        table = open_it(pa.BufferReader(data)).read_all()
        table.validate(full=True)  # offsets in a damaged file may point anywhere
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(f"{label}: is not an Arrow IPC file, or is damaged: {error}") from error
    return table


def _read_json_lines(data: bytes, label: str) -> pa.Table:
    # Not pyarrow.json: what it infers depends on where its blocks end, and pyarrow 26 crashes on a column
    # that is a number in one block and a boolean in the next. Here all rows count, and errors have a line.
    columns: dict[str, list[Any]] = {}
    rows = 0
    for number, line in enumerate(io.BytesIO(data.removeprefix(BYTE_ORDER_MARK)), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8").strip(), object_pairs_hook=_unrepeated)
        except (ValueError, RecursionError) as error:
            reason = str(error)
            if isinstance(error, json.JSONDecodeError):  # whose text counts lines within this line
                reason = f"{error.msg}, character {error.pos + 1}"
            raise TableReadError(
                f"{label}, line {number}: is not valid JSON ({reason}); each line must hold one object"
            ) from error
        if not isinstance(row, dict):
            raise TableReadError(
                f"{label}, line {number}: holds a {type(row).__name__}, but each line must hold one object"
            )
        for name, value in row.items():
            values = columns.setdefault(name, [])
            values.extend([None] * (rows - len(values)))
            values.append(value)
        rows += 1
    for values in columns.values():
        values.extend([None] * (rows - len(values)))
    return pa.table({name: _json_column(name, values) for name, values in columns.items()})


def _json_column(name: str, values: list[Any]) -> pa.ChunkedArray:
    if any(isinstance(value, (dict, list)) for value in values):
        try:
            return pa.chunked_array([pa.array(values)])
        except (pa.ArrowException, ValueError, OverflowError):  # values of several types
            texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
            return pa.chunked_array([pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))])
    return _dated(as_table({name: values}).column(0))


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return row


def _dated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type != pa.string():
        return column
    dated = first_reading(column, CLOCKS)
    return column if dated is None else dated

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
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import pyarrow as pa

from oddrow.exceptions import DataError, SettingError, TableReadError
from oddrow.table._csv import (
    BYTE_ORDER_MARK,
    checked_delimiter,
    read_csv,
)
from oddrow.table._forms import Form, not_found, reject_folder, source_form, source_label
from oddrow.table._frame import as_table
from oddrow.table._parquet import parquet_opened
from oddrow.table._text_types import CLOCKS, first_reading

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["CsvOptions", "checked_csv_options", "read_table"]


def read_table(
    source: str | Path | BinaryIO,
    *,
    column_names: Sequence[str] | None = None,
    delimiter: str | None = None,
    format: str | None = None,  # noqa: A002 - the word that the command line uses too
    may_be_empty: bool = False,
) -> pa.Table:
    r"""Read a file as a plain table: what :func:`as_table` promises about columns holds here too.

    CSV and TSV are UTF-8, with or without a byte order mark, with a header unless ``column_names`` are given.
    Types are inferred from all values of a column: boolean (true, false), integer, float, ISO 8601 date, time
    and timestamp (those with a zone offset come in UTC), else text. An empty field is missing. So are NA,
    N/A, n/a, #N/A, <NA>, NaN, nan, NULL, null, None and ? where all other values of the column are of one
    such type; in a column of text they stay what they are, for there NA may be Namibia. Integers with
    leading zeros, or too long for int64, are identifiers, and the whole column stays text. A column without
    a name is called column_1, column_2 and so on by its place. Blank lines are skipped, but in a file of one
    column a blank line is a missing value.

    JSON lines hold one flat object a line; text that is a date or time throughout a column is read as such.

    Parameters
    ----------
    source
        A path, whose suffix tells the form: .csv .tsv .parquet .pq .arrow .feather .ipc .jsonl .ndjson .json,
        each also with .gz or .zst behind it. Or a binary file object, or ``"-"`` for standard input: both
        are CSV.
    column_names
        Names for the columns of a CSV or TSV file that has no header.
    delimiter
        What separates the fields of a CSV file. Otherwise it is a comma, or that one of semicolon, tab and
        bar which splits the first lines evenly where the comma does not.
    format
        The form, such as ``"parquet"`` or ``"csv.gz"``, where the source has no suffix or a wrong one.
    may_be_empty
        Whether a table without rows is read as that, instead of refused. Of CSV it still needs the header.

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
    csv_options = checked_csv_options(label, form, delimiter, column_names)
    data = _decompressed(_content(source, label), form.compression, label)
    if may_be_empty and form.name == "jsonl" and not data.strip():
        return pa.table({})  # JSON lines name their columns in their rows alone
    if not data or data.isspace():
        raise TableReadError(f"{label}: the file is empty")
    try:
        if form.name == "parquet":
            with parquet_opened(pa.BufferReader(data), label) as file:
                table = file.read()
        elif form.name == "arrow":
            table = _read_arrow(data, label)
        elif form.name == "jsonl":
            table = _read_json_lines(data, label)
        else:
            table = read_csv(data, label, csv_options.delimiter, column_names)
        table = as_table(table)
    except TableReadError:
        raise
    except DataError as error:
        raise TableReadError(f"{label}: {error}") from error
    if table.num_rows == 0 and not may_be_empty:
        raise TableReadError(f"{label}: has a header but no rows")
    return table


class CsvOptions(NamedTuple):
    """What a user says of CSV, see :func:`oddrow.table.open_stream`."""

    delimiter: str | None
    column_names: Sequence[str] | None
    skips: bool = False
    numeric: Collection[str] = ()


def checked_csv_options(
    label: str, form: Form, delimiter: str | None, column_names: Sequence[str] | None
) -> CsvOptions:
    """The options where they have a meaning for the form, with the tab that TSV says by its name."""
    if form.name not in ("csv", "tsv") and not (column_names is None and delimiter is None):
        raise SettingError(f"{label}: column names and a delimiter can be given for CSV and TSV only")
    if column_names is not None and len(column_names) == 0:
        raise SettingError(f"{label}: the list of column names is empty")
    is_tab = form.name == "tsv" and delimiter is None
    return CsvOptions("\t" if is_tab else checked_delimiter(delimiter), column_names)


def _content(source: str | Path | BinaryIO, label: str) -> bytes:
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
    table = as_table(columns)
    return pa.table({name: _dated(table[name]) for name in table.column_names})


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

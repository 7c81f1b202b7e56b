"""CSV and TSV: bytes to columns of text, and back to text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from oddrow.exceptions import DataError, SettingError, TableReadError
from oddrow.table._csv_records import Record, Region, count_lines, ends_whole, record_problem, records
from oddrow.table._text_types import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "BYTE_ORDER_MARK",
    "CsvDialect",
    "checked_delimiter",
    "csv_dialect",
    "in_utc",
    "read_csv",
    "text_columns",
    "write_header",
    "write_rows",
]

# From bytes to columns of text ------------------------------------------------------------------------------

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_HEAD = 1 << 16
_BLOCK = 1 << 24
_FEW_BYTES = 1 << 20  # which one thread has read before another has woken up
_SIGNATURES = {
    b"\x1f\x8b": "gzip data; let the name end in .gz, or give the format csv.gz",
    b"\x28\xb5\x2f\xfd": "zstd data; let the name end in .zst, or give the format csv.zst",
    b"PAR1": "a Parquet file; let the name end in .parquet, or give the format parquet",
    b"ARROW1": "an Arrow file; let the name end in .arrow, or give the format arrow",
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


@dataclass(frozen=True)
class CsvDialect:
    """How a file is written: what separates its fields, the names of its columns, and where its rows begin.

    Attributes
    ----------
    label : what errors call the file
    start, line : byte of the first row, and the line of the file on which it stands
    """

    label: str
    delimiter: str
    names: tuple[str, ...]
    start: int
    line: int

    @property
    def width(self) -> int:
        """How many fields a record has."""
        return len(self.names)


def csv_dialect(content: bytes, label: str, delimiter: str | None, column_names: Sequence[str] | None) -> CsvDialect:
    """What the first bytes of a file tell; :func:`oddrow.table.read_table` says how."""
    _reject_binary(content, label)
    data = content.removeprefix(BYTE_ORDER_MARK)
    # Blank lines at the start would pass for the header of a file of one column.
    start = len(data) - len(data.lstrip(b"\r\n"))
    line = 1 + count_lines(data[:start])
    data = data[start:]
    if delimiter is None:
        delimiter = _detected_delimiter(data, None if column_names is None else len(column_names))
    start += len(content) - len(content.removeprefix(BYTE_ORDER_MARK))
    if column_names is not None:
        return CsvDialect(label, delimiter, tuple(column_names), start, line)
    header = next(iter(_first_records(data, delimiter)), [])
    _reject_unsplit_header(data, label, header, delimiter)
    names = tuple(name or f"column_{place}" for place, name in enumerate(header, 1))
    record = next(records(Region(data, line), delimiter), Record(b"", line, 0))
    problem = record_problem(record.data, delimiter, len(names))
    if problem is not None:
        raise TableReadError(f"{label}, line {line}: {problem}")
    return CsvDialect(label, delimiter, names, start + len(record.data), line + count_lines(record.data))


def read_csv(content: bytes, label: str, delimiter: str | None, column_names: Sequence[str] | None) -> pa.Table:
    """Read the bytes that ``label`` names in errors; :func:`oddrow.table.read_table` says how."""
    dialect = csv_dialect(content, label, delimiter, column_names)
    columns = text_columns(Region(content[dialect.start :], dialect.line), dialect)
    return pa.Table.from_arrays([typed(column) for column in columns], names=list(dialect.names))


def text_columns(region: Region, dialect: CsvDialect) -> list[pa.ChunkedArray]:
    """The fields of whole records as columns of text.

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
            return _text_columns(data, dialect.delimiter, dialect.width)
    except pa.ArrowInvalid as error:
        problem = error
    for record in records(region, dialect.delimiter):
        found = record_problem(record.data, dialect.delimiter, dialect.width)
        if found is not None:
            raise TableReadError(f"{dialect.label}, line {record.line}: {found}") from problem
    raise TableReadError(f"{dialect.label}: cannot be read as CSV: {problem}") from problem


def _reject_binary(content: bytes, label: str) -> None:
    for signature, found in _SIGNATURES.items():
        if content.startswith(signature):
            raise TableReadError(f"{label}: is not CSV but {found}")
    # A header, or the first row, with a NUL byte: what follows is not looked at as if it were rows.
    first = content.lstrip(b"\r\n").partition(b"\n")[0]
    if b"\0" in first:
        line = 1 + count_lines(content[: content.index(first)])
        raise TableReadError(f"{label}, line {line}: holds a NUL byte; is it a binary file?")


def _text_columns(data: bytes, delimiter: str, width: int) -> list[pa.ChunkedArray]:
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
        ),
    )
    columns: list[pa.ChunkedArray] = table.columns
    return columns


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return (fields for fields in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if fields)


def _first_records(data: bytes, delimiter: str) -> list[list[str]]:
    end = len(data)
    if end > _HEAD:
        end = data.rfind(b"\n", 0, _HEAD) + 1 or data.find(b"\n", _HEAD) + 1 or end
    try:
        found = list(_records(data[:end].decode("utf-8", "replace"), delimiter))
    except csv.Error as error:
        raise DataError(f"the first lines cannot be read as CSV: {error}") from error
    # The cut may go through a quoted field that spans lines.
    return found[:-1] if end < len(data) and len(found) > 1 else found


def _detected_delimiter(data: bytes, width: int | None) -> str:
    """Return a delimiter that splits the first lines evenly, a comma if it does or if none does.

    Cautious, for a wrong guess reads nonsense in silence, while a comma kept in vain leads to an error that
    names the other candidates.
    """
    even: dict[str, int] = {}
    for delimiter in _DELIMITERS:
        widths = {len(record) for record in _first_records(data, delimiter)}
        if len(widths) == 1 and widths != {1} and widths <= {width or max(widths)}:
            even[delimiter] = max(widths)
    return "," if "," in even or not even else max(even, key=even.__getitem__)


def checked_delimiter(delimiter: str | None) -> str | None:
    """Return a delimiter given by a user, or the reason why it cannot be one as an error."""
    if delimiter == "\\t":  # what a shell hands over for a tab typed as \t
        return "\t"
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0' or not delimiter.isascii()):
        raise SettingError(f"the delimiter must be one ASCII character, not a quote or line end: {delimiter!r}")
    return delimiter


def _reject_unsplit_header(data: bytes, label: str, header: list[str], delimiter: str) -> None:
    others = [other for other in _DELIMITERS if other != delimiter and header and other in header[0]]
    if len(header) == 1 and others and not data.startswith(b'"'):
        other = others[0]
        raise TableReadError(
            f"{label}: the header is one column, {header[0]!r:.80}; are the fields separated by "
            f"{_DELIMITERS[other]}? Say so by delimiter={other!r}, or quote the name"
        )


# From a table to text ---------------------------------------------------------------------------------------


def write_header(names: Sequence[str], stream: Any, delimiter: str) -> None:
    """Write the names of the columns; :func:`read_csv` reads the same back."""
    stream.write(f"{delimiter.join(map(_quoted, names))}\n".encode())


def write_rows(table: pa.Table, stream: Any, delimiter: str) -> None:
    """Write the rows of a table behind a header."""
    import pyarrow.csv as arrow_csv

    # pyarrow quotes every text, which tells an empty one from a missing one.
    options = arrow_csv.WriteOptions(include_header=False, delimiter=delimiter)
    arrow_csv.write_csv(in_utc(table), stream, options)


def _quoted(name: str) -> str:
    is_safe = name and name.isprintable() and not any(sign in name for sign in ('"', *_DELIMITERS))
    return name if is_safe else '"' + name.replace('"', '""') + '"'


def in_utc(table: pa.Table) -> pa.Table:
    """Give every zoned column the zone UTC, so that writing it as text needs no database of zones."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            utc = table.column(place).cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(place, field.name, utc)
    return table

"""CSV and TSV: bytes to columns of text, and back to text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from oddrow.exceptions import DataError, SettingError, TableReadError
from oddrow.table._text_types import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "BYTE_ORDER_MARK",
    "checked_delimiter",
    "in_utc",
    "read_csv",
    "write_csv",
    "write_tsv",
]

# From bytes to columns of text ------------------------------------------------------------------------------

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_HEAD = 1 << 16
_BLOCK = 1 << 24
_SIGNATURES = {
    b"\x1f\x8b": "gzip data; let the name end in .gz, or give the format csv.gz",
    b"\x28\xb5\x2f\xfd": "zstd data; let the name end in .zst, or give the format csv.zst",
    b"PAR1": "a Parquet file; let the name end in .parquet, or give the format parquet",
    b"ARROW1": "an Arrow file; let the name end in .arrow, or give the format arrow",
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def read_csv(content: bytes, label: str, delimiter: str | None, column_names: Sequence[str] | None) -> pa.Table:
    """Read the bytes that ``label`` names in errors; :func:`oddrow.table.read_table` says how."""
    _reject_binary(content, label)
    # Blank lines at the start would pass for the header of a file of one column.
    data = content.removeprefix(BYTE_ORDER_MARK).lstrip(b"\r\n")
    if delimiter is None:
        delimiter = _detected_delimiter(data, None if column_names is None else len(column_names))
    header = next(iter(_first_records(data, delimiter)), [])
    if column_names is None:
        _reject_unsplit_header(data, label, header, delimiter)
    width = len(header) if column_names is None else len(column_names)
    try:
        columns = _text_columns(data, delimiter, width)
    except pa.ArrowInvalid as error:
        raise _located(content, label, delimiter, width, error) from error
    _reject_open_quote(content, label, delimiter)
    names = column_names
    if names is None:
        names = [name or f"column_{place}" for place, name in enumerate(header, 1)]
        columns = [column.slice(1) for column in columns]
    return pa.Table.from_arrays([typed(column) for column in columns], names=list(names))


def _reject_binary(content: bytes, label: str) -> None:
    for signature, found in _SIGNATURES.items():
        if content.startswith(signature):
            raise TableReadError(f"{label}: is not CSV but {found}")
    nul = content.find(b"\0")
    if nul >= 0:
        raise TableReadError(f"{label}, line {_line_at(content, nul)}: holds a NUL byte; is it a binary file?")


def _reject_open_quote(content: bytes, label: str, delimiter: str) -> None:
    """Refuse a quote that is never closed, for pyarrow takes all that follows it for one value."""
    if content.count(b'"') % 2 == 0:
        return
    line = 0
    try:
        for start, _ in _records(_text(content), delimiter, strict=True):
            line = start
    except csv.Error as error:
        if "end of data" in str(error):  # other strictness is not ours: a quote within a field is a letter
            raise TableReadError(f"{label}, after line {line}: a quote is opened and never closed") from error


def _text_columns(data: bytes, delimiter: str, width: int) -> list[pa.ChunkedArray]:
    """Split into fields and leave them text: pyarrow would infer types from the first block alone."""
    import pyarrow.csv as arrow_csv

    names = [str(place) for place in range(width)]
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(column_names=names, block_size=_BLOCK),
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


def _text(content: bytes) -> str:
    return content.removeprefix(BYTE_ORDER_MARK).decode("utf-8")


def _records(text: str, delimiter: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, and the line on which it starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    start = 1
    for fields in reader:
        if fields:
            yield start, fields
        start = reader.line_num + 1


def _first_records(data: bytes, delimiter: str) -> list[list[str]]:
    end = len(data)
    if end > _HEAD:
        end = data.rfind(b"\n", 0, _HEAD) + 1 or data.find(b"\n", _HEAD) + 1 or end
    try:
        records = [fields for _, fields in _records(data[:end].decode("utf-8", "replace"), delimiter)]
    except csv.Error as error:
        raise DataError(f"the first lines cannot be read as CSV: {error}") from error
    # The cut may go through a quoted field that spans lines.
    return records[:-1] if end < len(data) and len(records) > 1 else records


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


def _located(content: bytes, label: str, delimiter: str, width: int, error: Exception) -> TableReadError:
    """Read the text again, slowly, to find what stopped pyarrow, which does not know the line."""
    try:
        text = _text(content)
    except UnicodeDecodeError as invalid:
        line, byte = _line_at(invalid.object, invalid.start), invalid.object[invalid.start]
        return TableReadError(f"{label}, line {line}: is not UTF-8 text (byte 0x{byte:02x}); save the file as UTF-8")
    line = 1
    try:
        for line, fields in _records(text, delimiter):
            if len(fields) != width:
                expected = f"expected {width} field{'s' * (width > 1)}, found {len(fields)}"
                return TableReadError(
                    f"{label}, line {line}: {expected}. Mend that line; is a quote not closed, or a field "
                    "with the delimiter in it not quoted?"
                )
    except csv.Error as too_long:
        return TableReadError(f"{label}, after line {line}: {too_long}; is a quote not closed?")
    return TableReadError(f"{label}: cannot be read as CSV: {error}")


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


# From a table to text ---------------------------------------------------------------------------------------


def write_csv(table: pa.Table, stream: Any, delimiter: str = ",") -> None:
    """Write a table with its header; :func:`read_csv` reads the same back."""
    import pyarrow.csv as arrow_csv

    names = delimiter.join(_quoted(name) for name in table.column_names)
    stream.write(f"{names}\n".encode())
    # pyarrow quotes every text, which tells an empty one from a missing one.
    options = arrow_csv.WriteOptions(include_header=False, delimiter=delimiter)
    arrow_csv.write_csv(in_utc(table), stream, options)


def _quoted(name: str) -> str:
    is_safe = name and name.isprintable() and not any(sign in name for sign in ('"', *_DELIMITERS))
    return name if is_safe else '"' + name.replace('"', '""') + '"'


def write_tsv(table: pa.Table, stream: Any) -> None:
    """Write a table as CSV with tabs between the fields."""
    write_csv(table, stream, "\t")


def in_utc(table: pa.Table) -> pa.Table:
    """Give every zoned column the zone UTC, so that writing it as text needs no database of zones."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            utc = table.column(place).cast(pa.timestamp(field.type.unit, "UTC"))
            table = table.set_column(place, field.name, utc)
    return table

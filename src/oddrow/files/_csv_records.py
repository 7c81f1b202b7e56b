"""Split CSV into records, with the line of each, and say what is wrong with a record.

The rules are those of pyarrow: a quote opens a quoted field only at the start of the field and is an ordinary
character elsewhere; a line ends with a line feed, a carriage return, or both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.remedies import Remedy, Setting, remedy

__all__ = [
    "OPEN_QUOTE",
    "Record",
    "Region",
    "as_utf8",
    "count_lines",
    "decoded",
    "ends_whole",
    "fields_of",
    "record_problem",
    "records",
    "way_out",
    "whole_records",
]

OPEN_QUOTE = "a quote is opened and never closed"
_QUOTE, _LINE_FEED, _CARRIAGE_RETURN = b'"\n\r'
_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(.*)\Z', re.DOTALL)


class Region(NamedTuple):
    """Bytes that hold whole records, and the line of the file on which the first one starts."""

    data: bytes
    line: int


class Record(NamedTuple):
    """One record with its line end, the line on which it starts, and the byte at which it starts in its region."""

    data: bytes
    line: int
    start: int


@lru_cache(maxsize=8)
def _patterns(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """The patterns of a field and of a record. The latter does not match where a quote is opened and never closed."""
    sign = re.escape(delimiter.encode())
    within = rb"[^\r\n" + sign + rb"]*+"
    field = rb'(?:"(?:[^"]++|"")*+"' + within + rb'|(?!")' + within + rb")"
    return re.compile(field), re.compile(field + rb"(?:" + sign + field + rb")*+(?:\r\n|\n|\r|\Z)")


def records(region: Region, delimiter: str) -> Iterator[Record]:
    """Every record in order, blank ones too; from a quote that is never closed on, the rest is one record."""
    pattern = _patterns(delimiter)[1]
    start, line = 0, region.line
    while start < len(region.data):
        found = pattern.match(region.data, start)
        end = found.end() if found else len(region.data)
        record = Record(region.data[start:end], line, start)
        yield record
        start, line = end, line + count_lines(record.data)


def record_problem(record: bytes, delimiter: str, width: int, *, is_strict: bool = True) -> str | None:
    """Say what is wrong with a record of a file of ``width`` columns; None if it can be read.

    With ``is_strict``, text that is not UTF-8 is wrong; otherwise :func:`as_utf8` converts it.
    """
    _, whole = _patterns(delimiter)
    if b"\0" in record:
        return "holds a NUL byte; is it a binary file?"
    if is_strict:
        try:
            record.decode("utf-8")
        except UnicodeDecodeError as invalid:
            return f"is not UTF-8 text (byte 0x{record[invalid.start]:02x})"
    if not whole.fullmatch(record):
        return OPEN_QUOTE
    if width > 1 and not record.strip(b"\r\n"):
        return None
    count = len(_raw_fields(record, delimiter))
    return None if count == width else f"expected {width} field{'s' * (width > 1)}, found {count}"


def way_out(problem: str) -> Remedy | None:
    """Say what a user can do about a problem that :func:`record_problem` found."""
    skipped = Setting("on_error", "skip")
    if problem.startswith("expected "):
        return remedy(
            "is a quote not closed, or a field with the delimiter in it not quoted? Mend that line, say how the file "
            "is written (",
            Setting("delimiter"),
            ", ",
            Setting("skip"),
            ", ",
            Setting("has_header", False),
            "), or leave such lines out when scoring by ",
            skipped,
        )
    if problem == OPEN_QUOTE:
        return remedy("close or double it, or leave that line out when scoring by ", skipped)
    if "UTF-8" in problem:
        return remedy("save the file as UTF-8, or say what it is, as ", Setting("encoding", "windows-1252"))
    return None


def fields_of(record: bytes, delimiter: str) -> list[str]:
    r"""The fields of one record as text, without the quotes around them.

    Examples
    --------
    >>> fields_of(b'a,"b ""c"", d",\n', ",")
    ['a', 'b "c", d', '']
    """
    return [_unquoted(decoded(field)) for field in _raw_fields(record, delimiter)]


def _raw_fields(record: bytes, delimiter: str) -> list[bytes]:
    pattern = _patterns(delimiter)[0]
    fields, place = [], -1
    while place < 0 or record[place : place + 1] == delimiter.encode():
        found = pattern.match(record, place + 1)
        fields.append(found.group() if found else record[place + 1 :])
        place = found.end() if found else len(record)
    return fields


def _unquoted(field: str) -> str:
    found = _QUOTED.match(field)
    return found.group(1).replace('""', '"') + found.group(2) if found else field


def decoded(data: bytes) -> str:
    """Decode UTF-8, or Windows-1252 where the bytes are not UTF-8. As in web browsers, every byte is a character there.

    Examples
    --------
    >>> decoded("Größe".encode()), decoded("Größe".encode("cp1252"))
    ('Größe', 'Größe')
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1").translate(_WINDOWS_1252)


def as_utf8(region: Region, delimiter: str) -> tuple[Region, int]:
    """Convert a region to UTF-8, and count the records that were not: they are read as Windows-1252.

    Each record is decoded by itself, so that its content does not depend on other records.
    """
    if region.data.isascii():
        return region, 0
    try:
        region.data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return region, 0
    parts, count = [], 0
    for record in _record_bytes(region, delimiter):
        text = record if record.isascii() else decoded(record).encode()
        count += text != record
        parts.append(text)
    return Region(b"".join(parts), region.line), count


def count_lines(data: bytes) -> int:
    """Count the line ends, in the convention of any operating system."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _record_bytes(region: Region, delimiter: str) -> Iterable[bytes]:
    if b'"' not in region.data:
        return region.data.splitlines(keepends=True)  # gives the same records, faster
    return (record.data for record in records(region, delimiter))


def ends_whole(data: bytes, delimiter: str) -> bool:
    """Whether every quoted field is closed at the end."""
    pattern, end = _patterns(delimiter)[1], whole_records(data, delimiter)
    while end < len(data):
        found = pattern.match(data, end)
        if not found:
            return False
        end = found.end()
    return True


def whole_records(data: bytes, delimiter: str) -> int:
    """The number of bytes at the start of a piece of a file that are certain to be whole records."""
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)
    if not len(quotes):
        return _after_last_line(data, len(data))
    if not _are_paired(data, quotes, delimiter):
        return _whole_by_records(data, delimiter)
    end = len(data)
    while True:
        end = _after_last_line(data, end)
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            return end
        end = int(quotes[before - 1])  # this line end is within quotes: look before them


def _after_last_line(data: bytes, end: int) -> int:
    # A carriage return at the very end may be the first half of a line end.
    return max(data.rfind(b"\n", 0, end), data.rfind(b"\r", 0, min(end, len(data) - 1))) + 1


def _are_paired(data: bytes, quotes: npt.NDArray[np.intp], delimiter: str) -> bool:
    """Whether each quote opens or closes a field or is doubled within one; an odd count then means an open field."""
    values = np.frombuffer(data, np.uint8)
    around = (ord(delimiter), _LINE_FEED, _CARRIAGE_RETURN, _QUOTE)
    opening, closing = quotes[::2], quotes[1::2]
    before = values[opening[opening > 0] - 1]
    after = values[closing[closing < len(data) - 1] + 1]
    return bool(np.isin(before, around).all() and np.isin(after, around).all())


def _whole_by_records(data: bytes, delimiter: str) -> int:
    pattern, end = _patterns(delimiter)[1], 0
    while found := pattern.match(data, end):
        if found.end() == len(data):
            return len(data) if data.endswith(b"\n") else end
        end = found.end()
    return end

"""Where the records of CSV end, on which line each starts, and what is wrong with one.

As pyarrow reads them: a quote opens a quoted field at the field's start alone, elsewhere it is a letter; a line ends
with a line feed, a carriage return, or both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["OPEN_QUOTE", "Record", "Region", "count_lines", "ends_whole", "record_problem", "records", "whole_records"]

OPEN_QUOTE = "a quote is opened and never closed"
_QUOTE, _LINE_FEED, _CARRIAGE_RETURN = b'"\n\r'


class Region(NamedTuple):
    """Whole records, and the line of the file on which they start."""

    data: bytes
    line: int


class Record(NamedTuple):
    """One record with its line end, the line on which it starts, and its place in its region."""

    data: bytes
    line: int
    start: int


@lru_cache(maxsize=8)
def _patterns(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Of one field and of one record; no record starts where a quote is opened and never closed."""
    sign = re.escape(delimiter.encode())
    within = rb"[^\r\n" + sign + rb"]*+"
    field = rb'(?:"(?:[^"]++|"")*+"' + within + rb'|(?!")' + within + rb")"
    return re.compile(field), re.compile(field + rb"(?:" + sign + field + rb")*+(?:\r\n|\n|\r|\Z)")


def records(region: Region, delimiter: str) -> Iterator[Record]:
    """Every record in order, blank ones too; where a quote is never closed, the rest is one."""
    pattern = _patterns(delimiter)[1]
    start, line = 0, region.line
    while start < len(region.data):
        found = pattern.match(region.data, start)
        end = found.end() if found else len(region.data)
        record = Record(region.data[start:end], line, start)
        yield record
        start, line = end, line + count_lines(record.data)


def record_problem(record: bytes, delimiter: str, width: int) -> str | None:
    """What is wrong with a record of a file of ``width`` columns, in words; None where nothing is."""
    field, whole = _patterns(delimiter)
    if b"\0" in record:
        return "holds a NUL byte; is it a binary file?"
    try:
        record.decode("utf-8")
    except UnicodeDecodeError as invalid:
        return f"is not UTF-8 text (byte 0x{record[invalid.start]:02x}); save the file as UTF-8"
    if not whole.fullmatch(record):
        return OPEN_QUOTE
    if width > 1 and not record.strip(b"\r\n"):
        return None
    count, place = 0, -1
    while place < 0 or record[place : place + 1] == delimiter.encode():
        found = field.match(record, place + 1)
        count, place = count + 1, found.end() if found else len(record)
    if count == width:
        return None
    return (
        f"expected {width} field{'s' * (width > 1)}, found {count}. Mend that line; is a quote not closed, or a field "
        "with the delimiter in it not quoted?"
    )


def count_lines(data: bytes) -> int:
    """Line ends of any system."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def ends_whole(data: bytes, delimiter: str) -> bool:
    """Whether no quote stays open at the end."""
    pattern, end = _patterns(delimiter)[1], whole_records(data, delimiter)
    while end < len(data):
        found = pattern.match(data, end)
        if not found:
            return False
        end = found.end()
    return True


def whole_records(data: bytes, delimiter: str) -> int:
    """Bytes of the whole records that a piece of a file begins with, as far as they are known to have ended."""
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
        end = int(quotes[before - 1])  # the line end lies within quotes: look before them


def _after_last_line(data: bytes, end: int) -> int:
    # A carriage return that comes last may be half of a line end.
    return max(data.rfind(b"\n", 0, end), data.rfind(b"\r", 0, min(end, len(data) - 1))) + 1


def _are_paired(data: bytes, quotes: npt.NDArray[np.intp], delimiter: str) -> bool:
    """Whether each quote opens a field, closes one, or is one of two within one: then quotes tell by counting."""
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

"""Find the dialect of a CSV file from its first lines: the delimiter, the header and the start of the rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from oddrow.exceptions import TableReadError
from oddrow.files._csv_records import Record, Region, count_lines, fields_of, record_problem, records, way_out
from oddrow.files._reading_options import CsvReading, ReadingOptions, renaming_notes
from oddrow.remedies import Advice, Setting, remedy
from oddrow.table import same_names, shortened, unrepeated

__all__ = ["BYTE_ORDER_MARK", "CsvDialect", "csv_dialect"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_FIRST_RECORDS = 100
"""The header is looked for among so many records; they also show whether a delimiter gives equal widths."""
_HEAD = 1 << 16
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_SEPARATOR = re.compile(rb'"?sep=([,;\t|])"?(?:\r\n|\n|\r|\Z)', re.IGNORECASE)
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*\Z")
_SIGNATURES = {
    b"\x1f\x8b": "gzip data; let the name end in .gz, or give the format csv.gz",
    b"\x28\xb5\x2f\xfd": "zstd data; let the name end in .zst, or give the format csv.zst",
    b"PAR1": "a Parquet file; let the name end in .parquet, or give the format parquet",
    b"ARROW1": "an Arrow file; let the name end in .arrow, or give the format arrow",
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class CsvDialect:
    """The dialect of a file.

    Attributes
    ----------
    label : what errors call the file
    delimiter : the character between its fields
    names : the names of its columns
    start, line : the byte at which the first row starts, and its line in the file
    is_strict : whether text that is not UTF-8 is an error
    reading : how to read a later file in the same way
    notes : what was assumed, in sentences
    """

    label: str
    delimiter: str
    names: tuple[str, ...]
    start: int
    line: int
    is_strict: bool
    reading: CsvReading
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """The number of fields of a record."""
        return len(self.names)


class _Head(NamedTuple):
    """The first bytes of a file from some line on, and whether the file ends with them."""

    data: bytes
    start: int
    line: int
    is_whole: bool

    def after(self, n_bytes: int) -> _Head:
        return _Head(
            self.data[n_bytes:], self.start + n_bytes, self.line + count_lines(self.data[:n_bytes]), self.is_whole
        )

    def records(self, delimiter: str) -> list[Record]:
        """The first records that are not blank, without a last one that is cut off."""
        found: list[Record] = []
        for record in islice(records(Region(self.data, self.line), delimiter), 2 * _FIRST_RECORDS):
            if record.start > _HEAD and len(found) > 3:
                break
            found.append(record)
        is_cut = not self.is_whole and found and found[-1].start + len(found[-1].data) >= len(self.data)
        kept = found[:-1] if is_cut and len(found) > 1 else found
        return [record for record in kept if record.data.strip(b"\r\n")][:_FIRST_RECORDS]


class _Header(NamedTuple):
    delimiter: str
    record: Record
    names: tuple[str, ...]
    notes: tuple[str, ...]


def csv_dialect(
    content: bytes,
    label: str,
    options: ReadingOptions,
    *,
    is_whole: bool = True,
    expects: Sequence[str] | None = None,
    like: CsvReading | None = None,
) -> CsvDialect:
    """Find the dialect from the first bytes of a file, by the rules of :func:`oddrow.files.open`.

    Raises
    ------
    TableReadError
        If the bytes are not CSV, or other lines stand before the header.
    """
    if options.encoding is None:
        _reject_binary(content, label)
    mark = len(BYTE_ORDER_MARK) if content.startswith(BYTE_ORDER_MARK) else 0
    head = _Head(content[mark:], mark, 1, is_whole)
    head, options = _without_separator(_after_lines(head, label, options.skip or 0), options)
    is_explicit = options.has_header is False or options.column_names is not None
    is_alike = not is_explicit and options.has_header is None and like is not None and not like.has_header
    header = None
    if expects and not is_explicit:
        header = _expected_header(head, label, options, expects, like, must_be_all=is_alike)
    if header is None and (is_explicit or is_alike):
        n_lines = options.skip or 0
        if like is not None and options.skip is None:
            n_lines = like.skip
            head, options = _without_separator(_after_lines(head, label, n_lines), options)
        return _headerless(head, label, options, like, n_lines, expects or ())
    header = header or _first_header(head, label, options)
    problem = record_problem(
        header.record.data, header.delimiter, len(header.names), is_strict=options.encoding is not None
    )
    if problem is not None:
        raise TableReadError(f"{label}, line {header.record.line}: {problem}", remedy=way_out(problem))
    rows = head.after(header.record.start + len(header.record.data))
    reading = CsvReading(True, (), header.delimiter, options.skip or 0, options.encoding)
    return CsvDialect(
        label,
        header.delimiter,
        header.names,
        rows.start,
        rows.line,
        options.encoding is not None,
        reading,
        header.notes,
    )


def _reject_binary(content: bytes, label: str) -> None:
    for signature, found in _SIGNATURES.items():
        if content.startswith(signature):
            raise TableReadError(f"{label}: is not CSV but {found}")
    if content.startswith(_UTF16_MARKS):
        raise TableReadError(
            f"{label}: is not CSV but UTF-16 text",
            remedy=remedy("say so by ", Setting("encoding", "utf-16"), ", or save it as UTF-8"),
        )
    # A NUL byte in the first line means a binary file; in a later row, it is an error of that row.
    first = content.lstrip(b"\r\n").partition(b"\n")[0]
    if b"\0" in first:
        line = 1 + count_lines(content[: content.index(first)])
        raise TableReadError(f"{label}, line {line}: holds a NUL byte; is it a binary file?")


def _without_blank_lines(head: _Head) -> _Head:
    """Drop blank lines at the start: in a file of one column, a blank line would be taken for the header."""
    return head.after(len(head.data) - len(head.data.lstrip(b"\r\n")))


def _after_lines(head: _Head, label: str, n_lines: int) -> _Head:
    for _ in range(n_lines):
        if not head.data:
            raise TableReadError(f"{label}: {n_lines} lines are to be skipped, and the file has fewer")
        head = head.after(_LINE.match(head.data).end())  # type: ignore[union-attr]
    return _without_blank_lines(head)


def _without_separator(head: _Head, options: ReadingOptions) -> tuple[_Head, ReadingOptions]:
    """Drop a first line ``sep=;``, as Excel writes it, and use its delimiter unless the options have one."""
    found = _SEPARATOR.match(head.data)
    if found is None or found.end() == len(head.data):
        return head, options
    separator = options.delimiter or found.group(1).decode()
    return _without_blank_lines(head.after(found.end())), replace(options, delimiter=separator)


# Without a header ---------------------------------------------------------------------------------------------------


def _headerless(
    head: _Head, label: str, options: ReadingOptions, like: CsvReading | None, n_lines: int, expects: Sequence[str]
) -> CsvDialect:
    given = options.column_names or (() if like is None else like.names)
    # a later file may lack columns that the model does not need, such as the label
    needed = () if options.column_names else tuple(name for name in given if name in expects)
    delimiters = _candidates(like) if options.delimiter is None else [options.delimiter]
    fitting = [(sign, names) for names in (given, needed) for sign in delimiters if len(names) == _n_fields(head, sign)]
    notes: tuple[str, ...] = ()
    if given and fitting:
        delimiter, names = fitting[0]
        if names != given:
            notes = (f"{label}: has no header, and {len(names)} fields in a row: read as the columns of the model",)
    elif given:
        delimiter, names = options.delimiter or _even_delimiter(head, len(given), list(_DELIMITERS)), given
    else:
        delimiter = options.delimiter or _first_delimiter(head)
        names = tuple(f"column_{place}" for place in range(1, max(_n_fields(head, delimiter), 1) + 1))
    names, repeated = unrepeated(names)
    is_strict = options.encoding is not None
    reading = CsvReading(False, names, delimiter, n_lines, options.encoding)
    notes += renaming_notes(label, repeated, {})
    return CsvDialect(label, delimiter, names, head.start, head.line, is_strict, reading, notes)


def _candidates(like: CsvReading | None) -> list[str]:
    known = [] if like is None or like.delimiter is None else [like.delimiter]
    return [*known, *(sign for sign in _DELIMITERS if sign not in known)]


# The header with a model -------------------------------------------------------------------------------


def _expected_header(
    head: _Head,
    label: str,
    options: ReadingOptions,
    expects: Sequence[str],
    like: CsvReading | None,
    *,
    must_be_all: bool = False,
) -> _Header | None:
    """The first record that holds all expected names, or else half of them. The content of later rows has no effect."""
    delimiters = _candidates(like) if options.delimiter is None else [options.delimiter]
    most = 1 if options.skip is not None else None
    first = [(record, sign) for sign in delimiters for record in head.records(sign)[:most]]
    first.sort(key=lambda one: one[0].start)
    headers = [(record, sign, fields_of(record.data, sign)) for record, sign in first]
    found = None
    half = max(1, (len(expects) + 1) // 2)
    for least in [len(expects)] if must_be_all else [len(expects), half]:
        fitting = (one for one in headers if len(one[2]) >= least and _n_same(expects, one[2]) >= least)
        chosen = next(fitting, None)
        if chosen is not None:
            found = _as_expected(label, *chosen, expects)
            break
    if found is not None and found.record.start > 0 and options.skip is None:
        before = found.record.line - 1
        note = f"{label}: the header is line {found.record.line}, which names the model's columns; " + (
            "line 1 is passed over" if before == 1 else f"lines 1 to {before} are passed over"
        )
        found = found._replace(notes=(note, *found.notes))
    return found


def _n_same(expects: Sequence[str], fields: list[str]) -> int:
    return len(same_names(expects, _named(fields)[0]))


def _as_expected(label: str, record: Record, delimiter: str, fields: list[str], expects: Sequence[str]) -> _Header:
    names, repeated = _named(fields)
    known = {there: name for name, there in same_names(expects, names).items()}
    notes = renaming_notes(label, repeated, {there: name for there, name in known.items() if there != name})
    return _Header(delimiter, record, tuple(known.get(name, name) for name in names), notes)


def _named(header: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Unique names for all columns, and a mapping from each changed name to the repeated name in the file."""
    names, renamed = unrepeated([name or f"column_{place}" for place, name in enumerate(header, 1)])
    return names, dict(renamed)


# The header without a model ----------------------------------------------------------------------------------


def _first_header(head: _Head, label: str, options: ReadingOptions) -> _Header:
    delimiter = options.delimiter or _first_delimiter(head)
    _reject_preamble(head, label, options, delimiter)
    found = head.records(delimiter)
    record = found[0] if found else Record(head.data, head.line, 0)
    fields = fields_of(record.data, delimiter) if record.data.strip(b"\r\n") else []
    _reject_unsplit_header(head, label, fields, delimiter)
    names, given = _named(fields)
    notes = renaming_notes(label, given, {})
    if _looks_like_data(fields, [fields_of(one.data, delimiter) for one in found[1:]]):
        shown = ", ".join(map(shortened, fields[:5])) + (", ..." if len(fields) > 5 else "")
        note = Advice(
            f"{label}: line {record.line} is read as the names of the columns, and looks like a row ({shown})",
            remedy(
                "if the file has no header, say ",
                Setting("has_header", False),
                ", and name the columns by ",
                Setting("column_names"),
            ),
        )
        notes = (*notes, note)
    return _Header(delimiter, record, names, notes)


def _first_delimiter(head: _Head) -> str:
    """The one delimiter that splits the first record; of several, the one that gives the first lines equal widths."""
    found = [sign for sign in _DELIMITERS if _n_fields(head, sign) > 1]
    if len(found) == 1:
        return found[0]
    return _even_delimiter(head, None, found) if found else ","


def _n_fields(head: _Head, delimiter: str) -> int:
    first = next(iter(head.records(delimiter)), None)
    return 0 if first is None else len(fields_of(first.data, delimiter))


def _widths(head: _Head, delimiter: str) -> list[int]:
    return [len(fields_of(record.data, delimiter)) for record in head.records(delimiter)]


def _even_delimiter(head: _Head, width: int | None, among: Sequence[str]) -> str:
    """A delimiter that gives all first lines the same number of fields; the comma if it does, or if none does.

    The comma is preferred because a wrong delimiter gives wrong fields without an error, while a comma that does not
    split the header leads to an error that names the other candidates.
    """
    even: dict[str, int] = {}
    for delimiter in among:
        widths = set(_widths(head, delimiter))
        if len(widths) == 1 and widths != {1} and widths <= {width or max(widths)}:
            even[delimiter] = max(widths)
    if "," in even or (not even and ("," in among or not among)):
        return ","
    return max(even or dict.fromkeys(among, 0), key=lambda sign: even.get(sign, 0))


def _reject_preamble(head: _Head, label: str, options: ReadingOptions, delimiter: str) -> None:
    """Refuse a file whose first lines have fewer fields than all lines that follow."""
    if len(set(_widths(head, delimiter))) == 1 and _widths(head, delimiter)[0] > 1:
        return
    for sign in [delimiter] if options.delimiter else _DELIMITERS:
        widths = _widths(head, sign)
        steady = widths[-1] if widths else 0
        before = next((place for place in range(len(widths), 0, -1) if widths[place - 1] != steady), 0)
        is_preamble = 0 < before <= len(widths) - 2 and all(width < steady for width in widths[:before])
        if not is_preamble:
            continue
        found = head.records(sign)
        lines = found[before].line - 1
        first = shortened(found[0].data.decode("utf-8", "replace").strip())
        which = f"line {found[0].line} has" if before == 1 else f"lines {found[0].line} to {lines} have"
        names = ", which names all columns" if widths[0] != steady - 1 or before > 1 else ""
        problem = TableReadError(
            f"{label}: {which} fewer fields than the {steady} of each line that follows, separated by "
            f"{_DELIMITERS.get(sign, repr(sign))} (line {found[0].line} is {first})",
            remedy=remedy(
                f"if the header is line {lines + 1}{names}, say ",
                Setting("skip", lines),
                f"; if these lines are names, skip them and name the {steady} columns by ",
                Setting("column_names"),
                *(() if sign == delimiter else ("; if all is one column, say ", Setting("delimiter", delimiter))),
            ),
        )
        problem.skip = lines
        raise problem


def _reject_unsplit_header(head: _Head, label: str, header: list[str], delimiter: str) -> None:
    others = [other for other in _DELIMITERS if other != delimiter and header and other in header[0]]
    if len(header) == 1 and others and not head.data.startswith(b'"'):
        other = others[0]
        raise TableReadError(
            f"{label}: the header is one column, {header[0]!r:.80}; are the fields separated by "
            f"{_DELIMITERS[other]}? Say so by delimiter={other!r}, or quote the name"
        )


def _looks_like_data(header: list[str], rows: list[list[str]]) -> bool:
    """Whether the first record has only numbers, or agrees with later rows: numbers in the same places, known words."""
    are_numbers = [bool(_NUMBER.match(field)) for field in header]
    if not any(are_numbers):
        return False
    if all(are_numbers):
        return True
    rows = [row for row in rows if len(row) == len(header)]
    for place, field in enumerate(header):
        later = [row[place] for row in rows]
        if are_numbers[place] != all(_NUMBER.match(value) for value in later if value.strip()):
            return False
        if not are_numbers[place] and field not in later:
            return False
    return bool(rows)

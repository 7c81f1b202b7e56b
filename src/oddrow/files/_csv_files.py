"""CSV files, read in pieces of bounded size; each field is kept as it is written."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from oddrow.exceptions import TableReadError
from oddrow.files._csv import text_columns
from oddrow.files._csv_dialect import CsvDialect, csv_dialect
from oddrow.files._csv_records import (
    OPEN_QUOTE,
    Record,
    Region,
    as_utf8,
    count_lines,
    record_problem,
    records,
    whole_records,
)
from oddrow.files._reading_options import CsvReading, ReadingOptions
from oddrow.files._table_file import SourceFile, read_error
from oddrow.remedies import Advice, Setting, remedy
from oddrow.table import AS_WRITTEN, MAX_BATCH_BYTES, MAX_BATCH_ROWS, LocatedBatch, SkippedRow, one_batch

__all__ = ["CsvFile"]

MAX_RECORD_BYTES = 1 << 26
"""A longer record is refused: its cause is a quote that was never closed."""
_HEAD_BYTES = 1 << 20
"""The dialect is found from so many bytes."""

_Opened = Callable[[], AbstractContextManager[Any]]


class _ReadableRecords(NamedTuple):
    """Records that can be read; the line of each, or None where no record between them was left out."""

    region: Region
    lines: tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class _CsvRowPlaces:
    """The places of the rows of a batch, found only when they are asked for.

    Attributes
    ----------
    records : the records of the piece from which the batch is
    offset : the place of the first row of the batch among them
    """

    dialect: CsvDialect
    records: _ReadableRecords
    offset: int

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        wanted = {self.offset + row: why for row, why in reasons.items()}
        found = (record for record in records(self.records.region, self.dialect.delimiter) if self._is_row(record))
        return [
            SkippedRow(self.dialect.label, self._line(place, record), wanted[place], record.data)
            for place, record in enumerate(islice(found, max(wanted, default=-1) + 1))
            if place in wanted
        ]

    def description(self, row: int) -> str:
        return f"{self.dialect.label}, line {self.of({row: ''})[0].line}"

    def _line(self, place: int, record: Record) -> int:
        return record.line if self.records.lines is None else self.records.lines[place]

    def _is_row(self, record: Record) -> bool:
        return self.dialect.width == 1 or bool(record.data.strip(b"\r\n"))


class _Count(NamedTuple):
    """The rows that can be read, those that cannot, and those of the former that are not UTF-8."""

    readable: int
    skipped: int
    not_utf8: int


class _Piece(NamedTuple):
    columns: list[pa.ChunkedArray]
    records: _ReadableRecords
    skipped: tuple[SkippedRow, ...]
    n_not_utf8: int


@dataclass(frozen=True, eq=False)
class CsvFile:
    """One file of CSV or TSV.

    Opening it reads its first bytes. Its rows are counted, and all errors in them found, by one reading of the file
    when ``n_rows``, ``n_skipped`` or ``notes`` is first asked for.

    Attributes
    ----------
    source : the file
    opened : opens it as a stream of UTF-8
    dialect : how it is written
    skips_unreadable : whether a record that cannot be read is left out, instead of an error
    """

    source: SourceFile
    opened: _Opened
    dialect: CsvDialect
    skips_unreadable: bool = False

    @classmethod
    def at(
        cls,
        source: SourceFile,
        options: ReadingOptions,
        *,
        skips_unreadable: bool = False,
        expects: Sequence[str] | None = None,
        like: CsvReading | None = None,
    ) -> CsvFile:
        """Open a file by its first bytes.

        Raises
        ------
        TableReadError
            If the file is empty, cannot be read, or is not CSV.
        """
        opened = partial(_opened, source, options.encoding)
        with opened() as stream:
            head = stream.read(_HEAD_BYTES)
            is_whole = len(head) < _HEAD_BYTES or not stream.read(1)
        if not head.strip():
            raise TableReadError(f"{source.label}: the file is empty")
        dialect = csv_dialect(head, source.label, options, is_whole=is_whole, expects=expects, like=like)
        return cls(source, opened, dialect, skips_unreadable)

    @property
    def schema(self) -> pa.Schema:
        """Every column is text."""
        return pa.schema([(name, pa.string()) for name in self.dialect.names], AS_WRITTEN)

    @property
    def n_rows(self) -> int:
        return self._count.readable

    @property
    def n_skipped(self) -> int:
        return self._count.skipped

    @property
    def csv(self) -> CsvReading:
        return self.dialect.reading

    @property
    def notes(self) -> tuple[str, ...]:
        n_rows = self._count.not_utf8
        if n_rows == 0:
            return self.dialect.notes
        rows = "1 row is" if n_rows == 1 else f"{n_rows:,} rows are"
        note = Advice(
            f"{self.source.label}: {rows} not UTF-8, and read as Windows-1252",
            remedy("say what the file is by ", Setting("encoding")),
        )
        return (*self.dialect.notes, note)

    @cached_property
    def _count(self) -> _Count:
        counts = [
            (len(piece.columns[0]), len(piece.skipped), piece.n_not_utf8) for piece in self._pieces(only_count=True)
        ]
        return _Count(*map(sum, zip(*counts, strict=True))) if counts else _Count(0, 0, 0)

    def read(self) -> pa.Table:
        tables = [pa.Table.from_arrays(piece.columns, schema=self.schema) for piece in self._pieces()]
        return pa.concat_tables(tables) if tables else self.schema.empty_table()

    def batches(self) -> Iterator[LocatedBatch]:
        for piece in self._pieces():
            table = pa.Table.from_arrays(piece.columns, schema=self.schema).combine_chunks()
            skipped = piece.skipped
            for start in range(0, max(table.num_rows, 1), MAX_BATCH_ROWS):
                rows = one_batch(table.slice(start, MAX_BATCH_ROWS))
                yield LocatedBatch(rows, _CsvRowPlaces(self.dialect, piece.records, start), skipped)
                skipped = ()

    def _pieces(self, *, only_count: bool = False) -> Iterator[_Piece]:
        for region in self._regions():
            try:
                columns, n_not_utf8 = self._columns(region, only_count)
                yield _Piece(columns, _ReadableRecords(region, None), (), n_not_utf8)
            except TableReadError:
                if not self.skips_unreadable:
                    raise
                readable, skipped = self._without_unreadable(region)
                columns, n_not_utf8 = self._columns(readable.region, only_count)
                yield _Piece(columns, readable, skipped, n_not_utf8)

    def _columns(self, region: Region, only_count: bool) -> tuple[list[pa.ChunkedArray], int]:
        if not self.dialect.is_strict:
            region, n_not_utf8 = as_utf8(region, self.dialect.delimiter)
            return text_columns(region, self.dialect, only_count=only_count), n_not_utf8
        # pyarrow checks that text is UTF-8 only in the columns that it returns.
        checks = only_count and not region.data.isascii()
        return text_columns(region, self.dialect, only_count=only_count and not checks), 0

    def _regions(self) -> Iterator[Region]:
        dialect = self.dialect
        with self.opened() as stream:
            stream.read(dialect.start)
            rest, line = b"", dialect.line
            while block := stream.read(MAX_BATCH_BYTES):
                data = rest + block
                end = whole_records(data, dialect.delimiter)
                if end:
                    yield Region(data[:end], line)
                    line += count_lines(data[:end])
                rest = data[end:]
                if len(rest) > MAX_RECORD_BYTES:
                    raise TableReadError(
                        f"{dialect.label}, line {line}: a record of more than {MAX_RECORD_BYTES >> 20} MiB begins; "
                        "is a quote opened and never closed?"
                    )
            if rest:
                yield Region(rest, line)

    def _without_unreadable(self, region: Region) -> tuple[_ReadableRecords, tuple[SkippedRow, ...]]:
        """The records of a region that can be read, and those that cannot.

        Of a record with a quote that is never closed, only the first line is left out; the rest is read again.
        """
        readable: list[bytes] = []
        lines: list[int] = []
        skipped: list[SkippedRow] = []
        delimiter, width, label = self.dialect.delimiter, self.dialect.width, self.source.label
        rest: Region | None = region
        while rest is not None:
            following = None
            for record in records(rest, delimiter):
                problem = record_problem(record.data, delimiter, width, is_strict=self.dialect.is_strict)
                if problem is None:
                    if width == 1 or record.data.strip(b"\r\n"):
                        readable.append(record.data)
                        lines.append(record.line)
                elif problem == OPEN_QUOTE:
                    first = record.data.splitlines(keepends=True)[0]
                    skipped.append(SkippedRow(label, record.line, problem, first))
                    left = record.data[len(first) :]
                    following = Region(left, record.line + 1) if left else None
                else:
                    skipped.append(SkippedRow(label, record.line, problem, record.data))
            rest = following
        return _ReadableRecords(Region(b"".join(readable), region.line), tuple(lines)), tuple(skipped)


# The bytes of a file, in UTF-8 ----------------------------------------------------------------------------------------


@contextmanager
def _opened(source: SourceFile, encoding: str | None) -> Iterator[Any]:
    try:
        # Arrow opens no file whose name is not UTF-8
        with source.path.open("rb") as file:
            plain = file if source.compression is None else pa.CompressedInputStream(file, source.compression)
            is_utf8 = encoding is None or codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
            yield plain if is_utf8 else _Transcoded(plain, source.label, str(encoding))
    except TableReadError:
        raise
    except (pa.ArrowException, OSError) as error:
        if source.compression is not None and not isinstance(error, (FileNotFoundError, PermissionError)):
            raise TableReadError(
                f"{source.label}: the {source.compression} data is damaged or cut short: {error}"
            ) from error
        raise read_error(source.label, error) from error


class _Transcoded:
    """A stream of text in another encoding, read as UTF-8."""

    def __init__(self, stream: Any, label: str, encoding: str) -> None:
        self._stream, self._label, self._encoding = stream, label, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._rest = b""
        self._line = 1
        self._is_at_end = False

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end of the stream."""
        parts = [self._rest]
        held = len(self._rest)
        while held < size and not self._is_at_end:
            block = self._stream.read(max(size, 1 << 16))
            self._is_at_end = not block
            part = self._decoded(block)
            parts.append(part)
            held += len(part)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]

    def _decoded(self, block: bytes) -> bytes:
        try:
            text = self._decoder.decode(block, final=not block).encode("utf-8", "surrogatepass")
        except UnicodeError as error:
            before = getattr(error, "object", b"")[: getattr(error, "start", 0)]
            line = self._line + count_lines(before.decode(self._encoding, "ignore").encode())
            raise TableReadError(
                f"{self._label}, line {line}: is not text in {self._encoding} ({error})",
                remedy=remedy("say what it is by ", Setting("encoding")),
            ) from error
        self._line += count_lines(text)
        return text

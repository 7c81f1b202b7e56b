"""CSV files read piece by piece, each field as it is written; as often as they are asked for."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
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
from oddrow.files._file_formats import not_found
from oddrow.files._origin import CsvReading
from oddrow.files._reading_options import ReadingOptions
from oddrow.remedies import Setting, remedy
from oddrow.table import AS_WRITTEN, MOST_BYTES, MOST_ROWS, LocatedBatch, SkippedRow, one_batch

__all__ = ["CsvCount", "CsvFile"]

MOST_RECORD_BYTES = 1 << 26
"""A longer record is no row but a quote that was never closed."""
_HEAD_BYTES = 1 << 20

_Opened = Callable[[], AbstractContextManager[Any]]


class _SoundRecords(NamedTuple):
    """Records of a file that can be read, and the line of each where they do not follow each other."""

    region: Region
    lines: tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class _CsvRows:
    """The place of rows of a CSV file, looked for when it is asked for."""

    dialect: CsvDialect
    sound: _SoundRecords
    offset: int

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        wanted = {self.offset + row: why for row, why in reasons.items()}
        found = (record for record in records(self.sound.region, self.dialect.delimiter) if self._is_row(record))
        return [
            SkippedRow(self.dialect.label, self._line(place, record), wanted[place], record.data)
            for place, record in enumerate(islice(found, max(wanted, default=-1) + 1))
            if place in wanted
        ]

    def said(self, row: int) -> str:
        return f"{self.dialect.label}, line {self.of({row: ''})[0].line}"

    def _line(self, place: int, record: Record) -> int:
        return record.line if self.sound.lines is None else self.sound.lines[place]

    def _is_row(self, record: Record) -> bool:
        return self.dialect.width == 1 or bool(record.data.strip(b"\r\n"))


class CsvCount(NamedTuple):
    """How many rows of a file can be read, how many not, and how many of the first are not UTF-8."""

    rows: int
    skipped: int
    foreign: int


class _Piece(NamedTuple):
    columns: list[pa.ChunkedArray]
    sound: _SoundRecords
    skipped: tuple[SkippedRow, ...]
    n_foreign: int


@dataclass(frozen=True, eq=False)
class CsvFile:
    """One file, read as often as it is asked for; with ``skips`` a record that cannot be read is left out and told."""

    opened: _Opened
    dialect: CsvDialect
    skips: bool = False

    @classmethod
    def at(
        cls,
        source: Path | bytes,
        label: str,
        compression: str | None,
        options: ReadingOptions,
        *,
        skips: bool = False,
        expects: Sequence[str] | None = None,
        like: CsvReading | None = None,
    ) -> CsvFile:
        """The file at a path, or the bytes of one, by its first lines."""
        opened = partial(_opened, source, label, compression, options.encoding)
        with opened() as stream:
            head = stream.read(_HEAD_BYTES)
            is_whole = len(head) < _HEAD_BYTES or not stream.read(1)
        if not head.strip():
            raise TableReadError(f"{label}: the file is empty")
        return cls(
            opened, csv_dialect(head, label, options, is_whole=is_whole, expects=expects, like=like), skips=skips
        )

    @property
    def schema(self) -> pa.Schema:
        """Every column is text."""
        return pa.schema([(name, pa.string()) for name in self.dialect.names], AS_WRITTEN)

    def count(self) -> CsvCount:
        """Read all of it once; what cannot be read is an error here already."""
        rows = skipped = foreign = 0
        for piece in self._pieces(only_count=True):
            rows += len(piece.columns[0])
            skipped += len(piece.skipped)
            foreign += piece.n_foreign
        return CsvCount(rows, skipped, foreign)

    def table(self) -> tuple[pa.Table, int]:
        """All rows at once, and how many of them are not UTF-8."""
        pieces = list(self._pieces())
        if not pieces:
            return self.schema.empty_table(), 0
        tables = [pa.Table.from_arrays(piece.columns, schema=self.schema) for piece in pieces]
        return pa.concat_tables(tables), sum(piece.n_foreign for piece in pieces)

    def batches(self) -> Iterator[LocatedBatch]:
        """The rows in order."""
        for piece in self._pieces():
            table = pa.Table.from_arrays(piece.columns, schema=self.schema).combine_chunks()
            skipped = piece.skipped
            for start in range(0, max(table.num_rows, 1), MOST_ROWS):
                yield LocatedBatch(
                    one_batch(table.slice(start, MOST_ROWS)), _CsvRows(self.dialect, piece.sound, start), skipped
                )
                skipped = ()

    def _pieces(self, *, only_count: bool = False) -> Iterator[_Piece]:
        for region in self._regions():
            try:
                columns, n_foreign = self._columns(region, only_count)
                yield _Piece(columns, _SoundRecords(region, None), (), n_foreign)
            except TableReadError:
                if not self.skips:
                    raise
                sound, skipped = self._parted(region)
                columns, n_foreign = self._columns(sound.region, only_count)
                yield _Piece(columns, sound, skipped, n_foreign)

    def _columns(self, region: Region, only_count: bool) -> tuple[list[pa.ChunkedArray], int]:
        if not self.dialect.is_strict:
            region, n_foreign = as_utf8(region, self.dialect.delimiter)
            return text_columns(region, self.dialect, only_count=only_count), n_foreign
        # Only what is converted is checked by pyarrow.
        checks = only_count and not region.data.isascii()
        return text_columns(region, self.dialect, only_count=only_count and not checks), 0

    def _regions(self) -> Iterator[Region]:
        dialect = self.dialect
        with self.opened() as stream:
            stream.read(dialect.start)
            rest, line = b"", dialect.line
            while block := stream.read(MOST_BYTES):
                data = rest + block
                end = whole_records(data, dialect.delimiter)
                if end:
                    yield Region(data[:end], line)
                    line += count_lines(data[:end])
                rest = data[end:]
                if len(rest) > MOST_RECORD_BYTES:
                    raise TableReadError(
                        f"{dialect.label}, line {line}: a record of more than {MOST_RECORD_BYTES >> 20} MiB begins; "
                        "is a quote opened and never closed?"
                    )
            if rest:
                yield Region(rest, line)

    def _parted(self, region: Region) -> tuple[_SoundRecords, tuple[SkippedRow, ...]]:
        """What can be read of a region, and what not; of a quote that stays open the first line alone is lost."""
        sound: list[bytes] = []
        lines: list[int] = []
        skipped: list[SkippedRow] = []
        delimiter, width, label = self.dialect.delimiter, self.dialect.width, self.dialect.label
        rest: Region | None = region
        while rest is not None:
            following = None
            for record in records(rest, delimiter):
                problem = record_problem(record.data, delimiter, width, is_strict=self.dialect.is_strict)
                if problem is None:
                    if width == 1 or record.data.strip(b"\r\n"):
                        sound.append(record.data)
                        lines.append(record.line)
                elif problem == OPEN_QUOTE:
                    first = record.data.splitlines(keepends=True)[0]
                    skipped.append(SkippedRow(label, record.line, problem, first))
                    left = record.data[len(first) :]
                    following = Region(left, record.line + 1) if left else None
                else:
                    skipped.append(SkippedRow(label, record.line, problem, record.data))
            rest = following
        return _SoundRecords(Region(b"".join(sound), region.line), tuple(lines)), tuple(skipped)


# Bytes of a file, in UTF-8 ------------------------------------------------------------------------------------------


@contextmanager
def _opened(source: Path | bytes, label: str, compression: str | None, encoding: str | None) -> Iterator[Any]:
    try:
        with pa.OSFile(str(source)) if isinstance(source, Path) else pa.BufferReader(source) as file:
            plain = file if compression is None else pa.CompressedInputStream(file, compression)
            is_utf8 = encoding is None or codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
            yield plain if is_utf8 else _Transcoded(plain, label, str(encoding))
    except TableReadError:
        raise
    except FileNotFoundError as error:
        raise not_found(label) from error
    except PermissionError as error:
        raise TableReadError(f"{label}: no permission to read this file") from error
    except (pa.ArrowException, OSError) as error:
        if compression is not None:
            raise TableReadError(f"{label}: the {compression} data is damaged or cut short: {error}") from error
        raise TableReadError(f"{label}: cannot be read: {error}") from error


class _Transcoded:
    """A stream of text in some encoding, read as UTF-8."""

    def __init__(self, stream: Any, label: str, encoding: str) -> None:
        self._stream, self._label, self._encoding = stream, label, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._rest = b""
        self._line = 1
        self._is_at_end = False

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
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

"""CSV files read piece by piece: their types in a first pass over all values, their rows in every later one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from oddrow.exceptions import TableReadError
from oddrow.table._csv import CsvDialect, csv_dialect, text_columns
from oddrow.table._csv_records import OPEN_QUOTE, Record, Region, count_lines, record_problem, records, whole_records
from oddrow.table._files import CsvOptions
from oddrow.table._forms import not_found
from oddrow.table._frame import as_table
from oddrow.table._located import MOST_BYTES, MOST_ROWS, LocatedBatch, SkippedRow, one_batch
from oddrow.table._text_types import TextType, read_as

__all__ = ["CsvFile", "CsvSurvey"]

MOST_RECORD_BYTES = 1 << 26
"""A longer record is no row but a quote that was never closed."""
_HEAD_BYTES = 1 << 20


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
            for place, record in enumerate(islice(found, max(wanted) + 1))
            if place in wanted
        ]

    def said(self, row: int) -> str:
        return f"{self.dialect.label}, line {self.of({row: ''})[0].line}"

    def _line(self, place: int, record: Record) -> int:
        return record.line if self.sound.lines is None else self.sound.lines[place]

    def _is_row(self, record: Record) -> bool:
        return self.dialect.width == 1 or bool(record.data.strip(b"\r\n"))


class CsvSurvey(NamedTuple):
    """The type of each column by all its values, and how many rows can be read and how many not."""

    types: dict[str, TextType]
    rows: int
    skipped: int


class _Piece(NamedTuple):
    columns: list[pa.ChunkedArray]
    sound: _SoundRecords
    skipped: tuple[SkippedRow, ...]


@dataclass(frozen=True, eq=False)
class CsvFile:
    """One file, read as often as it is asked for; with ``skips`` a record that cannot be read is left out and told."""

    path: Path
    compression: str | None
    dialect: CsvDialect
    skips: bool = False

    @classmethod
    def at(cls, path: Path, label: str, compression: str | None, csv_options: CsvOptions) -> CsvFile:
        """The file at a path, by its first lines."""
        with _opened(path, label, compression) as stream:
            head = stream.read(_HEAD_BYTES)
        if not head.strip():
            raise TableReadError(f"{label}: the file is empty")
        dialect = csv_dialect(head, label, csv_options.delimiter, csv_options.column_names)
        none = pa.array([], pa.string())
        as_table(pa.Table.from_arrays([none] * dialect.width, list(dialect.names)))  # refuses names that occur twice
        return cls(path, compression, dialect, csv_options.skips)

    def survey(self) -> CsvSurvey:
        """Read all of it once."""
        types = dict.fromkeys(self.dialect.names, TextType())
        rows = skipped = 0
        for piece in self._pieces():
            rows += len(piece.columns[0])
            skipped += len(piece.skipped)
            for name, column in zip(self.dialect.names, piece.columns, strict=True):
                types[name] = types[name].merged(TextType.of(column, types[name].takers))
        return CsvSurvey(types, rows, skipped)

    def batches(self, types: Mapping[str, TextType]) -> Iterator[LocatedBatch]:
        """The rows, each column in the type that was found for it."""
        for piece in self._pieces():
            columns = {}
            for name, text in zip(self.dialect.names, piece.columns, strict=True):
                column = read_as(text, types[name])
                if column is None:
                    raise TableReadError(f"{self.dialect.label}: has changed while it was read; leave it as it is")
                columns[name] = column
            table = as_table(pa.table(columns)).combine_chunks()
            skipped = piece.skipped
            for start in range(0, max(table.num_rows, 1), MOST_ROWS):
                yield LocatedBatch(
                    one_batch(table.slice(start, MOST_ROWS)), _CsvRows(self.dialect, piece.sound, start), skipped
                )
                skipped = ()

    def _pieces(self) -> Iterator[_Piece]:
        for region in self._regions():
            try:
                yield _Piece(text_columns(region, self.dialect), _SoundRecords(region, None), ())
            except TableReadError:
                if not self.skips:
                    raise
                sound, skipped = self._parted(region)
                yield _Piece(text_columns(sound.region, self.dialect), sound, skipped)

    def _regions(self) -> Iterator[Region]:
        dialect = self.dialect
        with _opened(self.path, dialect.label, self.compression) as stream:
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
                problem = record_problem(record.data, delimiter, width)
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


@contextmanager
def _opened(path: Path, label: str, compression: str | None) -> Iterator[Any]:
    try:
        with pa.OSFile(str(path)) as file:
            yield file if compression is None else pa.CompressedInputStream(file, compression)
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

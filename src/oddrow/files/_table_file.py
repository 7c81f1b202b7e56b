"""What every file format provides, and the parts that several formats share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from oddrow.exceptions import DataError, TableReadError
from oddrow.files._pandas_index import without_pandas_index
from oddrow.files._reading_options import CsvReading, ReadingOptions, renaming_notes
from oddrow.table import MAX_BATCH_ROWS, LocatedBatch, TableRows, as_table, one_batch, same_names, unrepeated

__all__ = [
    "FileFormat",
    "Opening",
    "SourceFile",
    "TableFile",
    "WholeTable",
    "WriteRows",
    "content_of",
    "filled_files",
    "plain_columns",
    "read_error",
    "with_expected_names",
]

WriteRows: TypeAlias = Callable[[pa.Table], None]


@dataclass(frozen=True)
class SourceFile:
    """One file of a table, not yet opened.

    Attributes
    ----------
    path : where it is
    label : what errors call it
    compression : ``"gzip"``, ``"zstd"`` or None
    partition : the values that its folders ``key=value`` give to all its rows, as text
    """

    path: Path
    label: str
    compression: str | None
    partition: Mapping[str, str | None]


@dataclass(frozen=True)
class Opening:
    """How the files of one table are opened: what a user says, and what a model knows about the columns.

    Attributes
    ----------
    options : what a user says
    expects : the names of the model's columns; None without a model
    may_lack : the expected columns that JSON lines may lack
    like : how the training table was read
    skips_unreadable : whether records of CSV that cannot be read are left out
    may_be_empty : whether a table without rows is allowed
    """

    options: ReadingOptions
    expects: tuple[str, ...] | None = None
    may_lack: tuple[str, ...] = ()
    like: CsvReading | None = None
    skips_unreadable: bool = False
    may_be_empty: bool = False


class TableFile(Protocol):
    """An opened file. Its columns are known; its rows are read when they are asked for, as often as they are."""

    @property
    def source(self) -> SourceFile:
        """The file."""

    @property
    def schema(self) -> pa.Schema:
        """The columns."""

    @property
    def n_rows(self) -> int:
        """The number of rows that can be read."""

    @property
    def n_skipped(self) -> int:
        """The number of rows that are left out because they cannot be read."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, in sentences."""

    @property
    def csv(self) -> CsvReading | None:
        """How CSV is read; None for other formats."""

    def batches(self) -> Iterator[LocatedBatch]:
        """The rows in order, some at a time."""

    def read(self) -> pa.Table:
        """All rows at once: those of :meth:`batches`."""


class FileFormat(Protocol):
    """A file format. A new one is a module with such an object, and its name in ``_formats.FORMATS``."""

    @property
    def name(self) -> str:
        """What ``format=`` calls it."""

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files."""

    def opened(self, files: Sequence[SourceFile], opening: Opening) -> Sequence[TableFile]:
        """Open the files of one table; empty files may be left out.

        Raises
        ------
        TableReadError
            If a file cannot be read.
        SettingError
            If an option has no meaning for this format.
        """

    def writer(self, stream: Any, schema: pa.Schema) -> AbstractContextManager[WriteRows]:
        """Yield the function that writes further rows of this schema to a binary stream."""


def filled_files(files: Sequence[SourceFile]) -> Sequence[SourceFile]:
    """Leave out files of 0 bytes, which writers of many files leave where they have no rows; keep one if all are."""
    return [file for file in files if file.path.stat().st_size] or files[:1]


def read_error(label: str, error: OSError | pa.ArrowException) -> TableReadError:
    """The error for a file that the system cannot read."""
    if isinstance(error, FileNotFoundError):
        return TableReadError(f"{label}: there is no such file")
    if isinstance(error, PermissionError):
        return TableReadError(f"{label}: no permission to read this file")
    return TableReadError(f"{label}: cannot be read: {getattr(error, 'strerror', None) or error}")


def content_of(source: SourceFile) -> bytes:
    """All bytes of a file, decompressed.

    Raises
    ------
    TableReadError
        If the file cannot be read, or its compressed data is damaged.
    """
    try:
        data = source.path.read_bytes()
    except OSError as error:
        raise read_error(source.label, error) from error
    if source.compression is None:
        return data
    try:
        content: bytes = pa.CompressedInputStream(pa.BufferReader(data), source.compression).read()
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(
            f"{source.label}: the {source.compression} data is damaged or cut short: {error}"
        ) from error
    return content


def plain_columns(table: pa.Table, label: str, opening: Opening) -> pa.Table:
    """The table of a typed file with plain columns and without the index of a pandas data frame.

    Columns that cannot become plain, such as lists, stay as they are. A column that the model expects is kept even
    if pandas marked it as an index.
    """
    try:
        return as_table(without_pandas_index(table, opening.expects or ()), reads=lambda _: False, passes=True)
    except DataError as error:
        raise TableReadError(f"{label}: {error.message}", remedy=error.remedy) from error


@dataclass(frozen=True, eq=False)
class WholeTable:
    """A file that is read whole when it is opened.

    Attributes
    ----------
    source : the file
    table : its plain columns
    notes : what was assumed, in sentences
    """

    source: SourceFile
    table: pa.Table
    notes: tuple[str, ...] = ()
    n_skipped: int = 0
    csv: CsvReading | None = None

    @classmethod
    def of(cls, source: SourceFile, table: pa.Table, opening: Opening) -> WholeTable:
        """The table that a file holds, with the names that occur twice made unique."""
        notes = renaming_notes(source.label, unrepeated(table.column_names)[1], {})
        return cls(source, plain_columns(table, source.label, opening), notes)

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    @property
    def n_rows(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[LocatedBatch]:
        for start in range(0, self.n_rows, MAX_BATCH_ROWS):
            rows = one_batch(self.table.slice(start, MAX_BATCH_ROWS))
            yield LocatedBatch(rows, TableRows(self.source.label, start, rows))

    def read(self) -> pa.Table:
        return self.table


def with_expected_names(file: TableFile, opening: Opening, may_lack: Sequence[str] = ()) -> TableFile:
    """The file with the column names that the model expects; columns in ``may_lack`` are null where it lacks them."""
    expects = opening.expects or ()
    present = file.schema.names
    known = {there: name for name, there in same_names(expects, present).items()}
    names = tuple(known.get(name, name) for name in present)
    absent = tuple(name for name in expects if name in may_lack and name not in names)
    if names == tuple(present) and not absent:
        return file
    respelled = {there: name for there, name in known.items() if there != name}
    return _Renamed(file, names, absent, (*file.notes, *renaming_notes(file.source.label, {}, respelled)))


@dataclass(frozen=True, eq=False)
class _Renamed:
    """A file whose columns have other names, followed by columns of nulls."""

    file: TableFile
    names: tuple[str, ...]
    absent: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def source(self) -> SourceFile:
        return self.file.source

    @property
    def n_rows(self) -> int:
        return self.file.n_rows

    @property
    def n_skipped(self) -> int:
        return self.file.n_skipped

    @property
    def csv(self) -> CsvReading | None:
        return self.file.csv

    @property
    def schema(self) -> pa.Schema:
        renamed = [field.with_name(name) for name, field in zip(self.names, self.file.schema, strict=True)]
        return pa.schema([*renamed, *(pa.field(name, pa.null()) for name in self.absent)], self.file.schema.metadata)

    def batches(self) -> Iterator[LocatedBatch]:
        for located in self.file.batches():
            columns = [*located.rows.columns, *self._nulls(located.rows.num_rows)]
            yield located._replace(rows=pa.RecordBatch.from_arrays(columns, schema=self.schema))

    def read(self) -> pa.Table:
        table = self.file.read()
        return pa.Table.from_arrays([*table.columns, *self._nulls(table.num_rows)], schema=self.schema)

    def _nulls(self, n_rows: int) -> list[pa.Array]:
        return [pa.nulls(n_rows) for _ in self.absent]

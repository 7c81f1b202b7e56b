"""A table that may be larger than memory: batches of one schema, in a stable order, as often as they are asked for."""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

import pyarrow as pa

from oddrow.exceptions import DataError, TableReadError
from oddrow.files._csv_files import CsvFile
from oddrow.files._file_formats import source_form, source_label
from oddrow.files._origin import CsvReading
from oddrow.files._parquet import ParquetRows
from oddrow.files._read_table import content_of, foreign_note, read_whole
from oddrow.files._reading_options import ReadingOptions, checked_reading, renaming_notes
from oddrow.files._source_files import SourceFile, source_files
from oddrow.files._text_types import typed
from oddrow.table import MOST_ROWS, LocatedBatch, TableRows, is_as_written, one_batch, same_names

__all__ = ["OnError", "TableStream", "open_stream"]

OnError: TypeAlias = Literal["stop", "skip"]
_Batches: TypeAlias = Callable[[], Iterator[LocatedBatch]]


@dataclass(frozen=True, eq=False)
class TableStream:
    """Plain record batches of one schema, of bounded size, identical each time that they are asked for.

    Attributes
    ----------
    label : what errors and pictures call it
    schema : of every batch; columns of CSV are text as it is written, others those that :func:`read_table` promises
    n_rows : rows of all batches together
    n_skipped : rows that are in no batch because they cannot be read; 0 unless that was asked for
    files : the files that are read, in order
    csv : how CSV was read, for a later file to be read alike; None for other forms
    notes : what was assumed, in sentences
    """

    label: str
    schema: pa.Schema
    n_rows: int
    n_skipped: int
    files: tuple[Path, ...]
    _parts: tuple[_Batches, ...]
    csv: CsvReading | None = None
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return (located.rows for located in self.located() if located.rows.num_rows)

    def located(self) -> Iterator[LocatedBatch]:
        """The batches, each with where its rows come from and the rows that were left out before it."""
        for part in self._parts:
            yield from part()


def open_stream(
    source: str | Path | BinaryIO,
    *,
    delimiter: str | None = None,
    column_names: Sequence[str] | None = None,
    format: str | None = None,  # noqa: A002 - the word that the command line uses too
    skip: int | None = None,
    has_header: bool | None = None,
    encoding: str | None = None,
    on_error: OnError = "stop",
    may_be_empty: bool = False,
    expects: Collection[str] | None = None,
    may_lack: Collection[str] = (),
    like: CsvReading | None = None,
) -> TableStream:
    r"""Open a table of any size: a file, a folder of files, or a pattern such as ``"logs/*.parquet"``.

    Columns of CSV and TSV are text, each field as it is written and null where it is empty and not in quotes; other
    forms have the types that :func:`read_table` promises. CSV is read once to count its rows, and again with each
    iteration; CSV and Parquet take the memory of a few batches, other forms and compressed Parquet that of the whole
    file. Files come in the order of their paths, rows in the order of their file. In a folder, files and folders
    whose names begin with a dot or an underscore are passed over. Folders named ``key=value`` give columns.

    Parameters
    ----------
    source, delimiter, column_names, format, skip, has_header, encoding
        As :func:`read_table` takes them. What is no path is first copied to a temporary file.
    on_error
        "stop" at a row of CSV that cannot be read, or "skip" it: then ``n_skipped`` counts such rows, and
        :meth:`TableStream.located` tells them.
    may_be_empty
        Whether a table without rows is a stream without batches, instead of an error.
    expects
        Names of columns, such as those of a model. The delimiter and the header of CSV are then those that give these
        columns, whatever lines stand before the header and whatever later rows look like; a column whose name differs
        by blanks around it or by its Unicode form has the name that is expected.
    may_lack
        Expected columns that are missing in all rows of JSON lines where no row has them, instead of an error.
    like
        How the table was read that a model learned from: a file of rows alone is then read alike. What is said by
        another argument goes before.

    Raises
    ------
    TableReadError
        If the source cannot be read as a table, its files do not fit together, or it has no rows and may not be empty.
    SettingError
        If an argument has no meaning for this form.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for day, rows in {"1": "size\n1\n2\n", "2": "size\n2.50\n"}.items():
    ...         Path(folder, f"day={day}").mkdir()
    ...         _ = Path(folder, f"day={day}", "sizes.csv").write_text(rows)
    ...     [batch.to_pydict() for batch in open_stream(folder)]
    [{'size': ['1', '2'], 'day': ['1', '1']}, {'size': ['2.50'], 'day': ['2']}]
    """
    label = source_label(source)
    names = None if column_names is None else tuple(column_names)
    options = ReadingOptions(format, delimiter, names, skip, has_header, encoding)
    expected = None if expects is None else tuple(expects)
    opening = _Opening(options, expected, tuple(may_lack), like, on_error == "skip", may_be_empty)
    if isinstance(source, (str, Path)) and str(source) != "-":
        return _stream(label, source, _with_content(source_files(source, format)), opening)
    form = source_form(source, label, format)
    spool = _spooled(source)
    try:
        stream = _stream(label, spool.name, (SourceFile(Path(spool.name), form, {}),), opening, is_spooled=True)
    except BaseException:
        spool.close()
        raise
    weakref.finalize(stream, spool.close)
    return stream


def _stream(
    label: str, source: str | Path, files: tuple[SourceFile, ...], opening: _Opening, *, is_spooled: bool = False
) -> TableStream:
    is_one = is_spooled or files[0].path == Path(str(source))
    labels = [label] if is_one else [str(file.path) for file in files]
    options = checked_reading(label, files[0].form, opening.options)
    if opening.like is not None:
        options = replace(options, encoding=options.encoding or opening.like.encoding)
    opening = replace(opening, options=options)
    try:
        rows = _rows(files, labels, opening)
        schema = _common_schema(rows)
        partitions = _partition_columns(files, schema, label)
    except TableReadError:
        raise
    except DataError as error:
        raise TableReadError(f"{label}: {error.message}", remedy=error.remedy) from error
    n_rows, skipped = sum(file.n_rows for file in rows), sum(file.n_skipped for file in rows)
    if n_rows + skipped == 0 and not opening.may_be_empty:
        raise TableReadError(f"{label}: has a header but no rows")
    parts = tuple(partial(_fitted, file, schema, partition) for file, partition in zip(rows, partitions, strict=True))
    for name, value in partitions[0].items():
        schema = schema.append(pa.field(name, value.type))
    paths = () if is_spooled else tuple(file.path for file in files)
    notes = tuple(dict.fromkeys(note for file in rows for note in file.notes))
    csv = rows[0].file.dialect.reading if isinstance(rows[0], _CsvRows) else None
    return TableStream(label, schema, n_rows, skipped, paths, parts, csv, notes)


@dataclass(frozen=True)
class _Opening:
    """How files are opened: what a user says, and what a model knows of their columns."""

    options: ReadingOptions
    expects: tuple[str, ...] | None
    may_lack: tuple[str, ...]
    like: CsvReading | None
    skips: bool
    may_be_empty: bool


def _with_content(files: tuple[SourceFile, ...]) -> tuple[SourceFile, ...]:
    """Without the empty files that those who write many leave where they have no rows."""
    filled = tuple(file for file in files if file.form.name not in ("csv", "tsv") or file.path.stat().st_size)
    return filled or files[:1]


def _rows(files: Sequence[SourceFile], labels: Sequence[str], opening: _Opening) -> list[_Rows]:
    named = list(zip(files, labels, strict=True))
    if files[0].form.name in ("csv", "tsv"):
        return list(_csv_rows(named, opening))
    keeps = opening.expects or ()
    if all(file.form.compression is None for file in files) and files[0].form.name == "parquet":
        return [_Renamed.of(ParquetRows.at(file.path, label, keeps), opening) for file, label in named]
    return [_Renamed.of(_whole(file, label, opening), opening) for file, label in named]


def _whole(file: SourceFile, label: str, opening: _Opening) -> _WholeTable:
    notes: list[str] = []
    content, (form, compression) = content_of(file.path, label), file.form
    keeps, may_be_empty = opening.expects or (), opening.may_be_empty
    table = read_whole(content, label, form, compression, ReadingOptions(), notes, keeps, may_be_empty=may_be_empty)
    if table.num_rows == 0 and not may_be_empty:
        raise TableReadError(f"{label}: has a header but no rows")
    return _WholeTable(label, table, tuple(notes), is_json=file.form.name == "jsonl")


def _spooled(source: Any) -> Any:
    spool = tempfile.NamedTemporaryFile(prefix="oddrow-")  # noqa: SIM115 - it lives as long as the stream
    shutil.copyfileobj(sys.stdin.buffer if isinstance(source, (str, Path)) else source, spool)
    spool.flush()
    return spool


# The files of one table -------------------------------------------------------------------------------------


class _Rows(Protocol):
    """A file whose columns are known."""

    @property
    def label(self) -> str: ...
    @property
    def schema(self) -> pa.Schema: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_skipped(self) -> int: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def batches(self) -> Iterator[LocatedBatch]: ...


@dataclass(frozen=True, eq=False)
class _CsvRows:
    label: str
    file: CsvFile
    n_rows: int
    n_skipped: int
    notes: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        return self.file.schema

    def batches(self) -> Iterator[LocatedBatch]:
        return self.file.batches()


def _csv_rows(files: Sequence[tuple[SourceFile, str]], opening: _Opening) -> Iterator[_CsvRows]:
    """Each file; the columns of the first are looked for in those that follow."""
    expects, like = opening.expects, opening.like
    for file, label in files:
        opened = CsvFile.at(
            file.path,
            label,
            file.form.compression,
            opening.options,
            skips=opening.skips,
            expects=expects,
            like=like,
        )
        count = opened.count()
        foreign = (foreign_note(label, count.foreign),) if count.foreign else ()
        yield _CsvRows(label, opened, count.rows, count.skipped, (*opened.dialect.notes, *foreign))
        if expects is None and len(files) > 1:
            expects, like = opened.dialect.names, opened.dialect.reading


@dataclass(frozen=True, eq=False)
class _WholeTable:
    label: str
    table: pa.Table
    notes: tuple[str, ...]
    is_json: bool

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    @property
    def n_rows(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[LocatedBatch]:
        for start in range(0, self.n_rows, MOST_ROWS):
            rows = one_batch(self.table.slice(start, MOST_ROWS))
            yield LocatedBatch(rows, TableRows(self.label, start, rows))


@dataclass(frozen=True, eq=False)
class _Renamed:
    """A file whose columns have the names that are expected, and whose absent ones are null where they may be."""

    rows: ParquetRows | _WholeTable
    names: tuple[str, ...]
    absent: tuple[str, ...]
    notes: tuple[str, ...]
    n_skipped: int = field(default=0, init=False)

    @classmethod
    def of(cls, rows: ParquetRows | _WholeTable, opening: _Opening) -> _Renamed:
        present = rows.schema.names
        expects = opening.expects or ()
        known = {there: name for name, there in same_names(expects, present).items()}
        names = tuple(known.get(name, name) for name in present)
        notes = renaming_notes(rows.label, {}, {there: name for there, name in known.items() if there != name})
        lacks = isinstance(rows, _WholeTable) and rows.is_json
        absent = tuple(name for name in expects if lacks and name in opening.may_lack and name not in names)
        return cls(rows, names, absent, (*rows.notes, *notes))

    @property
    def label(self) -> str:
        return self.rows.label

    @property
    def n_rows(self) -> int:
        return self.rows.n_rows

    @property
    def schema(self) -> pa.Schema:
        renamed = [one.with_name(name) for name, one in zip(self.names, self.rows.schema, strict=True)]
        return pa.schema([*renamed, *(pa.field(name, pa.null()) for name in self.absent)])

    def batches(self) -> Iterator[LocatedBatch]:
        for located in self.rows.batches():
            rows = located.rows
            columns = [*rows.columns, *(pa.nulls(rows.num_rows) for _ in self.absent)]
            yield located._replace(rows=pa.RecordBatch.from_arrays(columns, names=[*self.names, *self.absent]))


def _common_schema(files: Sequence[_Rows]) -> pa.Schema:
    """The columns of the first file, each in a type that holds those of all files."""
    first = files[0]
    fields = {field.name: field.type for field in first.schema}
    for file in files[1:]:
        lacking = [name for name in fields if name not in file.schema.names]
        further = [name for name in file.schema.names if name not in fields]
        if lacking or further:
            what = f"has no column {lacking[0]!r}" if lacking else f"has a further column {further[0]!r}"
            raise TableReadError(
                f"{file.label}: {what}, unlike {first.label}; files of one table have the same columns"
            )
        for name, kind in fields.items():
            fields[name] = _common_type(name, kind, file)
    return pa.schema(list(fields.items()), first.schema.metadata)


def _common_type(name: str, kind: pa.DataType, file: _Rows) -> pa.DataType:
    other = file.schema.field(name).type
    if other == kind:
        return kind
    fields = [pa.schema([(name, one)]) for one in (kind, other)]
    try:
        return pa.unify_schemas(fields, promote_options="permissive").field(name).type
    except pa.ArrowException as error:
        raise TableReadError(f"{file.label}: column {name!r} is {other}, but {kind} in the files before") from error


def _partition_columns(files: Sequence[SourceFile], schema: pa.Schema, label: str) -> list[dict[str, pa.Scalar]]:
    """For each file the values that its folders name: as written beside CSV, else of the type that all of them have."""
    columns = {}
    for name in files[0].partition:
        if name in schema.names:
            raise TableReadError(f"{label}: a folder and the files in it both have {name!r}; rename one")
        written = pa.chunked_array([[file.partition[name] for file in files]], pa.string())
        columns[name] = written if is_as_written(schema) else typed(written)
    return [{name: column[place] for name, column in columns.items()} for place in range(len(files))]


def _fitted(file: _Rows, schema: pa.Schema, partition: Mapping[str, pa.Scalar]) -> Iterator[LocatedBatch]:
    """A file's batches with the columns of the whole table."""
    for located in file.batches():
        rows = pa.Table.from_batches([located.rows])
        if rows.schema != schema:
            rows = rows.select(schema.names).cast(schema, safe=False)
        for name, value in partition.items():
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
        yield located._replace(rows=one_batch(rows))

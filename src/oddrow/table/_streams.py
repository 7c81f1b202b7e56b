"""A table that may be larger than memory: batches of one schema, in a stable order, as often as they are asked for."""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

import pyarrow as pa

from oddrow.exceptions import DataError, TableReadError
from oddrow.table._csv_files import CsvFile
from oddrow.table._files import CsvOptions, checked_csv_options, read_table
from oddrow.table._forms import source_form, source_label
from oddrow.table._located import MOST_ROWS, LocatedBatch, TableRows, one_batch
from oddrow.table._parquet import ParquetRows
from oddrow.table._source_files import SourceFile, source_files
from oddrow.table._text_types import TextType, typed

__all__ = ["OnError", "TableStream", "open_stream"]

OnError: TypeAlias = Literal["stop", "skip"]
_Batches: TypeAlias = Callable[[], Iterator[LocatedBatch]]


@dataclass(frozen=True, eq=False)
class TableStream:
    """Plain record batches of one schema, of bounded size, identical each time that they are asked for.

    Attributes
    ----------
    label : what errors and pictures call it
    schema : of every batch; the plain columns that :func:`read_table` promises
    n_rows : rows of all batches together
    n_skipped : rows that are in no batch because they cannot be read; 0 unless that was asked for
    files : the files that are read, in order
    """

    label: str
    schema: pa.Schema
    n_rows: int
    n_skipped: int
    files: tuple[Path, ...]
    _parts: tuple[_Batches, ...]

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
    on_error: OnError = "stop",
    numeric: Collection[str] = (),
    may_be_empty: bool = False,
) -> TableStream:
    r"""Open a table of any size: a file, a folder of files, or a pattern such as ``"logs/*.parquet"``.

    What :func:`read_table` promises of columns holds of all files together. CSV is read once to see which type all
    values of a column have, and again with each iteration; CSV and Parquet take the memory of a few batches, other
    forms and compressed Parquet that of the whole file. Files come in the order of their paths, rows in the order of
    their file. In a folder, files and folders whose names begin with a dot or an underscore are passed over. Folders
    named ``key=value`` give columns.

    Parameters
    ----------
    source, delimiter, column_names, format
        As :func:`read_table` takes them. What is no path is first copied to a temporary file.
    on_error
        "stop" at a row of CSV that cannot be read, or "skip" it: then ``n_skipped`` counts such rows, and
        :meth:`TableStream.located` tells them.
    numeric
        Columns of CSV that should hold numbers or times: where a wrong value among them makes one a column of text,
        the words for missing are missing there all the same.
    may_be_empty
        Whether a table without rows is a stream without batches, instead of an error.

    Raises
    ------
    TableReadError
        If the source cannot be read as a table, its files do not fit together, or it has no rows and may not be empty.
    SettingError
        If an argument has no meaning for this form.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for day, rows in {"1": "size\n1\n2\n", "2": "size\n2.5\n"}.items():
    ...         Path(folder, f"day={day}").mkdir()
    ...         _ = Path(folder, f"day={day}", "sizes.csv").write_text(rows)
    ...     [batch.to_pydict() for batch in open_stream(folder)]
    [{'size': [1.0, 2.0], 'day': [1, 1]}, {'size': [2.5], 'day': [2]}]
    """
    label, spool = source_label(source), None
    if not isinstance(source, (str, Path)) or str(source) == "-":
        spool = _spooled(source)
        files: tuple[SourceFile, ...] = (SourceFile(Path(spool.name), source_form(source, label, format), {}),)
    else:
        files = _with_content(source_files(source, format))
    is_one = spool is not None or files[0].path == Path(str(source))
    labels = [label] if is_one else [str(file.path) for file in files]
    csv_options = checked_csv_options(label, files[0].form, delimiter, column_names)
    csv_options = csv_options._replace(skips=on_error == "skip", numeric=numeric)
    try:
        rows, skipped = _rows(files, labels, csv_options, may_be_empty)
        schema = _common_schema(rows)
        partitions = _partition_columns(files, schema, label)
    except TableReadError:
        raise
    except DataError as error:
        raise TableReadError(f"{label}: {error}") from error
    n_rows = sum(file.n_rows for file in rows)
    if n_rows + skipped == 0 and not may_be_empty:
        raise TableReadError(f"{label}: has a header but no rows")
    parts = tuple(partial(_fitted, file, schema, partition) for file, partition in zip(rows, partitions, strict=True))
    for name, value in partitions[0].items():
        schema = schema.append(pa.field(name, value.type))
    paths = () if spool is not None else tuple(file.path for file in files)
    stream = TableStream(label, schema, n_rows, skipped, paths, parts)
    if spool is not None:
        weakref.finalize(stream, spool.close)
    return stream


def _with_content(files: tuple[SourceFile, ...]) -> tuple[SourceFile, ...]:
    """Without the empty files that those who write many leave where they have no rows."""
    filled = tuple(file for file in files if file.form.name not in ("csv", "tsv") or file.path.stat().st_size)
    return filled or files[:1]


def _rows(
    files: Sequence[SourceFile],
    labels: Sequence[str],
    csv_options: CsvOptions,
    may_be_empty: bool,
) -> tuple[list[_Rows], int]:
    if files[0].form.name in ("csv", "tsv"):
        return _csv_rows(files, labels, csv_options)
    named = list(zip(files, labels, strict=True))
    if all(file.form.compression is None for file in files) and files[0].form.name == "parquet":
        return [ParquetRows.at(file.path, label) for file, label in named], 0
    return [
        _WholeTable(label, read_table(file.path, format=file.form.suffix, may_be_empty=may_be_empty))
        for file, label in named
    ], 0


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
    def batches(self) -> Iterator[LocatedBatch]: ...


@dataclass(frozen=True, eq=False)
class _CsvRows:
    label: str
    file: CsvFile
    types: Mapping[str, TextType]
    n_rows: int

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(name, self.types[name].kind) for name in self.file.dialect.names])

    def batches(self) -> Iterator[LocatedBatch]:
        return self.file.batches(self.types)


@dataclass(frozen=True, eq=False)
class _WholeTable:
    label: str
    table: pa.Table

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


def _csv_rows(
    files: Sequence[SourceFile],
    labels: Sequence[str],
    csv_options: CsvOptions,
) -> tuple[list[_Rows], int]:
    """Each file in the types that the columns of all of them have, and how many rows cannot be read."""
    opened = [
        CsvFile.at(file.path, label, file.form.compression, csv_options)
        for file, label in zip(files, labels, strict=True)
    ]
    surveys = [file.survey() for file in opened]
    types: dict[str, TextType] = {}
    for survey in surveys:
        for name, found in survey.types.items():
            types[name] = types[name].merged(found) if name in types else found
    types = {name: replace(found, drops_missing=name in csv_options.numeric) for name, found in types.items()}
    read = [
        _CsvRows(label, file, types, survey.rows) for label, file, survey in zip(labels, opened, surveys, strict=True)
    ]
    return list(read), sum(survey.skipped for survey in surveys)


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
    return pa.schema(list(fields.items()))


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
    """For each file the values that its folders name, in the types that the values of all files have."""
    columns = {}
    for name in files[0].partition:
        if name in schema.names:
            raise TableReadError(f"{label}: a folder and the files in it both have {name!r}; rename one")
        columns[name] = typed(pa.chunked_array([[file.partition[name] for file in files]], pa.string()))
    return [{name: column[place] for name, column in columns.items()} for place in range(len(files))]


def _fitted(file: _Rows, schema: pa.Schema, partition: Mapping[str, pa.Scalar]) -> Iterator[LocatedBatch]:
    """A file's batches with the columns of the whole table."""
    for located in file.batches():
        rows = pa.Table.from_batches([located.rows]).select(schema.names).cast(schema, safe=False)
        for name, value in partition.items():
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
        yield located._replace(rows=one_batch(rows))

"""A table of any size: batches of one schema, in a stable order, as often as they are asked for; or the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import TableReadError
from oddrow.files._reading_options import CsvReading
from oddrow.files._table_file import TableFile
from oddrow.table import LocatedBatch, is_as_written, one_batch

__all__ = ["TableStream"]


@dataclass(frozen=True, eq=False)
class TableStream:
    """The rows of one or several files, as plain record batches of one schema and bounded size.

    Iterating gives the same batches each time. Nothing of a CSV file but its first bytes is read before its rows are
    asked for; an error in a row is raised by the first reading that reaches it. ``n_rows``, ``n_skipped`` and
    ``notes`` read every CSV file once, and remember the result.

    Attributes
    ----------
    label : what errors and pictures call the table
    schema : the columns; those of CSV are text as it is written
    files : the files that are read, in order; none where the source was not a path
    """

    label: str
    schema: pa.Schema
    files: tuple[Path, ...]
    _parts: tuple[_Part, ...]
    _may_be_empty: bool = False

    @classmethod
    def of(cls, label: str, files: Sequence[TableFile], *, is_temporary: bool, may_be_empty: bool) -> TableStream:
        """The table that these files make together.

        Raises
        ------
        TableReadError
            If the files have different columns, or columns of types that have no type in common.
        """
        schema = _common_schema(files)
        partitions = _partition_columns(files, schema, label)
        parts = tuple(_Part(file, schema, partition) for file, partition in zip(files, partitions, strict=True))
        for name, value in partitions[0].items():
            schema = schema.append(pa.field(name, value.type))
        paths = () if is_temporary else tuple(file.source.path for file in files)
        return cls(label, schema, paths, parts, may_be_empty)

    @property
    def csv(self) -> CsvReading | None:
        """How CSV is read, so that a later file is read in the same way; None for other formats."""
        return self._parts[0].file.csv

    @cached_property
    def n_rows(self) -> int:
        """The rows of all batches together.

        Raises
        ------
        TableReadError
            If a row of CSV cannot be read, or there is none and the table may not be empty.
        """
        n_rows = sum(part.file.n_rows for part in self._parts)
        if n_rows == 0 and self.n_skipped == 0 and not self._may_be_empty:
            raise self._no_rows()
        return n_rows

    @property
    def n_skipped(self) -> int:
        """The rows that are in no batch because they cannot be read; 0 unless that was asked for."""
        return sum(part.file.n_skipped for part in self._parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, in sentences."""
        return tuple(dict.fromkeys(note for part in self._parts for note in part.file.notes))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return (located.rows for located in self.located() if located.rows.num_rows)

    def located(self) -> Iterator[LocatedBatch]:
        """The batches, each with the places of its rows and with the rows that were left out before it."""
        is_empty = True
        for part in self._parts:
            for located in part.batches():
                is_empty = is_empty and located.rows.num_rows == 0 and not located.skipped
                yield located
        if is_empty and not self._may_be_empty:
            raise self._no_rows()

    def _no_rows(self) -> TableReadError:
        return TableReadError(f"{self.label}: has columns but no rows")

    def read(self) -> pa.Table:
        """All rows at once, read in one pass.

        Raises
        ------
        TableReadError
            If a row cannot be read, or there is none and the table may not be empty.
        """
        table = pa.concat_tables([part.read() for part in self._parts])
        if table.num_rows == 0 and self.n_rows + self.n_skipped == 0 and not self._may_be_empty:
            raise self._no_rows()
        return table


@dataclass(frozen=True, eq=False)
class _Part:
    """One file with the columns of the whole table."""

    file: TableFile
    schema: pa.Schema
    partition: Mapping[str, pa.Scalar]

    def batches(self) -> Iterator[LocatedBatch]:
        for located in self.file.batches():
            yield located._replace(rows=one_batch(self._fitted(pa.Table.from_batches([located.rows]))))

    def read(self) -> pa.Table:
        return self._fitted(self.file.read())

    def _fitted(self, rows: pa.Table) -> pa.Table:
        if rows.schema != self.schema:
            rows = rows.select(self.schema.names).cast(self.schema, safe=False)
        rows = rows.replace_schema_metadata(self.schema.metadata)
        for name, value in self.partition.items():
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
        return rows


def _common_schema(files: Sequence[TableFile]) -> pa.Schema:
    """The columns of the first file, each in a type that holds those of all files.

    Not ``pyarrow.unify_schemas`` of whole schemas: it would add a column that one file lacks, and its errors name no
    file.
    """
    first = files[0]
    fields = {field.name: field.type for field in first.schema}
    for file in files[1:]:
        lacking = [name for name in fields if name not in file.schema.names]
        further = [name for name in file.schema.names if name not in fields]
        if lacking or further:
            what = f"has no column {lacking[0]!r}" if lacking else f"has a further column {further[0]!r}"
            raise TableReadError(
                f"{file.source.label}: {what}, unlike {first.source.label}; files of one table have the same columns"
            )
        for name, kind in fields.items():
            fields[name] = _common_type(name, kind, file)
    return pa.schema(list(fields.items()), first.schema.metadata)


def _common_type(name: str, kind: pa.DataType, file: TableFile) -> pa.DataType:
    other = file.schema.field(name).type
    if other == kind:
        return kind
    fields = [pa.schema([(name, one)]) for one in (kind, other)]
    try:
        return pa.unify_schemas(fields, promote_options="permissive").field(name).type
    except pa.ArrowException as error:
        raise TableReadError(
            f"{file.source.label}: column {name!r} is {other}, but {kind} in the files before"
        ) from error


def _partition_columns(files: Sequence[TableFile], schema: pa.Schema, label: str) -> list[dict[str, pa.Scalar]]:
    """For each file, the values that its folders give to all its rows."""
    columns = {}
    for name in files[0].source.partition:
        if name in schema.names:
            raise TableReadError(f"{label}: a folder and the files in it both have {name!r}; rename one")
        written = pa.chunked_array([[file.source.partition[name] for file in files]], pa.string())
        columns[name] = written if is_as_written(schema) else _whole_numbers(written)
    return [{name: column[place] for name, column in columns.items()} for place in range(len(files))]


def _whole_numbers(written: pa.ChunkedArray) -> pa.ChunkedArray:
    """int64 where every text is a whole number in its usual form; else the texts. ``007`` stays text."""
    try:
        numbers = pc.cast(written, pa.int64())
    except pa.ArrowInvalid:
        return written
    return numbers if pc.cast(numbers, pa.string()).equals(written) else written

"""Parts of a table of Parquet files. An engine sends its workers descriptions of parts, not their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from oddrow import exceptions
from oddrow.distributed._work import BATCH_ROWS
from oddrow.exceptions import DataError, OddrowError, SettingError, TableReadError
from oddrow.files import without_pandas_index

PART_ROWS: Final = 65_536


@dataclass(frozen=True)
class Part:
    """Consecutive rows of one file that one worker processes together.

    Attributes
    ----------
    number : number of the part, from 0
    path, first_row, n_rows : the file, the number of the first row in it, the number of rows
    place : number of the first row in the whole table
    """

    number: int
    path: str
    first_row: int
    n_rows: int
    place: int

    def __str__(self) -> str:
        return f"{self.path}, rows {self.first_row:,} to {self.first_row + self.n_rows - 1:,}"

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, ``BATCH_ROWS`` at most at a time; only the row groups that hold them are read."""
        with pq.ParquetFile(self.path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = list(accumulate(sizes))
            end = self.first_row + self.n_rows
            if not ends or ends[-1] < end:
                raise TableReadError(f"the file has changed: it has {ends[-1] if ends else 0:,} rows now")
            groups = [g for g, size in enumerate(sizes) if ends[g] > self.first_row and ends[g] - size < end]
            place = ends[groups[0]] - sizes[groups[0]]
            for batch in file.iter_batches(BATCH_ROWS, row_groups=groups):
                first = max(self.first_row - place, 0)
                wanted = batch.slice(first, max(min(end - place, len(batch)) - first, 0))
                place += len(batch)
                if len(wanted):
                    yield wanted
                if place >= end:
                    return


FAILURE: Final = {"kind": pa.string(), "text": pa.string()}
"""Columns in which a worker returns an error. If it were raised instead, the engine would repeat the task several times
and then print a traceback of many pages."""


def failure_of(error: Exception, where: str = "") -> dict[str, object]:
    """Return the values of the columns ``FAILURE`` for an error; ``where`` is put before its text."""
    if isinstance(error, OddrowError):
        return {"kind": type(error).__name__, "text": f"{where}{error}"}
    return {"kind": TableReadError.__name__, "text": f"{where}cannot be read: {error}"}


def check_part_rows(part_rows: int) -> None:
    """Raise SettingError for a number of rows below 1."""
    if part_rows < 1:
        raise SettingError(f"part_rows is {part_rows}; give a number of rows from 1")


def described(parts: list[Part]) -> pa.Table:
    """Return a table that describes one part per row."""
    return pa.Table.from_pylist([asdict(part) for part in parts])


def raise_first_failure(done: pa.Table) -> None:
    """Raise the error of the first part that failed, if any."""
    failures = done.filter(pc.is_valid(done["kind"])).sort_by("number").to_pylist()
    if failures:
        raise getattr(exceptions, failures[0]["kind"])(failures[0]["text"])


def parquet_files(table: Path) -> list[Path]:
    """Return the file, or the Parquet files of a folder in the order of their names."""
    if not table.is_dir():
        if not table.exists():
            raise TableReadError(f"{table}: there is no such file or folder; an engine takes no patterns of names")
        return [table.absolute()]
    entries = sorted(path for path in table.iterdir() if not path.name.startswith((".", "_")))
    others = [path.name for path in entries if path.is_dir() or path.suffix != ".parquet"]
    if others:
        raise TableReadError(
            f"{table}: contains {others[0]!r}, which is no .parquet file; an engine reads a folder of .parquet files "
            "and no folders in it. Move it away, or work without an engine: then all formats and folders are read"
        )
    if not entries:
        raise TableReadError(f"{table}: the folder contains no .parquet files")
    return [path.absolute() for path in entries]


def column_names(table: str | Path) -> list[str]:
    """Return the names of the columns of a Parquet file, or of a folder of Parquet files.

    Raises
    ------
    TableReadError
        If there is no Parquet file, or a file cannot be read.
    DataError
        If the files differ in columns or types.
    """
    return learned_names(parquet_files(Path(table)))


def learned_names(files: list[Path]) -> list[str]:
    """Return the names of the columns of all files, without a stored pandas index."""
    common_schema(files)  # raises if the files differ
    names: list[str] = without_pandas_index(pq.read_schema(files[0]).empty_table()).column_names
    return names


def common_schema(files: list[Path]) -> pa.Schema:
    """Return the schema that all files share, or raise DataError if they differ."""
    first, *others = map(_schema, files)
    for file, schema in zip(files[1:], others, strict=True):
        if schema != first:
            raise DataError(
                f"{file}: its columns or their types differ from those of {files[0].name}; write all files with the "
                "same columns and types"
            )
    return first


def _schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file).remove_metadata()
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(
            f"{file}: is not a Parquet file, or is damaged: {str(error).rstrip('.')}. An engine reads only Parquet; "
            "without an engine all formats are read"
        ) from error


def parts_of(files: list[Path], part_rows: int) -> list[Part]:
    """Divide the rows of the files, in their order, into parts of at most ``part_rows`` rows."""
    parts: list[Part] = []
    place = 0
    for file in files:
        n_rows = pq.read_metadata(file).num_rows
        for first in range(0, n_rows, part_rows):
            parts.append(Part(len(parts), str(file), first, min(part_rows, n_rows - first), place + first))
        place += n_rows
    if not parts:
        raise TableReadError(f"{files[0]}: has columns but no rows")
    return parts

"""Parquet files, read whole or some rows at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from oddrow.exceptions import TableReadError
from oddrow.files._file_formats import not_found
from oddrow.files._reading_options import renaming_notes
from oddrow.table import MOST_BYTES, MOST_ROWS, LocatedBatch, TableRows, as_table, one_batch, unrepeated

__all__ = ["ParquetRows", "of_file", "parquet_opened", "without_pandas_index"]

_BUFFER_BYTES = 1 << 20
"""Read ahead of each column: without it pyarrow reads all of a column that one row group has, however large that is."""


@contextmanager
def parquet_opened(source: Any, label: str) -> Iterator[Any]:
    """A ``pyarrow.parquet.ParquetFile``; what goes wrong with it is said of ``label``."""
    import pyarrow.parquet as pq

    try:
        # Not pq.read_table: given a path, that takes key=value folder names for columns.
        with pq.ParquetFile(source, buffer_size=_BUFFER_BYTES) as file:
            yield file
    except FileNotFoundError as error:
        raise not_found(label) from error
    except PermissionError as error:
        raise TableReadError(f"{label}: no permission to read this file") from error
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(f"{label}: is not a Parquet file, or is damaged: {error}") from error


def of_file(table: pa.Table, keeps: Collection[str] = ()) -> pa.Table:
    """The plain columns of a table that a file holds; those that cannot be read as they are.

    The index of a pandas data frame is none of them, as it is none of the data frame's, but for names in ``keeps``.
    """
    return as_table(without_pandas_index(table, keeps), reads=lambda _: False, passes=True)


def without_pandas_index(table: pa.Table, keeps: Collection[str] = ()) -> pa.Table:
    """A table that pandas wrote without the index of its data frame, but for names in ``keeps``.

    Examples
    --------
    >>> described = {"pandas": '{"index_columns": ["__index_level_0__"]}'}
    >>> table = pa.table({"size": [1], "__index_level_0__": [7]}).replace_schema_metadata(described)
    >>> without_pandas_index(table).column_names
    ['size']
    """
    index = _pandas_index(table.schema) - set(keeps)
    if not index or len(index) >= table.num_columns:
        return table
    return table.select([place for place, name in enumerate(table.column_names) if name not in index])


def _pandas_index(schema: pa.Schema) -> set[str]:
    """The columns that pandas says are the index of its data frame."""
    try:
        found = json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
        return {name for name in found if isinstance(name, str)}
    except (ValueError, AttributeError, TypeError):  # pandas did not write that
        return set()


@dataclass(frozen=True, eq=False)
class ParquetRows:
    """The rows of a Parquet file, some at a time."""

    label: str
    path: Path
    schema: pa.Schema
    n_rows: int
    batch_rows: int
    keeps: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @classmethod
    def at(cls, path: Path, label: str, keeps: Collection[str] = ()) -> ParquetRows:
        """The file at a path, by what its end says of it."""
        with parquet_opened(path, label) as file:
            whole = file.metadata
            parts = [whole.row_group(place) for place in range(whole.num_row_groups)]
            row_bytes = sum(part.total_byte_size for part in parts) // max(whole.num_rows, 1)
            names = file.schema_arrow.names
            schema = of_file(file.schema_arrow.empty_table(), keeps).schema
        batch_rows = min(MOST_BYTES // max(row_bytes, 1) + 1, MOST_ROWS)
        notes = renaming_notes(label, unrepeated(names)[1], {})
        return cls(label, path, schema, whole.num_rows, batch_rows, frozenset(keeps), notes)

    def batches(self) -> Iterator[LocatedBatch]:
        """Its rows in order."""
        first = 0
        with parquet_opened(self.path, self.label) as file:
            for batch in file.iter_batches(self.batch_rows):
                rows = one_batch(of_file(pa.Table.from_batches([batch]), self.keeps))
                yield LocatedBatch(rows, TableRows(self.label, first, rows))
                first += len(rows)

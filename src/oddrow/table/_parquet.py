"""Parquet files, read whole or some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from oddrow.exceptions import TableReadError
from oddrow.table._forms import not_found
from oddrow.table._frame import as_table
from oddrow.table._located import MOST_BYTES, MOST_ROWS, LocatedBatch, TableRows, one_batch

__all__ = ["ParquetRows", "parquet_opened"]

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


@dataclass(frozen=True, eq=False)
class ParquetRows:
    """The rows of a Parquet file, some at a time."""

    label: str
    path: Path
    schema: pa.Schema
    n_rows: int
    batch_rows: int

    @classmethod
    def at(cls, path: Path, label: str) -> ParquetRows:
        """The file at a path, by what its end says of it."""
        with parquet_opened(path, label) as file:
            whole = file.metadata
            parts = [whole.row_group(place) for place in range(whole.num_row_groups)]
            row_bytes = sum(part.total_byte_size for part in parts) // max(whole.num_rows, 1)
            schema = as_table(file.schema_arrow.empty_table()).schema
        return cls(label, path, schema, whole.num_rows, min(MOST_BYTES // max(row_bytes, 1) + 1, MOST_ROWS))

    def batches(self) -> Iterator[LocatedBatch]:
        """Its rows in order."""
        first = 0
        with parquet_opened(self.path, self.label) as file:
            for batch in file.iter_batches(self.batch_rows):
                rows = one_batch(as_table(batch))
                yield LocatedBatch(rows, TableRows(self.label, first, rows))
                first += len(rows)

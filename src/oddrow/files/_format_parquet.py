"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from oddrow.exceptions import TableReadError
from oddrow.files._reading_options import CsvReading, reject_text_options, renaming_notes
from oddrow.files._table_file import (
    Opening,
    SourceFile,
    TableFile,
    WriteRows,
    content_of,
    plain_columns,
    read_error,
    with_expected_names,
)
from oddrow.table import MAX_BATCH_BYTES, MAX_BATCH_ROWS, LocatedBatch, TableRows, one_batch, unrepeated

__all__ = ["PARQUET", "ROW_GROUP_ROWS"]

_BUFFER_BYTES = 1 << 20
"""Bytes read ahead of each column. Without a buffer, pyarrow reads a column's whole row group, however large it is."""
ROW_GROUP_ROWS = 1 << 17
"""Rows of a written row group: independent of the batches in which the rows come, so that the bytes are too."""


@dataclass(frozen=True)
class _Parquet:
    name: str = "parquet"
    endings: tuple[str, ...] = (".parquet", ".pq")

    def opened(self, files: Sequence[SourceFile], opening: Opening) -> Sequence[TableFile]:
        reject_text_options(files[0].label, self.name, opening.options)
        return [with_expected_names(_ParquetTable.at(file, opening), opening) for file in files]

    @contextmanager
    def writer(self, stream: Any, schema: pa.Schema) -> Iterator[WriteRows]:
        import pyarrow.parquet as pq

        with pq.ParquetWriter(stream, schema) as writer:
            waiting: list[pa.Table] = []

            def write_groups(min_rows: int) -> None:
                rows = pa.concat_tables(waiting)
                while rows.num_rows >= min_rows:
                    # In one chunk, because the writer may end a page where a chunk ends.
                    writer.write_table(rows.slice(0, ROW_GROUP_ROWS).combine_chunks(), ROW_GROUP_ROWS)
                    rows = rows.slice(ROW_GROUP_ROWS)
                waiting[:] = [rows]

            def write(table: pa.Table) -> None:
                waiting.append(table)
                if sum(one.num_rows for one in waiting) >= ROW_GROUP_ROWS:
                    write_groups(ROW_GROUP_ROWS)

            yield write
            if waiting:
                write_groups(1)


PARQUET = _Parquet()


@dataclass(frozen=True, eq=False)
class _ParquetTable:
    """The rows of a Parquet file.

    Attributes
    ----------
    content : the decompressed bytes of a compressed file; None for a file that is read from its path
    batch_rows : rows of a batch
    """

    source: SourceFile
    content: bytes | None
    opening: Opening
    schema: pa.Schema
    n_rows: int
    batch_rows: int
    notes: tuple[str, ...] = ()
    n_skipped: int = 0
    csv: CsvReading | None = None

    @classmethod
    def at(cls, source: SourceFile, opening: Opening) -> _ParquetTable:
        """Open a file by its footer, which has its columns and its number of rows."""
        content = None if source.compression is None else content_of(source)
        with _opened(source, content) as file:
            whole = file.metadata
            groups = [whole.row_group(place) for place in range(whole.num_row_groups)]
            row_bytes = sum(group.total_byte_size for group in groups) // max(whole.num_rows, 1)
            stored = file.schema_arrow
        schema = plain_columns(stored.empty_table(), source.label, opening).schema
        batch_rows = min(MAX_BATCH_BYTES // max(row_bytes, 1) + 1, MAX_BATCH_ROWS)
        notes = renaming_notes(source.label, unrepeated(stored.names)[1], {})
        return cls(source, content, opening, schema, whole.num_rows, batch_rows, notes)

    def batches(self) -> Iterator[LocatedBatch]:
        label, first = self.source.label, 0
        with _opened(self.source, self.content) as file:
            for batch in file.iter_batches(self.batch_rows):
                rows = one_batch(plain_columns(pa.Table.from_batches([batch]), label, self.opening))
                yield LocatedBatch(rows, TableRows(label, first, rows))
                first += len(rows)

    def read(self) -> pa.Table:
        with _opened(self.source, self.content) as file:
            return plain_columns(file.read(), self.source.label, self.opening)


@contextmanager
def _opened(source: SourceFile, content: bytes | None) -> Iterator[Any]:
    """A ``pyarrow.parquet.ParquetFile``; an error names the file.

    Not a fragment of ``pyarrow.dataset``, which refuses a file in which a column name occurs twice; such columns are
    read here under numbered names.
    """
    import pyarrow.parquet as pq

    try:
        # Arrow opens no file whose name is not UTF-8
        with (
            source.path.open("rb") if content is None else pa.BufferReader(content) as stored,
            pq.ParquetFile(stored, buffer_size=_BUFFER_BYTES) as file,
        ):
            yield file
    except (FileNotFoundError, PermissionError) as error:
        raise read_error(source.label, error) from error
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(f"{source.label}: is not a Parquet file, or is damaged: {error}") from error

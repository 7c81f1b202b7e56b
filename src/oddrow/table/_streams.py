"""A table that may be larger than memory: batches of one schema, in a stable order, as often as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from oddrow.table._files import read_table

__all__ = ["TableStream", "open_stream"]

MOST_ROWS = 1 << 16
"""Rows of one batch at most."""


@dataclass(frozen=True, eq=False)
class TableStream:
    """Plain record batches of one schema, of bounded size, identical each time that they are asked for.

    Attributes
    ----------
    label : what errors and pictures call it
    schema : of every batch; the plain columns that :func:`read_table` promises
    n_rows : rows of all batches together
    """

    label: str
    schema: pa.Schema
    n_rows: int
    _batches: Callable[[], Iterator[pa.RecordBatch]]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches()


def open_stream(
    source: str | Path | BinaryIO,
    *,
    delimiter: str | None = None,
    column_names: Sequence[str] | None = None,
    format: str | None = None,  # noqa: A002 - the word that the command line uses too
) -> TableStream:
    r"""Open a table to be read in batches.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "sizes.csv").write_text("size\n1\n2\n")
    ...     stream = open_stream(f"{folder}/sizes.csv")
    ...     stream.schema.names, [batch.num_rows for batch in stream]
    (['size'], [2])
    """
    table = read_table(source, delimiter=delimiter, column_names=column_names, format=format)
    return TableStream(str(source), table.schema, table.num_rows, lambda: iter(table.to_batches(MOST_ROWS)))

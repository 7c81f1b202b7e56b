"""Batches of rows that know where they come from, so that a wrong one can be named by its file and line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import pyarrow as pa

__all__ = ["MOST_BYTES", "MOST_ROWS", "LocatedBatch", "RowPlace", "SkippedRow", "TableRows", "one_batch"]

MOST_ROWS = 1 << 16
"""Rows of one batch at most."""
MOST_BYTES = 1 << 23
"""Bytes of one batch about, as they are in the file."""


class SkippedRow(NamedTuple):
    """A row that was left out: its file, its line there, why, and what stands there."""

    file: str
    line: int
    reason: str
    raw: bytes


class RowPlace(Protocol):
    """Where the rows of a batch come from."""

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        """Rows of the batch, counted from 0 and ascending, with their places, as left out for these reasons."""

    def said(self, row: int) -> str:
        """The place of a row for a person."""


class LocatedBatch(NamedTuple):
    """Rows, where they come from, and the rows that were left out before them."""

    rows: pa.RecordBatch
    place: RowPlace
    skipped: tuple[SkippedRow, ...] = ()


@dataclass(frozen=True, eq=False)
class TableRows:
    """The place of rows of a file that is no text: counted from 1, shown as JSON."""

    file: str
    first: int
    rows: pa.RecordBatch

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        return [SkippedRow(self.file, self.first + row + 1, why, self._written(row)) for row, why in reasons.items()]

    def said(self, row: int) -> str:
        return f"{self.file}, row {self.first + row + 1}"

    def _written(self, row: int) -> bytes:
        return json.dumps(self.rows.slice(row, 1).to_pylist()[0], default=str, ensure_ascii=False).encode()


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The rows of a table as one batch, which an empty table has not."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)

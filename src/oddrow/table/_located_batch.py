"""Batches with the places of their rows, so that an error can name the file and the line of a row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import DataError
from oddrow.table._row_sample import SampleBounds

__all__ = [
    "MAX_BATCH_BYTES",
    "MAX_BATCH_ROWS",
    "LocatedBatch",
    "PlacedRows",
    "RowPlace",
    "SkippedRow",
    "SomeRows",
    "TableRows",
    "one_batch",
]

MAX_BATCH_ROWS = 1 << 16
"""The largest number of rows of a batch."""
MAX_BATCH_BYTES = 1 << 23
"""The approximate number of bytes of a batch, as they are in the file."""


class SkippedRow(NamedTuple):
    """A row that was left out: its file, its line, the reason, and its bytes."""

    file: str
    line: int
    reason: str
    raw: bytes


class RowPlace(Protocol):
    """The places of the rows of a batch in their file."""

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        """The rows, numbered from 0 in ascending order, as rows that are left out for these reasons."""

    def description(self, row: int) -> str:
        """The place of a row in words."""


class LocatedBatch(NamedTuple):
    """A batch, the places of its rows, and the rows that were left out before it."""

    rows: pa.RecordBatch
    place: RowPlace
    skipped: tuple[SkippedRow, ...] = ()


@dataclass(frozen=True, eq=False)
class TableRows:
    """The places of rows of a file that has no lines: numbers from 1 on; a row is shown as JSON."""

    file: str
    first: int
    rows: pa.RecordBatch

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        return [SkippedRow(self.file, self.first + row + 1, why, self._written(row)) for row, why in reasons.items()]

    def description(self, row: int) -> str:
        return f"{self.file}, row {self.first + row + 1}"

    def _written(self, row: int) -> bytes:
        return json.dumps(self.rows.slice(row, 1).to_pylist()[0], default=str, ensure_ascii=False).encode()


@dataclass(frozen=True, eq=False)
class SomeRows:
    """The places of rows that were chosen from a batch.

    Attributes
    ----------
    place : the places of the rows of the batch
    chosen : int [n], the numbers of the chosen rows, ascending
    """

    place: RowPlace
    chosen: npt.NDArray[np.intp]

    def of(self, reasons: Mapping[int, str]) -> list[SkippedRow]:
        return self.place.of({int(self.chosen[row]): why for row, why in reasons.items()})

    def description(self, row: int) -> str:
        return self.place.description(int(self.chosen[row]))


class PlacedRows:
    """Batches of rows in order. In an error about a row, they replace its number by its file and line.

    Examples
    --------
    >>> batch = pa.record_batch({"x": ["1", "one"]})
    >>> rows = PlacedRows(lambda: [LocatedBatch(batch, TableRows("table.parquet", 0, batch))])
    >>> with rows.placing():
    ...     for _ in rows:
    ...         error = DataError("column 'x': row 1, counted from 0, holds 'one', expected a number")
    ...         error.row = 1
    ...         raise error
    Traceback (most recent call last):
    oddrow.exceptions.DataError: table.parquet, row 2: column 'x': holds 'one', expected a number
    """

    def __init__(self, batches: Callable[[], Iterable[LocatedBatch]]) -> None:
        self._batches = batches
        self._current: RowPlace | None = None
        self._is_known = True

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        n_rows = n_bytes = 0
        for located in self._batches():
            if located.rows.num_rows:
                self._current = located.place
                n_rows, n_bytes = n_rows + located.rows.num_rows, n_bytes + located.rows.nbytes
                # from more rows a sample is drawn, in which rows have other numbers
                self._is_known = n_rows <= SampleBounds().rows and n_bytes <= SampleBounds().bytes
                yield located.rows
        self._current = None

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Add the file and the line to an error about a row that is raised while or after these rows are read."""
        try:
            yield
        except DataError as error:
            found = None if error.row is None else self._place_of(error.row)
            if found is None:
                raise
            text = re.sub(r" \(rows are counted from row [\d,]+ on\)$", "", error.message)
            for counted in (f"row {error.row}, counted from 0, ", f", row {error.row}, counted from 0"):
                text = text.replace(counted, "")
            raise type(error)(f"{found}: {text}", remedy=error.remedy) from error

    def _place_of(self, row: int) -> str | None:
        if self._current is not None:
            return self._current.description(row)
        for located in self._batches() if self._is_known else ():
            if row < located.rows.num_rows:
                return located.place.description(row)
            row -= located.rows.num_rows
        return None


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The rows of a table as one batch; an empty batch for an empty table."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)

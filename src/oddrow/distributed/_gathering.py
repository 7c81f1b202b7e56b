"""What the workers of an engine do for a fit: sample their parts of a table, and merge what others have sampled.

Each function takes record batches and gives record batches, of ``GATHERED``: a row is a pickled
:class:`~oddrow.columns.SampledTable`, or an error. (It is pickled as the engine pickles all that it moves; no file
holds it.)
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from oddrow.columns import SampledTable, Sampling
from oddrow.distributed._parts import FAILURE, Part, failure_of, raise_first_failure
from oddrow.exceptions import DataError, OddrowError
from oddrow.files import without_pandas_index
from oddrow.table import as_table

Gathering: TypeAlias = Callable[[Iterable[Any]], Iterator[pa.RecordBatch]]

GATHERED: Final = pa.schema({"number": pa.int64(), "sampled": pa.binary(), "digests": pa.list_(pa.int64())} | FAILURE)
MERGERS: Final = 16
"""Pieces in which an engine merges what was sampled; what these become is merged where the model is fitted."""
TASKS_AT_MOST: Final = 256
"""Pieces of a table of files: what is known of the rows of one is as much, however many parts it has."""
PIECE_ROWS: Final = 2**40
"""Rows that a piece may have where pieces are numbered."""


@dataclass(frozen=True)
class RowSampling:
    """The batches hold rows, of one piece of a data set that does not know which rows of the whole they are.

    What the piece's number, or else a digest of its first batch, says takes the place of the number of its first row.
    """

    sampling: Sampling
    number: int | None = None

    def __call__(self, batches: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        """Sample the piece; of a piece without rows nothing comes out."""
        rows = (batch for batch in batches if len(batch))
        first = next(rows, None)
        if first is None:
            yield _gathered([])
            return
        digests = [_digest(first)] if self.number is None else []
        place = digests[0] if self.number is None else self.number * PIECE_ROWS
        try:
            yield _gathered([_sampled(self.sampling.part(chain([first], rows), place), digests)])
        except OddrowError as error:
            yield _gathered([{"number": 0} | failure_of(error, "in one piece of the table: ")])


@dataclass(frozen=True)
class PartSampling:
    """Each row of a batch describes a part of a table, and is sampled where it lies; what comes out is merged."""

    sampling: Sampling

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sample the parts that the batches describe."""
        merging = _Merging()
        for batch in batches:
            for description in as_table(batch).to_pylist():
                part = Part(**description)
                try:
                    tables = (without_pandas_index(pa.Table.from_batches([rows])) for rows in part.batches())
                    merging.add(self.sampling.part(tables, part.place))
                except (OddrowError, OSError, pa.ArrowException) as error:
                    merging.failures.append({"number": part.number} | failure_of(error, f"{part}: "))
        yield merging.result()


def merge_samples(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One row for all that come, but for errors, which stay."""
    merging = _Merging()
    for batch in batches:
        merging.add_rows(batch)
    yield merging.result()


def whole_sample(gathered: pa.Table) -> SampledTable:
    """The sample of the whole table, from what is left of its parts.

    Raises
    ------
    DataError, TableReadError
        What ended the work on the first part that could not be sampled; if there is no row, or if two pieces that are
        told apart by their rows have the same.
    """
    merging = _Merging()
    for batch in gathered.to_batches():
        merging.add_rows(batch)
    raise_first_failure(pa.Table.from_batches([_gathered(merging.failures)]))
    if merging.merged is None:
        raise DataError("the table has no rows; fitting needs at least 2")
    if len(set(merging.digests)) < len(merging.digests):
        raise DataError("two blocks begin with the same rows, so their rows cannot be told apart; shuffle the rows")
    return merging.merged.settled()


class _Merging:
    """Samples merged one by one, and what went wrong."""

    def __init__(self) -> None:
        self.merged: SampledTable | None = None
        self.digests: list[int] = []
        self.failures: list[dict[str, object]] = []

    def add(self, part: SampledTable) -> None:
        self.merged = part if self.merged is None else self.merged.merged(part)

    def add_rows(self, batch: pa.RecordBatch) -> None:
        """Rows of ``GATHERED``, one after the other: together they may be large."""
        for place in range(len(batch)):
            (row,) = batch.slice(place, 1).to_pylist()
            if row["sampled"] is None:
                self.failures.append(row)
                continue
            part: SampledTable = pickle.loads(row["sampled"])  # noqa: S301 - our own workers', as all that engines move
            self.digests += row["digests"]
            try:
                self.add(part)
            except DataError as error:
                self.failures.append({"number": 0} | failure_of(error))

    def result(self) -> pa.RecordBatch:
        """What there is, as rows of ``GATHERED``."""
        if self.failures or self.merged is None:
            return _gathered(self.failures)
        return _gathered([_sampled(self.merged, self.digests)])


def _gathered(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=GATHERED)


def _sampled(part: SampledTable, digests: list[int]) -> dict[str, object]:
    part = part.settled()
    # taken, for a slice would be pickled with all that it is a slice of
    rows = part.sample.rows.take(pa.array(np.arange(part.sample.rows.num_rows)))
    packed = pickle.dumps(replace(part, sample=replace(part.sample, rows=rows)), protocol=5)
    return {"number": 0, "sampled": packed, "digests": digests}


def _digest(rows: pa.RecordBatch) -> int:
    """A number below 2^63 for the place of rows whose place nobody knows: the same for the same rows."""
    return int.from_bytes(hashlib.sha256(rows.serialize()).digest()[:8], "little") >> 1

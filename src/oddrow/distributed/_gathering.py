"""The tasks of an engine's workers in a fit: sample parts of a table, and merge samples.

Each function takes record batches and returns record batches of the schema ``GATHERED``. A row of them is a pickled
:class:`~oddrow.columns.SampledTable`, or an error. Engines pickle all that they move between processes; the pickle is
never written to a file of ours.
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
"""Number of samples that an engine's merging leaves; the calling process merges these."""
MAX_TASKS: Final = 256
"""Maximum number of sampling tasks for a table of files. A task merges the samples of its parts, so its result does not
grow with their number."""
PIECE_ROWS: Final = 2**40
"""Maximum number of rows of a numbered piece: the piece's number times this is the place of its first row."""


@dataclass(frozen=True)
class RowSampling:
    """Samples the rows of one piece of a data set, whose place in the whole data set is not known.

    A place computed from the piece's number, or from a digest of its first batch, stands for the number of its first
    row.
    """

    sampling: Sampling
    number: int | None = None

    def __call__(self, batches: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        """Sample the piece; a piece without rows gives a batch without rows."""
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
    """Samples parts of a table, each described by a row of a batch, and merges their samples."""

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
    """Merge all samples of the batches into one row, or return their errors if there are any."""
    merging = _Merging()
    for batch in batches:
        merging.add_rows(batch)
    yield merging.result()


def whole_sample(gathered: pa.Table) -> SampledTable:
    """Merge the samples that an engine returned into the sample of the whole table.

    Raises
    ------
    DataError, TableReadError
        If a part could not be sampled (the error of the first such part), if the table has no rows, or if two pieces
        that are identified by a digest of their first rows begin with the same rows.
    """
    merging = _Merging()
    for batch in gathered.to_batches():
        merging.add_rows(batch)
    raise_first_failure(pa.Table.from_batches([_gathered(merging.failures)]))
    if merging.merged is None:
        raise DataError("the table has no rows; fitting needs at least 2")
    if len(set(merging.digests)) < len(merging.digests):
        raise DataError("two blocks begin with the same rows, so they cannot be told apart; shuffle the rows")
    return merging.merged.settled()


class _Merging:
    """A merged sample that grows one sample at a time, and the errors found."""

    def __init__(self) -> None:
        self.merged: SampledTable | None = None
        self.digests: list[int] = []
        self.failures: list[dict[str, object]] = []

    def add(self, part: SampledTable) -> None:
        self.merged = part if self.merged is None else self.merged.merged(part)

    def add_rows(self, batch: pa.RecordBatch) -> None:
        """Merge the samples of a batch of ``GATHERED`` one by one; unpacked together they may not fit in memory."""
        for place in range(len(batch)):
            (row,) = batch.slice(place, 1).to_pylist()
            if row["sampled"] is None:
                self.failures.append(row)
                continue
            part: SampledTable = pickle.loads(row["sampled"])  # noqa: S301 - pickled by our own workers
            self.digests += row["digests"]
            try:
                self.add(part)
            except DataError as error:
                self.failures.append({"number": 0} | failure_of(error))

    def result(self) -> pa.RecordBatch:
        """Return the merged sample, or the errors, as a batch of ``GATHERED``."""
        if self.failures or self.merged is None:
            return _gathered(self.failures)
        return _gathered([_sampled(self.merged, self.digests)])


def _gathered(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=GATHERED)


def _sampled(part: SampledTable, digests: list[int]) -> dict[str, object]:
    part = part.settled()
    # take copies the rows; a slice would be pickled with the whole table behind it
    rows = part.sample.rows.take(pa.array(np.arange(part.sample.rows.num_rows)))
    packed = pickle.dumps(replace(part, sample=replace(part.sample, rows=rows)), protocol=5)
    return {"number": 0, "sampled": packed, "digests": digests}


def _digest(rows: pa.RecordBatch) -> int:
    """Return a number below 2^63 that stands for the unknown place of rows; the same rows give the same number."""
    return int.from_bytes(hashlib.sha256(rows.serialize()).digest()[:8], "little") >> 1

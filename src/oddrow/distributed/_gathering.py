"""What the workers of an engine do for a fit: sample their parts of a table, and merge what others have sampled.

Each function takes record batches and gives record batches, of ``GATHERED``: a row is a pickled
:class:`~oddrow.table.SampledTable`, or an error. (It is pickled as the engine pickles all that it moves; no file holds
it.)
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Final, TypeAlias

import pyarrow as pa

from oddrow.distributed._parts import FAILURE, Part, failure_of, raise_first_failure
from oddrow.exceptions import DataError, OddrowError
from oddrow.table import SampledTable, Sampling

Gathering: TypeAlias = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]

GATHERED: Final = pa.schema({"number": pa.int64(), "sampled": pa.binary()} | FAILURE)
MERGERS: Final = 16
"""Pieces in which an engine merges what was sampled; what these become is merged where the model is fitted."""


@dataclass(frozen=True)
class RowSampling:
    """The batches hold rows, of one piece of a data set that does not know which rows of the whole they are."""

    sampling: Sampling

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sample the piece; of a piece without rows nothing comes out."""
        rows = (batch for batch in batches if len(batch))
        first = next(rows, None)
        if first is None:
            yield _gathered([])
            return
        try:
            yield _gathered([_sampled(self.sampling.part(chain([first], rows), _digest(first)))])
        except DataError as error:
            yield _gathered([{"number": 0} | failure_of(error, "in one piece of the table: ")])


@dataclass(frozen=True)
class PartSampling:
    """Each row of a batch describes a part of a table, and is sampled where it lies."""

    sampling: Sampling

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Sample the parts that the batches describe."""
        for batch in batches:
            yield _gathered([self._result(Part(**part)) for part in batch.to_pylist()])

    def _result(self, part: Part) -> dict[str, object]:
        try:
            return _sampled(self.sampling.part(part.batches(), part.place))
        except (OddrowError, OSError, pa.ArrowException) as error:
            return {"number": part.number} | failure_of(error, f"{part}: ")


def merge_samples(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One row for all that come, but for errors, which stay."""
    failures: list[dict[str, object]] = []
    merged: SampledTable | None = None
    for batch in batches:
        for row in batch.to_pylist():
            if row["sampled"] is None:
                failures.append(row)
                continue
            part = _unpacked(row["sampled"])
            merged = part if merged is None else merged.merged(part)
    yield _gathered(failures if failures or merged is None else [_sampled(merged)])


def whole_sample(gathered: pa.Table) -> SampledTable:
    """The sample of the whole table, from what is left of its parts.

    Raises
    ------
    DataError, TableReadError
        What ended the work on the first part that could not be sampled; or if there is no row.
    """
    raise_first_failure(gathered)
    parts = [_unpacked(packed) for packed in gathered["sampled"].to_pylist()]
    if not parts:
        raise DataError("the table has no rows; fitting needs at least 2")
    return reduce(SampledTable.merged, parts).settled()


def _gathered(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=GATHERED)


def _sampled(part: SampledTable) -> dict[str, object]:
    return {"number": 0, "sampled": pickle.dumps(part.settled(), protocol=5)}


def _unpacked(packed: bytes) -> SampledTable:
    part: SampledTable = pickle.loads(packed)  # noqa: S301 - from our own workers, by the engine's own pickles
    return part


def _digest(rows: pa.RecordBatch) -> int:
    """A number uint64 for the place of rows whose place nobody knows: the same for the same rows."""
    return int.from_bytes(hashlib.sha256(rows.serialize()).digest()[:8], "little")

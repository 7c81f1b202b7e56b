"""Work that tests send to an engine's workers, which import it from here."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from oddrow.distributed import _work
from oddrow.distributed._gathering import PartSampling
from oddrow.distributed._work import Work
from oddrow.fitted import FittedModel
from oddrow.table import as_table


@dataclass(frozen=True)
class KilledOnce:
    """Does the work, but the process that first does it well on batch ``row`` is killed before it can say so."""

    work: Work
    marker: Path
    column: str
    row: int

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in self.work(model, batches):
            if self.row in batch[self.column].to_pylist() and not self.marker.exists():
                self.marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch


@dataclass(frozen=True)
class SamplerKilledOnce:
    """Samples parts, but the process that first does it well on part ``number`` is killed before it can say so."""

    sample: PartSampling
    marker: Path
    number: int

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from self.sample([batch])
            if self.number in as_table(batch)["number"].to_pylist() and not self.marker.exists():
                self.marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Loads:
    """Adds which process worked, and how often it has read a model from its bytes."""

    def __call__(
        self,
        model: FittedModel,  # noqa: ARG002 - as work is called
        batches: Iterable[pa.RecordBatch],
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for name, value in {"process": os.getpid(), "loads": _work._unpacked.cache_info().misses}.items():
                batch = batch.append_column(name, pa.array([value] * len(batch), pa.int64()))
            yield batch

"""What every worker of every engine does: unpack the model once, then add columns to each batch that comes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import pyarrow as pa

from oddrow.artifact import dumps, load, loads_model
from oddrow.batch import scored_batches
from oddrow.exceptions import MissingExtraError
from oddrow.fitted import FittedModel
from oddrow.policies import Policy

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, VAEDetector

Model: TypeAlias = "str | Path | VAEDetector | AutoencoderDetector"
"""A fitted detector, or the path of its model file."""

Detector = TypeVar("Detector", "VAEDetector", "AutoencoderDetector")
"""Either detector; what comes out of a fit is what went in."""

BATCH_ROWS = 8192
"""Rows scored at a time where we cut the batches: enough to forget what a call costs, little to hold."""
_MODELS_AT_MOST = 4


@dataclass(frozen=True)
class PackedModel:
    """The bytes of a model file, as they travel to the workers; equal where their hashes are."""

    digest: str
    content: bytes = field(compare=False, repr=False)

    @classmethod
    def of(cls, model: Model) -> PackedModel:
        """Pack a fitted detector, or the model in a file.

        Raises
        ------
        ModelFileError
            If the file is missing or damaged.
        """
        content = dumps(load(model) if isinstance(model, str | Path) else model)
        return cls(hashlib.sha256(content).hexdigest(), content)

    def unpacked(self) -> FittedModel:
        """The model, which is read from its bytes once in a process, however many batches come."""
        return _unpacked(self)


@lru_cache(maxsize=_MODELS_AT_MOST)
def _unpacked(packed: PackedModel) -> FittedModel:
    return loads_model(packed.content)


class Work(Protocol):
    """A function from batches to the same batches with further columns; one out for each that comes in."""

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Do the work on batches in their order."""
        ...


@dataclass(frozen=True)
class RowScoring:
    """Each batch holds rows, and gets what :func:`oddrow.batch.scored_batches` adds."""

    top: int | None = None
    policy: Policy | None = None

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches of rows."""
        return scored_batches(model, batches, self.top, self.policy)


def schema_after(work: Work, packed: PackedModel, schema: pa.Schema) -> pa.Schema:
    """The columns that batches of a schema have after the work, found by working on no rows.

    All that no row can cure is so refused before any engine is asked.

    Raises
    ------
    SettingError, DataError, SchemaMismatchError
        As :func:`oddrow.batch.scored_batches`.
    """
    nothing = pa.RecordBatch.from_pylist([], schema=schema)
    (done,) = work(packed.unpacked(), [nothing])
    return done.schema


def check(work: Work, packed: PackedModel, schema: pa.Schema | None) -> None:
    """Refuse what :func:`schema_after` refuses; where the schema is unknown, what needs none to be refused."""
    if schema is None:
        list(work(packed.unpacked(), []))
    else:
        schema_after(work, packed, schema)


def missing_extra(engine: str, extra: str, error: ImportError) -> MissingExtraError:
    """The error for an engine that is not installed."""
    return MissingExtraError(f"{engine} cannot be imported ({error}); run: pip install 'oddrow[{extra}]'")

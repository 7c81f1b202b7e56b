"""The work of an engine's workers: unpack the model once per process, then add columns to each batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from copy import copy
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
"""Either detector; a fit returns the detector that it was given."""

BATCH_ROWS = 8192
"""Rows per batch where we choose the size: enough to make the overhead of a call small, few enough for the memory."""
_MAX_MODELS = 4


@dataclass(frozen=True)
class PackedModel:
    """The bytes of a model file, as they are sent to the workers; two are equal if their hashes are."""

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
        detector = load(model) if isinstance(model, str | Path) else model
        if hasattr(detector, "model_") and detector.model_.feedback is not None:
            # mute rules that expire meanwhile would change the columns of the output
            detector = copy(detector)
            detector.model_ = detector.model_.dated()
        content = dumps(detector)
        return cls(hashlib.sha256(content).hexdigest(), content)

    def unpacked(self) -> FittedModel:
        """Return the model; a process reads it from its bytes once, for all batches."""
        return _unpacked(self)


@lru_cache(maxsize=_MAX_MODELS)
def _unpacked(packed: PackedModel) -> FittedModel:
    return loads_model(packed.content)


class Work(Protocol):
    """A function that adds columns to batches; it yields one batch for each that it takes."""

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Do the work on the batches, in their order."""
        ...


@dataclass(frozen=True)
class RowScoring:
    """Scores batches of rows: adds the columns of :func:`oddrow.batch.scored_batches`."""

    top: int | None = None
    policy: Policy | None = None

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches of rows."""
        return scored_batches(model, batches, self.top, self.policy)


def schema_after(work: Work, packed: PackedModel, schema: pa.Schema) -> pa.Schema:
    """Return the schema that batches of ``schema`` have after the work, found with a batch of no rows.

    Errors that do not depend on the rows are thus raised before an engine starts.

    Raises
    ------
    SettingError, DataError, SchemaMismatchError
        As :func:`oddrow.batch.scored_batches`.
    """
    nothing = pa.RecordBatch.from_pylist([], schema=schema)
    (done,) = work(packed.unpacked(), [nothing])
    return done.schema


def check(work: Work, packed: PackedModel, schema: pa.Schema | None) -> None:
    """Raise the errors of :func:`schema_after`; if the schema is unknown, those that do not depend on it."""
    if schema is None:
        list(work(packed.unpacked(), []))
    else:
        schema_after(work, packed, schema)


def missing_extra(engine: str, extra: str, error: ImportError) -> MissingExtraError:
    """Return the error for an engine that is not installed."""
    return MissingExtraError(f"{engine} cannot be imported ({error}); run: pip install 'oddrow[{extra}]'")

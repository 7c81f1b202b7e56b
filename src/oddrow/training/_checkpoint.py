"""A fit that is killed goes on where it was: its state in one file of the container, no code in it.

The manifest tells to which fit the state belongs, and all of it that is not an array.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pydantic
import safetensors

from oddrow.columns import EncodedTable
from oddrow.container import (
    ArrayStore,
    Content,
    FileKind,
    JobIdentity,
    digest,
    pack_arrays,
    pack_file,
    read_file,
    unpack_arrays,
)
from oddrow.density import FitEnd, FittedNetwork, Likelihood, NetworkShape, Rollback
from oddrow.exceptions import CheckpointError, ModelFileError, OutputError
from oddrow.files import atomic_write
from oddrow.remedies import Setting, remedy
from oddrow.training._batches import BatchOrder
from oddrow.training._settings import TrainingSettings
from oddrow.training._state import Check, FitState, GeneratorState

CHECKPOINT = FileKind(b"ODDROWCP", "checkpoint", error=CheckpointError, max_body=2**40)
PROTOCOL = 1
WORK_PER_WRITE = 20.0
"""Time between two writes at least, in units of what a write takes: keeping a fit costs a twentieth of it at most."""

_ROOM = 64 * 2**20
"""Bytes that a file may have beyond its known arrays: manifest and learning curve."""

_Whole = Annotated[int, pydantic.Field(ge=0)]


def fit_identity(
    settings: TrainingSettings,
    shape: NetworkShape,
    likelihood: Likelihood,
    training: EncodedTable,
    held_out: EncodedTable | None,
    rng: np.random.Generator,
    start: FittedNetwork | None = None,
) -> JobIdentity:
    """Which fit a state belongs to.

    The table comes last: another seed draws other rows from the same table.
    """
    tables = [training] if held_out is None else [training, held_out]
    weights = () if start is None else tuple(start.parameters.values())
    layout = repr((type(likelihood).__name__, likelihood.layout, shape))
    return JobIdentity(
        {
            "settings": {name: str(value) for name, value in asdict(settings).items()},
            "number of rows": sum(len(table.rows) for table in tables),
            "model to start from": digest(*weights),
            "random_state": digest(repr(GeneratorState.of(rng))),
            "table or other kinds of columns": digest(
                layout, *(part for table in tables for part in (table.rows, table.presence))
            ),
        }
    )


@dataclass(frozen=True)
class _Generator:
    state: Annotated[int, pydantic.Field(ge=0, lt=2**128)]
    inc: Annotated[int, pydantic.Field(ge=0, lt=2**128)]
    has_uint32: Annotated[int, pydantic.Field(ge=0, le=1)]
    uinteger: Annotated[int, pydantic.Field(ge=0, lt=2**32)]


@dataclass(frozen=True)
class _Manifest:
    """All of a state that is not an array, and whose it is."""

    identity: JobIdentity
    rng: _Generator
    best: _Whole
    rollbacks: tuple[Rollback, ...]
    end: FitEnd | None


_MANIFEST = pydantic.TypeAdapter(_Manifest)


class _Kept(NamedTuple):
    """A state, and what was still to be drawn when it was reached."""

    state: FitState
    generator: GeneratorState
    batches_waiting: npt.NDArray[np.int32]


class Checkpoint:
    """One fit's file in a folder, written as the fit goes on."""

    def __init__(self, folder: Path, part: int, n_rows: int, identity: JobIdentity) -> None:
        self._path = folder / f"fit-{part}.checkpoint"
        self._identity = identity
        self._n_rows = n_rows
        self._written_at = -np.inf
        self._write_seconds = 0.0
        self._waiting: _Kept | None = None

    def begin(self, template: FitState, rng: np.random.Generator, batches: BatchOrder, *, resume: bool) -> FitState:
        """The state to begin with: the one in the file when resuming, else ``template``.

        Raises
        ------
        CheckpointError
            If the file is damaged, or belongs to another fit.
        OutputError
            If there is a file and it is not to be resumed, or the folder cannot be made.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            exists = self._path.exists()
        except OSError as error:
            raise OutputError(f"{self._path.parent}: cannot be a folder ({error.strerror or error})") from error
        if not exists:
            return template
        if not resume:
            raise OutputError(
                f"{self._path}: keeps a fit that has not ended",
                remedy=remedy("go on with it by ", Setting("resume", True), ", or remove it"),
            )
        return self._read(template, rng, batches)

    def keep(self, state: FitState, rng: np.random.Generator, batches: BatchOrder) -> None:
        """Take the state as the one to go on from, and write it if it is time to."""
        self._waiting = _Kept(state, GeneratorState.of(rng), batches.waiting)
        if time.monotonic() - self._written_at >= WORK_PER_WRITE * self._write_seconds:
            self.flush()

    def flush(self) -> None:
        """Write the last state taken, unless the file has it."""
        if self._waiting is not None:
            started = time.monotonic()
            self._write(self._waiting)
            self._waiting = None
            self._written_at = time.monotonic()
            self._write_seconds = self._written_at - started

    def _write(self, kept: _Kept) -> None:
        state = kept.state
        generator = _Generator(**asdict(kept.generator))
        manifest = _Manifest(self._identity, generator, state.best, state.rollbacks, state.end)
        arrays = {
            "weights": np.asarray(state.weights),
            "best_weights": np.asarray(state.best_weights),
            "checks": np.array(state.checks, np.float64),
            "waiting": np.ascontiguousarray(kept.batches_waiting),
        }
        arrays |= {
            f"optimiser.{index}": np.asarray(leaf) for index, leaf in enumerate(jax.tree.leaves(state.optimiser))
        }
        content = Content(PROTOCOL, _MANIFEST.dump_json(manifest), pack_arrays(arrays))
        with atomic_write(self._path, force=True) as stream:
            for part in pack_file(CHECKPOINT, content):
                stream.write(part)

    def _read(self, template: FitState, rng: np.random.Generator, batches: BatchOrder) -> FitState:
        content = self._content(template)
        try:
            store = ArrayStore(unpack_arrays(content.body))
            manifest = _MANIFEST.validate_json(content.manifest)
        except (pydantic.ValidationError, safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
            raise self._wrong("its parts cannot be read") from error
        difference = manifest.identity.difference(self._identity)
        if difference is not None:
            raise self._wrong(f"it belongs to {difference}")
        leaves, structure = jax.tree.flatten(template.optimiser)
        n_weights = template.best_weights.shape
        try:
            weights = store.take("weights", np.float32, n_weights)
            best_weights = store.take("best_weights", np.float32, n_weights)
            checks = store.take("checks", np.float64, (None, len(Check._fields)))
            waiting = store.take("waiting", np.int32, (None,))
            optimiser = [store.take(f"optimiser.{index}", leaf.dtype, leaf.shape) for index, leaf in enumerate(leaves)]
            store.check_empty()
        except ModelFileError as error:
            raise self._wrong(str(error)) from error
        in_order = len(checks) > manifest.best and checks[0, 0] >= 1 and (np.diff(checks[:, 0]) > 0).all()
        in_table = len(waiting) == 0 or 0 <= waiting.min() <= waiting.max() < self._n_rows
        if not (in_order and in_table):
            raise self._wrong("its parts do not fit together")
        GeneratorState(**asdict(manifest.rng)).put(rng)
        batches.waiting = waiting
        return FitState(
            jnp.asarray(weights),
            jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in optimiser]),
            best_weights,
            manifest.best,
            tuple(Check(*map(float, check)) for check in checks),
            manifest.rollbacks,
            manifest.end,
        )

    def _content(self, template: FitState) -> Content:
        """The parts of the file, after their hashes agree; nothing larger than a state can be is read."""
        most = _ROOM + 16 * template.best_weights.nbytes + 8 * self._n_rows
        try:
            is_ours = self._path.is_file() and self._path.stat().st_size <= most
            if is_ours:
                return read_file(self._path, CHECKPOINT, PROTOCOL)
        except OSError as error:
            raise self._wrong(f"it cannot be read ({error.strerror or error})") from error
        except CheckpointError as error:
            raise self._wrong(str(error)) from error
        raise self._wrong("it is no file of ours")

    def _wrong(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self._path}: cannot go on from this checkpoint: {what}; remove it to begin anew")


def discard_checkpoint(folder: Path) -> None:
    """Remove the files of a fit that has ended, one for each of its parts; the folder stays."""
    for path in folder.glob("fit-*.checkpoint"):
        path.unlink(missing_ok=True)

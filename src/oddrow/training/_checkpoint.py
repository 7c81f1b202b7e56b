r"""A fit that is killed goes on where it was: its state in one file, no code in it.

The file, in order: 8 bytes magic ``ODDROWCP``, 4 bytes protocol number (uint32, little-endian), 32 bytes SHA-256 of
the rest, the rest as safetensors. Among its arrays ``manifest`` is UTF-8 JSON: to which fit the state belongs, and all
of it that is not an array.
"""

from __future__ import annotations

import hashlib
import struct
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pydantic
import safetensors
import safetensors.numpy

from oddrow.columns import EncodedTable
from oddrow.density import FitEnd, FittedNetwork, Likelihood, NetworkShape, Rollback
from oddrow.exceptions import CheckpointError, OutputError
from oddrow.files import atomic_write
from oddrow.remedies import Setting, remedy
from oddrow.training._batches import BatchOrder
from oddrow.training._settings import TrainingSettings
from oddrow.training._state import Check, FitState, GeneratorState

PROTOCOL = 1
WORK_PER_WRITE = 20.0
"""Time between two writes at least, in units of what a write takes: keeping a fit costs a twentieth of it at most."""

_MAGIC = b"ODDROWCP"
_HEADER = struct.Struct("<8sI32s")
_ROOM = 64 * 2**20
"""Bytes that a file may have beyond its known arrays: manifest and learning curve."""

_Whole = Annotated[int, pydantic.Field(ge=0)]


@dataclass(frozen=True)
class FitIdentity:
    """Which fit a state belongs to: it goes on nowhere else.

    ``table`` is a SHA-256 of the encoded rows and their layout, ``rng`` the generator's state when the fit began,
    ``start`` a SHA-256 of the weights that it began with, if they were not drawn.
    """

    settings: TrainingSettings
    shape: NetworkShape
    rows_trained: int
    rows_watched: int
    table: str
    rng: GeneratorState
    start: str = ""

    @classmethod
    def of(
        cls,
        settings: TrainingSettings,
        shape: NetworkShape,
        likelihood: Likelihood,
        training: EncodedTable,
        held_out: EncodedTable | None,
        rng: np.random.Generator,
        start: FittedNetwork | None = None,
    ) -> FitIdentity:
        digest = hashlib.sha256(repr((type(likelihood).__name__, likelihood.layout)).encode())
        for part in (training, held_out):
            if part is not None:
                digest.update(np.ascontiguousarray(part.rows).data)
                digest.update(np.ascontiguousarray(part.presence).data)
        n_watched = 0 if held_out is None else len(held_out.rows)
        state = GeneratorState.of(rng)
        return cls(settings, shape, len(training.rows), n_watched, digest.hexdigest(), state, _weights_digest(start))

    def difference(self, other: FitIdentity) -> str | None:
        """What tells this fit from another one, or None; the table last, for another seed draws other rows from it."""
        if self.settings != other.settings:
            there, here = asdict(self.settings), asdict(other.settings)
            names = [name for name in there if there[name] != here[name]]
            said = ", ".join(f"{name} {there[name]} there and {here[name]} here" for name in names)
            return f"other settings ({said})"
        rows = self.rows_trained + self.rows_watched, other.rows_trained + other.rows_watched
        if rows[0] != rows[1]:
            return f"another table ({rows[0]:,} rows trained or watched there, {rows[1]:,} here)"
        if self.start != other.start:
            return "another model to start from"
        if self.rng != other.rng:
            return "another random_state"
        return None if self == other else "another table or other kinds of columns"


def _weights_digest(network: FittedNetwork | None) -> str:
    if network is None:
        return ""
    digest = hashlib.sha256()
    for values in network.parameters.values():
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Generator:
    state: Annotated[int, pydantic.Field(ge=0, lt=2**128)]
    inc: Annotated[int, pydantic.Field(ge=0, lt=2**128)]
    has_uint32: Annotated[int, pydantic.Field(ge=0, le=1)]
    uinteger: Annotated[int, pydantic.Field(ge=0, lt=2**32)]


@dataclass(frozen=True)
class _Manifest:
    """All of a state that is not an array, and whose it is."""

    identity: FitIdentity
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

    def __init__(self, folder: Path, part: int, identity: FitIdentity) -> None:
        self._path = folder / f"fit-{part}.checkpoint"
        self._identity = identity
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
            "manifest": np.frombuffer(_MANIFEST.dump_json(manifest), np.uint8),
            "weights": np.asarray(state.weights),
            "best_weights": np.asarray(state.best_weights),
            "checks": np.array(state.checks, np.float64),
            "waiting": np.ascontiguousarray(kept.batches_waiting),
        }
        arrays |= {
            f"optimiser.{index}": np.asarray(leaf) for index, leaf in enumerate(jax.tree.leaves(state.optimiser))
        }
        body = safetensors.numpy.save(arrays)
        with atomic_write(self._path, force=True) as stream:
            stream.write(_HEADER.pack(_MAGIC, PROTOCOL, hashlib.sha256(body).digest()))
            stream.write(body)

    def _read(self, template: FitState, rng: np.random.Generator, batches: BatchOrder) -> FitState:
        body = self._checked_body(template)
        try:
            arrays = safetensors.numpy.load(body)
            manifest = _MANIFEST.validate_json(arrays.pop("manifest").tobytes())
        except (pydantic.ValidationError, safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
            raise self._wrong("its parts cannot be read") from error
        difference = manifest.identity.difference(self._identity)
        if difference is not None:
            raise self._wrong(f"it belongs to {difference}")
        leaves, structure = jax.tree.flatten(template.optimiser)
        n_weights = template.best_weights.shape
        weights = self._taken(arrays, "weights", np.float32, n_weights)
        best_weights = self._taken(arrays, "best_weights", np.float32, n_weights)
        checks = self._taken(arrays, "checks", np.float64, (None, len(Check._fields)))
        waiting = self._taken(arrays, "waiting", np.int32, (None,))
        optimiser = [
            self._taken(arrays, f"optimiser.{index}", leaf.dtype, leaf.shape) for index, leaf in enumerate(leaves)
        ]
        in_order = len(checks) > manifest.best and checks[0, 0] >= 1 and (np.diff(checks[:, 0]) > 0).all()
        in_table = len(waiting) == 0 or 0 <= waiting.min() <= waiting.max() < self._identity.rows_trained
        if arrays or not (in_order and in_table):
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

    def _checked_body(self, template: FitState) -> bytes:
        """What follows the header, after its hash agrees; nothing larger than a state can be is read."""
        most = _ROOM + 16 * template.best_weights.nbytes + 8 * self._identity.rows_trained
        try:
            if not self._path.is_file() or self._path.stat().st_size > most:
                raise self._wrong("it is no file of ours")
            content = self._path.read_bytes()
        except OSError as error:
            raise self._wrong(f"it cannot be read ({error.strerror or error})") from error
        if len(content) < _HEADER.size:
            raise self._wrong("it is truncated" if _MAGIC.startswith(content[:8]) else "it is no file of ours")
        magic, protocol, digest = _HEADER.unpack(content[: _HEADER.size])
        if magic != _MAGIC:
            raise self._wrong("it is no file of ours")
        if protocol != PROTOCOL:
            raise self._wrong(f"its protocol is {protocol}, this oddrow reads {PROTOCOL}")
        body = content[_HEADER.size :]
        if hashlib.sha256(body).digest() != digest:
            raise self._wrong("it is truncated or damaged")
        return body

    def _taken(
        self, arrays: dict[str, npt.NDArray[Any]], name: str, dtype: Any, shape: tuple[int | None, ...]
    ) -> npt.NDArray[Any]:
        array = arrays.pop(name, None)
        fits = array is not None and array.dtype == dtype and array.ndim == len(shape)
        if array is None or not fits or any(want not in (None, n) for want, n in zip(shape, array.shape, strict=True)):
            raise self._wrong(f"its {name} do not fit this network")
        if not np.isfinite(array).all():
            raise self._wrong(f"its {name} are not finite")
        return array

    def _wrong(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self._path}: cannot go on from this checkpoint: {what}; remove it to begin anew")


def discard_checkpoint(folder: Path) -> None:
    """Remove the files of a fit that has ended, one for each of its parts; the folder stays."""
    for path in folder.glob("fit-*.checkpoint"):
        path.unlink(missing_ok=True)

"""Scored parts in a folder, so that a job that is killed goes on where it was.

The folder holds ``job.json``, which says whose parts these are, and ``part-00000000.arrow`` and so on: an Arrow stream
of one batch each. The metadata of its schema holds, as JSON, the rows that were left out and how many rows are rare. A
file there is whole, for it took its name last; so which parts exist is all that there is to know of how far the job
came.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from oddrow.batch._scored_stream import ScoredPart
from oddrow.exceptions import CheckpointError, OutputError
from oddrow.files import TableStream, atomic_write
from oddrow.policies import RareRows
from oddrow.remedies import Setting, remedy
from oddrow.table import SkippedRow

PROTOCOL = 2
_SKIPPED, _RARE = b"oddrow.skipped", b"oddrow.rare"


@dataclass(frozen=True)
class JobIdentity:
    """Which job parts belong to: they are no part of another one.

    Attributes
    ----------
    files : of the table, the path, the size in bytes and the nanosecond of the last change of each
    schema : of the table's columns
    model : SHA-256 of the model file
    options : what else decides on the rows written, in words
    """

    files: tuple[tuple[str, int, int], ...]
    schema: str
    model: str
    options: dict[str, str]

    @classmethod
    def of(cls, stream: TableStream, model: str, options: dict[str, str]) -> JobIdentity:
        """The job of scoring this stream."""
        described = [(path, path.stat()) for path in stream.files]
        files = tuple((str(path.resolve()), found.st_size, found.st_mtime_ns) for path, found in described)
        return cls(files, str(stream.schema), model, options)

    def difference(self, other: JobIdentity) -> str | None:
        """What tells the other job from this one, or None."""
        if self.model != other.model:
            return "another model"
        if self.options != other.options:
            pairs = {name: (self.options.get(name), other.options.get(name)) for name in self.options | other.options}
            said = (f"{name} {there} there and {here} here" for name, (there, here) in pairs.items() if there != here)
            return f"other options ({', '.join(said)})"
        if self.files != other.files:
            changed = sorted({path for path, *_ in set(self.files) ^ set(other.files)})
            return f"a table that is another or has changed since ({', '.join(changed[:3])})"
        return None if self.schema == other.schema else "a table with other columns"


@dataclass(frozen=True)
class KeptParts:
    """The parts of one job, in order; iterating reads them."""

    folder: Path

    @property
    def n_parts(self) -> int:
        """How many parts there are, from the first on without a gap."""
        count = 0
        while self._path(count).exists():
            count += 1
        return count

    def begin(self, identity: JobIdentity, *, resume: bool) -> None:
        """Make the folder, or see that its parts belong to this job.

        Raises
        ------
        CheckpointError
            If they belong to another one, or the folder is none of ours.
        OutputError
            If the folder exists and is not to be gone on with, or cannot be made.
        """
        job = self.folder / "job.json"
        if self.folder.exists() and not resume:
            raise OutputError(
                f"{self.folder}: keeps a job that has not ended",
                remedy=remedy("go on with it by ", Setting("resume", True), ", or remove it"),
            )
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be a folder ({error.strerror or error})") from error
        if not job.exists():
            if self.n_parts:
                raise self._wrong("job.json is missing, which says whose parts these are")
            content = {"protocol": PROTOCOL, **vars(identity)}
            with atomic_write(job) as stream:
                stream.write(json.dumps(content, indent=1).encode())
            return
        for left in self.folder.glob(".oddrow-*.tmp"):
            left.unlink()  # what was being written when the job was killed
        difference = self._identity(job).difference(identity)
        if difference is not None:
            raise self._wrong(f"its parts belong to {difference}")

    def keep(self, parts: Iterable[ScoredPart]) -> Iterator[ScoredPart]:
        """Write each part behind those that are there, and pass it on."""
        for number, part in enumerate(parts, self.n_parts):
            skipped = [[row.file, row.line, row.reason, row.raw.decode("latin-1")] for row in part.skipped]
            rare = json.dumps({**vars(part.rare), "first": dict(part.rare.first)})
            kept = part.rows.schema.metadata or {}
            added = {_SKIPPED: json.dumps(skipped).encode(), _RARE: rare.encode()}
            rows = part.rows.replace_schema_metadata({**kept, **added})
            with atomic_write(self._path(number), force=True) as file, pa.ipc.new_stream(file, rows.schema) as writer:
                writer.write_batch(rows)
            yield part

    def __iter__(self) -> Iterator[ScoredPart]:
        for number in range(self.n_parts):
            path = self._path(number)
            try:
                with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                    rows = reader.read_next_batch()
                kept = dict(rows.schema.metadata)
                skipped = json.loads(kept.pop(_SKIPPED))
                rare = RareRows(**json.loads(kept.pop(_RARE)))
            except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, StopIteration) as error:
                raise self._wrong(f"{path.name} is damaged") from error
            told = tuple(SkippedRow(file, line, why, raw.encode("latin-1")) for file, line, why, raw in skipped)
            yield ScoredPart(rows.replace_schema_metadata(kept or None), told, rare)

    def discard(self) -> None:
        """Remove the folder of a job that has ended, its last part first: what a kill leaves can be gone on with."""
        for number in reversed(range(self.n_parts)):
            self._path(number).unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:08}.arrow"

    def _identity(self, job: Path) -> JobIdentity:
        try:
            content = json.loads(job.read_bytes())
            protocol = content.pop("protocol")
            files = tuple((str(path), int(size), int(changed)) for path, size, changed in content.pop("files"))
            identity = JobIdentity(files=files, **content)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise self._wrong("job.json cannot be read") from error
        if protocol != PROTOCOL:
            raise self._wrong(f"its protocol is {protocol!r}, this oddrow reads {PROTOCOL}")
        return identity

    def _wrong(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self.folder}: cannot go on from this folder: {what}; remove it to begin anew")

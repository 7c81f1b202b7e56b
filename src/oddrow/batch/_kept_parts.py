"""Scored parts in a folder, so that a job that is killed goes on where it was.

The folder holds ``job.json``, which says whose parts these are, and ``part-00000000.scored`` and so on, each a file of
the container. Its manifest holds the rows that were left out and how many rows are rare; its body is an Arrow stream of
one batch. A file there is whole, for it took its name last; so which parts exist is all that there is to know of how
far the job came.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from oddrow.batch._scored_stream import ScoredPart
from oddrow.container import Content, Fact, FileKind, JobIdentity, digest, pack_file, read_file
from oddrow.exceptions import CheckpointError, OutputError
from oddrow.files import TableStream, atomic_write
from oddrow.policies import RareRows
from oddrow.remedies import Setting, remedy
from oddrow.table import SkippedRow

KEPT_PART = FileKind(b"ODDROWKP", "scored part", body="rows", error=CheckpointError, max_manifest=2**40, max_body=2**40)
PROTOCOL = 1


def scoring_identity(stream: TableStream, model: str, options: dict[str, str]) -> JobIdentity:
    """Which job of scoring parts belong to.

    Parameters
    ----------
    stream
        The table: of its files path, size and last change count, and the columns.
    model
        A digest of the model file.
    options
        What else decides on the rows written, in words.
    """
    described = [(path, path.stat()) for path in stream.files]
    files = {
        str(path.resolve()): f"of {found.st_size:,} bytes and change time {found.st_mtime_ns}"
        for path, found in described
    }
    facts: dict[str, Fact] = {
        "model": model,
        "options": options,
        "or changed files": files,
        "columns of the table": digest(str(stream.schema)),
    }
    return JobIdentity(facts)


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
            content = {"protocol": PROTOCOL, "facts": identity.facts}
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
            manifest = {"skipped": skipped, "rare": {**vars(part.rare), "first": dict(part.rare.first)}}
            body = pa.BufferOutputStream()
            with pa.ipc.new_stream(body, part.rows.schema) as writer:
                writer.write_batch(part.rows)
            content = Content(PROTOCOL, json.dumps(manifest).encode(), body.getvalue().to_pybytes())
            with atomic_write(self._path(number), force=True) as file:
                for piece in pack_file(KEPT_PART, content):
                    file.write(piece)
            yield part

    def __iter__(self) -> Iterator[ScoredPart]:
        for number in range(self.n_parts):
            path = self._path(number)
            try:
                content = read_file(path, KEPT_PART, PROTOCOL)
                with pa.ipc.open_stream(content.body) as reader:
                    rows = reader.read_next_batch()
                manifest = json.loads(content.manifest)
                rare = RareRows(**manifest["rare"])
                skipped = tuple(
                    SkippedRow(file, line, reason, raw.encode("latin-1"))
                    for file, line, reason, raw in manifest["skipped"]
                )
            except (pa.ArrowException, ValueError, KeyError, TypeError, StopIteration) as error:
                reason = str(error) if isinstance(error, CheckpointError) else "its rows cannot be read"
                raise self._wrong(f"{path.name}: {reason}") from error
            yield ScoredPart(rows, skipped, rare)

    def discard(self) -> None:
        """Remove the folder of a job that has ended, its last part first: what a kill leaves can be gone on with."""
        for number in reversed(range(self.n_parts)):
            self._path(number).unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:08}.scored"

    def _identity(self, job: Path) -> JobIdentity:
        try:
            content = json.loads(job.read_bytes())
            protocol, facts = content["protocol"], dict(content["facts"])
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise self._wrong("job.json cannot be read") from error
        if protocol != PROTOCOL:
            raise self._wrong(f"its protocol is {protocol!r}, this oddrow reads {PROTOCOL}")
        return JobIdentity(facts)

    def _wrong(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self.folder}: cannot go on from this folder: {what}; remove it to begin anew")

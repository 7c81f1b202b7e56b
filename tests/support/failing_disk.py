"""A disk that fails, or a machine that stops, at the k-th call of a save.

What :func:`oddrow.files.atomic_write` asks of the system goes through here, is counted, and goes wrong where it should.

``python -m tests.support.failing_disk FOLDER`` stops real processes by SIGKILL at each call and prints what is left,
as JSON.
"""

import io
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import oddrow
from oddrow.artifact import dumps
from testing.model_files import golden

PIECE = 6_000
"""Bytes the disk takes at a time, so that a file is many writes."""


def as_saved_now(name: str) -> bytes:
    """A golden model as this version writes it: with the fields that are later than the golden file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.oddrow")
        path.write_bytes(golden(name))
        return dumps(oddrow.load(path))


class Disk:
    """Counts the calls of a save, and lets one of them, or all from one on, go wrong.

    ``fail(name)`` is called instead of the call (of a write: after its first half) and raises, kills, or does nothing.
    """

    def __init__(self, place: int, fail: Callable[[str], None], *, stays_broken: bool = False) -> None:
        self.place, self.fail, self.stays_broken = place, fail, stays_broken
        self.calls: list[str] = []

    def goes_wrong(self, name: str) -> bool:
        self.calls.append(name)
        place = len(self.calls) - 1
        return place == self.place or (self.stays_broken and place > self.place and name == self.calls[self.place])

    def around(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.goes_wrong(name):
                self.fail(name)
            return real(*arguments, **named)

        return call

    @contextmanager
    def plugged_in(self) -> Iterator[None]:
        disk, real_open = self, Path.open

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                piece = bytes(data[:PIECE])
                if disk.goes_wrong("write"):
                    super().write(piece[: len(piece) // 2])
                    disk.fail("write")
                return super().write(piece)

        def opened(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if mode != "xb":
                return real_open(path, mode, *arguments, **named)
            if self.goes_wrong("create"):
                self.fail("create")
            return io.BufferedWriter(File(path, mode))

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(Path, "open", opened))
            for name in ("fsync", "link", "replace", "chmod", "unlink"):
                stack.enter_context(mock.patch.object(os, name, self.around(name, getattr(os, name))))
            yield


def die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def contents(folder: Path, known: dict[bytes, str]) -> dict[str, str]:
    """File name to which content it has."""
    return {path.name: known.get(path.read_bytes(), "neither") for path in folder.iterdir()}


def in_a_process(work: Callable[[], None]) -> int:
    """Wait status of a process of its own that did the work; 0 if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return os.waitpid(child, 0)[1]


def killed_at_each_call(folder: Path, force: bool, known: dict[bytes, str]) -> Iterator[dict[str, Any]]:
    """What is left when a save is killed at its first call, its second, and so on until it comes to its end."""
    new = oddrow.load(folder.parent / "new.oddrow")
    for place in range(100):
        target = folder / f"{place}" / "model.oddrow"
        target.parent.mkdir(parents=True)
        if force:
            target.write_bytes((folder.parent / "old.oddrow").read_bytes())

        def save(target: Path = target, place: int = place) -> None:
            with Disk(place, die).plugged_in():
                oddrow.save(new, target, force=force)

        status = in_a_process(save)
        yield {"place": place, "force": force, "status": status, "left": contents(target.parent, known)}
        if status == 0:
            return


def file_size_limited(folder: Path, most: int, known: dict[bytes, str]) -> dict[str, Any]:
    """What is left when the system itself refuses to let the file grow."""
    new = oddrow.load(folder.parent / "new.oddrow")
    target = folder / f"{most}" / "model.oddrow"
    target.parent.mkdir(parents=True)
    target.write_bytes((folder.parent / "old.oddrow").read_bytes())

    def save() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        oddrow.save(new, target, force=True)

    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        error = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        status = in_a_process(save)
        os.dup2(error, 2)
    return {"most": most, "status": status, "left": contents(target.parent, known)}


def main() -> None:
    base = Path(sys.argv[1])
    (base / "old.oddrow").write_bytes(golden("autoencoder"))
    new = as_saved_now("vae")
    (base / "new.oddrow").write_bytes(new)
    known = {golden("autoencoder"): "old", new: "new"}
    kills = [kill for force in (False, True) for kill in killed_at_each_call(base / f"kill-{force}", force, known)]
    size = len(new)
    limits = [file_size_limited(base / "limit", most, known) for most in (0, 1, 92, 5_000, size - 1, size)]
    print(json.dumps({"kills": kills, "limits": limits}))  # noqa: T201


if __name__ == "__main__":
    main()

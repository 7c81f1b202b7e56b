"""Load every file of a folder, watched, and print what happened as JSON.

``python -m tests.support.watched_loading FOLDER``

A process of its own, as an audit hook stays for good and memory is limited by the process.
"""

import json
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

import pyarrow as pa

import oddrow
from oddrow.table import as_table
from testing.model_files import GOLDEN, golden_rows

MEMORY = 256 * 2**20
"""Bytes a file may take beyond what the process holds before."""
SECONDS = 300
"""Until a file is taken for one that hangs, on however busy a machine; what counts is the processor's time."""
HARMLESS = {"builtins.id", "object.__getattr__", "object.__setattr__", "sys._getframe", "array.__new__"}


class Watch:
    """Notes what a load does to the world outside; nothing is noted until :meth:`start`."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.events: list[str] = []
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.file is None or event in HARMLESS:
            return
        if event == "open" and (arguments[0] == str(self.file) or arguments[0] == self.file or is_ours(arguments[0])):
            return
        self.events.append(f"{event} {arguments!r:.200}")


def is_ours(opened: object) -> bool:
    """A descriptor that has been opened before: opening it was noted."""
    return isinstance(opened, int)


def outcome(path: Path, watch: Watch, rows: pa.Table) -> dict[str, object]:
    before = time.process_time()
    watch.file, watch.events = path, []
    signal.alarm(SECONDS)
    try:
        detector = oddrow.load(path)
        kind, text = "loaded", ""
    except Exception as error:  # which one it is, is the question
        kind, text = type(error).__name__, str(error)
    finally:
        signal.alarm(0)
        watch.file = None
    seconds = time.process_time() - before
    if kind == "loaded" and set(detector.feature_names_in_) <= set(rows.column_names):
        text = repr(detector.surprise(rows))
    return {"kind": kind, "text": text, "seconds": seconds, "events": watch.events}


def main() -> None:
    warnings.simplefilter("error")
    rows = as_table(golden_rows())
    for path in GOLDEN.glob("*/*.oddrow"):  # whatever is imported late is imported now
        detector = oddrow.load(path)
        if path.stem not in ("written", "feedback"):  # which have other columns
            detector.surprise(rows)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    watch = Watch()
    print(json.dumps({path.name: outcome(path, watch, rows) for path in sorted(Path(sys.argv[1]).iterdir())}))  # noqa: T201


if __name__ == "__main__":
    main()

"""The file of rows that were left out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from oddrow.files._atomic import atomic_write
from oddrow.table import SkippedRow

__all__ = ["quarantine_writer"]


@contextmanager
def quarantine_writer(target: str | Path, *, force: bool = False) -> Iterator[Callable[[Iterable[SkippedRow]], None]]:
    """Yield the function that adds rows to a CSV file: for each its file, its line, the reason and the row itself.

    The bytes of a row stay as they were, even if they are not UTF-8. The file appears whole or not at all.

    Raises
    ------
    OutputError
        As :func:`oddrow.files.atomic_write`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with quarantine_writer(f"{folder}/bad.csv") as add:
    ...         add([SkippedRow("t.csv", 7, "expected 2 fields, found 1", b"x")])
    ...     print(Path(folder, "bad.csv").read_text())
    file,line,reason,raw
    t.csv,7,"expected 2 fields, found 1",x
    <BLANKLINE>
    """
    with atomic_write(target, force) as file:
        text = io.TextIOWrapper(cast("io.BufferedWriter", file), "utf-8", errors="surrogateescape", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(SkippedRow._fields)

        def add(rows: Iterable[SkippedRow]) -> None:
            for row in rows:
                writer.writerow([*row[:-1], row.raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")])

        yield add
        text.detach()

"""The file of results: a line a run, written the moment it is there, and whole whatever happens after."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What makes one run that run: repeating it gives the same figures, but for the seconds.

    ``commit`` is the version of the code that the figures depend on.
    """

    set: str
    protocol: str
    seed: int
    max_rows: int
    method: str
    commit: str


@dataclass(frozen=True)
class Result(Run):
    """What came out of a run; where the method failed, ``error`` says why and the figures are None."""

    n_train: int
    n_test: int
    n_features: int
    anomaly_share: float
    auroc: float | None
    ap: float | None
    fit_seconds: float | None
    score_seconds: float | None
    error: str = ""

    @property
    def run(self) -> Run:
        """Which run it came from."""
        return Run(**{field.name: getattr(self, field.name) for field in fields(Run)})


COLUMNS = [field.name for field in fields(Result)]
WHOLES = ("seed", "max_rows", "n_train", "n_test", "n_features")
REALS = ("anomaly_share", "auroc", "ap", "fit_seconds", "score_seconds")


def append(path: Path, result: Result) -> None:
    """Write a line at the end of the file in one go, on the disk when this returns; processes may share the file."""
    values = {name: _text(value) for name, value in asdict(result).items()}
    line = _line([values[name] for name in COLUMNS])
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prepare(path: Path) -> None:
    """Make the file if there is none, and cut off what a killed run left of a line.

    Raises
    ------
    ValueError
        If the file has other columns.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = path.read_bytes() if path.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    header = _line(COLUMNS)
    if not whole:
        if content and not header.startswith(content):
            raise ValueError(f"{path} is no file of results; name another with --results")
        path.write_bytes(header)
    elif not whole.startswith(header):
        raise ValueError(f"{path} has other columns than {','.join(COLUMNS)}; name another file with --results")
    elif whole != content:
        os.truncate(path, len(whole))


def read(path: Path) -> list[Result]:
    """The results in the order of the file; of a run that is there twice the last, and nothing of a broken line."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1].decode("utf-8")
    results = {}
    for line in csv.DictReader(io.StringIO(whole)):
        result = _result(line)
        results.pop(result.run, None)
        results[result.run] = result
    return list(results.values())


def _result(line: dict[str, str]) -> Result:
    values: dict[str, object] = dict(line)
    values |= {name: int(line[name]) for name in WHOLES}
    values |= {name: float(line[name]) if line[name] else None for name in REALS}
    return Result(**values)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.8g}" if isinstance(value, float) else " ".join(str(value).split())


def _line(cells: list[str]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue().encode("utf-8")

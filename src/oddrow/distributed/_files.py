"""Parquet in, Parquet out, by any engine: each part of a table becomes one file, whole or not at all.

The engine moves descriptions of parts, not rows: whichever worker gets one reads its rows, scores them and writes the
file that bears its number. Done twice, as when the first worker died, it is the same file again, so nothing is lost,
nothing doubled, and the order is that of the names, whatever ran when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from oddrow import exceptions
from oddrow.distributed import _dask, _ray, _spark
from oddrow.distributed._work import BATCH_ROWS, Model, PackedModel, RowScoring, Work, schema_after
from oddrow.exceptions import DataError, OddrowError, OutputError, SettingError, TableReadError
from oddrow.scoring import FittedModel, Policy
from oddrow.table import atomic_folder, atomic_write

PART_ROWS: Final = 65_536

_WorkOnParts = Callable[[pa.Table, PackedModel, Work, str | None, int | None], pa.Table]
_WORK_ON_PARTS: Final[Mapping[str, _WorkOnParts]] = {
    "ray": _ray.work_on_parts,
    "spark": _spark.work_on_parts,
    "dask": _dask.work_on_parts,
}
ENGINES: Final = tuple(_WORK_ON_PARTS)


@dataclass(frozen=True)
class ScoredFiles:
    """What became of a table.

    Attributes
    ----------
    paths : the Parquet files, in the order of the rows
    n_rows : rows in them
    n_odd : of these, rows that the policy finds odd
    """

    paths: tuple[Path, ...]
    n_rows: int
    n_odd: int


@dataclass(frozen=True)
class _Part:
    """Rows of one file that go into one file."""

    number: int
    path: str
    first_row: int
    n_rows: int

    def __str__(self) -> str:
        return f"{self.path}, rows {self.first_row:,} to {self.first_row + self.n_rows - 1:,}"

    @property
    def file_name(self) -> str:
        return f"part-{self.number:06}.parquet"

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, a few thousand at a time; of the file only the row groups that hold them are read."""
        with pq.ParquetFile(self.path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = list(accumulate(sizes))
            end = self.first_row + self.n_rows
            groups = [g for g, size in enumerate(sizes) if ends[g] > self.first_row and ends[g] - size < end]
            place = ends[groups[0]] - sizes[groups[0]]
            for batch in file.iter_batches(BATCH_ROWS, row_groups=groups):
                first = max(self.first_row - place, 0)
                wanted = batch.slice(first, max(min(end - place, len(batch)) - first, 0))
                place += len(batch)
                if len(wanted):
                    yield wanted
                if place >= end:
                    return


@dataclass(frozen=True)
class PartScoring:
    """Each row of a batch describes a part of a table, which is scored into a file of ``folder``.

    Adds ``n_odd``; and ``kind`` and ``text`` of the error that ended the work on a part. An engine would try a part
    again and again whose rows are wrong, and then say it in a traceback of many pages.
    """

    folder: Path
    rows: RowScoring

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the parts that the batches describe."""
        for batch in batches:
            results = [self._result(model, _Part(**part)) for part in batch.to_pylist()]
            for name, kind in _RESULT.items():
                batch = batch.append_column(name, pa.array([result[name] for result in results], kind))
            yield batch

    def _result(self, model: FittedModel, part: _Part) -> dict[str, object]:
        try:
            return {"n_odd": self._score(model, part), "kind": None, "text": None}
        except OddrowError as error:
            return {"n_odd": 0, "kind": type(error).__name__, "text": f"{part}: {error}"}
        except (OSError, pa.ArrowException) as error:
            return {"n_odd": 0, "kind": TableReadError.__name__, "text": f"{part}: cannot be read: {error}"}

    def _score(self, model: FittedModel, part: _Part) -> int:
        scored = self.rows(model, part.batches())
        first = next(scored)
        n_odd = _count_odd(first)
        with (
            atomic_write(self.folder / part.file_name, force=True) as file,
            pq.ParquetWriter(file, first.schema) as writer,
        ):
            writer.write_batch(first)
            for batch in scored:
                writer.write_batch(batch)
                n_odd += _count_odd(batch)
        return n_odd


_RESULT: Final = {"n_odd": pa.int64(), "kind": pa.string(), "text": pa.string()}


def _count_odd(scored: pa.RecordBatch) -> int:
    return int(pc.sum(scored["is_odd"]).as_py() or 0)


def score_files(
    table: str | Path,
    model: Model,
    output: str | Path,
    *,
    engine: str,
    address: str | None = None,
    workers: int | None = None,
    top: int | None = None,
    policy: Policy | None = None,
    part_rows: int = PART_ROWS,
    force: bool = False,
) -> ScoredFiles:
    """Score a Parquet table by an engine into a folder of Parquet files, whose names are in the order of the rows.

    The folder appears when all of it is there, and not at all if the work fails. The workers of a cluster must see
    ``table`` and ``output`` under the same paths, and have oddrow installed.

    Parameters
    ----------
    table
        A Parquet file, or a folder of them, which are taken in the order of their names.
    model
        A fitted detector, or the path of its model file.
    output
        The folder to make.
    engine
        ``"ray"``, ``"spark"`` or ``"dask"``.
    address
        Of a cluster, as the engine writes it; without it the one that this process has is taken, or one is started on
        this machine, which listens on 127.0.0.1 alone (Ray: unless it was imported before, when its token guards it).
    workers
        How many processes score; by default as many as the engine has room for.
    top
        How many of the strongest reasons of each row are added; None adds none.
    policy
        What decides ``is_odd``; by default the model's own.
    part_rows
        How many rows of one file go into one file at most; a part is what a worker takes at a time.
    force
        Whether a folder of an earlier job is replaced.

    Raises
    ------
    MissingExtraError
        If the engine is not installed.
    SettingError
        If the engine is unknown, or the policy looks at all rows of a table.
    DataError, TableReadError, SchemaMismatchError
        If the table cannot be read or scored; names the file and the rows.
    OutputError
        If the output exists, or cannot be written.
    ModelFileError
        If the model file cannot be read.

    Examples
    --------
    >>> import oddrow.distributed
    >>> oddrow.distributed.score_files("connections/", "model.oddrow", "scored/", engine="ray")  # doctest: +SKIP
    ScoredFiles(paths=(PosixPath('scored/part-000000.parquet'), ...), n_rows=100000, n_odd=1029)
    """
    if engine not in ENGINES:
        raise SettingError(f"engine is {engine!r}; choose from {', '.join(ENGINES)}")
    if part_rows < 1:
        raise SettingError(f"part_rows is {part_rows}; give a number of rows from 1")
    packed, rows = PackedModel.of(model), RowScoring(top, policy)
    files = _parquet_files(Path(table))
    schema_after(rows, packed, _common_schema(files))
    parts = _parts(files, part_rows)
    target = Path(output).absolute()
    with atomic_folder(target, "part-*.parquet", force) as folder:
        described = pa.Table.from_pylist([asdict(part) for part in parts])
        done = _WORK_ON_PARTS[engine](described, packed, PartScoring(folder, rows), address, workers)
        _check(parts, done, folder)
    return ScoredFiles(
        tuple(target / part.file_name for part in parts),
        sum(part.n_rows for part in parts),
        int(pc.sum(done["n_odd"]).as_py()),
    )


def _parquet_files(table: Path) -> list[Path]:
    if not table.is_dir():
        if not table.exists():
            raise TableReadError(f"{table}: there is no such file or folder")
        return [table.absolute()]
    files = sorted(path.absolute() for path in table.glob("*.parquet") if not path.name.startswith((".", "_")))
    if not files:
        raise TableReadError(f"{table}: the folder holds no .parquet files; folders in it are not searched")
    return files


def _common_schema(files: list[Path]) -> pa.Schema:
    first, *others = map(_schema, files)
    for file, schema in zip(files[1:], others, strict=True):
        if schema != first:
            raise DataError(
                f"{file}: its columns or their types are not those of {files[0].name}; write all files alike, or score "
                "them one by one"
            )
    return first


def _schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file).remove_metadata()
    except (pa.ArrowException, OSError) as error:
        raise TableReadError(
            f"{file}: is not a Parquet file, or is damaged: {error}. An engine reads Parquet alone; without --engine "
            "all forms are read"
        ) from error


def _parts(files: list[Path], part_rows: int) -> list[_Part]:
    parts: list[_Part] = []
    for file in files:
        n_rows = pq.read_metadata(file).num_rows
        for first in range(0, n_rows, part_rows):
            parts.append(_Part(len(parts), str(file), first, min(part_rows, n_rows - first)))
    if not parts:
        raise TableReadError(f"{files[0]}: has columns but no rows")
    return parts


def _check(parts: list[_Part], done: pa.Table, folder: Path) -> None:
    """Raise what went wrong with the first part that went wrong; believe files and not engines."""
    failures = done.filter(pc.is_valid(done["kind"])).sort_by("number").to_pylist()
    if failures:
        raise getattr(exceptions, failures[0]["kind"])(failures[0]["text"])
    for part in parts:
        path = folder / part.file_name
        if not path.exists() or pq.read_metadata(path).num_rows != part.n_rows:
            raise OutputError(
                f"{path.name}: the engine ended without writing it ({part}); do its workers see {folder.parent}, and "
                "the table, under the same paths?"
            )

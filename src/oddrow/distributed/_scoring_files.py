"""Parquet in, Parquet out, by any engine: each part of a table becomes one file, whole or not at all.

The engine moves descriptions of parts, not rows: whichever worker gets one reads its rows, scores them and writes the
file that bears its number. Done twice, as when the first worker died, it is the same file again, so nothing is lost,
nothing doubled, and the order is that of the names, whatever ran when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from oddrow.distributed._engines import engine_of
from oddrow.distributed._parts import (
    FAILURE,
    PART_ROWS,
    Part,
    check_part_rows,
    common_schema,
    described,
    failure_of,
    parquet_files,
    parts_of,
    raise_first_failure,
)
from oddrow.distributed._work import Model, PackedModel, RowScoring, schema_after
from oddrow.exceptions import OddrowError, OutputError
from oddrow.files import atomic_folder, atomic_write
from oddrow.fitted import FittedModel
from oddrow.policies import Policy


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
class PartScoring:
    """Each row of a batch describes a part of a table, which is scored into a file of ``folder``.

    Adds ``n_odd``, and what ``FAILURE`` says of an error that ended the work on a part.
    """

    folder: Path
    rows: RowScoring

    def __call__(self, model: FittedModel, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the parts that the batches describe."""
        for batch in batches:
            results = [self._result(model, Part(**part)) for part in batch.to_pylist()]
            for name, kind in _RESULT.items():
                batch = batch.append_column(name, pa.array([result[name] for result in results], kind))
            yield batch

    def _result(self, model: FittedModel, part: Part) -> dict[str, object]:
        try:
            return {"n_odd": self._score(model, part), "kind": None, "text": None}
        except (OddrowError, OSError, pa.ArrowException) as error:
            return {"n_odd": 0} | failure_of(error, f"{part}: ")

    def _score(self, model: FittedModel, part: Part) -> int:
        scored = self.rows(model, part.batches())
        first = next(scored)
        n_odd = _count_odd(first)
        with (
            atomic_write(self.folder / _file_name(part), force=True) as file,
            pq.ParquetWriter(file, first.schema) as writer,
        ):
            writer.write_batch(first)
            for batch in scored:
                writer.write_batch(batch)
                n_odd += _count_odd(batch)
        return n_odd


_RESULT: Final = {"n_odd": pa.int64()} | FAILURE


def _file_name(part: Part) -> str:
    return f"part-{part.number:06}.parquet"


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
    chosen = engine_of(engine)
    check_part_rows(part_rows)
    packed, rows = PackedModel.of(model), RowScoring(top, policy)
    files = parquet_files(Path(table))
    schema_after(rows, packed, common_schema(files))
    parts = parts_of(files, part_rows)
    target = Path(output).absolute()
    with atomic_folder(target, "part-*.parquet", force) as folder:
        done = chosen.work_on_parts(described(parts), packed, PartScoring(folder, rows), address, workers)
        _check(parts, done, folder)
    return ScoredFiles(
        tuple(target / _file_name(part) for part in parts),
        sum(part.n_rows for part in parts),
        int(pc.sum(done["n_odd"]).as_py()),
    )


def _check(parts: list[Part], done: pa.Table, folder: Path) -> None:
    """Raise what went wrong with the first part that went wrong; believe files and not engines."""
    raise_first_failure(done)
    for part in parts:
        path = folder / _file_name(part)
        if not path.exists() or pq.read_metadata(path).num_rows != part.n_rows:
            raise OutputError(
                f"{path.name}: the engine ended without writing it ({part}); do its workers see {folder.parent}, and "
                "the table, under the same paths?"
            )

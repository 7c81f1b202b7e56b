"""Scoring of Parquet files by an engine: each part of the table becomes one Parquet file.

The engine moves descriptions of parts, not rows. The worker that gets a part reads its rows, scores them and writes the
file named by the part's number, atomically. A part that is scored twice, because the first worker died, gives the same
file again. So no row is lost or doubled, and the names of the files are in the order of the rows.
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
    """The result of :func:`score_files`.

    Attributes
    ----------
    paths : the Parquet files, in the order of the rows
    n_rows : number of rows in them
    n_odd : number of rows that the policy flags
    """

    paths: tuple[Path, ...]
    n_rows: int
    n_odd: int


@dataclass(frozen=True)
class PartScoring:
    """Scores parts of a table, each described by a row of a batch, into files of ``folder``.

    It adds to each row ``n_odd``, and the columns ``FAILURE`` for an error that ended the work on the part.
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

    The folder appears when all its files are written, and does not appear if the work fails. The workers of a cluster
    must see ``table`` and ``output`` under the same paths, and have oddrow installed.

    Parameters
    ----------
    table
        A Parquet file, or a folder of Parquet files, which are read in the order of their names.
    model
        A fitted detector, or the path of its model file.
    output
        The folder to make.
    engine
        ``"ray"``, ``"spark"`` or ``"dask"``.
    address
        Address of a cluster, as the engine writes it. Without it the cluster that this process is connected to is
        used; without one, a cluster is started on this machine. It listens on 127.0.0.1 only (Ray that was imported
        earlier may listen on all addresses, guarded by its token).
    workers
        Number of processes that score; by default as many as the engine has room for.
    top
        Number of reasons added to each row, the strongest first; None adds no reasons.
    policy
        The policy that decides ``is_odd``; by default the model's own.
    part_rows
        Maximum number of rows of an output file; a worker scores one such part at a time.
    force
        Whether the folder of an earlier job is replaced.

    Raises
    ------
    MissingExtraError
        If the engine is not installed.
    SettingError
        If the engine is unknown, or the policy needs all rows of a table at once.
    DataError, TableReadError, SchemaMismatchError
        If the table cannot be read or scored; the message names the file and the rows.
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
    """Raise the error of the first part that failed; check each file, since an engine may end without an error."""
    raise_first_failure(done)
    for part in parts:
        path = folder / _file_name(part)
        if not path.exists() or pq.read_metadata(path).num_rows != part.n_rows:
            raise OutputError(
                f"{path.name}: the engine ended without writing it ({part}); do its workers see {folder.parent}, and "
                "the table, under the same paths?"
            )

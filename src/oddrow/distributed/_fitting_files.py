"""Fitting to a Parquet table whose rows an engine reads and samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from oddrow.distributed._engines import engine_of
from oddrow.distributed._gathering import PartSampling, whole_sample
from oddrow.distributed._parts import PART_ROWS, check_part_rows, described, learned_names, parquet_files, parts_of
from oddrow.distributed._work import Detector


def fit_files(
    table: str | Path,
    detector: Detector,
    *,
    engine: str,
    address: str | None = None,
    workers: int | None = None,
    start_from: Detector | None = None,
    part_rows: int = PART_ROWS,
) -> Detector:
    """Fit a detector to a Parquet table whose rows an engine samples.

    The model is the same as that of ``fit_batches`` on one machine. Each worker reads parts of the table, and returns
    the rows that are in the sample and a summary of the others. The engine merges them, and the network is trained in
    the calling process. The workers of a cluster must see ``table`` under the same path, and have oddrow installed.

    Parameters
    ----------
    table
        A Parquet file, or a folder of Parquet files, which are read in the order of their names.
    detector
        The detector to fit, in place.
    engine
        ``"ray"``, ``"spark"`` or ``"dask"``.
    address
        Address of a cluster, as the engine writes it. Without it the cluster that this process is connected to is
        used; without one, a cluster is started on this machine. It listens on 127.0.0.1 only (Ray that was imported
        earlier may listen on all addresses, guarded by its token).
    workers
        Number of processes that sample; by default as many as the engine has room for.
    start_from
        As in :meth:`oddrow.VAEDetector.fit`.
    part_rows
        Maximum number of rows of one file that a worker reads as one part.

    Returns
    -------
    The detector, fitted.

    Raises
    ------
    MissingExtraError
        If the engine is not installed.
    DataError, TableReadError
        If the table cannot be read, or its rows cannot be learned from; the message names the file, and the rows where
        they are known.
    SettingError, SchemaMismatchError, TrainingError, CheckpointError, OutputError
        As in :meth:`oddrow.VAEDetector.fit_batches`; also if the engine is unknown.

    Examples
    --------
    >>> import oddrow.distributed
    >>> detector = oddrow.VAEDetector(random_state=0)
    >>> oddrow.distributed.fit_files("connections/", detector, engine="ray")  # doctest: +SKIP
    """
    chosen = engine_of(engine)
    check_part_rows(part_rows)
    files = parquet_files(Path(table))
    sampling = detector.sampling(names=learned_names(files), start_from=start_from)
    parts = parts_of(files, part_rows)
    sampling = replace(sampling, n_rows=sum(part.n_rows for part in parts))
    gathered = chosen.gather_parts(described(parts), PartSampling(sampling), address, workers)
    return detector.fit_sampled(whole_sample(gathered), start_from=start_from)

"""A fit whose pass over the table is made by an engine: the parts of a Parquet table are sampled where they lie."""

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
    """Fit a detector to a Parquet table whose rows an engine samples: the very model of ``fit_batches`` on one machine.

    Each worker reads its parts, and sends on the rows of them that will be in the sample, and what is known of the
    others; the engine merges these, and here, where this is called, the network is trained. The workers of a cluster
    must see ``table`` under the same path, and have oddrow installed.

    Parameters
    ----------
    table
        A Parquet file, or a folder of them, which are taken in the order of their names.
    detector
        What to fit, which is changed.
    engine
        ``"ray"``, ``"spark"`` or ``"dask"``.
    address
        Of a cluster, as the engine writes it; without it the one that this process has is taken, or one is started on
        this machine, which listens on 127.0.0.1 alone (Ray: unless it was imported before, when its token guards it).
    workers
        How many processes sample; by default as many as the engine has room for.
    start_from
        As in :meth:`oddrow.VAEDetector.fit`.
    part_rows
        How many rows of one file a worker takes at a time at most.

    Returns
    -------
    The detector, fitted.

    Raises
    ------
    MissingExtraError
        If the engine is not installed.
    DataError, TableReadError
        If the table cannot be read or learned from; names the file and the rows where they are known.
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

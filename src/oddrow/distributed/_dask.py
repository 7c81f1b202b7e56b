"""Dask: workers score or sample the partitions of a data frame; the model is one node of the task graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from oddrow.distributed._gathering import (
    GATHERED,
    MAX_TASKS,
    MERGERS,
    Gathering,
    RowSampling,
    merge_samples,
    whole_sample,
)
from oddrow.distributed._work import Detector, Model, PackedModel, RowScoring, Work, missing_extra
from oddrow.exceptions import SettingError
from oddrow.policies import Policy
from oddrow.table import as_table

if TYPE_CHECKING:
    from dask.dataframe import DataFrame


def score_dask(frame: DataFrame, model: Model, *, top: int | None = None, policy: Policy | None = None) -> DataFrame:
    """Score a Dask data frame: add ``surprise``, ``p_value`` and ``is_odd`` to its rows, and reasons with ``top``.

    The result is lazy: rows are scored when the returned frame is computed. On a ``distributed`` cluster the model is
    sent to each worker once, and a partition whose worker dies is scored again by another worker. Dask's scheduler
    "processes", for one machine, sends the model with each partition, and fails if a process dies. The returned frame
    has the columns, the index and the divisions of the given one.

    Parameters
    ----------
    frame
        A Dask data frame with the columns that the model was fitted to.
    model
        A fitted detector, or the path of its model file.
    top
        Number of reasons added to each row, the strongest first; None adds no reasons.
    policy
        The policy that decides ``is_odd``; by default the model's own.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    SettingError
        If the policy needs all rows of a table at once.
    DataError, SchemaMismatchError
        If the frame lacks a column that the model needs, or already has one of the columns that are added.
    ModelFileError
        If the model file cannot be read.

    Examples
    --------
    >>> rows = dask.dataframe.read_parquet("connections/")  # doctest: +SKIP
    >>> oddrow.distributed.score_dask(rows, "model.oddrow", top=3).to_parquet("scored/")  # doctest: +SKIP
    """
    _imported()
    return mapped(frame, PackedModel.of(model), RowScoring(top, policy))


def mapped(frame: DataFrame, packed: PackedModel, work: Work) -> DataFrame:
    """Return a lazy data frame that does the work on each partition."""
    # the node is named by the model's hash, so that Dask neither hashes the model nor sends it again for another frame
    once = _imported().delayed(packed, name=f"oddrow-model-{packed.digest}")
    return frame.map_partitions(_on_partition, once, work, meta=_on_partition(frame._meta, packed, work))


def _on_partition(rows: Any, packed: PackedModel, work: Work) -> Any:
    """Return the pandas frame with the columns that the work adds; its own columns and its index stay unchanged."""
    table = as_table(rows, reads=lambda _: False, passes=True)  # columns that the model ignores may have any type
    batches = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    done = pa.Table.from_batches(work(packed.unpacked(), batches))
    added = done.select([name for name in done.column_names if name not in table.column_names]).to_pandas()
    return rows.assign(**{name: added[name].array for name in added.columns})


def fit_dask(frame: DataFrame, detector: Detector, *, start_from: Detector | None = None) -> Detector:
    """Fit a detector to a Dask data frame, with a sample of rows that Dask draws.

    The workers sample each partition and summarise the rows outside the sample; Dask merges samples and summaries, and
    the network is trained in the calling process. The frame is computed twice, once to count its rows. The same
    partitions in the same order, and the same seed, give the same model; other partitions give another random sample.

    Parameters
    ----------
    frame
        A Dask data frame.
    detector
        The detector to fit, in place.
    start_from
        As in :meth:`oddrow.VAEDetector.fit`.

    Returns
    -------
    The detector, fitted.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    DataError, SettingError, SchemaMismatchError, TrainingError, CheckpointError, OutputError
        As in :meth:`oddrow.VAEDetector.fit_batches`.

    Examples
    --------
    >>> import oddrow.distributed  # doctest: +SKIP
    >>> rows = dask.dataframe.read_parquet("connections/")  # doctest: +SKIP
    >>> detector = oddrow.VAEDetector(random_state=0)  # doctest: +SKIP
    >>> oddrow.distributed.fit_dask(rows, detector)  # doctest: +SKIP
    """
    _imported()
    sampling = replace(detector.sampling(names=list(frame.columns), start_from=start_from), n_rows=len(frame))
    pieces = [(rows, RowSampling(sampling, number)) for number, rows in enumerate(frame.to_delayed())]
    gathered = _gathered(pieces)
    return detector.fit_sampled(whole_sample(gathered), start_from=start_from)


def work_on_parts(
    parts: pa.Table, packed: PackedModel, work: Work, address: str | None, workers: int | None
) -> pa.Table:
    """Do the work on each row of ``parts`` as a task of its own, on a cluster or on this machine."""
    with _session(address, workers):
        return pa.Table.from_pandas(
            mapped(_in_pieces(parts, parts.num_rows), packed, work).compute(), preserve_index=False
        )


def gather_parts(parts: pa.Table, sample: Gathering, address: str | None, workers: int | None) -> pa.Table:
    """Sample the parts that the rows of ``parts`` describe, on a cluster or on this machine, and merge the samples."""
    with _session(address, workers):
        frame = _in_pieces(parts, min(parts.num_rows, MAX_TASKS))
        return _gathered([(described, sample) for described in frame.to_delayed()])


_MERGED_AT_ONCE = 8


def _in_pieces(parts: pa.Table, n_pieces: int) -> DataFrame:
    return _imported().dataframe.from_pandas(parts.to_pandas(), npartitions=n_pieces)


def _gathered(pieces: Sequence[tuple[Any, Gathering]]) -> pa.Table:
    dask = _imported()
    states = [dask.delayed(_sampled)(rows, dask.delayed(sample, traverse=False)) for rows, sample in pieces]
    while len(states) > MERGERS:
        states = [
            dask.delayed(_merged)(states[i : i + _MERGED_AT_ONCE]) for i in range(0, len(states), _MERGED_AT_ONCE)
        ]
    return pa.concat_tables(dask.compute(*states))


def _sampled(rows: Any, sample: Gathering) -> pa.Table:
    return pa.Table.from_batches(sample([rows]), GATHERED)


def _merged(states: list[pa.Table]) -> pa.Table:
    return pa.Table.from_batches(merge_samples(batch for state in states for batch in state.to_batches()), GATHERED)


@contextmanager
def _session(address: str | None, workers: int | None) -> Iterator[None]:
    """Use the client that this process has, else the cluster at ``address``, else a cluster on this machine.

    The cluster on this machine listens on 127.0.0.1 only.
    """
    _imported()
    if address is not None and workers is not None:
        raise SettingError("workers cannot be given with an address: the number of workers of a Dask cluster is fixed")
    try:
        import distributed
    except ImportError as error:
        raise missing_extra("Dask's distributed", "dask", error) from error
    if _has_client(distributed):
        yield
        return
    if address is not None:
        with distributed.Client(address):
            yield
        return
    local = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0"}
    with distributed.LocalCluster(**local) as cluster, distributed.Client(cluster):
        yield


def _has_client(distributed: Any) -> bool:
    try:
        distributed.get_client()
    except ValueError:
        return False
    return True


def _imported() -> Any:
    try:
        import dask
        import dask.dataframe
    except ImportError as error:
        raise missing_extra("Dask's data frames", "dask", error) from error
    return dask

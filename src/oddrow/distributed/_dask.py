"""Dask: a data frame's partitions are scored where they are, with a model that is one node of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from oddrow.distributed._gathering import (
    GATHERED,
    MERGERS,
    TASKS_AT_MOST,
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
    """Score a Dask data frame: its rows with ``surprise``, ``p_value``, ``is_odd``, and with ``top`` their reasons.

    Nothing is computed before the result is. On a ``distributed`` cluster the model goes to each worker once, and a
    partition whose worker dies is scored again by another. (Dask's scheduler "processes", for one machine, sends it
    along with each partition, and ends where a process dies.) Columns, index and divisions of the frame stay.

    Parameters
    ----------
    frame
        A Dask data frame with the columns that the model knows.
    model
        A fitted detector, or the path of its model file.
    top
        How many of the strongest reasons of each row are added; None adds none.
    policy
        What decides ``is_odd``; by default the model's own.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    SettingError
        If the policy looks at all rows of a table.
    DataError, SchemaMismatchError
        If the frame has not the columns that the model needs, or has one already that would be added.
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
    """A data frame with the work to be done on it, partition by partition."""
    # named by its hash, so that Dask need not hash it again, nor send it again for the next frame
    once = _imported().delayed(packed, name=f"oddrow-model-{packed.digest}")
    return frame.map_partitions(_on_partition, once, work, meta=_on_partition(frame._meta, packed, work))


def _on_partition(rows: Any, packed: PackedModel, work: Work) -> Any:
    """A pandas frame with what the work adds; what it has stays as it is, its index too."""
    table = as_table(rows, reads=lambda _: False, passes=True)  # what the model does not know may hold anything
    batches = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    done = pa.Table.from_batches(work(packed.unpacked(), batches))
    added = done.select([name for name in done.column_names if name not in table.column_names]).to_pandas()
    return rows.assign(**{name: added[name].array for name in added.columns})


def fit_dask(frame: DataFrame, detector: Detector, *, start_from: Detector | None = None) -> Detector:
    """Fit a detector to a Dask data frame in which Dask draws the sample that training needs.

    Each partition is sampled where it is, and what is known of the rows that are not in the sample goes along; Dask
    merges, and the network is trained here, where this is called. The frame is computed twice, once to count its rows.
    The same partitions in the same order, and the same seed, give the same model; others another sample, as good.

    Parameters
    ----------
    frame
        A Dask data frame.
    detector
        What to fit, which is changed.
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
    """Each row of ``parts`` worked on by itself, on a cluster or on this machine."""
    with _session(address, workers):
        return pa.Table.from_pandas(
            mapped(_in_pieces(parts, parts.num_rows), packed, work).compute(), preserve_index=False
        )


def gather_parts(parts: pa.Table, sample: Gathering, address: str | None, workers: int | None) -> pa.Table:
    """What is gathered from each row of ``parts``, merged, on a cluster or on this machine."""
    with _session(address, workers):
        frame = _in_pieces(parts, min(parts.num_rows, TASKS_AT_MOST))
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
    """A client of a cluster, the one that there is already, or of one on this machine that nobody else reaches."""
    _imported()
    if address is not None and workers is not None:
        raise SettingError("workers goes without an address: a cluster of Dask's has the workers that it has")
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

"""Ray Data: actors, each with the model in memory, score the batches of a dataset; tasks sample its blocks."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
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
from oddrow.distributed._work import (
    BATCH_ROWS,
    Detector,
    Model,
    PackedModel,
    RowScoring,
    Work,
    check,
    missing_extra,
)
from oddrow.policies import Policy

if TYPE_CHECKING:
    from ray.data import Dataset


def score_ray(
    dataset: Dataset,
    model: Model,
    *,
    top: int | None = None,
    policy: Policy | None = None,
    workers: int | None = None,
) -> Dataset:
    """Score a Ray dataset: add ``surprise``, ``p_value`` and ``is_odd`` to its rows, and reasons with ``top``.

    The result is lazy: rows are scored when the returned dataset is read. The model is sent to each actor once. Ray
    restarts an actor that dies, and its batch is scored again. The rows keep the dataset's order if
    ``DataContext.execution_options.preserve_order`` was set before the dataset was made.

    Parameters
    ----------
    dataset
        A :class:`ray.data.Dataset` with the columns that the model was fitted to.
    model
        A fitted detector, or the path of its model file.
    top
        Number of reasons added to each row, the strongest first; None adds no reasons.
    policy
        The policy that decides ``is_odd``; by default the model's own.
    workers
        Number of actors, one CPU each. The cluster needs at least one more CPU, which reads the rows. By default Ray
        starts with one actor and adds more while there are CPUs.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    SettingError
        If the policy needs all rows of a table at once.
    DataError, SchemaMismatchError
        If the dataset lacks a column that the model needs, or already has one of the columns that are added.
    ModelFileError
        If the model file cannot be read.

    Examples
    --------
    >>> import oddrow.distributed, ray  # doctest: +SKIP
    >>> rows = ray.data.read_parquet("connections/")  # doctest: +SKIP
    >>> oddrow.distributed.score_ray(rows, "model.oddrow", top=3).write_parquet("scored/")  # doctest: +SKIP
    """
    _imported()
    packed, work = PackedModel.of(model), RowScoring(top, policy)
    # an unknown schema is not fetched, since that might compute all earlier steps of the dataset
    schema = getattr(dataset.schema(fetch_if_missing=False), "base_schema", None)
    check(work, packed, schema if isinstance(schema, pa.Schema) else None)
    return mapped(dataset, packed, work, BATCH_ROWS, workers)


def mapped(dataset: Dataset, packed: PackedModel, work: Work, batch_rows: int, workers: int | None) -> Dataset:
    """Return a lazy dataset that does the work on each batch."""
    ray = _imported()
    pool = {"min_size": 1} if workers is None else {"size": workers}
    return dataset.map_batches(
        _Worker,
        fn_constructor_args=(packed, work),
        batch_format="pyarrow",
        batch_size=batch_rows,
        compute=ray.data.ActorPoolStrategy(**pool),
    )


class _Worker:
    """An actor that unpacks the model when it starts, and then does the work on each batch."""

    def __init__(self, packed: PackedModel, work: Work) -> None:
        self._model = packed.unpacked()
        self._work = work

    def __call__(self, rows: pa.Table) -> pa.Table:
        batches = rows.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=rows.schema)]
        return pa.Table.from_batches(self._work(self._model, batches))


def fit_ray(dataset: Dataset, detector: Detector, *, start_from: Detector | None = None) -> Detector:
    """Fit a detector to a Ray dataset, with a sample of rows that Ray draws.

    The workers sample each block and summarise the rows outside the sample; Ray merges samples and summaries, and the
    network is trained in the calling process. The dataset is computed twice, once to count its rows, unless its files
    contain the number of rows. The same blocks and seed give the same model; other blocks give another random sample.

    Parameters
    ----------
    dataset
        A :class:`ray.data.Dataset`.
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
        If Ray is not installed.
    DataError, SettingError, SchemaMismatchError, TrainingError, CheckpointError, OutputError
        As in :meth:`oddrow.VAEDetector.fit_batches`.

    Examples
    --------
    >>> import oddrow.distributed  # doctest: +SKIP
    >>> rows = ray.data.read_parquet("connections/")  # doctest: +SKIP
    >>> detector = oddrow.VAEDetector(random_state=0)  # doctest: +SKIP
    >>> oddrow.distributed.fit_ray(rows, detector)  # doctest: +SKIP
    """
    _imported()
    schema = dataset.schema(fetch_if_missing=False)  # fetching might compute the dataset, as in score_ray
    names = None if schema is None else schema.names
    sampling = replace(detector.sampling(names=names, start_from=start_from), n_rows=dataset.count())
    gathered = _gathered(dataset, RowSampling(sampling), None)
    return detector.fit_sampled(whole_sample(gathered), start_from=start_from)


def work_on_parts(
    parts: pa.Table, packed: PackedModel, work: Work, address: str | None, workers: int | None
) -> pa.Table:
    """Do the work on each row of ``parts`` as a task of its own, on a cluster or on this machine."""
    ray = _imported()
    with _session(address, workers):
        return pa.concat_tables(
            ray.get(mapped(_in_pieces(parts, parts.num_rows), packed, work, 1, workers).to_arrow_refs())
        )


def gather_parts(parts: pa.Table, sample: Gathering, address: str | None, workers: int | None) -> pa.Table:
    """Sample the parts that the rows of ``parts`` describe, on a cluster or on this machine, and merge the samples."""
    with _session(address, workers):
        return _gathered(_in_pieces(parts, min(parts.num_rows, MAX_TASKS)), sample, workers)


def _in_pieces(parts: pa.Table, n_pieces: int) -> Dataset:
    return _imported().data.from_arrow(parts).repartition(n_pieces)


def _gathered(dataset: Dataset, sample: Gathering, workers: int | None) -> pa.Table:
    ray = _imported()
    settings: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None}
    settings |= {"compute": ray.data.TaskPoolStrategy(size=workers)}
    states = dataset.map_batches(_gather, fn_args=(sample,), **settings).repartition(MERGERS)
    merged = ray.get(states.map_batches(_gather, fn_args=(merge_samples,), **settings).to_arrow_refs())
    # a block without rows has no columns either, so it cannot be cast
    return pa.concat_tables([GATHERED.empty_table(), *(block.cast(GATHERED) for block in merged if len(block))])


def _gather(rows: pa.Table, gathering: Gathering) -> pa.Table:
    return pa.Table.from_batches(gathering(rows.to_batches()), GATHERED)


@contextmanager
def _session(address: str | None, workers: int | None) -> Iterator[None]:
    """Use the connection that this process has, else the cluster at ``address``, else a cluster on this machine.

    The cluster on this machine listens on 127.0.0.1 only (see ``_imported``).
    """
    ray = _imported()
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is not None:
        ray.init(address, **quiet)
    else:
        # one CPU more than workers: actors that take all CPUs leave none for reading the rows, and wait forever
        cpus = (workers or os.cpu_count() or 1) + 1
        ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


def _imported() -> Any:
    # Without this variable, which Ray reads when it is imported, Ray listens on all addresses of the machine. Giving
    # 127.0.0.1 as the node's address does not help: Ray then chooses an outer address. A connection to a running
    # cluster is not affected.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise missing_extra("Ray Data", "ray", error) from error
    return ray

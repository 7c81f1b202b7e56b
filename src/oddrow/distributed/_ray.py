"""Ray Data: a dataset's batches go to actors, each of which holds the model."""

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
    MERGERS,
    TASKS_AT_MOST,
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
    """Score a Ray dataset: its rows with ``surprise``, ``p_value``, ``is_odd``, and with ``top`` their reasons.

    Nothing is computed before the result is read. The model goes to each actor once. An actor that dies is started
    anew by Ray, and its batch is scored again. Rows come in the dataset's order where
    ``DataContext.execution_options.preserve_order`` was set before the dataset was made.

    Parameters
    ----------
    dataset
        A :class:`ray.data.Dataset` with the columns that the model knows.
    model
        A fitted detector, or the path of its model file.
    top
        How many of the strongest reasons of each row are added; None adds none.
    policy
        What decides ``is_odd``; by default the model's own.
    workers
        Actors of one CPU each, all there from the start; the cluster needs at least one CPU more, which reads. By
        default from one to as many as there is room for.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    SettingError
        If the policy looks at all rows of a table.
    DataError, SchemaMismatchError
        If the dataset has not the columns that the model needs, or has one already that would be added.
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
    # not fetched where it is unknown, which might compute all that comes before
    schema = getattr(dataset.schema(fetch_if_missing=False), "base_schema", None)
    check(work, packed, schema if isinstance(schema, pa.Schema) else None)
    return mapped(dataset, packed, work, BATCH_ROWS, workers)


def mapped(dataset: Dataset, packed: PackedModel, work: Work, batch_rows: int, workers: int | None) -> Dataset:
    """A dataset with the work to be done on it, batch by batch."""
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
    """An actor: unpacks the model when it is started, then works on each batch."""

    def __init__(self, packed: PackedModel, work: Work) -> None:
        self._model = packed.unpacked()
        self._work = work

    def __call__(self, rows: pa.Table) -> pa.Table:
        batches = rows.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=rows.schema)]
        return pa.Table.from_batches(self._work(self._model, batches))


def fit_ray(dataset: Dataset, detector: Detector, *, start_from: Detector | None = None) -> Detector:
    """Fit a detector to a Ray dataset in which Ray draws the sample that training needs.

    Each block is sampled where it is, and what is known of the rows that are not in the sample goes along; Ray merges,
    and the network is trained here, where this is called. The dataset is computed twice, once to count its rows, unless
    its files tell how many they are. The same blocks and seed give the same model; other blocks give another sample, as
    good.

    Parameters
    ----------
    dataset
        A :class:`ray.data.Dataset`.
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
    schema = dataset.schema(fetch_if_missing=False)  # not fetched, as above
    names = None if schema is None else schema.names
    sampling = replace(detector.sampling(names=names, start_from=start_from), n_rows=dataset.count())
    gathered = _gathered(dataset, RowSampling(sampling), None)
    return detector.fit_sampled(whole_sample(gathered), start_from=start_from)


def work_on_parts(
    parts: pa.Table, packed: PackedModel, work: Work, address: str | None, workers: int | None
) -> pa.Table:
    """Each row of ``parts`` worked on by itself, on a cluster or on this machine."""
    ray = _imported()
    with _session(address, workers):
        return pa.concat_tables(
            ray.get(mapped(_in_pieces(parts, parts.num_rows), packed, work, 1, workers).to_arrow_refs())
        )


def gather_parts(parts: pa.Table, sample: Gathering, address: str | None, workers: int | None) -> pa.Table:
    """What is gathered from each row of ``parts``, merged, on a cluster or on this machine."""
    with _session(address, workers):
        return _gathered(_in_pieces(parts, min(parts.num_rows, TASKS_AT_MOST)), sample, workers)


def _in_pieces(parts: pa.Table, n_pieces: int) -> Dataset:
    return _imported().data.from_arrow(parts).repartition(n_pieces)


def _gathered(dataset: Dataset, sample: Gathering, workers: int | None) -> pa.Table:
    ray = _imported()
    settings: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None}
    settings |= {"compute": ray.data.TaskPoolStrategy(size=workers)}
    states = dataset.map_batches(_gather, fn_args=(sample,), **settings).repartition(MERGERS)
    merged = ray.get(states.map_batches(_gather, fn_args=(merge_samples,), **settings).to_arrow_refs())
    # of a block without rows the columns are not known either
    return pa.concat_tables([GATHERED.empty_table(), *(block.cast(GATHERED) for block in merged if len(block))])


def _gather(rows: pa.Table, gathering: Gathering) -> pa.Table:
    return pa.Table.from_batches(gathering(rows.to_batches()), GATHERED)


@contextmanager
def _session(address: str | None, workers: int | None) -> Iterator[None]:
    """A connection to a cluster, the one that there is already, or one on this machine that nobody else reaches."""
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
        # one CPU more than workers: a pool of actors that takes them all leaves none to feed it, and waits for ever
        cpus = (workers or os.cpu_count() or 1) + 1
        ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


def _imported() -> Any:
    # Ray listens on all addresses of a machine unless it is told that there are no clusters, which it reads when it is
    # imported; given 127.0.0.1 as the node's address it takes an outer one instead. A connection to a cluster that runs
    # already is not affected.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise missing_extra("Ray Data", "ray", error) from error
    return ray

"""Ray Data: a dataset's batches go to actors, each of which holds the model."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from oddrow.distributed._work import BATCH_ROWS, Model, PackedModel, RowScoring, Work, check, missing_extra
from oddrow.scoring import Policy

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


def work_on_parts(
    parts: pa.Table, packed: PackedModel, work: Work, address: str | None, workers: int | None
) -> pa.Table:
    """Each row of ``parts`` worked on by itself, on a cluster or on this machine."""
    ray = _imported()
    with _session(address, workers):
        dataset = ray.data.from_arrow(parts).repartition(parts.num_rows)
        return pa.concat_tables(ray.get(mapped(dataset, packed, work, 1, workers).to_arrow_refs()))


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

"""Spark: a data frame's Arrow batches are scored where they are, with a model that is broadcast."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from oddrow.columns import Sampling
from oddrow.distributed._gathering import (
    GATHERED,
    MERGERS,
    TASKS_AT_MOST,
    Gathering,
    RowSampling,
    merge_samples,
    whole_sample,
)
from oddrow.distributed._work import Detector, Model, PackedModel, RowScoring, Work, missing_extra, schema_after
from oddrow.exceptions import SettingError
from oddrow.policies import Policy

if TYPE_CHECKING:
    from pyspark.broadcast import Broadcast
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_FAILURES = 4
"""How often a task may fail, as on a cluster; a local Spark gives up at the first failure unless told otherwise."""


def score_spark(frame: DataFrame, model: Model, *, top: int | None = None, policy: Policy | None = None) -> DataFrame:
    """Score a Spark data frame: its rows with ``surprise``, ``p_value``, ``is_odd``, and with ``top`` their reasons.

    Nothing is computed before the result is used. The model is broadcast, and read once by each Python worker. A task
    whose worker dies is done again as often as ``spark.task.maxFailures`` allows: a cluster has 4, ``local[2]`` has 1,
    ``local[2,4]`` has 4. Columns come back as the plain ones of a scored table: a decimal as a double.

    Parameters
    ----------
    frame
        A data frame with the columns that the model knows, of a session with a Spark context (not of Spark Connect).
    model
        A fitted detector, or the path of its model file.
    top
        How many of the strongest reasons of each row are added; None adds none.
    policy
        What decides ``is_odd``; by default the model's own.

    Raises
    ------
    MissingExtraError
        If PySpark is not installed.
    SettingError
        If the policy looks at all rows of a table.
    DataError, SchemaMismatchError
        If the frame has not the columns that the model needs, or has one already that would be added.
    ModelFileError
        If the model file cannot be read.

    Examples
    --------
    >>> rows = spark.read.parquet("connections/")  # doctest: +SKIP
    >>> oddrow.distributed.score_spark(rows, "model.oddrow", top=3).write.parquet("scored/")  # doctest: +SKIP
    """
    _imported()
    return mapped(frame, PackedModel.of(model), RowScoring(top, policy))


def mapped(frame: DataFrame, packed: PackedModel, work: Work) -> DataFrame:
    """A data frame with the work to be done on it, batch by batch."""
    schema = schema_after(work, packed, frame.limit(0).toArrow().schema)
    broadcast = frame.sparkSession.sparkContext.broadcast(packed)
    return frame.mapInArrow(_WorkOnPartition(broadcast, work), _spark_schema(schema))


def _spark_schema(schema: pa.Schema) -> StructType:
    types = _imported().pandas.types
    return types.from_arrow_schema(schema, prefer_timestamp_ntz=True)  # or times without a zone would get one


@dataclass(frozen=True)
class _WorkOnPartition:
    model: Broadcast[PackedModel]
    work: Work

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return self.work(self.model.value.unpacked(), batches)


def fit_spark(frame: DataFrame, detector: Detector, *, start_from: Detector | None = None) -> Detector:
    """Fit a detector to a Spark data frame in which Spark draws the sample that training needs.

    Each partition is sampled where it is, and what is known of the rows that are not in the sample goes along; Spark
    merges, and the network is trained here, where this is called. The frame is computed twice, once to count its rows.
    The same partitions in the same order, and the same seed, give the same model; others another sample, as good.

    Parameters
    ----------
    frame
        A data frame, not of Spark Connect.
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
        If PySpark is not installed.
    DataError, SettingError, SchemaMismatchError, TrainingError, CheckpointError, OutputError
        As in :meth:`oddrow.VAEDetector.fit_batches`.

    Examples
    --------
    >>> import oddrow.distributed  # doctest: +SKIP
    >>> rows = spark.read.parquet("connections/")  # doctest: +SKIP
    >>> detector = oddrow.VAEDetector(random_state=0)  # doctest: +SKIP
    >>> oddrow.distributed.fit_spark(rows, detector)  # doctest: +SKIP
    """
    _imported()
    sampling = replace(detector.sampling(names=frame.columns, start_from=start_from), n_rows=frame.count())
    gathered = _gathered(frame, _PartitionSampling(sampling))
    return detector.fit_sampled(whole_sample(gathered), start_from=start_from)


def work_on_parts(
    parts: pa.Table, packed: PackedModel, work: Work, address: str | None, workers: int | None
) -> pa.Table:
    """Each row of ``parts`` worked on by itself, on a cluster or on this machine."""
    with _session(address, workers) as spark:
        return mapped(_in_pieces(spark, parts, parts.num_rows), packed, work).toArrow()


def gather_parts(parts: pa.Table, sample: Gathering, address: str | None, workers: int | None) -> pa.Table:
    """What is gathered from each row of ``parts``, merged, on a cluster or on this machine."""
    with _session(address, workers) as spark:
        return _gathered(_in_pieces(spark, parts, min(parts.num_rows, TASKS_AT_MOST)), sample)


@dataclass(frozen=True)
class _PartitionSampling:
    """Samples a partition by its number, which the partition alone knows."""

    sampling: Sampling

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        return RowSampling(self.sampling, TaskContext.get().partitionId())(batches)


def _in_pieces(spark: SparkSession, parts: pa.Table, n_pieces: int) -> DataFrame:
    rows = spark.sparkContext.parallelize([tuple(part.values()) for part in parts.to_pylist()], n_pieces)
    return spark.createDataFrame(rows, _spark_schema(parts.schema))


def _gathered(frame: DataFrame, sample: Gathering) -> pa.Table:
    schema = _spark_schema(GATHERED)
    states = frame.mapInArrow(sample, schema).repartition(MERGERS)
    return states.mapInArrow(merge_samples, schema).toArrow()


@contextmanager
def _session(address: str | None, workers: int | None) -> Iterator[SparkSession]:
    """A session on a cluster, the one that there is already, or one on this machine that nobody else reaches."""
    sql = _imported()
    found = sql.SparkSession.getActiveSession()
    if found is not None:
        yield found
        return
    builder = sql.SparkSession.builder.appName("oddrow").config("spark.ui.showConsoleProgress", "false")
    if address is not None:
        if workers is not None:
            raise SettingError("workers goes without an address: a cluster of Spark's has the workers that it has")
        builder = builder.master(address)
    else:
        # workers are started by the name "python3" otherwise, which may be another Python than this
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.master(f"local[{workers or '*'},{_FAILURES}]").config("spark.ui.enabled", "false")
        # samples pass through the driver; it has 1 GB otherwise, and waits for ever where that is too little
        builder = builder.config("spark.driver.memory", "4g").config("spark.driver.maxResultSize", "0")
        builder = builder.config("spark.executorEnv.OMP_NUM_THREADS", "1")  # or each worker takes every core
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def _imported() -> Any:
    try:
        import pyspark.sql
        import pyspark.sql.pandas.types
    except ImportError as error:
        raise missing_extra("PySpark", "spark", error) from error
    return pyspark.sql

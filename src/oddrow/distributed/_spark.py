"""Spark: workers score or sample the Arrow batches of a data frame; the model is broadcast."""

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
    MAX_TASKS,
    MERGERS,
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
"""Maximum number of failures of a task, as on a cluster; by default a local Spark gives up at the first failure."""


def score_spark(frame: DataFrame, model: Model, *, top: int | None = None, policy: Policy | None = None) -> DataFrame:
    """Score a Spark data frame: add ``surprise``, ``p_value`` and ``is_odd`` to its rows, and reasons with ``top``.

    The result is lazy: rows are scored when the returned frame is used. The model is broadcast, and each Python worker
    reads it once. A task whose worker dies is repeated until it has failed ``spark.task.maxFailures`` times: 4 on a
    cluster, 1 with ``local[2]``, 4 with ``local[2,4]``. Columns are returned with the plain types of a scored table: a
    decimal becomes a double.

    Parameters
    ----------
    frame
        A data frame with the columns that the model was fitted to, from a session with a Spark context (not from Spark
        Connect).
    model
        A fitted detector, or the path of its model file.
    top
        Number of reasons added to each row, the strongest first; None adds no reasons.
    policy
        The policy that decides ``is_odd``; by default the model's own.

    Raises
    ------
    MissingExtraError
        If PySpark is not installed.
    SettingError
        If the policy needs all rows of a table at once.
    DataError, SchemaMismatchError
        If the frame lacks a column that the model needs, or already has one of the columns that are added.
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
    """Return a lazy data frame that does the work on each batch."""
    schema = schema_after(work, packed, frame.limit(0).toArrow().schema)
    broadcast = frame.sparkSession.sparkContext.broadcast(packed)
    return frame.mapInArrow(_WorkOnPartition(broadcast, work), _spark_schema(schema))


def _spark_schema(schema: pa.Schema) -> StructType:
    types = _imported().pandas.types
    return types.from_arrow_schema(schema, prefer_timestamp_ntz=True)  # keeps times without a zone as they are


@dataclass(frozen=True)
class _WorkOnPartition:
    model: Broadcast[PackedModel]
    work: Work

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return self.work(self.model.value.unpacked(), batches)


def fit_spark(frame: DataFrame, detector: Detector, *, start_from: Detector | None = None) -> Detector:
    """Fit a detector to a Spark data frame, with a sample of rows that Spark draws.

    The workers sample each partition and summarise the rows outside the sample; Spark merges samples and summaries, and
    the network is trained in the calling process. The frame is computed twice, once to count its rows. The same
    partitions in the same order, and the same seed, give the same model; other partitions give another random sample.

    Parameters
    ----------
    frame
        A data frame, not from Spark Connect.
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
    """Do the work on each row of ``parts`` as a task of its own, on a cluster or on this machine."""
    with _session(address, workers) as spark:
        return mapped(_in_pieces(spark, parts, parts.num_rows), packed, work).toArrow()


def gather_parts(parts: pa.Table, sample: Gathering, address: str | None, workers: int | None) -> pa.Table:
    """Sample the parts that the rows of ``parts`` describe, on a cluster or on this machine, and merge the samples."""
    with _session(address, workers) as spark:
        return _gathered(_in_pieces(spark, parts, min(parts.num_rows, MAX_TASKS)), sample)


@dataclass(frozen=True)
class _PartitionSampling:
    """Samples a partition; the number that identifies it is known only inside its task."""

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
    """Use the session that this process has, else the cluster at ``address``, else a Spark on this machine.

    The Spark on this machine listens on 127.0.0.1 only.
    """
    sql = _imported()
    found = sql.SparkSession.getActiveSession()
    if found is not None:
        yield found
        return
    builder = sql.SparkSession.builder.appName("oddrow").config("spark.ui.showConsoleProgress", "false")
    if address is not None:
        if workers is not None:
            raise SettingError(
                "workers cannot be given with an address: the number of workers of a Spark cluster is fixed"
            )
        builder = builder.master(address)
    else:
        # by default workers are started as "python3", which may be another Python than this one
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.master(f"local[{workers or '*'},{_FAILURES}]").config("spark.ui.enabled", "false")
        # samples pass through the driver; its default memory is 1 GB, and if that is too little it waits forever
        builder = builder.config("spark.driver.memory", "4g").config("spark.driver.maxResultSize", "0")
        builder = builder.config("spark.executorEnv.OMP_NUM_THREADS", "1")  # by default each worker uses all cores
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

"""Network connections of KDD Cup 1999 scored by Ray, Spark or Dask on this machine: ``python examples/engines.py ray``.

A model is fitted to an eighth of the normal connections, and an engine scores every 25th of all 494,021 connections.
Then the same rows are scored in this process, and the scores are compared bit for bit.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import oddrow


def by_ray(folder: Path, model: Path) -> pa.Table:
    import ray

    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
    rows = ray.data.read_parquet(str(folder))
    scored = oddrow.distributed.score_ray(rows, model, workers=2)
    return pa.concat_tables(ray.get(scored.to_arrow_refs()))


def by_spark(folder: Path, model: Path) -> pa.Table:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[2,4]").getOrCreate()
    rows = spark.read.parquet(str(folder))
    return oddrow.distributed.score_spark(rows, model).toArrow()


def by_dask(folder: Path, model: Path) -> pa.Table:
    import dask.dataframe
    from distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=":0"):
        rows = dask.dataframe.read_parquet(folder)
        return pa.Table.from_pandas(oddrow.distributed.score_dask(rows, model).compute(), preserve_index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=("ray", "spark", "dask"))
    engine = {"ray": by_ray, "spark": by_spark, "dask": by_dask}[parser.parse_args().engine]

    table = oddrow.reproductions.read_connections(oddrow.reproductions.kddcup99_file())
    place = np.arange(table.num_rows)
    sample = table.filter(place % 25 == 0).append_column("row", pa.array(place[::25]))
    normal = table.filter(place % 25 != 0).filter(pc.field("label") == "normal.").drop_columns("label")
    detector = oddrow.VAEDetector(random_state=0, max_steps=2_000).fit(normal.take(np.arange(0, normal.num_rows, 8)))
    with tempfile.TemporaryDirectory() as place:
        model, folder = Path(place, "model.oddrow"), Path(place, "connections")
        oddrow.save(detector, model)
        folder.mkdir()
        for first in range(0, sample.num_rows, 2_000):
            pq.write_table(sample.slice(first, 2_000), folder / f"{first:06}.parquet")
        scored = engine(folder, model).sort_by("row")

    counts = scored.group_by("label").aggregate([([], "count_all"), ("is_odd", "sum"), ("surprise", "mean")])
    for row in counts.sort_by([("count_all", "descending")]).slice(0, 6).to_pylist():
        nats = f"{row['surprise_mean']:.2f} nats in the mean"
        print(f"{row['label']:<12} {row['count_all']:>6,} rows, {row['is_odd_sum']:>6,} odd, {nats}")
    same = scored["surprise"].to_numpy().tobytes() == detector.surprise(sample).tobytes()
    print(f"{scored.num_rows:,} rows; the same bits as on one machine: {same}")


if __name__ == "__main__":
    main()

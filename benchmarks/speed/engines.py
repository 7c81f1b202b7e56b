"""Rows a second with one and two workers of each engine, beside one plain process: Parquet in, Parquet out.

``python -m benchmarks engines --rows 200000 --repeats 3``. Each run is a process of its own, with one thread a worker;
the runs of a repeat come one after the other, and a ratio is taken within its repeat. A small job comes before the one
that is timed: Spark's and Dask's workers then have the model; Ray starts actors for every job, and that is counted.

Linux may give all processes of one session together the share of one (``/proc/sys/kernel/sched_autogroup_enabled``):
on a busy machine a second worker then brings nothing, however well it works.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pyarrow.parquet as pq

import oddrow
from oddrow.batch import scored_batches
from oddrow.datasets import make_connections
from oddrow.distributed import ENGINES, _dask, _ray, _spark, score_files

MODULES = {"ray": _ray, "spark": _spark, "dask": _dask}
LIBRARIES = {"ray": "ray", "spark": "pyspark", "dask": "dask"}
TRAINING_ROWS = 12_000
PARTS = 16
WORKERS = (1, 2)
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def plain_job(table: Path, model: Path, output: Path) -> None:
    """One process, one thread: what the engines are measured by."""
    fitted = oddrow.load(model).model_
    batches = scored_batches(fitted, pq.ParquetFile(table).iter_batches(8192))
    first = next(batches)
    with pq.ParquetWriter(output, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def timed_run(engine: str, workers: int, folder: Path) -> dict[str, float]:
    """Seconds until the engine is there, and of a job once it has done a small one."""
    model = folder / "model.oddrow"

    def job(table: Path, output: Path) -> None:
        if engine == "plain":
            plain_job(table, model, output)
        else:
            part_rows = pq.read_metadata(table).num_rows // PARTS
            score_files(table, model, output, engine=engine, workers=workers, part_rows=part_rows, force=True)

    started = time.perf_counter()
    with nullcontext() if engine == "plain" else MODULES[engine]._session(None, workers):
        ready = time.perf_counter()
        job(folder / "small.parquet", folder / f"{engine}-small")
        begun = time.perf_counter()
        job(folder / "table.parquet", folder / engine)
        return {"start": ready - started, "job": time.perf_counter() - begun}


def measured(engine: str, workers: int, folder: Path) -> dict[str, float]:
    """A run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "engines", "--run", engine, "--workers", str(workers)]
    done = subprocess.run([*command, "--folder", str(folder)], env=ONE_THREAD, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{engine} with {workers} workers failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def prepare(folder: Path, rows: int) -> None:
    """Tables and a model; how long it was trained changes no time of scoring."""
    normal = make_connections(TRAINING_ROWS, odd_share=0, random_state=0).table
    oddrow.save(oddrow.VAEDetector(max_steps=200, random_state=0).fit(normal), folder / "model.oddrow")
    table = make_connections(rows, odd_share=0.01, random_state=1).table
    pq.write_table(table, folder / "table.parquet", row_group_size=rows // PARTS)
    pq.write_table(table.slice(0, 100 * PARTS), folder / "small.parquet")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", choices=("plain", *ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.run:
        print(json.dumps(timed_run(chosen.run, chosen.workers, chosen.folder)))
        return
    there = [name for name in ENGINES if importlib.util.find_spec(LIBRARIES[name])]
    for name in set(ENGINES) - set(there):
        print(f"{name} is not installed and left out: pip install 'oddrow[{name}]'")
    runs = [("plain", 1), *((name, workers) for name in there for workers in WORKERS)]
    seconds: dict[tuple[str, int], list[dict[str, float]]] = {run: [] for run in runs}
    with tempfile.TemporaryDirectory() as place:
        prepare(Path(place), chosen.rows)
        for _ in range(chosen.repeats):
            for run in runs:
                seconds[run].append(measured(*run, Path(place)))
                print(*run, seconds[run][-1], file=sys.stderr, flush=True)
    show(seconds, chosen.rows)


def show(seconds: dict[tuple[str, int], list[dict[str, float]]], rows: int) -> None:
    """A table of medians; ratios are of runs of one repeat."""
    print(
        f"{rows:,} connections of 16 columns, {PARTS} parts; medians of {len(seconds['plain', 1])}; "
        f"load {os.getloadavg()[2]:.0f} over a quarter of an hour"
    )
    print(
        "| | workers | start s | job s | rows/s | of the plain process | of one worker |\n|---|---|---|---|---|---|---|"
    )
    for (engine, workers), figures in seconds.items():
        job = [figure["job"] for figure in figures]

        def gain(base: tuple[str, int], job: list[float] = job) -> str:
            return f"{statistics.median(b['job'] / own for b, own in zip(seconds[base], job, strict=True)):.2f}"

        start = statistics.median(figure["start"] for figure in figures)
        took = statistics.median(job)
        print(
            f"| {engine} | {workers} | {start:.1f} | {took:.1f} | {rows / took:,.0f} | {gain(('plain', 1))} | "
            f"{gain((engine, 1))} |"
        )

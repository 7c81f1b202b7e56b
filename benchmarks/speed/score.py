"""How fast rows are scored: encoded rows against the matrix products alone, files against bare pyarrow, beside others.

``python -m benchmarks score [ROUNDS]``. All figures come from one process with one thread, but for the last table, and
are processor time, which other programs on the machine spoil less than the clock; medians of several rounds, in each of
which everything is measured once. Weights do not change the time, so fits are short. PyOD and ONNX Runtime have an
environment of their own, ``.venvs/score``, which is made where it is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import IsolationForest
from threadpoolctl import threadpool_limits

from benchmarks._peers import peer_python
from oddrow import VAEDetector, files
from oddrow.batch import scored_table
from oddrow.columns import EncodedTable
from oddrow.density import BLOCK_ROWS
from oddrow.exceptions import TrainingHealthWarning
from oddrow.files import write_table
from oddrow.fitted import FittedModel
from oddrow.reproductions import kddcup99_file, read_connections
from oddrow.reproductions._kddcup99 import LABEL, _article
from oddrow.surprise import ViewEvidence

ROUNDS = 5
DEFAULT_ROWS = 8_192
"""Encoded rows that the default detector scores a round."""
PACKAGES = ("torch==2.13.0", "pyod", "tqdm", "onnx", "onnxruntime")

Floats = npt.NDArray[np.float64]
Run = Callable[[], Any]


@dataclass(frozen=True)
class Subject:
    """A fitted model, and rows that it has not seen."""

    name: str
    model: FittedModel
    table: pa.Table

    @property
    def n_rows(self) -> int:
        """How many rows are scored a round."""
        return int(self.table.num_rows)

    @property
    def encoded(self) -> EncodedTable:
        """The rows as the model sees them."""
        return self.model.encoding.encode(self.table)


def kddcup99() -> tuple[pa.Table, pa.Table]:
    """The article's training and test rows, without labels."""
    rows = _article(read_connections(kddcup99_file()))
    train, test = (
        part.drop_columns([LABEL]) if LABEL in part.column_names else part for part in (rows.train, rows.test)
    )
    return train.combine_chunks(), test.combine_chunks()


def wide_table() -> tuple[pa.Table, pa.Table] | None:
    """InternetAds, 1,555 columns: half of its rows to train, half to score; None where the set is not here."""
    path = Path(os.environ.get("ODDROW_DATA", "")) / "adbench" / "17_InternetAds.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        rows = stored["X"].astype(np.float64)
    table = pa.table({f"x{column}": values for column, values in enumerate(rows.T)})
    half = table.num_rows // 2
    return table.slice(0, half), table.slice(half)


def fitted(table: pa.Table, settings: str = "default") -> FittedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingHealthWarning)
        return VAEDetector(settings=settings, max_steps=50, random_state=0).fit(table).model_


def products(model: FittedModel, n_rows: int) -> Run:
    """All matrix products that these rows need, of the same shapes and no others, into memory that is there already."""
    evidence = model.surprise_model.evidence_model
    shapes = list(model.network.shape.layers.values())
    if isinstance(evidence, ViewEvidence):
        views = evidence.views
        n_latent = model.network.shape.n_latent
        memories = [views.memory.shape, views.memory.shape, views.latent_memory.rows.shape]
        shapes += [(n_latent, n_latent), *((width, rows) for rows, width in memories)]
    rng = np.random.default_rng(0)
    factors = [(rng.normal(size=(BLOCK_ROWS, n_in)), rng.normal(size=(n_in, n_out))) for n_in, n_out in shapes]
    results = [np.empty((BLOCK_ROWS, n_out)) for _, n_out in shapes]

    def run() -> None:
        for _ in range(-(-n_rows // BLOCK_ROWS)):
            for (rows, weights), result in zip(factors, results, strict=True):
                np.matmul(rows, weights, out=result)

    return run


def medians(runs: Mapping[str, Run], rounds: int, clock: Callable[[], float] = time.process_time) -> dict[str, float]:
    """Median seconds of each, taken in turn; one more round before, which is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            started = clock()
            run()
            seconds[name].append(clock() - started)
    return {name: float(np.median(taken[1:])) for name, taken in seconds.items()}


def encoded_rows(subjects: list[Subject], rounds: int) -> None:
    """Encoded rows against the products: the article's evidence alone, and whole surprise."""
    print("\n### Encoded rows, microseconds a row")
    print(f"{'':<34}{'rows':>8}{'products':>10}{'oddrow':>10}{'products / oddrow':>19}")
    for subject in subjects:
        encoded = subject.encoded
        runs: dict[str, Run] = {"products": products(subject.model, subject.n_rows)}
        if subject.name == "article":
            runs["network alone"] = lambda s=subject, e=encoded: s.model.surprise_model.evidence_model.evidence(e)
        runs["surprise"] = lambda s=subject, e=encoded: s.model.surprise_model.score(e)
        taken = medians(runs, rounds)
        floor = taken.pop("products")
        for name, seconds in taken.items():
            a_row = 1e6 / subject.n_rows
            print(
                f"{subject.name + ', ' + name:<34}{subject.n_rows:>8,}{floor * a_row:>10.2f}{seconds * a_row:>10.2f}"
                f"{floor / seconds:>19.0%}",
                flush=True,
            )


def parquet_files(subjects: list[Subject], folder: Path, rounds: int) -> None:
    """A Parquet file in and out: reading, encoding and writing alone, and all of scoring."""
    print("\n### Parquet in, Parquet out, seconds")
    print("around: read, encode, write; all: score too; each against pyarrow's reading and writing and the products")
    print(f"{'':<12}{'rows':>8}{'pyarrow':>9}{'products':>10}{'around':>9}{'ratio':>7}{'all':>8}{'ratio':>7}")
    for subject in subjects:
        source, target = str(folder / f"{subject.name}.parquet"), str(folder / "out.parquet")
        pq.write_table(subject.table, source)
        n_rows = subject.n_rows
        none = np.zeros(n_rows)
        added = {"surprise": pa.array(none), "p_value": pa.array(none), "is_odd": pa.array(none > 0)}

        def bare(source: str = source, target: str = target) -> None:
            pq.write_table(pq.read_table(source), target)

        def around(source: str = source, target: str = target, model: FittedModel = subject.model) -> None:
            table = files.open(source).read()
            model.encoding.encode(table)
            for name, column in added.items():  # noqa: B023 - called within this turn
                table = table.append_column(name, column)
            write_table(table, target, force=True)

        def whole(source: str = source, target: str = target, model: FittedModel = subject.model) -> None:
            write_table(scored_table(model, files.open(source).read()).rows, target, force=True)

        runs = {"bare": bare, "products": products(subject.model, n_rows), "around": around, "whole": whole}
        taken = medians(runs, rounds)
        floor = taken["bare"] + taken["products"]
        print(
            f"{subject.name:<12}{n_rows:>8,}{taken['bare']:>9.3f}{taken['products']:>10.3f}{taken['around']:>9.3f}"
            f"{taken['around'] / floor:>7.2f}{taken['whole']:>8.3f}{taken['whole'] / floor:>7.2f}",
            flush=True,
        )


def beside_others(article: Subject, rounds: int, folder: Path) -> None:
    """The article's network by oddrow and ONNX Runtime, PyOD's VAE of the same layers, an isolation forest."""
    rows = article.encoded.rows
    forest = IsolationForest(random_state=0).fit(rows[:20_000])
    score = article.model.surprise_model
    encoded = article.encoded
    runs = {
        "oddrow, article, surprise": lambda: score.score(encoded),
        "oddrow, article, network alone": lambda: score.evidence_model.evidence(encoded),
        "scikit-learn isolation forest": lambda: forest.score_samples(rows),
    }
    taken = medians(runs, rounds)
    np.savez(folder / "rows.npz", rows=rows, **article.model.network.parameters)
    python = peer_python("score", *PACKAGES)
    if python is not None:
        command = [python, Path(__file__).with_name("_score_peers.py"), folder / "rows.npz", str(rounds)]
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        alone.pop("PYTHONPATH", None)
        taken |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=alone).stdout)
    print(f"\n### {len(rows):,} encoded rows of {rows.shape[1]} features beside others, one thread")
    print(f"{'':<34}{'us a row':>10}{'to oddrow':>11}")
    ours = taken["oddrow, article, surprise"]
    for name, seconds in taken.items():
        print(f"{name:<34}{seconds / len(rows) * 1e6:>10.2f}{seconds / ours:>11.1f}")


def threads(subjects: list[Subject], rounds: int) -> None:
    """The clock, by number of threads."""
    print("\n### By threads, rows a second by the clock")
    n_cores = len(os.sched_getaffinity(0))
    numbers = [n for n in (1, 2, 4, 8, 16) if n <= n_cores]
    print(f"{'':<12}" + "".join(f"{number:>12}" for number in numbers))
    for subject in subjects:
        encoded = subject.encoded

        def run(number: int, subject: Subject = subject, encoded: EncodedTable = encoded) -> None:
            with threadpool_limits(number, user_api="blas"):
                subject.model.surprise_model.score(encoded)

        taken = medians({str(n): lambda n=n: run(n) for n in numbers}, rounds, time.perf_counter)
        print(f"{subject.name:<12}" + "".join(f"{subject.n_rows / seconds:>12,.0f}" for seconds in taken.values()))


def main(arguments: Sequence[str]) -> None:
    """Print all tables."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    training, test = kddcup99()
    subjects = [
        Subject("article", fitted(training, "article"), test),
        Subject("default", fitted(training), test.take(np.linspace(0, test.num_rows - 1, DEFAULT_ROWS).astype(int))),
    ]
    wide = wide_table()
    widest = [] if wide is None else [Subject("wide", fitted(wide[0]), wide[1])]
    print(f"## Score (medians of {rounds} rounds)")
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        encoded_rows([*subjects, *widest], rounds)
        parquet_files([*subjects, *widest], Path(folder), rounds)
        beside_others(subjects[0], rounds, Path(folder))
    threads([*subjects, *widest], rounds)

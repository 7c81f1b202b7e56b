"""How fast the nearest remembered rows are found: the three searches of a score, before and now, and beside others.

``python -m benchmarks neighbours [ROUNDS]``. A detector is fitted to 14,000 rows, random numbers in 5, 10, 25 and 60
columns and sets of ADBench where ``ODDROW_DATA`` holds them, and other rows of the table are scored: 10 neighbours
among numbers in standard deviations, 10 among normal scores, one among latent means, in 10,000 remembered rows. All
others find the same neighbours among the same rows. *before* are the products in double precision with all remembered
rows that oddrow used before. Processor time of one thread, the least of several rounds in each of which everything is
measured once. scikit-learn, FAISS and PyOD run in an environment of their own, ``.venvs/neighbours``.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import cast
from unittest import mock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from benchmarks._peers import peer_python
from benchmarks.speed.score import fitted
from oddrow import files
from oddrow.batch import scored_table
from oddrow.files import write_table
from oddrow.fitted import FittedModel
from oddrow.surprise import ViewEvidence
from oddrow.views import Memory
from oddrow.views._latent_nearest import LatentNearestView

ROUNDS = 3
TRAINING_ROWS = 14_000
ASKED_ROWS = 8_192
SCORED_ROWS = 20_000
BLOCK_ROWS = 256
COLUMNS = (5, 10, 25, 60)
SETS = ("10_cover", "1_ALOI", "5_campaign", "23_mammography", "30_satellite")
PACKAGES = ("scikit-learn", "faiss-cpu", "pyod")

Run = Callable[[], object]
Rows = npt.NDArray[np.float32]


def tables() -> Iterator[tuple[str, pa.Table, pa.Table]]:
    """The name of each subject, its training rows and other rows."""
    for n_columns in COLUMNS:
        values = np.random.default_rng(0).normal(size=(TRAINING_ROWS + SCORED_ROWS, n_columns))
        yield f"normal, {n_columns} columns", *_parts(values)
    for name in SETS:
        path = Path(os.environ.get("ODDROW_DATA", "")) / "adbench" / f"{name}.npz"
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                values = stored["X"].astype(np.float64)
            yield name, *_parts(np.random.default_rng(0).permutation(values))


def _parts(values: npt.NDArray[np.float64]) -> tuple[pa.Table, pa.Table]:
    table = pa.table({f"x{column}": part for column, part in enumerate(values.T)})
    n_training = min(TRAINING_ROWS, len(values) // 2)
    return table.slice(0, n_training), table.slice(n_training, SCORED_ROWS)


def searches(model: FittedModel, table: pa.Table) -> list[tuple[Memory, Rows, int]]:
    """The remembered rows, the rows that are scored, and the number of neighbours of each search."""
    views = cast("ViewEvidence", model.surprise_model.evidence_model).views
    normal_rows, latent = views.basis.normal_rows, cast("LatentNearestView", views.named("latent_nearest"))
    encoded = model.encoding.encode(table.slice(0, ASKED_ROWS))
    means = (views.density.latent_means(encoded.rows) @ latent.whitening).astype(np.float32)
    return [
        (normal_rows.surroundings.memory, normal_rows.standard.apply(encoded.rows), 10),
        (normal_rows.rank_surroundings.memory, normal_rows.ranks.apply(encoded.rows), 10),
        (latent.memory, means, 1),
    ]


class Before:
    """The search of the versions before: a product in double precision, and the groups with the smallest minima."""

    def __init__(self, memory: Memory) -> None:
        n_rows, width = memory.rows.shape
        self.n_rows, self.group = n_rows, max(1, isqrt(n_rows // 10))
        self.sought = np.zeros((width + 1, self.group * -(-n_rows // self.group)))
        self.sought[:width, :n_rows] = -memory.rows.T
        self.sought[width] = 1e300
        self.sought[width, :n_rows] = 0.5 * np.einsum("md,md->m", memory.rows, memory.rows, dtype=np.float64)

    def nearest(self, rows: Rows, count: int, own: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
        """The indices [n, count] of the nearest remembered rows."""
        count = min(count, max(self.n_rows - 1, 1))
        own = np.full(len(rows), -1) if own is None else own
        blocks = range(0, len(rows), BLOCK_ROWS)
        return np.concatenate(
            [self._block(rows[at : at + BLOCK_ROWS], own[at : at + BLOCK_ROWS], count) for at in blocks]
        )

    def _block(self, rows: Rows, own: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        distance = np.hstack([rows, np.ones((len(rows), 1))]) @ self.sought
        remembered = np.flatnonzero(own >= 0)
        distance[remembered, own[remembered]] = np.inf
        if count == 1:
            return distance.argmin(axis=1)[:, None]
        n_groups = distance.shape[1] // self.group
        minima = distance.reshape(len(rows), -1, n_groups).min(axis=1)
        groups = np.argpartition(minima, count - 1, axis=1)[:, None, :count]
        places = (groups + n_groups * np.arange(self.group)[:, None]).reshape(len(rows), -1)
        near = np.take_along_axis(distance, places, axis=1)
        return np.take_along_axis(places, np.argpartition(near, count - 1, axis=1)[:, :count], axis=1)


def least(runs: Mapping[str, Run], rounds: int) -> dict[str, float]:
    """Least seconds of each, taken in turn; one more round before, which is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            started = time.process_time()
            run()
            seconds[name].append(time.process_time() - started)
    return {name: min(taken[1:]) for name, taken in seconds.items()}


def three_searches(sought: list[tuple[Memory, Rows, int]], rounds: int) -> dict[str, float]:
    """Microseconds a row of the three searches together, by us before and now and by others."""
    n_rows = len(sought[0][1])
    befores = [Before(memory) for memory, _, _ in sought]
    runs: dict[str, Run] = {
        "before": lambda: [
            before.nearest(rows, count) for before, (_, rows, count) in zip(befores, sought, strict=True)
        ],
        "now": lambda: [memory.nearest(rows, count) for memory, rows, count in sought],
    }
    taken = {name: seconds / n_rows * 1e6 for name, seconds in least(runs, rounds).items()}
    python = peer_python("neighbours", *PACKAGES)
    if python is not None:
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        alone.pop("PYTHONPATH", None)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.npz"
            spaces = {f"memory_{at}": memory.rows for at, (memory, _, _) in enumerate(sought)}
            np.savez(path, **spaces, **{f"rows_{at}": rows for at, (_, rows, _) in enumerate(sought)})
            command = [python, Path(__file__).with_name("_neighbour_peers.py"), path, str(rounds)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=alone)
        taken |= json.loads(done.stdout)
    return taken


def whole_score(model: FittedModel, table: pa.Table, rounds: int) -> dict[str, float]:
    """Microseconds a row of scoring a Parquet file, before and now."""
    befores: dict[int, Before] = {}

    def nearest(
        memory: Memory, rows: Rows, count: int, own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        if id(memory) not in befores:
            befores[id(memory)] = Before(memory)
        return befores[id(memory)].nearest(rows, count, own)

    with tempfile.TemporaryDirectory() as folder:
        source, target = str(Path(folder) / "rows.parquet"), str(Path(folder) / "scored.parquet")
        pq.write_table(table, source)

        def now() -> None:
            write_table(scored_table(model, files.open(source).read()).rows, target, force=True)

        def before() -> None:
            with mock.patch.object(Memory, "nearest", nearest):
                now()

        taken = least({"before": before, "now": now}, rounds)
    return {name: seconds / table.num_rows * 1e6 for name, seconds in taken.items()}


def main(arguments: Sequence[str]) -> None:
    """Print a line a subject."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    print(f"## The three searches of a score, us a row, and times as long as now (least of {rounds} rounds)")
    whole: dict[str, dict[str, float]] = {}
    with threadpool_limits(1):
        for name, training, others in tables():
            model = fitted(training)
            sought = searches(model, others)
            taken = three_searches(sought, rounds)
            now = taken.pop("now")
            ratios = "".join(f"  {other} {seconds / now:.1f}" for other, seconds in taken.items())
            remembered = " x ".join(map(str, sought[0][0].rows.shape))
            print(f"{name:<22}{remembered:>12}  now {now:6.1f} us{ratios}", flush=True)
            whole[name] = whole_score(model, others, rounds)
    print("\n## A Parquet file scored and written, us a row")
    for name, seconds in whole.items():
        ratio = seconds["before"] / seconds["now"]
        print(f"{name:<22}  before {seconds['before']:6.1f}  now {seconds['now']:6.1f}  ratio {ratio:.1f}")

"""Exported graphs in ONNX Runtime: do they score as oddrow does, and how fast.

``python -m benchmarks onnx_export [ROWS]``: 100,000 unless said otherwise of made-up connections, one in ten of them
odd, of a table of names, and of KDD Cup 99 with all its labels. One thread each, side by side in one run.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from oddrow import AutoencoderDetector, VAEDetector
from oddrow.datasets import make_connections
from oddrow.exceptions import OddrowError, TrainingHealthWarning
from oddrow.fitted import FittedModel
from oddrow.reproductions import kddcup99_file, read_connections
from testing.onnx_sessions import BATCH, feeds, outputs, session

ROWS, TRAINING_ROWS = 100_000, 20_000
STEPS = 500
"""Of training: how good the fit is does not matter here."""
REPEATS = 3
"""Of the timing, on as many rows as one share of all; the median counts."""


@dataclass(frozen=True)
class Compared:
    """One model both ways: largest relative difference of surprise, rows beyond 1e-5, equal answers, and seconds."""

    largest: float
    beyond: int
    p_values: int
    decisions: int
    seconds: float
    seconds_onnx: float


def compared(detector: VAEDetector | AutoencoderDetector, table: pa.Table) -> Compared:
    """Score a table both ways; what is timed is from typed columns to scores, a tenth of the rows at a time."""
    model, graph = detector.model_, session(detector)
    columns = feeds(model, table)
    ours, theirs = model.score(table), outputs(graph, columns)
    decision = model.decide(ours, table)
    difference = np.abs(theirs["surprise"] / ours.surprise - 1.0)
    timed = [_seconds(model, graph, table.slice(k * len(table) // 10, len(table) // 10)) for k in range(REPEATS)]
    numpy_seconds, onnx_seconds = np.median(timed, axis=0)
    return Compared(
        float(difference.max()),
        int(np.sum(difference > 1e-5)),
        int(np.sum(theirs["p_value"] != ours.p_value)),
        int(np.sum(theirs["is_odd"] != decision.is_odd)),
        numpy_seconds,
        onnx_seconds,
    )


def _seconds(model: FittedModel, graph: onnxruntime.InferenceSession, table: pa.Table) -> tuple[float, float]:
    values, columns = model.encoding.schema.values(table), feeds(model, table)
    started = time.perf_counter()
    model.surprise_model.score(model.encoding.encode_values(values, len(table)))
    between = time.perf_counter()
    outputs(graph, columns)
    return between - started, time.perf_counter() - between


def tables(n_rows: int) -> dict[str, tuple[pa.Table, pa.Table]]:
    """Rows to learn from and rows to score, by name."""
    made_up = make_connections(TRAINING_ROWS, 0.0, random_state=1).table, make_connections(n_rows, 0.1, random_state=2)
    found = {"connections": (made_up[0], made_up[1].table), "names alone": _names(n_rows)}
    try:
        rows = read_connections(kddcup99_file())
    except OddrowError as error:
        print(f"(KDD Cup 99 is left out: {error})")
        return found
    rng = np.random.default_rng(0)
    normal = rows.filter(pc.equal(rows["label"], "normal.")).drop_columns(["label"])
    training = normal.take(rng.permutation(len(normal))[:TRAINING_ROWS])
    return found | {"KDD Cup 99": (training, rows.drop_columns(["label"]).take(rng.permutation(len(rows))[:n_rows]))}


def _names(n_rows: int) -> tuple[pa.Table, pa.Table]:
    """Ten columns of names and nothing else: of many neighbours it is hard to say which is the tenth."""
    rng = np.random.default_rng(0)
    shares = [rng.dirichlet(np.ones(6)) for _ in range(10)]
    sizes = (TRAINING_ROWS // 4, n_rows)
    both = [
        {f"name {k}": rng.choice(list("abcdef"), size, p=share) for k, share in enumerate(shares)} for size in sizes
    ]
    return pa.table(both[0]), pa.table(both[1])


def main(arguments: Sequence[str]) -> None:
    """Print a row a model."""
    n_rows = int(arguments[0]) if arguments else ROWS
    print(f"## Exported to ONNX, in ONNX Runtime {onnxruntime.__version__} ({n_rows:,} rows, batches of {BATCH:,})")
    print(f"{'table':<13}{'detector':<13}{'settings':<10}{'largest':>9}{'> 1e-5':>8}{'p':>5}{'odd':>5}", end="")
    print(f"{'oddrow rows/s':>15}{'ONNX rows/s':>13}{'ratio':>7}")
    for name, (training, table) in tables(n_rows).items():
        for kind in (VAEDetector, AutoencoderDetector):
            for settings in ("default", "article"):
                with threadpool_limits(1), warnings.catch_warnings():
                    warnings.simplefilter("ignore", TrainingHealthWarning)  # of so few steps
                    found = compared(kind(settings=settings, random_state=0, max_steps=STEPS).fit(training), table)
                speeds = n_rows / 10 / found.seconds, n_rows / 10 / found.seconds_onnx
                print(f"{name:<13}{kind.__name__.removesuffix('Detector'):<13}{settings:<10}", end="")
                print(f"{found.largest:>9.0e}{found.beyond:>8}{found.p_values:>5}{found.decisions:>5}", end="")
                print(f"{speeds[0]:>15,.0f}{speeds[1]:>13,.0f}{speeds[1] / speeds[0]:>7.2f}", flush=True)

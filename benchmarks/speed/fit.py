"""The article's experiment, and a small table: whole processes side by side, and the matrix products alone.

``python -m benchmarks fit [ROUNDS] [--alibi] [--one-core]``: every contestant runs once a round, one after another, so
that what else the machine does falls on all of them alike; shown are medians. All have the article's network, but for
oddrow's defaults: a wider one, rows remembered, and others held out to calibrate. ``--alibi`` adds alibi-detect, once,
for it takes minutes. ``--one-core`` keeps all of it on one core, for a machine that does other things: there, threads
that wait for each other cost more than they bring. Seconds are wall-clock seconds of whole processes, from start to
thresholded test scores; CPU seconds are those of all threads. PyOD bounds the KL term by a capacity, which is 0 by
default, so that it trains without one: oddrow is run so, too.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks._peers import compile_ours, peer_python
from oddrow.columns import TableEncoding, TableSchema
from oddrow.reproductions import kddcup99_file, read_connections
from oddrow.reproductions._kddcup99 import COLUMNS, LABEL, SYMBOLIC, _article

ROUNDS = 3
FLOOR_NAME = "matrix products alone"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
STEPS, BATCH = 9_728, 256
LAYERS = ((121, 60), (60, 80), (40, 60), (60, 121))

OURS = """
import json, sys
import numpy as np
import oddrow
from benchmarks.speed._fit_peers import auroc
with np.load(sys.argv[1]) as data:
    train, test, is_odd = data["train"], data["test"], data["is_odd"]
columns = dict.fromkeys((f"x{index}" for index in range(train.shape[1])), "number")
settings, kl_weight = sys.argv[2], float(sys.argv[3])
detector = oddrow.VAEDetector(settings=settings, kl_weight=kl_weight, columns=columns, random_state=0).fit(train)
surprise = detector.surprise(test)
flagged = float(np.mean(surprise > detector.model_.threshold))
print(json.dumps({"auroc": auroc(is_odd, surprise), "flagged": flagged}))
"""

FLOOR = f"""
import numpy as np
ones = lambda *size: np.ones(size, np.float32)
batches = [(ones({BATCH}, i), ones(i, o), ones({BATCH}, o)) for i, o in {LAYERS}]
for _ in range({STEPS}):
    for index, (rows, weights, gradient) in enumerate(batches):
        rows @ weights
        rows.T @ gradient
        if index:
            gradient @ weights.T
print("{{}}")
"""
"""The products of every step, forward and backward, and nothing else, with NumPy."""

SMALL = """
import json, time
import numpy as np
import oddrow
oddrow.VAEDetector
rows = np.random.default_rng(0).normal(size=(500, 10))
started = time.perf_counter()
detector = oddrow.VAEDetector(random_state=0).fit(rows)
print(json.dumps({"fit": time.perf_counter() - started, "steps": int(detector.health_.learning_curve.step[-1])}))
"""


class Run(NamedTuple):
    """One process: wall-clock and CPU seconds, and what it printed."""

    seconds: float
    cpu_seconds: float
    said: dict[str, Any]


def run(command: list[str], **environment: str) -> Run:
    cpu, started = child_cpu_seconds(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    seconds, cpu = time.perf_counter() - started, child_cpu_seconds() - cpu
    return Run(seconds, cpu, json.loads(done.stdout.splitlines()[-1]))


def child_cpu_seconds() -> float:
    """What all processes started and ended so far have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def article_rows(path: Path) -> None:
    """The experiment's encoded rows: what every contestant gets."""
    table = read_connections(kddcup99_file())
    rows = _article(table)
    kinds = {name: "category" if name in SYMBOLIC else "number" for name in COLUMNS}
    source = table.drop_columns([LABEL])
    encoding = TableEncoding.learn(TableSchema.infer(source, kinds), source, style="article")
    train, test = (encoding.encode(part).rows for part in (rows.train, rows.test))
    np.savez(path, train=train, test=test, is_odd=rows.is_anomaly)


def contestants(rows: str) -> dict[str, list[str]]:
    """Each contestant's command; a peer that cannot be installed is left out, and said so.

    The matrix products run twice: with all threads, and with one, whose CPU seconds are those of the products alone
    also where threads wait for each other.
    """
    commands = {
        "with all threads": [sys.executable, "-c", FLOOR],
        FLOOR_NAME: [sys.executable, "-c", FLOOR],
        "oddrow": [sys.executable, "-c", OURS, rows, "article", "1.0"],
        "oddrow, PyOD's loss": [sys.executable, "-c", OURS, rows, "article", "0.0"],
        "oddrow, its defaults": [sys.executable, "-c", OURS, rows, "default", "1.0"],
    }
    python = peer_python("torch", "torch==2.13.0", "pyod", "tqdm")
    if python is not None:
        script = str(Path(__file__).with_name("_fit_peers.py"))
        commands |= {name: [str(python), script, name, rows] for name in ("pytorch", "pyod")}
    return commands


def middle(runs: list[Run]) -> Run:
    """The medians of several runs, which all said the same."""
    return Run(
        statistics.median(one.seconds for one in runs),
        statistics.median(one.cpu_seconds for one in runs),
        runs[0].said,
    )


def show(name: str, one: Run, n_runs: int, ours: Run, floor: Run) -> None:
    auroc = f"{one.said['auroc']:.4f}" if "auroc" in one.said else "-"
    ratios = (one.seconds / ours.seconds, one.cpu_seconds / ours.cpu_seconds, one.cpu_seconds / floor.cpu_seconds)
    figures = " ".join(f"{ratio:>8.2f}" for ratio in ratios)
    print(f"{name:>22} {n_runs:>4} {one.seconds:>9.1f} {one.cpu_seconds:>9.1f} {figures} {auroc:>8}", flush=True)


def main(arguments: Sequence[str]) -> None:
    """Print both tables."""
    if "--one-core" in arguments:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rounds = next((int(word) for word in arguments if word.isdigit()), ROUNDS)
    with_alibi = "--alibi" in arguments
    compile_ours()
    cores = f"cores: {len(os.sched_getaffinity(0))}, rounds: {rounds}"
    print(f"## Fit: the article's experiment, 77,822 x 121, 32 passes ({cores})")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        article_rows(path)
        commands = contestants(str(path))
        found: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                one = run(command, **(ONE_THREAD if name == FLOOR_NAME else {}))
                found[name].append(one)
                print(f"{name}: {one.seconds:.1f} s, {one.cpu_seconds:.1f} CPU s", file=sys.stderr, flush=True)
        python = peer_python("alibi", "alibi-detect[tensorflow]") if with_alibi else None
        if python is not None:
            script = str(Path(__file__).with_name("_fit_peers.py"))
            found["alibi-detect"] = [run([str(python), script, "alibi-detect", str(path)])]
        print(f"{'':>22} {'runs':>4} {'s':>9} {'CPU s':>9} {'x ours':>8} {'x CPU':>8} {'x floor':>8} {'AUROC':>8}")
        for name, runs in found.items():
            show(name, middle(runs), len(runs), middle(found["oddrow"]), middle(found[FLOOR_NAME]))
    small(rounds)


def small(rounds: int) -> None:
    """A table of 500 x 10: the first fit on a machine, and one of a later process."""
    print(f"## Fit: 500 x 10, the default detector, ``fit`` alone, fresh processes ({rounds} rounds)")
    for name, shared in (("first on a machine", False), ("afterwards", True)):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", SMALL]
            if shared:
                run(command, ODDROW_COMPILATION_CACHE=folder)
            runs = [
                run(command, ODDROW_COMPILATION_CACHE=folder if shared else str(Path(folder) / str(index)))
                for index in range(rounds)
            ]
        seconds = statistics.median(one.said["fit"] for one in runs)
        cpu = statistics.median(one.cpu_seconds for one in runs)
        print(f"{name:>22} {seconds:>9.2f} s  ({runs[0].said['steps']} steps; the process {cpu:.2f} CPU s)", flush=True)

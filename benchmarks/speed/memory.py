"""Tables larger than memory: peak memory and speed of `oddrow fit` and `oddrow score`, and what a sample costs.

``python -m benchmarks memory [ROWS ...]``; 100,000, 1,000,000 and 10,000,000 unless said otherwise. Beside the fit of a
table that is longer than a sample, of ``WHOLE_ROWS`` at most, stands a fit with the whole table in memory, for three
seeds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

import oddrow
from oddrow import files
from oddrow.columns import sampled
from oddrow.datasets import Connections, make_connections
from oddrow.table import SampleBounds

ROWS = (100_000, 1_000_000, 10_000_000)
PART_ROWS = 250_000
WHOLE_ROWS = 1_000_000
"""A fit of more rows in memory takes more than most machines have."""
SCORED_ROWS = 1_000_000
"""More rows take hours to score on two cores."""
TEST_ROWS, ODD_SHARE = 20_000, 0.05
SEEDS = (0, 1, 2)
IN_MEMORY = """
import sys, oddrow, pyarrow.parquet as pq
folder, model, seed = sys.argv[1:]
oddrow.save(oddrow.VAEDetector(random_state=int(seed)).fit(pq.read_table(folder)), model, force=True)
"""


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    peak_mib: float


def run(*command: object) -> Run:
    """Run a Python command to its end; its peak is that of its resident set."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-W", "ignore", *map(str, command)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} left with status {status}")
    return Run(time.perf_counter() - started, usage.ru_maxrss / 1024)


def write_parts(folder: Path, n_rows: int) -> None:
    folder.mkdir()
    for part, start in enumerate(range(0, n_rows, PART_ROWS)):
        rows = min(PART_ROWS, n_rows - start)
        table = make_connections(rows, odd_share=0.0, random_state=1_000 + part).table
        pq.write_table(table, folder / f"part-{part:05}.parquet")


def auroc(model: Path, test: Connections) -> float:
    return float(roc_auc_score(test.is_odd, oddrow.load(model).surprise(test.table)))


def pass_seconds(folder: Path) -> float:
    started = time.perf_counter()
    sampled(files.open(folder), seed=0)
    return time.perf_counter() - started


def show(what: str, n_rows: int, seen: Run, more: str = "") -> None:
    speed = n_rows / seen.seconds
    print(
        f"{what:<22}{n_rows:>12,}{seen.seconds:>9.0f} s{seen.peak_mib:>9,.0f} MiB{speed:>12,.0f} rows/s{more}",
        flush=True,
    )


def main(arguments: Sequence[str]) -> None:
    """Print one line a process, then the differences."""
    sizes = [int(word) for word in arguments] or list(ROWS)
    test = make_connections(TEST_ROWS, odd_share=ODD_SHARE, random_state=1)
    print("## Larger than memory (connections as Parquet in parts; each line one process, its peak resident set)")
    for n_rows in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder, model = Path(temporary, "table"), Path(temporary, "model.oddrow")
            write_parts(folder, n_rows)
            reading = pass_seconds(folder)
            print(f"{'the one pass':<22}{n_rows:>12,}{reading:>9.1f} s{n_rows / reading:>25,.0f} rows/s", flush=True)
            differences = []
            compares = SampleBounds().rows < n_rows <= WHOLE_ROWS
            for seed in SEEDS if compares else SEEDS[:1]:
                seen = run("-m", "oddrow", "fit", folder, "-o", model, "--seed", seed, "--quiet", "--force")
                streamed = auroc(model, test)
                show(f"fit, seed {seed}", n_rows, seen, f"   AUROC {streamed:.4f}")
                if compares:
                    seen = run("-c", IN_MEMORY, folder, model, seed)
                    whole = auroc(model, test)
                    show(f"in memory, seed {seed}", n_rows, seen, f"   AUROC {whole:.4f}")
                    differences.append(streamed - whole)
            scored = Path(temporary, "scored.parquet")
            if n_rows <= SCORED_ROWS:
                show("score", n_rows, run("-m", "oddrow", "score", folder, "-m", model, "-o", scored, "--quiet"))
            if differences:
                print(f"AUROC, streamed less in memory: {', '.join(f'{one:+.4f}' for one in differences)}", flush=True)

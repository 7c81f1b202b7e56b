"""``import oddrow``, ``oddrow score`` of one row and fits of 500 rows, each a fresh process, beside bare libraries.

``python -m benchmarks cold_start [ROUNDS]``: medians of wall-clock and of CPU seconds, the commands taking turns. The
fits run once before, so that the compiled program is in the user's cache folder.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

import oddrow
from benchmarks._peers import compile_ours
from benchmarks.speed.fit import child_cpu_seconds

ROUNDS = 15
SHORT_TABLE = 500, 10
"""Rows and columns of the table that is fitted: numbers that depend on three others."""
FIT = """
import sys, pyarrow.csv, oddrow
oddrow.VAEDetector(random_state=0).fit(pyarrow.csv.read_csv(sys.argv[1]))
"""


def main(arguments: Sequence[str]) -> None:
    """Print a line a command."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    compile_ours()
    with tempfile.TemporaryDirectory() as folder:
        model, row, short = (Path(folder) / name for name in ("model.oddrow", "row.csv", "short.csv"))
        table = oddrow.datasets.make_connections(2_000, odd_share=0.0, random_state=0).table
        oddrow.save(oddrow.VAEDetector(random_state=0).fit(table), model)
        pyarrow.csv.write_csv(table.slice(0, 1), row)
        pyarrow.csv.write_csv(_short_table(), short)
        libraries = "import numpy, pyarrow.compute, pydantic, typer, safetensors.numpy"
        fitted = str(Path(folder) / "short.oddrow")
        commands = {
            "python -c pass": ["-c", "pass"],
            "import oddrow": ["-c", "import oddrow"],
            "the libraries alone": ["-c", libraries],
            "oddrow score": ["-m", "oddrow", "--quiet", "score", str(row), "--model", str(model)],
            "JAX and Optax alone": ["-c", f"{libraries}, jax, optax"],
            "scikit-learn alone": ["-c", "import sklearn.base"],
            "oddrow fit": ["-m", "oddrow", "--quiet", "fit", str(short), "-o", fitted, "--force"],
            "VAEDetector().fit": ["-c", FIT, str(short)],
        }
        subprocess.run([sys.executable, *commands["oddrow fit"]], check=True, capture_output=True)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, arguments in commands.items():
                started, cpu = time.perf_counter(), child_cpu_seconds()
                subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
                found[name].append((time.perf_counter() - started, child_cpu_seconds() - cpu))
    print(f"## Cold start ({rounds} rounds)")
    for name, seconds in found.items():
        wall, cpu = (statistics.median(part) for part in zip(*seconds, strict=True))
        print(f"{name:>20} {wall:>8.3f} s {cpu:>8.3f} CPU s; fastest {min(seconds)[0]:.3f} s")


def _short_table() -> pa.Table:
    n_rows, n_columns = SHORT_TABLE
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, n_columns)) + 0.5 * rng.normal(size=(n_rows, n_columns))
    return pa.table({f"x{column}": rows[:, column] for column in range(n_columns)})

"""``import oddrow`` and ``oddrow score`` of one row, each a fresh process, beside Python and the bare libraries.

``python -m benchmarks cold_start [ROUNDS]``: medians of wall-clock and of CPU seconds, the commands taking turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.csv

import oddrow
from benchmarks._peers import compile_ours
from benchmarks.speed.fit import child_cpu_seconds

ROUNDS = 15


def main(arguments: Sequence[str]) -> None:
    """Print a line a command."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    compile_ours()
    with tempfile.TemporaryDirectory() as folder:
        model, row = Path(folder) / "model.oddrow", Path(folder) / "row.csv"
        table = oddrow.datasets.make_connections(2_000, odd_share=0.0, random_state=0).table
        oddrow.save(oddrow.VAEDetector(random_state=0).fit(table), model)
        pyarrow.csv.write_csv(table.slice(0, 1), row)
        libraries = "import numpy, pyarrow.compute, pydantic, typer, safetensors.numpy"
        commands = {
            "python -c pass": ["-c", "pass"],
            "import oddrow": ["-c", "import oddrow"],
            "the libraries alone": ["-c", libraries],
            "oddrow score": ["-m", "oddrow", "--quiet", "score", str(row), "--model", str(model)],
        }
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

"""SIGKILL at random moments of ``oddrow fit``, resumed each time: how many end with the very same model file."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import safetensors.numpy

from oddrow.datasets import make_connections
from oddrow.table import write_table

KILLS = 50
LONGEST_CHAIN = 5
"""Kills of one fit at most, before it is left to end."""
ROWS = 1_000
HEADER_BYTES = 44
EARLY_SHARE = 0.2
"""Share of the kills that come while the process starts; the others come while it trains or after."""
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def fit_command(table: Path, model: Path, checkpoint: Path) -> list[str]:
    command = [sys.executable, "-m", "oddrow", "fit", str(table), "-o", str(model), "--seed", "0", "--quiet", "--force"]
    return [*command, "--checkpoint", str(checkpoint), "--resume"]


def kept_step(checkpoint: Path) -> str:
    """Where the fit would go on from, and whether its training had ended."""
    path = checkpoint / "fit-0.checkpoint"
    if not path.exists():
        return "none"
    arrays = safetensors.numpy.load(path.read_bytes()[HEADER_BYTES:])
    has_ended = json.loads(arrays["manifest"].tobytes())["end"] is not None
    return "after training" if has_ended else str(int(arrays["checks"][-1, 0]))


def run_until(command: list[str], kept: Path, rng: np.random.Generator, early: float, late: float) -> int:
    """Start a fit and kill it: one in five while it starts, else up to ``late`` seconds after it keeps a state."""
    before = kept.stat().st_mtime_ns if kept.exists() else 0
    process = subprocess.Popen(command, env=ONE_THREAD)
    if rng.random() < EARLY_SHARE:
        time.sleep(rng.uniform(0, early))
    else:
        while process.poll() is None and not (kept.exists() and kept.stat().st_mtime_ns > before):
            time.sleep(0.005)
        time.sleep(rng.uniform(0, late))
    process.send_signal(signal.SIGKILL)
    return process.wait()


def timed(command: list[str], kept: Path) -> tuple[float, float]:
    """Seconds of a whole fit until it first keeps a state, and from there to the end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=ONE_THREAD)
    while process.poll() is None and not kept.exists():
        time.sleep(0.005)
    training = time.perf_counter()
    if process.wait():
        sys.exit(f"the uninterrupted fit left with code {process.returncode}")
    return training - started, time.perf_counter() - training


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Print one line a fit, then the sums."""
    rng = np.random.default_rng(0)
    kills, identical, n_fits = Counter[str](), 0, 0
    print(f"## Interruptions (SIGKILL of `oddrow fit`, {ROWS:,} connections, resumed until it ends)")
    with tempfile.TemporaryDirectory() as folder:
        table, model = Path(folder, "table.parquet"), Path(folder, "model.oddrow")
        write_table(make_connections(ROWS, 0.0, random_state=0).table, table)
        whole = Path(folder, "whole")
        early, late = timed(fit_command(table, model, whole), whole / "fit-0.checkpoint")
        expected = digest(model)
        print(f"uninterrupted: {early:.1f} s to the first state kept, {late:.1f} s to the end; model {expected[:12]}")
        while kills.total() < KILLS:
            n_fits += 1
            checkpoint, moments = Path(folder, f"kept-{n_fits}"), []
            model.unlink(missing_ok=True)
            for _ in range(rng.integers(1, LONGEST_CHAIN + 1)):
                command = fit_command(table, model, checkpoint)
                if run_until(command, checkpoint / "fit-0.checkpoint", rng, early, late) != -signal.SIGKILL:
                    break  # it ended before it was killed
                moments.append(kept_step(checkpoint))
            subprocess.run(fit_command(table, model, checkpoint), env=ONE_THREAD, check=True)
            kills.update(moments)
            same = digest(model) == expected
            identical += same
            print(f"fit {n_fits}: killed with step {', '.join(moments) or '-'} kept; identical: {same}", flush=True)
    kept = sorted(kills.items(), key=lambda item: (not item[0].isdigit(), int(item[0]) if item[0].isdigit() else 0))
    print(f"{kills.total()} kills; step kept: {', '.join(f'{step}: {count}' for step, count in kept)}")
    print(f"{identical} of {n_fits} fits ended with the identical model file")


if __name__ == "__main__":
    main()

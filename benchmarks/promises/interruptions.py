"""SIGKILL at random moments of ``oddrow fit`` and ``oddrow score``, resumed each time: how many end with the same file.

``python -m benchmarks interruptions fit`` or ``scoring`` runs one of the two.
"""

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
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import safetensors.numpy

from oddrow.datasets import make_connections
from oddrow.files import write_table

KILLS = 50
LONGEST_CHAIN = 5
"""Kills of one fit at most, before it is left to end."""
ROWS = 1_000
SCORED_ROWS, SCORED_FILES = 12_000, 24
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


def interrupted_fits() -> None:
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


def kept_parts(partial: Path) -> int:
    """How many parts the job would go on behind."""
    return len(list(partial.glob("part-*.scored")))


def kill_at(process: subprocess.Popen[bytes], partial: Path, n_parts: int, seconds: float) -> bool:
    """Kill a job so many seconds after it has so many parts, with none while it starts; whether it ended before."""
    while process.poll() is None and kept_parts(partial) < n_parts:
        time.sleep(0.005)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait() != -signal.SIGKILL


def interrupted_scoring() -> None:
    """Print one line a job, then the sums; jobs write CSV and Parquet by turns."""
    rng = np.random.default_rng(0)
    kills, identical, n_jobs = Counter[str](), 0, 0
    print(
        f"## Interruptions (SIGKILL of `oddrow score`, {SCORED_ROWS:,} connections in {SCORED_FILES} files, "
        "resumed until it ends)"
    )
    with tempfile.TemporaryDirectory() as folder:
        table, model = Path(folder, "logs"), Path(folder, "model.oddrow")
        training = Path(folder, "training.parquet")
        write_table(make_connections(ROWS, 0.0, random_state=0).table, training)
        subprocess.run(fit_command(training, model, Path(folder, "kept")), env=ONE_THREAD, check=True)
        rows, step = make_connections(SCORED_ROWS, 0.01, random_state=1).table, SCORED_ROWS // SCORED_FILES
        table.mkdir()
        for place in range(SCORED_FILES):
            write_table(rows.slice(place * step, step), table / f"{place:02}.csv")
        expected = {}
        for suffix in (".csv", ".parquet"):
            subprocess.run(score_command(table, model, Path(folder, f"whole{suffix}")), env=ONE_THREAD, check=True)
            expected[suffix] = digest(Path(folder, f"whole{suffix}"))
        while kills.total() < KILLS:
            n_jobs += 1
            suffix = list(expected)[n_jobs % 2]
            out, moments = Path(folder, f"out-{n_jobs}{suffix}"), []
            partial, command = Path(f"{out}.partial"), [*score_command(table, model, out), "--resume"]
            for _ in range(rng.integers(1, LONGEST_CHAIN + 1)):
                process = subprocess.Popen(command, env=ONE_THREAD)
                if kill_at(process, partial, int(rng.integers(0, SCORED_FILES + 1)), rng.uniform(0, 1)):
                    break  # it ended before it was killed
                moments.append(f"{kept_parts(partial)} parts")
            subprocess.run(command, env=ONE_THREAD, check=True)
            kills.update(moments)
            same = digest(out) == expected[suffix] and not partial.exists()
            identical += same
            print(f"job {n_jobs}: killed with {', '.join(moments) or 'none'} kept; identical: {same}", flush=True)
    kept = sorted(kills.items(), key=lambda item: int(item[0].split()[0]))
    print(f"{kills.total()} kills; kept: {', '.join(f'{what}: {count}' for what, count in kept)}")
    print(f"{identical} of {n_jobs} jobs ended with the identical file")


def score_command(table: Path, model: Path, out: Path) -> list[str]:
    command = [sys.executable, "-m", "oddrow", "score", str(table), "-m", str(model), "-o", str(out)]
    return [*command, "--quiet", "--force"]


def main(arguments: Sequence[str]) -> None:
    """Kill fits, jobs of scoring, or both."""
    parts = {"fit": interrupted_fits, "scoring": interrupted_scoring}
    for name in arguments or parts:
        parts[name]()

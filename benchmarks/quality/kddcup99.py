"""KDD Cup 1999 by its protocols, each run a process of its own, as a user starts it.

``python -m benchmarks kddcup99 [FILE]``: with the competition's test file ``corrected`` the protocol "official", too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

RUNS = [
    *(("article", "article", detector, 0) for detector in ("vae", "autoencoder")),
    *(("article", "default", "vae", seed) for seed in range(5)),
    ("article", "default", "autoencoder", 0),
    *(("clean", "default", "vae", seed) for seed in range(5)),
    ("dagmm", "default", "vae", 0),
]
OFFICIAL = [("official", "default", "vae", seed) for seed in range(5)]
"""These need the competition's test file."""
HEADINGS = "protocol settings detector seed precision recall f1 auroc ap false_alarms dos probe r2l u2r fit_s process_s"


def run(protocol: str, settings: str, detector: str, seed: int, test: Path | None = None) -> list[str]:
    command = [sys.executable, "-m", "oddrow", "reproduce", "kddcup99", "--json", "--quiet"]
    command += ["--protocol", protocol, "--settings", settings, "--detector", detector, "--seed", str(seed)]
    command += [] if test is None else ["--test", str(test)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    found = json.loads(done.stdout)
    figures = [found[name] for name in ("precision", "recall", "f1", "auroc", "average_precision", "false_alarm_rate")]
    families = [found["by_family"][name]["recall"] for name in ("dos", "probe", "r2l", "u2r")]
    shown = ["-" if value is None else f"{value:.4f}" for value in figures + families]
    return [
        protocol,
        settings,
        detector,
        str(seed),
        *shown,
        f"{found['seconds']['fit']:.1f}",
        f"{seconds:.1f}",
    ]


def main(arguments: Sequence[str]) -> None:
    """Print a line a run; with the competition's test file those of the protocol "official", too."""
    test = Path(arguments[0]) if arguments else None
    print("## KDD Cup 1999")
    print(" ".join(f"{heading:>12}" for heading in HEADINGS.split()))
    for arguments in RUNS:
        print(" ".join(f"{cell:>12}" for cell in run(*arguments)), flush=True)
    for arguments in OFFICIAL if test is not None else []:
        print(" ".join(f"{cell:>12}" for cell in run(*arguments, test)), flush=True)
    if test is None:
        print("official: not run, it needs the competition's test file `corrected`")

"""Weights learned from verdicts: how many anomalies a reader finds, and whether the promise holds afterwards.

An oracle answers the 50 strangest rows in rounds of 10, and ``with_feedback`` learns after each round. A third of the
normal rows trains (at most 2,000); the rows to look at are a quarter of them and anomalies, of which there are as many
as in the set in proportion, at least 5; the other normal rows were seen by nobody and count the false alarms at 1 in
100 after the last round.

Beside it, on the same rows: no feedback (the 50 strangest), and AADForest of coniferest 0.2.2 at its defaults, which is
grown from the rows to look at, as its documentation shows it, or from the normal rows that trained oddrow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks._peers import peer_python
from benchmarks._public_sets import FOLDER, PublicSet, public_sets
from oddrow import VAEDetector
from oddrow.policies import Decision

WORKER = Path(__file__).with_name("_aad_worker.py")
ROUNDS, AT_ONCE = 5, 10
MOST_NORMALS = 6_000
MIN_ANOMALIES = 5
CONIFEREST = "coniferest==0.2.2"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """The rows of a run: training rows, rows to look at with their truth, and normal rows that nobody saw."""

    training: Floats
    shown: Floats
    is_odd: npt.NDArray[np.bool_]
    unseen: Floats

    @classmethod
    def of(cls, one: PublicSet, seed: int) -> Rows:
        """Divide a set at random."""
        with np.load(FOLDER / "adbench" / f"{one.name}.npz", allow_pickle=False) as arrays:
            share = float((arrays["y"] == 1).mean())
        rng = np.random.default_rng(seed)
        normals, anomalies = rng.permutation(one.normals), rng.permutation(one.anomalies)
        third, quarter = len(normals) // 3, len(normals) // 4
        n_odd = max(MIN_ANOMALIES, round(quarter * share / (1.0 - share)))
        shown = np.concatenate([normals[third : third + quarter], anomalies[:n_odd]])
        is_odd = np.arange(len(shown)) >= quarter
        order = rng.permutation(len(shown))
        return cls(normals[:third], shown[order], is_odd[order], normals[third + quarter :])


def asked_with_feedback(detector: VAEDetector, rows: Rows) -> tuple[list[int], VAEDetector]:
    """Return the rows that were asked, and the detector after the last answers."""
    asked: list[int] = []
    learned = detector
    for _ in range(ROUNDS):
        surprise = learned.surprise(rows.shown)
        surprise[asked] = -np.inf
        asked += np.argsort(-surprise, kind="stable")[: min(AT_ONCE, len(surprise) - len(asked))].tolist()
        answers = {row: "real" if rows.is_odd[row] else "false alarm" for row in asked}
        learned = detector.with_feedback(answers, rows.shown)
    return asked, learned


def run(one: PublicSet, seed: int, rival: Path | None) -> dict[str, Any]:
    """Return the figures of one set."""
    rows = Rows.of(one, seed)
    detector = VAEDetector(random_state=seed).fit(rows.training)
    strangest = np.argsort(-detector.surprise(rows.shown), kind="stable")[: ROUNDS * AT_ONCE]
    asked, learned = asked_with_feedback(detector, rows)
    line: dict[str, Any] = {
        "set": one.name,
        "seed": seed,
        "shown": len(rows.shown),
        "odd": int(rows.is_odd.sum()),
        "none": int(rows.is_odd[strangest].sum()),
        "oddrow": int(rows.is_odd[asked].sum()),
    }
    if rival is not None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "rows.npz"
            np.savez(path, rows=rows.shown, is_odd=rows.is_odd.astype(int), normal=rows.training)
            command = [str(rival), "-W", "ignore", str(WORKER), str(path), *map(str, (ROUNDS, AT_ONCE, seed))]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
        line |= {f"aad_{name}": count for name, count in json.loads(answer.stdout).items()}
    for name, one_detector in (("before", detector), ("after", learned)):
        decision = one_detector.decide(rows.unseen)
        line |= {f"alarms_{name}": float(decision.is_odd.mean()), f"inside_{name}": _is_inside(decision)}
    return line


def _is_inside(decision: Decision) -> bool | None:
    """Whether the number of flagged normal rows is within its exact 95 % interval; None without a promised rate.

    With the k-th highest of n calibration scores at the threshold it is beta-binomial.
    """
    promise = decision.promise
    if promise.rate is None or promise.n_rows is None:
        return None
    above = round(promise.rate * (promise.n_rows + 1))
    law = stats.betabinom(len(decision.is_odd), above, promise.n_rows + 1 - above)
    n_flagged = int(decision.is_odd.sum())
    return bool(law.cdf(n_flagged) >= 0.025 and law.sf(n_flagged - 1) >= 0.025)


def main(arguments: Sequence[str]) -> None:
    """Print a row for each set and seed, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--sets", nargs="*", default=[], help="names of ADBench sets; all with up to 200 columns")
    chosen = parser.parse_args(arguments)
    rival = peer_python("coniferest", CONIFEREST)
    lines = []
    names = ("set", "seed", "shown", "odd", "no feedback", "oddrow", "AADForest, rows", "AADForest, normal")
    print(f"| {' | '.join(names)} | false alarms | inside |")
    print("|---" * (len(names) + 2) + "|")
    for one in public_sets("adbench", MOST_NORMALS):
        if chosen.sets and one.name not in chosen.sets:
            continue
        for seed in chosen.seeds:
            lines.append(run(one, seed, rival))
            print(_row(lines[-1]), flush=True)
    if not lines:
        return
    print(
        _row({"set": "sum", "seed": "", **{key: sum(line[key] for line in lines) for key in COUNTS if key in lines[0]}})
    )
    alarms = [(np.mean([line[f"alarms_{when}"] for line in lines]), _share_inside(lines, when)) for when in TIMES]
    for when, (mean, inside) in zip(TIMES, alarms, strict=True):
        print(f"false alarms {when} feedback: mean {mean:.2%}; inside their exact 95 % interval: {inside}")
    per_set = {name: [line for line in lines if line["set"] == name] for name in {line["set"] for line in lines}}
    ratio = {
        name: sum(one["oddrow"] for one in some) / max(sum(one["none"] for one in some), 1)
        for name, some in per_set.items()
    }
    worst = min(ratio, key=lambda name: ratio[name])
    print(f"least of what no feedback finds, over seeds: {ratio[worst]:.0%} ({worst})")


COUNTS = ("shown", "odd", "none", "oddrow", "aad_rows", "aad_normal")
TIMES = ("before", "after")


def _row(line: dict[str, Any]) -> str:
    counts = [str(line.get(key, "-")) for key in COUNTS]
    alarms = f"{line['alarms_before']:.2%} -> {line['alarms_after']:.2%}" if "alarms_after" in line else ""
    inside = {None: "-", True: "yes", False: "no"}[line.get("inside_after")]
    return f"| {' | '.join([line['set'], str(line['seed']), *counts, alarms, inside])} |"


def _share_inside(lines: Sequence[dict[str, Any]], when: str) -> str:
    found = [line[f"inside_{when}"] for line in lines if line[f"inside_{when}"] is not None]
    return f"{sum(found)} of {len(found)}"

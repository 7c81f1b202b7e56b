"""Odd rows among the training rows: what they cost a plain and a robust fit, and what ``find`` makes of such a table.

A random half of the normal rows trains, with 0, 1, 5 and 10 % of odd rows mixed in; the other half and the odd rows
that are never mixed in are the test, the same for every share. Labels judge and choose nothing.
``python -m benchmarks robustness --sets musk thyroid --results FILE`` keeps each finished line and resumes after it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from oddrow import VAEDetector, find

SHARES = (0.0, 0.01, 0.05, 0.10)
ALARMS = 0.01
CAP = 5_000


@dataclass(frozen=True)
class Mixed:
    """Training rows with a known part that is odd, and a test."""

    training: npt.NDArray[np.float64]
    is_odd_training: npt.NDArray[np.bool_]
    test: npt.NDArray[np.float64]
    is_odd_test: npt.NDArray[np.bool_]


def mixed(path: Path, share: float, seed: int, cap: int) -> Mixed:
    """Half of the normal rows and ``share`` of odd ones, at most ``cap`` normal rows a part."""
    with np.load(path, allow_pickle=False) as stored:
        rows, is_odd = stored["X"].astype(np.float64), stored["y"].astype(bool)
    rng = np.random.default_rng(seed)
    normal, odd = rng.permutation(np.flatnonzero(~is_odd)), rng.permutation(np.flatnonzero(is_odd))
    half = len(normal) // 2
    mixable, tested = odd[: len(odd) // 2], odd[len(odd) // 2 :][:cap]
    trained = normal[:half][:cap]
    wanted = min(round(share / (1.0 - share) * len(trained)), len(mixable))
    training = rng.permutation(np.concatenate([trained, mixable[:wanted]]))
    test = np.concatenate([normal[half:][:cap], tested])
    return Mixed(rows[training], is_odd[training], rows[test], is_odd[test])


def fitted_figures(data: Mixed, clean: str, seed: int) -> dict[str, Any]:
    """How a detector fitted on the mixed rows does on the test."""
    started = time.perf_counter()
    detector = VAEDetector(clean=clean, random_state=seed).fit(data.training)
    seconds = time.perf_counter() - started
    surprise, p_value = detector.surprise(data.test), detector.p_value(data.test)
    flagged = p_value <= ALARMS  # nothing where fewer than 99 rows calibrate
    cleaning = detector.cleaning_
    aside = () if cleaning is None else cleaning.rows_set_aside
    return {
        "ap": average_precision_score(data.is_odd_test, surprise),
        "auroc": roc_auc_score(data.is_odd_test, surprise),
        "false_alarms": float(flagged[~data.is_odd_test].mean()),
        "caught": float(flagged[data.is_odd_test].mean()),
        "aside": len(aside),
        "aside_odd": int(data.is_odd_training[list(aside)].sum()),
        "training_ap": training_ap(data, detector) if data.is_odd_training.any() else None,
        "seconds": seconds,
    }


def training_ap(data: Mixed, detector: VAEDetector) -> float:
    """Average precision of fit-on-all-and-score-all: what ``find`` is there to replace."""
    return float(average_precision_score(data.is_odd_training, detector.surprise(data.training)))


def found_figures(data: Mixed, seed: int) -> dict[str, Any]:
    """What ``find`` says of the mixed rows."""
    started = time.perf_counter()
    found = find(data.training, VAEDetector(clean="robust", random_state=seed))
    odd, true = found.cleaning, float(data.is_odd_training.mean())
    both = data.is_odd_training.any()
    return {
        "true": true,
        "estimate": odd.share,
        "low": odd.low,
        "high": odd.high,
        "ap": float(average_precision_score(data.is_odd_training, found.surprise)) if both else None,
        "auroc": float(roc_auc_score(data.is_odd_training, found.surprise)) if both else None,
        "flagged": float(found.is_odd.mean()),
        "seconds": time.perf_counter() - started,
    }


def measured(path: Path, name: str, share: float, seed: int, cap: int) -> dict[str, Any]:
    data = mixed(path, share, seed, cap)
    line: dict[str, Any] = {"set": name, "share": share, "seed": seed, "cap": cap, "rows": len(data.training)}
    line |= {clean: fitted_figures(data, clean, seed) for clean in ("assume", "robust")}
    line["find"] = found_figures(data, seed)
    return line


def print_fits(lines: list[dict[str, Any]]) -> None:
    print("## Odd rows among the training rows: means over sets and seeds")
    headings = ["mixed in", "fit", "AP", "AP lost", "AUROC", "lost", "false alarms", "caught", "aside", "of it odd"]
    print(" ".join(f"{heading:>13}" for heading in [*headings, "seconds"]))
    clean = {(line["set"], line["seed"]): line["assume"] for line in lines if line["share"] == 0}
    for share in SHARES:
        chosen = [line for line in lines if line["share"] == share and (line["set"], line["seed"]) in clean]
        for way in ("assume", "robust"):
            if not chosen:
                continue
            figures = {name: np.mean([line[way][name] for line in chosen]) for name in ("ap", "auroc", "seconds")}
            lost = {
                name: np.mean([clean[line["set"], line["seed"]][name] - line[way][name] for line in chosen])
                for name in ("ap", "auroc")
            }
            alarms, caught = (np.mean([line[way][name] for line in chosen]) for name in ("false_alarms", "caught"))
            aside, odd = (sum(line[way][name] for line in chosen) for name in ("aside", "aside_odd"))
            cells = [f"{share:.0%}", way, f"{figures['ap']:.3f}", f"{lost['ap']:+.3f}", f"{figures['auroc']:.3f}"]
            cells += [f"{lost['auroc']:+.3f}", f"{alarms:.2%}", f"{caught:.1%}", f"{aside:,}", f"{odd:,}"]
            print(" ".join(f"{cell:>13}" for cell in [*cells, f"{figures['seconds']:.1f}"]))


def print_finds(lines: list[dict[str, Any]]) -> None:
    print("\n## find on the mixed tables: means over sets and seeds")
    headings = ["mixed in", "true", "estimate", "low", "high", "in interval", "AP find", "AP plain", "flagged", "s"]
    print(" ".join(f"{heading:>13}" for heading in headings))
    for share in SHARES:
        chosen = [line for line in lines if line["share"] == share]
        if not chosen:
            continue
        cells = [f"{share:.0%}"]
        cells += [
            f"{np.mean([line['find'][name] for line in chosen]):.2%}" for name in ("true", "estimate", "low", "high")
        ]
        inside = [line["find"]["low"] <= line["find"]["true"] <= line["find"]["high"] for line in chosen]
        cells.append(f"{sum(inside)} of {len(inside)}")
        compared = [(line["find"]["ap"], line["assume"]["training_ap"]) for line in chosen if line["find"]["true"] > 0]
        cells += [f"{value:.3f}" for value in np.mean(compared, axis=0)] if compared else ["-", "-"]
        cells.append(f"{np.mean([line['find']['flagged'] for line in chosen]):.2%}")
        cells.append(f"{np.mean([line['find']['seconds'] for line in chosen]):.1f}")
        print(" ".join(f"{cell:>13}" for cell in cells))


def print_sets(lines: list[dict[str, Any]]) -> None:
    print("\n## By set: AP of assume > robust; find's estimate of the share, its interval")
    for line in lines:
        fits = " > ".join(f"{line[way]['ap']:.3f}" for way in ("assume", "robust"))
        odd = line["find"]
        share = f"true {odd['true']:6.2%}: {odd['estimate']:6.2%} ({odd['low']:.1%} to {odd['high']:.1%})"
        print(f"{line['set']:<14}{line['share']:>5.0%}  {fits}   {share}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", help="names of ADBench sets, as thyroid; by default all that are there")
    parser.add_argument("--shares", nargs="*", type=float, default=SHARES, help="shares of odd rows to mix in")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--cap", type=int, default=CAP, help="normal rows a part at most")
    parser.add_argument("--results", type=Path, help="a file that keeps finished lines, for a run to go on with")
    chosen = parser.parse_args(arguments)
    folder = Path(os.environ.get("ODDROW_DATA", "data")) / "adbench"
    paths = {re.sub(r"^\d+_", "", path.stem): path for path in sorted(folder.glob("*.npz"))}
    names = chosen.sets or list(paths)
    lines: list[dict[str, Any]] = []
    if chosen.results is not None and chosen.results.exists():
        lines = [json.loads(text) for text in chosen.results.read_text(encoding="utf-8").splitlines()]
    done = {(line["set"], line["share"], line["seed"], line["cap"]) for line in lines}
    for name in names:
        for seed in range(chosen.seeds):
            for share in chosen.shares:
                if (name, share, seed, chosen.cap) in done:
                    continue
                lines.append(measured(paths[name], name, share, seed, chosen.cap))
                if chosen.results is not None:
                    with chosen.results.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(lines[-1]) + "\n")
    print_fits(lines)
    print_finds(lines)
    print_sets(lines)

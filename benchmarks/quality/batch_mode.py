"""What ``find(table, normal=...)`` gains by looking at a table as a whole: a transductive protocol of its own.

The normal rows of a set's training part are ``normal``; its test part is the table. The inductive figures are those of
a detector fitted on the same normal rows, which scores each row by itself. In a second table, the odd rows of the test
are thinned to 1 % at random: the whole table must not count there. Labels judge and choose nothing. The figures depend
on the share of odd rows in the table; they do not belong beside those of ``quality``.
``python -m benchmarks batch_mode --half even --results FILE`` keeps each finished set and resumes after it.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks._public_sets import FOLDER
from benchmarks.quality._protocols import SetFile, Split, set_files
from oddrow import VAEDetector, find

HALVES = {"even": 0, "odd": 1}
THIN = 0.01
ALARMS = 0.01
LEAST_CALIBRATION = 99
"""Calibration rows that show a rate of 1 %."""


def thinned(split: Split, seed: int) -> npt.NDArray[np.int64]:
    """The test rows [k] that are left when odd rows are dropped at random until they are 1 % (at least one)."""
    odd, normal = np.flatnonzero(split.is_anomaly), np.flatnonzero(~split.is_anomaly)
    count = max(round(THIN / (1.0 - THIN) * len(normal)), 1)
    return np.sort(np.concatenate([normal, np.random.default_rng(seed).permutation(odd)[:count]]))


def figures(split: Split, rows: npt.NDArray[np.int64], inductive: npt.NDArray[np.float64], seed: int) -> dict[str, Any]:
    """Compare the batch mode on these test rows with the inductive surprise of all test rows."""
    is_odd, started = split.is_anomaly[rows], time.perf_counter()
    found = find(split.test[rows], VAEDetector(random_state=seed), normal=split.training, explain_all=False, top=1)
    seconds = time.perf_counter() - started
    batch, rarest = found.batch, 1.0 / found.p_value.min()
    return {
        "odd": float(is_odd.mean()),
        "inductive": _quality(is_odd, inductive[rows]),
        "batch": _quality(is_odd, found.surprise),
        "used": batch.is_used,
        "share": batch.share,
        "alarms": float((found.p_value[~is_odd] <= ALARMS).mean()) if rarest > LEAST_CALIBRATION else None,
        "seconds": seconds,
    }


def _quality(is_odd: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> tuple[float, float]:
    return 100.0 * float(roc_auc_score(is_odd, score)), 100.0 * float(average_precision_score(is_odd, score))


def measured(file: SetFile, seed: int, chosen: argparse.Namespace) -> dict[str, Any] | None:
    """One set's figures; None if it is too large for this run."""
    protocol = "shipped" if "shipped" in file.protocols else "half"
    split = file.split(protocol, seed, chosen.max_rows)
    if split.training.shape[1] > chosen.max_columns or len(split.training) < chosen.min_rows:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unhealthy training, which belongs to the figures
        inductive = VAEDetector(random_state=seed).fit(split.training).surprise(split.test)
        return {
            "set": file.name,
            "seed": seed,
            "rows": len(split.training),
            "as it is": figures(split, np.arange(len(split.test)), inductive, seed),
            "thinned": figures(split, thinned(split, seed), inductive, seed),
        }


def print_table(title: str, lines: list[dict[str, Any]], name: str) -> None:
    """Print means and medians over sets of one protocol, for each collection and half."""
    print(f"\n## {title}")
    print(
        "| sets | n | odd rows | inductive | batch mode | gain, mean | gain, median | won-lost | used | false alarms |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    groups = sorted({line["set"].split("/")[0] for line in lines})
    for collection in [*groups, "all"]:
        for half in ("even", "odd", "both"):
            some = [
                line[name]
                for line in lines
                if collection in ("all", line["set"].split("/")[0]) and half in ("both", line["half"])
            ]
            if some:
                print(_table_row(f"{collection}, {half}", some), flush=True)


def _table_row(label: str, some: list[dict[str, Any]]) -> str:
    before, after = (np.array([line[way] for line in some]) for way in ("inductive", "batch"))
    gain = after - before
    won, lost = int((gain[:, 0] > 0.05).sum()), int((gain[:, 0] < -0.05).sum())
    alarms = [line["alarms"] for line in some if line["alarms"] is not None]
    cells = [
        label,
        f"{len(some)}",
        f"{np.mean([line['odd'] for line in some]):.1%}",
        *(f"{pair[0]:.2f} / {pair[1]:.2f}" for pair in (before.mean(axis=0), after.mean(axis=0))),
        *(f"{pair[0]:+.2f} / {pair[1]:+.2f}" for pair in (gain.mean(axis=0), np.median(gain, axis=0))),
        f"{won}-{lost}",
        f"{np.mean([line['used'] for line in some]):.0%}",
        f"{np.mean(alarms):.2%} of {len(alarms)}" if alarms else "-",
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="*", type=Path, default=[FOLDER / "adbench", FOLDER / "oddbench"])
    parser.add_argument("--sets", nargs="*", default=[], help="names of sets, or the first so many of each folder")
    parser.add_argument("--half", choices=["even", "odd", "all"], default="all", help="as of the benchmark quality")
    parser.add_argument("--max-rows", type=int, default=2_000, help="normal rows at most; twice as many are tested")
    parser.add_argument("--min-rows", type=int, default=20, help="sets with fewer normal rows are left out")
    parser.add_argument("--max-columns", type=int, default=60, help="sets with more columns are left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="a file that keeps finished sets, for a run to go on with")
    parser.add_argument("--summary-only", action="store_true", help="only the tables of what is in --results")
    chosen = parser.parse_args(arguments)
    halves = {
        file.name: half
        for folder in chosen.data
        for half, first in HALVES.items()
        for file in set_files([folder], [])[first::2]
    }
    lines: list[dict[str, Any]] = []
    if chosen.results is not None and chosen.results.exists():
        lines = [json.loads(text) for text in chosen.results.read_text(encoding="utf-8").splitlines()]
    done = {(line["set"], line["seed"]) for line in lines}
    files = sorted(set_files(chosen.data, chosen.sets), key=lambda file: file.path.stat().st_size)
    for file in [] if chosen.summary_only else files:
        if (file.name, chosen.seed) in done or chosen.half not in ("all", halves[file.name]):
            continue
        line = measured(file, chosen.seed, chosen)
        if line is None:
            continue
        line["half"] = halves[file.name]
        lines.append(line)
        print(f"{line['set']}: {line['as it is']['inductive']} -> {line['as it is']['batch']}", flush=True)
        if chosen.results is not None:
            with chosen.results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
    print(
        "\nAUROC / AP in points; used: sets in which the table as a whole counts; false alarms at 1 %, mean of n sets"
    )
    print_table("Test parts as they are", lines, "as it is")
    print_table("Odd rows thinned to 1 % of the table", lines, "thinned")

"""Planted events in the log of a machine: events found at two false alarms a day, beside four rivals.

A detector of windows learns from a week of ordinary minutes of ``make_sensors`` and scores the next ten days, in which
40 events are planted. All methods score the same windows: 16 rows, chosen before any score was computed. The rivals
see them standardised, without the time. A flagged window finds an event if it ends in it, or up to 15 minutes after.
``--scores FOLDER`` keeps the scores of every method and oddrow's models; with ``--rivals-only`` oddrow is left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from oddrow import VAEDetector, save
from oddrow.datasets import SENSOR_EVENT_KINDS, Sensors, make_sensors
from oddrow.metrics import events_found, vus_pr
from oddrow.sequences import Windows

LENGTH = 16
TEST_DAYS = 10
EVENTS_PER_DAY = 4
FALSE_ALARMS_A_DAY = 2
Floats = npt.NDArray[np.float64]
Scorer = Callable[[Floats, Floats, int], Floats]


def isolation_forest(training: Floats, tested: Floats, seed: int) -> Floats:
    """Score by scikit-learn's isolation forest with its defaults."""
    scores: Floats = -IsolationForest(random_state=seed).fit(training).score_samples(tested)
    return scores


def reconstruction(share: float) -> Scorer:
    """Score by the squared error of the principal components that hold this share of the variance."""

    def scored(training: Floats, tested: Floats, _: int) -> Floats:
        components = PCA(share, svd_solver="full").fit(training)
        errors: Floats = np.sum((tested - components.inverse_transform(components.transform(tested))) ** 2, axis=1)
        return errors

    return scored


def nearest(training: Floats, tested: Floats, _: int) -> Floats:
    """Score by the distance to the nearest training window."""
    distances: Floats = NearestNeighbors(n_neighbors=1).fit(training).kneighbors(tested)[0][:, 0]
    return distances


RIVALS: dict[str, Scorer] = {
    "isolation forest": isolation_forest,
    "PCA, 90 % of variance": reconstruction(0.9),
    "PCA, 95 % of variance": reconstruction(0.95),
    "1-NN distance": nearest,
}


@dataclass(frozen=True)
class Figures:
    """What one method finds in one log."""

    found: dict[str, tuple[int, int]]
    """For each kind, and for all together, found and planted events."""
    vus_pr: float
    seconds: float


def figures(log: Sensors, surprise: Floats, seconds: float) -> Figures:
    """Measure a score for each row of a log, NaN before the first window."""
    all_kinds = events_found(
        log.is_odd,
        surprise,
        FALSE_ALARMS_A_DAY,
        days=TEST_DAYS,
        counted="false_alarms",
        max_gap=LENGTH,
        tolerance=LENGTH - 1,
    )
    flagged = surprise >= (np.inf if all_kinds.threshold is None else all_kinds.threshold)
    found = {"all": (all_kinds.found, all_kinds.events)}
    for kind in SENSOR_EVENT_KINDS:
        hits = [bool(flagged[e.start : e.stop + LENGTH - 1].any()) for e in log.events if e.kind == kind]
        found[kind] = sum(hits), len(hits)
    return Figures(found, vus_pr(log.is_odd, surprise, max_buffer=2 * LENGTH) or 0.0, seconds)


def of_rows(surprise: Floats, n_rows: int) -> Floats:
    """Return the surprise [n_rows] of the windows that end at each row, NaN before the first window."""
    return np.concatenate([np.full(n_rows - len(surprise), np.nan), surprise])


def matrix(windows: pa.Table) -> Floats:
    """Return the derived columns of windows as numbers [n, k]."""
    return np.column_stack([windows[name].to_numpy() for name in windows.column_names if name != "at"]).astype(float)


def oddrow_scores(training: Sensors, log: Sensors, seed: int, folder: Path | None) -> tuple[Floats, str]:
    """Score by oddrow's defaults, and say how its flagged share of ordinary windows compares with its promise."""
    detector = VAEDetector(sequences=Windows("at", length=LENGTH), random_state=seed).fit(training.table)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        save(detector, folder / f"sensors_{seed}.oddrow")
    decision = detector.decide(log.table)
    ordinary = ~np.convolve(log.is_odd, np.ones(LENGTH))[: log.table.num_rows].astype(bool)  # no row is of an event
    ordinary[: LENGTH - 1] = False
    share = float(np.mean(decision.is_odd[ordinary]))
    words = f"{share:.2%} of {int(ordinary.sum()):,} ordinary windows flagged; {decision.promise}"
    return detector.surprise(log.table), words


def measured(seed: int, training_days: int, *, rivals_only: bool, folder: Path | None) -> dict[str, Figures]:
    """Measure every method on one pair of logs, and print what oddrow flags among ordinary windows."""
    training = make_sensors(training_days, random_state=seed)
    log = make_sensors(TEST_DAYS, EVENTS_PER_DAY, random_state=1_000 + seed, start="2024-05-08")
    plan = Windows("at", length=LENGTH).learn(training.table)
    scaler = StandardScaler().fit(matrix(plan.table(training.table)))
    learned, scored = (scaler.transform(matrix(plan.table(one.table))) for one in (training, log))
    found, n_rows = {}, log.table.num_rows
    for name, scorer in RIVALS.items():
        started = time.perf_counter()
        surprise = of_rows(scorer(learned, scored, seed), n_rows)
        found[name] = figures(log, surprise, time.perf_counter() - started)
        keep(folder, seed, name, surprise)
    if not rivals_only:
        started = time.perf_counter()
        surprise, words = oddrow_scores(training, log, seed, folder)
        found["oddrow"] = figures(log, surprise, time.perf_counter() - started)
        keep(folder, seed, "oddrow", surprise)
        print(f"seed {seed}: {words}", flush=True)
    return found


def keep(folder: Path | None, seed: int, name: str, surprise: Floats) -> None:
    """Write the surprise of one method's rows, if a folder is given."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{name.split(' of')[0].replace(' ', '_')}_{seed}.npy", surprise)


def main(arguments: Sequence[str]) -> None:
    """Print one row for each seed and method, and one for all seeds of a method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="seeds of logs and fit")
    parser.add_argument("--days", type=int, default=7, help="days to learn from")
    parser.add_argument("--rivals-only", action="store_true", help="leave oddrow out")
    parser.add_argument("--scores", type=Path, metavar="FOLDER", help="write scores and models here")
    chosen = parser.parse_args(arguments)
    print(f"## Events found at {FALSE_ALARMS_A_DAY} false alarms a day, {chosen.days} days to learn from")
    kinds = ["all", *SENSOR_EVENT_KINDS]
    rows, together = [], dict[str, list[Figures]]()
    for seed in chosen.seeds:
        of_seed = measured(seed, chosen.days, rivals_only=chosen.rivals_only, folder=chosen.scores)
        for name, one in of_seed.items():
            together.setdefault(name, []).append(one)
            counts = " | ".join(f"{one.found[kind][0]} of {one.found[kind][1]}" for kind in kinds)
            rows.append(f"| {seed} | {name} | {counts} | {one.vus_pr:.3f} | {one.seconds:.0f} |")
            print(rows[-1], flush=True)
    print("\n| seed | method | " + " | ".join(kinds) + " | VUS-PR | seconds |\n" + "|---" * (len(kinds) + 4) + "|")
    print("\n".join(rows))
    for name, several in together.items():
        shares = " | ".join(
            f"{np.mean([one.found[kind][0] / one.found[kind][1] for one in several]):.0%}" for kind in kinds
        )
        means = f"{np.mean([one.vus_pr for one in several]):.3f} | {np.mean([one.seconds for one in several]):.0f}"
        print(f"| mean | {name} | {shares} | {means} |")

"""Whether p-values, false-alarm rates and false-discovery rates are what they are promised to be.

Two parts: made-up tables, where every repeat is a new table, a new fit and new rows; and public data sets, where rows
are drawn at random into a part that is fitted and a part that is not.
``python -m benchmarks calibration [REPEATS [split|cross] [simulated|public]]``.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import betabinom, binom

from benchmarks._public_sets import PublicSet, public_sets
from oddrow import FalseAlarmRate, FalseDiscoveryRate, VAEDetector
from oddrow.datasets import make_connections
from oddrow.exceptions import TrainingHealthWarning

RATE, FDR = 0.01, 0.1
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
MAX_NORMALS, MAX_ODDBENCH = 5_000, 40
MAX_ANOMALIES = 20
"""A batch of 200: with 500 calibration rows four of them can be told."""


def simulated(repeats: int, calibration: str) -> None:
    """Each repeat: fit 500 normal connections, score 200 new normal ones and a batch with 20 odd of 200."""
    reached, false_alarms, discoveries, found = [], [], [], []
    for seed in range(repeats):
        table = make_connections(700, odd_share=0.0, random_state=seed).table
        detector = VAEDetector(calibration=calibration, random_state=seed).fit(table.slice(0, 500))
        p = detector.p_value(table.slice(500))
        reached.append([np.mean(p <= share) for share in SHARES])
        false_alarms.append(np.mean(detector.decide(table.slice(500), FalseAlarmRate(RATE)).is_odd))
        mixed = make_connections(200, odd_share=0.2, random_state=10_000 + seed)
        is_odd = detector.decide(mixed.table, FalseDiscoveryRate(FDR)).is_odd
        discoveries.append(np.sum(is_odd & ~mixed.is_odd) / max(np.sum(is_odd), 1))
        found.append(np.mean(is_odd[mixed.is_odd]))
    mean, error = np.mean(reached, axis=0), np.std(reached, axis=0) / np.sqrt(repeats)
    print(
        f"\n### {repeats} made-up tables of 500 rows, calibration={calibration!r}: share of new normal rows with p <= a"
    )
    print(f"{'a':>8}{'share':>10}{'error':>10}{'super-uniform':>16}")
    for share, reach, se in zip(SHARES, mean, error, strict=True):
        print(f"{share:>8}{reach:>10.4f}{se:>10.4f}{'yes' if reach <= share + 3 * se else 'NO':>16}")
    print(f"flagged by FalseAlarmRate({RATE}): {np.mean(false_alarms):.4f} of new normal rows")
    error = np.std(discoveries) / np.sqrt(repeats)
    print(
        f"FalseDiscoveryRate({FDR}), a fifth odd: {np.mean(discoveries):.3f} +- {error:.3f} false of those flagged "
        f"(promised at most {FDR * 0.8:.3f}), {np.mean(found):.0%} of the odd found"
    )


@dataclass(frozen=True)
class Judged:
    """One public set: its calibration rows, new normal rows and how many were flagged, false discoveries, power."""

    name: str
    n_calibration: int
    flagged: npt.NDArray[np.bool_]
    rate: float
    false_share: float | None
    found: float | None

    def within(self, most: int | None, *, exact: bool) -> bool:
        """Whether the flagged of the first ``most`` new rows lie in their 99 % interval.

        ``exact``: of the beta-binomial law of so many calibration rows; else of the binomial law, as if the
        threshold were known exactly.
        """
        flagged = self.flagged[:most]
        count = round(self.rate * (self.n_calibration + 1))
        law = (
            betabinom(len(flagged), count, self.n_calibration + 1 - count) if exact else binom(len(flagged), self.rate)
        )
        return bool(law.ppf(0.005) <= np.sum(flagged) <= law.ppf(0.995))


def judged(data: PublicSet, calibration: str) -> Judged | None:
    """Fit a random half of the normals; decide the other half, and a batch with one anomaly to nine normals."""
    half = len(data.normals) // 2
    detector = VAEDetector(calibration=calibration, random_state=0).fit(data.normals[:half])
    n_rows = detector.model_.calibration.n_rows
    if n_rows < 19:
        return None
    rate = max(RATE, np.ceil(100 / (n_rows + 1)) / 100)
    flagged = detector.decide(data.normals[half:], FalseAlarmRate(rate)).is_odd
    count = int(np.floor(rate * (n_rows + 1) + 1e-9))
    n_anomalies = min(len(data.anomalies), len(flagged) // 9, MAX_ANOMALIES)
    false_share = found = None
    if n_anomalies >= 5:
        batch = np.concatenate([data.normals[half:][: 9 * n_anomalies], data.anomalies[:n_anomalies]])
        is_odd = detector.decide(batch, FalseDiscoveryRate(FDR)).is_odd
        false_share = float(np.sum(is_odd[: 9 * n_anomalies]) / max(np.sum(is_odd), 1))
        found = float(np.mean(is_odd[9 * n_anomalies :]))
    return Judged(data.name, n_rows, flagged, count / (n_rows + 1), false_share, found)


def public(calibration: str) -> None:
    """Print a line a set, and how many keep the promise."""
    print(f"\n### Public sets, calibration={calibration!r}: flagged at the stated rate among normal rows never seen")
    print(
        f"{'set':<28}{'calibr.':>8}{'rate':>8}{'new':>7}{'flagged':>9}{'binom.':>8}{'exact':>7}{'FDP':>7}{'power':>7}"
    )
    rows: list[Judged] = []
    sets = [*public_sets("adbench", MAX_NORMALS), *list(public_sets("oddbench", MAX_NORMALS))[:MAX_ODDBENCH]]
    for data in sets:
        row = judged(data, calibration)
        if row is None:
            print(f"{data.name:<28} too few rows to calibrate")
            continue
        rows.append(row)
        said = [
            "yes" if ok else "NO"
            for ok in (row.within(row.n_calibration // 2, exact=False), row.within(None, exact=True))
        ]
        fdr = ["-" if value is None else f"{value:.2f}" for value in (row.false_share, row.found)]
        print(
            f"{row.name:<28}{row.n_calibration:>8}{row.rate:>8.4f}{len(row.flagged):>7}{np.mean(row.flagged):>9.4f}"
            f"{said[0]:>8}{said[1]:>7}{fdr[0]:>7}{fdr[1]:>7}",
            flush=True,
        )
    shares = [row.false_share for row in rows if row.false_share is not None]
    found = [row.found for row in rows if row.found is not None]
    literal = np.mean([row.within(row.n_calibration // 2, exact=False) for row in rows])
    exact = np.mean([row.within(None, exact=True) for row in rows])
    everything = np.mean([row.within(None, exact=False) for row in rows])
    over = np.mean([np.mean(row.flagged) / row.rate for row in rows])
    print(f"{len(rows)} sets; share of them within the 99 % interval of the false alarms:")
    print(f"  {exact:.1%} by the exact law, all new rows")
    print(f"  {literal:.1%} by the binomial law, half as many new rows as calibration rows")
    print(f"  {everything:.1%} by the binomial law, all new rows (it takes the threshold for known exactly)")
    print(f"mean of rate flagged / rate promised: {over:.2f}")
    print(
        f"FalseDiscoveryRate({FDR}), a tenth odd, {len(shares)} sets: mean share of false discoveries "
        f"{np.mean(shares):.3f} (promised at most {FDR * 0.9:.3f}), {np.mean(found):.0%} of the odd found"
    )


def main(arguments: Sequence[str]) -> None:
    """Print all, or the parts that are named."""
    repeats = int(arguments[0]) if arguments else 200
    named = set(arguments[1:])
    warnings.simplefilter("ignore", TrainingHealthWarning)  # what is promised holds for a poor fit, too
    print("## Calibration")
    for calibration in ("split", "cross"):
        if calibration not in named and named & {"split", "cross"}:
            continue
        if "simulated" in named or not named & {"simulated", "public"}:
            simulated(repeats, calibration)
        if "public" in named or not named & {"simulated", "public"}:
            public(calibration)

"""InternalBleeding16: the rank of the one labelled event among the merged events of the default detector.

A blood pressure of 7,501 points from the archive of the SIGKDD 2021 competition (E. Keogh and others), which aeon 1.6
carries in its package; 12 points are labelled. The archive's training part, the first 1,200 points, is learned, and the
others are scored. Windows have a quarter of the training part's period, the first peak of its autocorrelation; half a
period and a whole one are printed beside it. No label is used before the event is looked up. The random split of the
calibration is printed beside the blocks of time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks._peers import peer_python
from oddrow import VAEDetector
from oddrow.metrics import sequence_metrics
from oddrow.sequences import merge_events, strongest_events

PACKAGE = "aeon==1.6.0"
PATTERN = "lib/python*/site-packages/aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv"
N_TRAINING = 1200
"""Points of the archive's training part; the file of the test part begins with them."""
N_HIGHEST = 5
"""The goal: the labelled event among so many of the highest."""
MAX_COVERED = 0.05
"""Maximum share of the scored points in the labelled event; where everything is flagged, any rank is reached."""
CALIBRATIONS: dict[str, dict[str, Any]] = {"split": {}, "blocks": {"calibration": "blocks", "time": "order"}}
"""Parameters of the detector; the windows are in the order of time."""
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Figures(NamedTuple):
    """What is printed of one fit.

    ``rank`` is that of the labelled event by peak surprise among all merged events, None if it is none of them.
    ``covered`` is the share of the scored points from its start to its end. ``peak_rank`` is its rank among the peaks
    of the surprise that are more than a window apart, without any decision.
    """

    flagged: float
    n_events: int
    rank: int | None
    covered: float
    peak_rank: int
    peaks: list[float]
    vus_pr: float | None
    seconds: float


def data_file() -> Path | None:
    """The file of the data set in aeon's environment; None where it cannot be installed."""
    python = peer_python("aeon", PACKAGE)
    return None if python is None else next(python.parents[1].glob(PATTERN), None)


def period(values: Floats) -> int:
    """The first peak of the autocorrelation after it was negative, in points."""
    centred = values - values.mean()
    correlation = np.correlate(centred, centred, "full")[len(centred) - 1 :]
    start = int(np.argmax(correlation < 0))
    return start + int(np.argmax(correlation[start : len(values) // 2]))


def windows(values: Floats, length: int) -> pa.Table:
    """A row for each window of ``length`` points, in the order of their ends, with the statistics of ``Windows``."""
    parts = np.lib.stride_tricks.sliding_window_view(values, length)
    place = np.arange(length) - (length - 1) / 2
    return pa.table(
        {
            "value.last": parts[:, -1],
            "value.mean": parts.mean(axis=1),
            "value.std": parts.std(axis=1),
            "value.min": parts.min(axis=1),
            "value.max": parts.max(axis=1),
            "value.trend": parts @ place / (place @ place),
            "value.step": np.abs(np.diff(parts, axis=1)).mean(axis=1),
            "value.lag1": parts[:, -2],
        }
    )


def scored(values: Floats, length: int, calibration: str, seed: int) -> tuple[Floats, Flags]:
    """Surprise and decision of each point, by the window that ends there; NaN and False before the first window."""
    detector = VAEDetector(random_state=seed, **CALIBRATIONS[calibration])
    detector.fit(windows(values[:N_TRAINING], length))
    surprise, is_odd = np.full(len(values), np.nan), np.zeros(len(values), dtype=bool)
    rows = windows(values[N_TRAINING:], length)  # no window holds a training point
    surprise[N_TRAINING + length - 1 :] = detector.surprise(rows)
    is_odd[N_TRAINING + length - 1 :] = detector.predict(rows) == -1
    return surprise, is_odd


def peak_rank(surprise: Floats, is_near: Flags, length: int) -> int:
    """The rank of the first peak near the event; each peak hides what is at most a window away from it."""
    left = np.nan_to_num(surprise, nan=-np.inf)
    for rank in range(1, len(left) + 1):
        peak = int(np.argmax(left))
        if is_near[peak] or left[peak] == -np.inf:
            return rank
        left[max(peak - length, 0) : peak + length + 1] = -np.inf
    return len(left)


def measured(values: Floats, is_anomaly: Flags, length: int, calibration: str, seed: int) -> Figures:
    """All figures of one fit."""
    started = time.perf_counter()
    surprise, is_odd = scored(values, length, calibration, seed)
    seconds = time.perf_counter() - started
    events = strongest_events(merge_events(range(len(values)), surprise, is_odd, max_gap=length), len(values))
    labelled = np.flatnonzero(is_anomaly)
    is_near = np.zeros(len(values), dtype=bool)
    is_near[labelled[0] : labelled[-1] + length] = True  # the windows that hold a labelled point
    ranks = [rank for rank, event in enumerate(events, start=1) if is_near[event.peak_row]]
    found = events[ranks[0] - 1] if ranks else None
    n_scored = int(np.sum(~np.isnan(surprise)))
    figures = sequence_metrics(is_anomaly, surprise, is_odd, max_buffer=length)
    return Figures(
        flagged=float(is_odd[~np.isnan(surprise) & ~is_near].mean()),
        n_events=len(events),
        rank=ranks[0] if ranks else None,
        covered=(found.end - found.start + 1) / n_scored if found else 0.0,
        peak_rank=peak_rank(surprise, is_near, length),
        peaks=[event.peak_surprise for event in events[:3]],
        vus_pr=figures.vus_pr,
        seconds=seconds,
    )


def is_reached(figures: Figures) -> bool:
    """Whether the goal is reached, by an event and by its peak alone."""
    if figures.rank is None or figures.covered > MAX_COVERED:
        return False
    return max(figures.rank, figures.peak_rank) <= N_HIGHEST


def main(arguments: Sequence[str]) -> None:
    """Print a line for each length and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="seeds of the fits")
    parser.add_argument("--lengths", type=int, nargs="*", help="points of a window, instead of parts of the period")
    parser.add_argument(
        "--calibrations", nargs="*", default=[*CALIBRATIONS], choices=[*CALIBRATIONS], help="which ones"
    )
    chosen = parser.parse_args(arguments)
    path = data_file()
    if path is None:
        sys.exit(f"InternalBleeding16 is not there; it comes with {PACKAGE}: pip install it into .venvs/aeon")
    _, values, label = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    found = period(values[:N_TRAINING])
    print(f"## InternalBleeding16: period of the training part {found} points")
    print(
        "length  calibration  seed  flagged  events  rank  covers  peak rank  highest peaks     VUS-PR  seconds  goal"
    )
    for length in chosen.lengths or (found // 4, found // 2, found):
        for calibration in chosen.calibrations:
            for seed in chosen.seeds:
                of = measured(values, label > 0, length, calibration, seed)
                peaks = " ".join(f"{peak:.1f}" for peak in of.peaks)
                print(
                    f"{length:>6}  {calibration:<11}{seed:>6}{of.flagged:>9.2%}{of.n_events:>8}{of.rank or '-':>6}"
                    f"{of.covered:>8.1%}{of.peak_rank:>11}  {peaks:<16}{of.vus_pr or 0:>8.3f}{of.seconds:>9.1f}"
                    f"  {'reached' if is_reached(of) else 'missed'}"
                )

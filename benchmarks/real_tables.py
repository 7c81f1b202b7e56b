"""Tables as people have them: false alarms of the next span beside a column that runs on, and planted jumps.

``python -m benchmarks real_tables`` fits 20 generated tables with 5 seeds each: regular and irregular clocks, days,
epochs, counters and running ids beside 1 to 30 ordinary columns. The next span is as long as the training span, and no
row of it is odd. ``--tables`` and ``--seeds`` make fewer.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import betabinom

from oddrow import VAEDetector

Array = npt.NDArray[Any]
ROWS = 1_500
JUMPS = 50
SPANS = 3
"""A planted jump is so many training spans ahead or back."""
BEFORE: Mapping[str, float] = {
    "regular clock": 0.042,
    "irregular clock": 0.29,
    "days": 0.18,
    "epoch seconds": 0.96,
    "row number": 0.99,
    "running id": 0.96,
    "seconds since the first row": 0.993,
}
"""The share flagged of the next span before columns that run on were told apart, where 1 % is promised."""

_START = np.datetime64("2024-01-01T00:00:00", "s")


def _gaps(mean: float, n: int, rng: np.random.Generator) -> Array:
    return np.cumsum(rng.exponential(mean, n)).astype(np.int64)


COLUMNS: Mapping[str, Callable[[int, np.random.Generator], Array]] = {
    "regular clock": lambda n, rng: _START + np.arange(n) * 3600,  # noqa: ARG005 - the signature of all
    "irregular clock": lambda n, rng: _START + _gaps(3600, n, rng),
    "days": lambda n, rng: (_START + np.arange(n) * 3600).astype("datetime64[D]"),  # noqa: ARG005
    "epoch seconds": lambda n, rng: 1_704_067_200 + _gaps(3600, n, rng),
    "epoch milliseconds": lambda n, rng: (1_704_067_200 + _gaps(600, n, rng)) * 1_000 + rng.integers(0, 1_000, n),
    "row number": lambda n, rng: np.arange(n),  # noqa: ARG005
    "running id": lambda n, rng: 10_000_000 + np.cumsum(rng.integers(1, 9, n)),
    "seconds since the first row": lambda n, rng: np.round(np.cumsum(rng.exponential(30, n))),
    "days as 31/01/2024": lambda n, rng: _written(_START + np.arange(n) * 3600, "%d/%m/%Y"),  # noqa: ARG005
    "times as text": lambda n, rng: _written(_START + _gaps(1800, n, rng), "%Y-%m-%d %H:%M:%S"),
}
WIDTHS = (1, 3, 10, 30)


def _written(moments: Array, form: str) -> Array:
    return np.asarray(pd.Series(moments).dt.strftime(form), dtype=object)


def made(name: str, n_others: int, seed: int) -> pd.DataFrame:
    """Training rows and as many rows after them; ordinary columns that go together or alone, of several kinds."""
    rng = np.random.default_rng([seed, n_others, list(COLUMNS).index(name)])
    n = 2 * ROWS
    common = rng.normal(size=n)
    columns: dict[str, Any] = {"c": COLUMNS[name](n, rng)}
    for place in range(n_others):
        drawn = rng.normal(size=n)
        if place % 3 == 0:
            columns[f"x{place}"] = 0.7 * common + 0.7 * drawn
        elif place % 3 == 1:
            columns[f"x{place}"] = np.exp(drawn)
        else:
            columns[f"x{place}"] = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    return pd.DataFrame(columns)


def jumped(frame: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame | None:
    """Later rows whose running value jumps ahead (the first half) or back; None where it is text."""
    if isinstance(frame["c"].iloc[0], str):
        return None
    span = frame["c"].iloc[-1] - frame["c"].iloc[0]
    rows = later.iloc[:: len(later) // JUMPS].copy()
    half = len(rows) // 2
    values = rows["c"].to_numpy(copy=True)
    values[:half] = values[:half] + SPANS * span
    values[half:] = values[half:] - SPANS * span
    rows["c"] = values
    return rows


def main() -> None:
    """Fit, score the next span, plant jumps; print a line for each table and the verdict."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    pairs = [(name, width) for width in WIDTHS for name in COLUMNS]
    # every kind twice: beside few columns and beside many
    n = len(COLUMNS)
    chosen = [*pairs[:n], *pairs[3 * n :], *pairs[n : 3 * n]][: asked.tables]
    inside = total = 0
    print(f"{'column that runs on':30} {'others':>6} {'flagged':>9} {'before':>7} {'inside':>7} {'jumps found':>12}")
    for name, width in chosen:
        shares, found, n_inside = [], [], 0
        for seed in range(asked.seeds):
            frame = made(name, width, seed)
            detector = VAEDetector(random_state=seed).fit(frame[:ROWS])
            n_flagged = int(np.sum(detector.predict(frame[ROWS:]) == -1))
            shares.append(n_flagged / ROWS)
            n_rows = detector.model_.calibration.n_rows
            count = int(np.floor(0.01 * (n_rows + 1)))
            low, high = betabinom(ROWS, count, n_rows + 1 - count).interval(0.99)
            n_inside += low <= n_flagged <= high
            rows = jumped(frame[:ROWS], frame[ROWS:])
            if rows is not None:
                found.append(float(np.mean(detector.predict(rows) == -1)))
        inside, total = inside + n_inside, total + asked.seeds
        before = f"{BEFORE[name]:.1%}" if name in BEFORE else ""
        jumps = f"{np.mean(found):.1%}" if found else ""
        print(
            f"{name:30} {width:6} {np.mean(shares):9.2%} {before:>7} {n_inside:>4}/{asked.seeds} {jumps:>12}",
            flush=True,
        )
    print(f"inside the exact 99 % interval of the promised 1 %: {inside} of {total} ({inside / total:.0%}; asked 95 %)")


if __name__ == "__main__":
    main()

"""Tables as people have them: false alarms of the next part, kind of fault by kind, and of columns that run on.

``python -m benchmarks real_tables`` prints the kinds of fault in text files and typed tables, each with the share that
was flagged of an ordinary next part before and now. Then it fits 20 generated tables with 5 seeds each: regular and
irregular clocks, days, epochs, counters and running ids beside 1 to 30 ordinary columns. The next span is as long as
the training span, and no row of it is odd. ``--tables`` and ``--seeds`` make fewer.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import betabinom

from oddrow import VAEDetector, files

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


def written(columns: Mapping[str, Any]) -> Any:
    """A table as it comes from a CSV file: every field as it is written."""
    text = pd.DataFrame(dict(columns)).to_csv(index=False).encode()
    return files.open(io.BytesIO(text)).read()


def _some(values: Array, other: str, every: int) -> Array:
    """The values as text, with another text in every so many rows."""
    return np.where(np.arange(len(values)) % every == 0, other, values.astype(str)).astype(object)


def _numbers(rng: np.random.Generator, n: int = ROWS) -> Array:
    return np.round(rng.normal(50, 5, n), 3)


def _dates(form: str, first: int, n: int = ROWS) -> Array:
    return _written(_START + (first + np.arange(n)) * 3_600, form)


def _money(rng: np.random.Generator, n: int = ROWS) -> Array:
    texts = (f"{value:,.2f}" for value in rng.lognormal(7, 1, n))
    return np.array([text.translate(str.maketrans(",.", ".,")) + " EUR" for text in texts], dtype=object)


Part = Callable[[np.random.Generator], Any]
FAULTS: Mapping[str, tuple[str, Part, Part]] = {
    "dates as 31/01/2024": (
        "100 %",
        lambda rng: written({"c": _dates("%d/%m/%Y", 0), "x": _numbers(rng)}),
        lambda rng: written({"c": _dates("%d/%m/%Y", ROWS), "x": _numbers(rng)}),
    ),
    "dates as 31-Jan-24 02:00 PM, one 'unknown'": (
        "100 %",
        lambda rng: written({"c": _some(_dates("%d-%b-%y %I:%M %p", 0), "unknown", ROWS), "x": _numbers(rng)}),
        lambda rng: written({"c": _dates("%d-%b-%y %I:%M %p", ROWS), "x": _numbers(rng)}),
    ),
    "True and False, and Unknown in training alone": (
        "100 %",
        lambda rng: written({"c": _some(rng.random(ROWS) < 0.5, "Unknown", 50), "x": _numbers(rng)}),
        lambda rng: written({"c": rng.random(ROWS) < 0.5, "x": _numbers(rng)}),
    ),
    "1.0 to 5.0, and dk in training alone": (
        "100 %",
        lambda rng: written({"c": _some(rng.integers(1, 6, ROWS) * 1.0, "dk", 50), "x": _numbers(rng)}),
        lambda rng: written({"c": rng.integers(1, 6, ROWS) * 1.0, "x": _numbers(rng)}),
    ),
    r"numbers, and \N in training alone": (
        "10 %",
        lambda rng: written({"c": _some(_numbers(rng), r"\N", 200), "x": _numbers(rng)}),
        lambda rng: written({"c": _numbers(rng), "x": _numbers(rng)}),
    ),
    "amounts as 1.234,56 EUR": (
        "10 %",
        lambda rng: written({"c": _money(rng), "x": _numbers(rng)}),
        lambda rng: written({"c": _money(rng), "x": _numbers(rng)}),
    ),
    "a constant .1 in double, then in single precision": (
        "100 %",
        lambda rng: pd.DataFrame({"c": np.full(ROWS, 0.1), "x": _numbers(rng)}),
        lambda rng: pd.DataFrame({"c": np.full(ROWS, 0.1, np.float32), "x": _numbers(rng)}),
    ),
    "numbers with a few infinite fields": (
        "refused",
        lambda rng: written({"c": _some(_numbers(rng), "Infinity", 100), "x": _numbers(rng)}),
        lambda rng: written({"c": _some(_numbers(rng), "Infinity", 100), "x": _numbers(rng)}),
    ),
    "a column that is empty": (
        "refused",
        lambda rng: written({"c": [None] * ROWS, "x": _numbers(rng)}),
        lambda rng: written({"c": [None] * ROWS, "x": _numbers(rng)}),
    ),
}


def print_faults() -> None:
    """Each kind of fault: what an ordinary next part was before, and is now."""
    print(f"{'kind of fault':50} {'before':>8} {'now':>7}")
    for name, (before, first, following) in FAULTS.items():
        rng = np.random.default_rng(0)
        detector = VAEDetector(random_state=0).fit(first(rng))
        share = np.mean(detector.predict(following(rng)) == -1)
        print(f"{name:50} {before:>8} {share:7.2%}", flush=True)
    print()


def main(arguments: Sequence[str]) -> None:
    """Fit, score the next span, plant jumps; print a line for each table and the verdict."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    print_faults()
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
    if total:
        share = f"{inside / total:.0%}; asked 95 %"
        print(f"inside the exact 99 % interval of the promised 1 %: {inside} of {total} ({share})")

"""Whether the promised share of false alarms holds for later rows of 40 processes, by random split and by blocks.

The processes have no anomalies and do not change in the long run. Each is fitted twice, with the random split and with
``calibration="blocks"``. The share of later rows that is flagged is measured on a long continuation, every 49th step
of 1,000,000, or on 5,000 new groups.

``python -m benchmarks processes [--only NAME ...] [--results FILE] [--seed N]``: NAME is a process or the beginning of
several; results are added to FILE, one JSON object a line, and are not computed again; N draws other rows.
"""

from __future__ import annotations

import argparse
import json
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.signal import lfilter

from oddrow import VAEDetector
from oddrow.exceptions import DependenceWarning, TrainingHealthWarning

Floats = npt.NDArray[np.float64]
Walk = Callable[[int, np.random.Generator], Floats]
"""Draws a path [steps, d] of a process."""

ROWS, MANY_ROWS = 3_000, 5_000
APART = 3_000
"""Steps before the training rows, and between these and the later rows."""
LATER_STEPS, EVERY = 1_000_000, 49
"""Later rows: every so many steps, a number without common factor with the periods of the seasons."""
LATER_GROUPS = 5_000
BATCHES = 50
"""Batches of successive later rows, whose shares give the standard error of the measured share."""


@dataclass(frozen=True)
class Drawn:
    """Training rows and later rows of a process, and the parameters that say which rows depend on each other."""

    training: pa.Table
    later: pa.Table
    dependence: Mapping[str, str]
    ignored: tuple[str, ...] = ()


# Paths


def independent(steps: int, rng: np.random.Generator, *, width: int, skew: float = 0.0) -> Floats:
    """Correlated normal rows; with a skew, a logarithmic normal distribution of every second column."""
    rows = rng.normal(size=(steps, width)) @ (np.eye(width) + 0.5 * rng.normal(size=(width, width)))
    if skew:
        rows[:, ::2] = np.exp(skew * rows[:, ::2])
    return rows


def autoregressive(steps: int, rng: np.random.Generator, *, width: int, phi: float) -> Floats:
    """Columns AR(1) of variance 1, independent of each other."""
    noise = rng.normal(size=(steps, width)) * np.sqrt(1.0 - phi**2)
    noise[0] /= np.sqrt(1.0 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise, axis=0))


def common_factors(steps: int, rng: np.random.Generator, *, width: int, n_factors: int, phi: float) -> Floats:
    """Sensors that follow a few autoregressive factors, each with autoregressive noise of its own."""
    loadings = rng.normal(size=(n_factors, width)) / np.sqrt(n_factors)
    own = autoregressive(steps, rng, width=width, phi=0.5)
    return autoregressive(steps, rng, width=n_factors, phi=phi) @ loadings + 0.4 * own


def seasonal(steps: int, rng: np.random.Generator, *, width: int, period: int, phi: float) -> Floats:
    """A cycle with a phase of its own in every column, and autoregressive noise."""
    phase = rng.uniform(0.0, 2.0 * np.pi, width)
    cycle = np.sin(2.0 * np.pi * np.arange(steps)[:, None] / period + phase)
    return 1.5 * cycle + 0.6 * autoregressive(steps, rng, width=width, phi=phi)


def regimes(steps: int, rng: np.random.Generator, *, width: int, n_regimes: int, duration: float) -> Floats:
    """A hidden Markov chain of regimes with means and covariances of their own; mean duration in steps."""
    lasts = rng.geometric(1.0 / duration, 2 * int(steps / duration) + 100)
    jumps = rng.integers(1, n_regimes, len(lasts)) if n_regimes > 2 else np.ones(len(lasts), np.int64)
    regime = np.repeat(np.cumsum(jumps) % n_regimes, lasts)[:steps]
    mean = 2.0 * rng.normal(size=(n_regimes, width))
    mixing = np.eye(width) + 0.4 * rng.normal(size=(n_regimes, width, width))
    noise = rng.normal(size=(steps, width))
    rows = np.empty((steps, width))
    for each in range(n_regimes):
        rows[regime == each] = mean[each] + noise[regime == each] @ mixing[each]
    return rows


def volatile(steps: int, rng: np.random.Generator, *, width: int, reaction: float, memory: float) -> Floats:
    """Uncorrelated rows of one variance that follows GARCH(1, 1) of the mean square of the row before."""
    noise = rng.normal(size=(steps, width))
    power = np.mean(noise**2, axis=1).tolist()
    variance, variances = 1.0, np.empty(steps)
    for step in range(steps):
        variances[step] = variance
        variance = 1.0 - reaction - memory + (reaction * power[step] + memory) * variance
    return noise * np.sqrt(variances)[:, None]


# Tables of a path


def in_time(rng: np.random.Generator, *, path: Walk, rows: int = ROWS) -> Drawn:
    """Successive rows; later ones far after them."""
    steps = path(2 * APART + rows + LATER_STEPS, rng)
    training, later = steps[APART : APART + rows], steps[2 * APART + rows :: EVERY]
    return Drawn(table_of(training), table_of(later), {"time": "order"})


def in_windows(rng: np.random.Generator, *, path: Walk, length: int, step: int = 1, rows: int = ROWS) -> Drawn:
    """Statistics of overlapping windows, one every ``step`` steps."""
    n_steps = rows * step + length - 1
    steps = path(2 * APART + n_steps + LATER_STEPS, rng)
    training = window_statistics(steps[APART : APART + n_steps], length, step)
    later = window_statistics(steps[2 * APART + n_steps :], length, EVERY)
    return Drawn(table_of(training), table_of(later), {"time": "order"})


def window_statistics(steps: Floats, length: int, step: int) -> Floats:
    """Mean, deviation, extremes, last value and trend of every column in each window."""
    windows = np.lib.stride_tricks.sliding_window_view(steps, length, axis=0)[::step]
    when = np.arange(length) - (length - 1) / 2.0
    statistics = (
        windows.mean(-1),
        windows.std(-1),
        windows.min(-1),
        windows.max(-1),
        windows[..., -1],
        windows @ when / np.sum(when**2),
    )
    return np.concatenate(statistics, axis=1)


def in_new_groups(
    rng: np.random.Generator, *, groups: int, rows_each: int, width: int, effect: float, spread: float = 0.0
) -> Drawn:
    """Groups with a mean of their own, and a scale of their own if there is a spread; later rows of other groups."""
    mixing = np.eye(width) + 0.4 * rng.normal(size=(width, width))

    def draw(names: range, each: int) -> pa.Table:
        n_groups = len(names)
        mean, scale = effect * rng.normal(size=(n_groups, width)), np.exp(spread * rng.normal(size=n_groups))
        number = np.repeat(np.arange(n_groups), each)
        rows = (mean[number] + scale[number, None] * rng.normal(size=(len(number), width))) @ mixing
        return table_of(rows).append_column("customer", pa.array([f"customer {names[each]}" for each in number]))

    later = range(groups, groups + LATER_GROUPS)
    return Drawn(draw(range(groups), rows_each), draw(later, 4), {"group": "customer"}, ("customer",))


def in_same_groups(
    rng: np.random.Generator, *, groups: int, rows_each: int, width: int, effect: float, phi: float, time: str
) -> Drawn:
    """Machines with a mean of their own and autoregressive rows, all at the same times; later rows of the same ones."""
    mean = effect * rng.normal(size=(groups, width))
    later_steps = LATER_STEPS // groups
    every = max(LATER_STEPS // EVERY // groups, 1)
    steps = autoregressive(2 * APART + rows_each + later_steps, rng, width=groups * width, phi=phi)
    values = mean + steps.reshape(-1, groups, width)

    def table(start: int, stop: int, step: int) -> pa.Table:
        chosen = values[start:stop:step]
        hour = np.repeat(np.arange(start, stop, step), groups)
        machine = pa.array([f"machine {each}" for _ in chosen for each in range(groups)])
        rows = table_of(chosen.reshape(-1, width))
        return rows.append_column("hour", pa.array(hour)).append_column("machine", machine)

    first = 2 * APART + rows_each
    later = table(first, len(values), max((len(values) - first) // every, 1))
    dependence = {"time": time, "group": "machine"}
    return Drawn(table(APART, APART + rows_each, 1), later, dependence, ("hour", "machine"))


def table_of(rows: Floats) -> pa.Table:
    """Return a table with the columns "sensor 1", ..."""
    return pa.table({f"sensor {number + 1}": column for number, column in enumerate(rows.T)})


def processes() -> dict[str, Callable[[np.random.Generator], Drawn]]:
    """Return the 40 processes by their names."""
    found: dict[str, Callable[[np.random.Generator], Drawn]] = {
        "independent, 5 columns": partial(in_time, path=partial(independent, width=5)),
        "independent, skewed": partial(in_time, path=partial(independent, width=4, skew=0.7), rows=MANY_ROWS),
    }
    for phi, width, rows in (
        (0.5, 4, ROWS),
        (0.5, 8, ROWS),
        (0.9, 2, ROWS),
        (0.9, 5, ROWS),
        (0.9, 10, MANY_ROWS),
        (0.98, 2, ROWS),
        (0.98, 5, ROWS),
        (0.98, 10, MANY_ROWS),
    ):
        path = partial(autoregressive, width=width, phi=phi)
        found[f"AR {phi}, {width} columns"] = partial(in_time, path=path, rows=rows)
    for phi, n_factors, rows in ((0.8, 2, ROWS), (0.9, 3, ROWS), (0.97, 2, MANY_ROWS)):
        path = partial(common_factors, width=10, n_factors=n_factors, phi=phi)
        found[f"factors {phi}, {n_factors} of 10"] = partial(in_time, path=path, rows=rows)
    for period, phi, width, rows in ((24, 0.5, 3, ROWS), (24, 0.9, 6, ROWS), (96, 0.7, 4, ROWS), (288, 0.7, 4, 5_760)):
        path = partial(seasonal, width=width, period=period, phi=phi)
        found[f"seasonal {period}, noise {phi}"] = partial(in_time, path=path, rows=rows)
    for n_regimes, duration, width, rows in (
        (2, 30, 4, ROWS),
        (3, 30, 5, ROWS),
        (2, 60, 3, ROWS),
        (3, 100, 4, ROWS),
        (3, 100, 8, 6_000),
    ):
        path = partial(regimes, width=width, n_regimes=n_regimes, duration=duration)
        found[f"{n_regimes} regimes of {duration}, {width} columns"] = partial(in_time, path=path, rows=rows)
    for groups, rows_each, effect, spread in (
        (30, 100, 0.5, 0.0),
        (60, 50, 1.0, 0.0),
        (150, 20, 1.0, 0.0),
        (60, 50, 0.5, 0.3),
    ):
        draw = partial(in_new_groups, groups=groups, rows_each=rows_each, width=4, effect=effect, spread=spread)
        found[f"{groups} groups, new later, {effect} {spread}"] = draw
    for groups, rows_each, phi, time in ((10, 300, 0.9, "order"), (20, 200, 0.7, "hour")):
        draw = partial(in_same_groups, groups=groups, rows_each=rows_each, width=4, effect=1.0, phi=phi, time=time)
        found[f"{groups} groups, same later, AR {phi}"] = draw
    for reaction, memory, width in ((0.1, 0.85, 3), (0.3, 0.6, 5)):
        path = partial(volatile, width=width, reaction=reaction, memory=memory)
        found[f"GARCH {reaction} {memory}"] = partial(in_time, path=path)
    return found | window_processes()


def window_processes() -> dict[str, Callable[[np.random.Generator], Drawn]]:
    """Return the processes whose rows are windows of a series."""
    found: dict[str, Callable[[np.random.Generator], Drawn]] = {}
    for phi, length, step, width in (
        (0.5, 16, 1, 1),
        (0.5, 64, 8, 1),
        (0.9, 16, 1, 1),
        (0.9, 16, 4, 2),
        (0.9, 64, 4, 1),
        (0.98, 16, 4, 1),
    ):
        path = partial(autoregressive, width=width, phi=phi)
        found[f"windows {length}/{step} of AR {phi}, {width}"] = partial(
            in_windows, path=path, length=length, step=step
        )
    for period, length, step, width in ((24, 16, 1, 1), (24, 64, 4, 1), (96, 16, 2, 2), (96, 64, 8, 1)):
        path = partial(seasonal, width=width, period=period, phi=0.7)
        found[f"windows {length}/{step} of season {period}, {width}"] = partial(
            in_windows, path=path, length=length, step=step
        )
    return found


# Measuring


@dataclass(frozen=True)
class Measured:
    """The share of later rows that a fit flags, its standard error, and what the fit promised."""

    share: float
    error: float
    low: float
    high: float
    n_effective: float

    @property
    def is_inside(self) -> bool:
        """Whether the share lies inside the promised interval."""
        return self.low <= self.share <= self.high

    def __str__(self) -> str:
        ends = f"{self.low:7.2%} to {self.high:6.2%} {'yes' if self.is_inside else 'NO':>4}"
        return f"{self.share:8.2%} ±{self.error:6.2%} {ends}"


def measured(detector: VAEDetector, drawn: Drawn) -> Measured:
    """Fit the training rows and flag the later ones."""
    detector.fit(drawn.training)
    model = detector.model_
    promise = model.policy.promise(model.calibration)
    is_flagged = detector.decide(drawn.later).is_odd
    shares = [float(batch.mean()) for batch in np.array_split(is_flagged, BATCHES)]
    error = float(np.std(shares, ddof=1) / np.sqrt(BATCHES))
    low, high = promise.low or 0.0, 1.0 if promise.high is None else promise.high
    return Measured(float(is_flagged.mean()), error, low, high, model.calibration.n_independent)


def both(name: str, draw: Callable[[np.random.Generator], Drawn], seed: int) -> dict[str, Any]:
    """Measure one process, by the random split and by blocks; another seed is another draw of its rows."""
    drawn = draw(np.random.default_rng(zlib.crc32(f"{name} {seed}".encode() if seed else name.encode())))
    columns = dict.fromkeys(drawn.ignored, "ignore")
    split = VAEDetector(random_state=0, columns=columns or None)
    blocks = VAEDetector(random_state=0, columns=columns or None, calibration="blocks", **drawn.dependence)
    found = {"split": asdict(measured(split, drawn)), "blocks": asdict(measured(blocks, drawn))}
    return {"process": name, "seed": seed, "rows": drawn.training.num_rows, **found}


def show(result: Mapping[str, Any]) -> tuple[bool, bool]:
    """Print the line of a process; return whether the split and the blocks keep their promise."""
    split, blocks = Measured(**result["split"]), Measured(**result["blocks"])
    worth = f"{blocks.n_effective:8,.0f}"
    print(f"{result['process']:<36}{result['rows']:>6} |{split} |{blocks} {worth}", flush=True)
    return split.is_inside, blocks.is_inside


def chosen(names: Sequence[str]) -> dict[str, Callable[[np.random.Generator], Drawn]]:
    """Return the processes whose names begin with one of these, in their order; all without names."""
    every = processes()
    order = [name for start in names for name in every if name.startswith(start)] if names else list(every)
    return {name: every[name] for name in order}


def main(arguments: Sequence[str]) -> None:
    """Print a line a process, and how many keep their promise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks processes")
    parser.add_argument("--only", nargs="+", default=[], help="processes, or the beginnings of their names")
    parser.add_argument("--results", type=Path, help="a file to which results are added; those in it are taken over")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other rows of every process")
    options = parser.parse_args(list(arguments))
    for ignored in (DependenceWarning, TrainingHealthWarning):  # what is promised holds for a poor fit, too
        warnings.simplefilter("ignore", ignored)
    done: dict[str, dict[str, Any]] = {}
    if options.results is not None and options.results.exists():
        lines = [json.loads(line) for line in options.results.read_text(encoding="utf-8").splitlines()]
        done = {line["process"]: line for line in lines if line["seed"] == options.seed}
    print("## Processes: later rows flagged, the promised 95 % interval, and whether the share is inside\n")
    print(f"{'process':<36}{'rows':>6} |{'random split':>39} |{'blocks':>39} {'worth':>8}")
    kept = []
    for name, draw in chosen(options.only).items():
        result = done.get(name)
        if result is None:
            result = both(name, draw, options.seed)
            if options.results is not None:
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
        kept.append(show(result))
    split, blocks = np.sum(kept, axis=0)
    print(f"\n{len(kept)} processes; inside the promised interval: {split} by the split, {blocks} by blocks")

"""How the cost grows: a cross through rows and columns, each with the other held, and the fitted exponents.

``python -m benchmarks scaling [MAX_ROWS] [MAX_COLUMNS]``; up to 1,000,000 rows of 10 columns and up to 1,000 columns
of 4,000 rows unless said otherwise. The steps of a fit are held (200), for how many are needed depends on the table and
not on its size; what is left is what each row and each column costs. CPU seconds are those of all threads.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import oddrow
from oddrow.exceptions import TrainingHealthWarning

ROWS, COLUMNS = (1_000, 10_000, 100_000, 1_000_000), (4, 10, 30, 100, 300, 1_000)
ROWS_HELD, COLUMNS_HELD, STEPS = 4_000, 10, 200


class Cost(NamedTuple):
    """Wall-clock and CPU seconds of a fit, and of scoring the same rows."""

    fit: float
    fit_cpu: float
    score: float
    score_cpu: float


def made_table(n_rows: int, n_columns: int) -> npt.NDArray[np.float64]:
    """Numbers that depend on each other through a tenth as many causes."""
    rng = np.random.default_rng(0)
    causes = rng.normal(size=(n_rows, max(2, n_columns // 10)))
    return causes @ rng.normal(size=(causes.shape[1], n_columns)) + 0.3 * rng.normal(size=(n_rows, n_columns))


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    started, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - started, time.process_time() - cpu


def cost(n_rows: int, n_columns: int) -> Cost:
    table = made_table(n_rows, n_columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingHealthWarning)
        detector, fit, fit_cpu = measured(lambda: oddrow.VAEDetector(random_state=0, max_steps=STEPS).fit(table))
    _, score, score_cpu = measured(lambda: detector.surprise(table))
    return Cost(fit, fit_cpu, score, score_cpu)


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log seconds over log size, by least squares; 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def arm(title: str, sizes: list[int], cost_of: Callable[[int], Cost]) -> None:
    costs = []
    print(f"{title:>12} " + " ".join(f"{name.replace('_', ' '):>12}" for name in Cost._fields))
    for size in sizes:
        costs.append(one := cost_of(size))
        print(f"{size:>12,} " + " ".join(f"{seconds:>12.2f}" for seconds in one), flush=True)
    for name, part in (("exponent", slice(None)), ("of last 2", slice(-2, None))):
        slopes = [exponent(sizes[part], [getattr(one, field) for one in costs][part]) for field in Cost._fields]
        print(f"{name:>12} " + " ".join(f"{slope:>12.2f}" for slope in slopes), flush=True)


def main(arguments: Sequence[str]) -> None:
    """Print both arms of the cross."""
    most_rows, most_columns = (*map(int, arguments), *(ROWS[-1], COLUMNS[-1])[len(arguments) :])
    cost(500, 3)  # what is loaded and compiled once for all
    rows, columns = [n for n in ROWS if n <= most_rows], [n for n in COLUMNS if n <= most_columns]
    print(f"## Scaling in rows: {COLUMNS_HELD} columns, {STEPS} steps")
    arm("rows", rows, lambda n_rows: cost(n_rows, COLUMNS_HELD))
    print(f"## Scaling in columns: {ROWS_HELD:,} rows, {STEPS} steps")
    arm("columns", columns, lambda n_columns: cost(ROWS_HELD, n_columns))

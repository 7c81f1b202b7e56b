"""What the page needs to say, for every threshold, how many rows are alerts and what that promises.

The page counts and looks up; it computes no probability. On the grid of 1/1024 nats, ``surprise > k / 1024`` holds
exactly where ``ceil(surprise * 1024) > k``, since a multiplication by a power of two does not round.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration
from oddrow.policies import CONFIDENCE, NOT_COVERED, ROWS, count_text
from oddrow.report._scored_rows import ScoredRows
from oddrow.report._triage import Block, CalibrationFacts

LEVELS: Final = 1024
"""Number of levels of one nat."""
Floats = npt.NDArray[np.float64]


def promise_blocks(rows: ScoredRows, calibration: Calibration) -> dict[str, Block]:
    """Return the blocks ``level``, ``calibration``, ``above``, ``low`` and ``high``.

    ``level`` and ``calibration`` are the levels of the rows and of the calibration rows, the highest first, as the
    first level and the steps down. ``above[c - 1]`` is the number of rows above the c-th highest surprise of a
    calibration row. ``low[c]`` and ``high[c]`` are the ends of the interval of the share of normal rows above it.
    """
    surprise = rows.scored.surprise[rows.order]
    normal = calibration.surprise(calibration.scores)[::-1]
    low, high = exceedance_intervals(calibration)
    return {
        "level": steps_down(levels(surprise)),
        "calibration": steps_down(levels(normal)),
        "above": np.searchsorted(-surprise, -normal, side="left").astype(np.uint32),
        "low": low,
        "high": high,
    }


def levels(surprise: Floats) -> npt.NDArray[np.int64]:
    """Return the level of each surprise [n]: ``surprise > k / 1024`` exactly where the level is above k."""
    return np.ceil(surprise * LEVELS).astype(np.int64)


def steps_down(descending: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """Return the first of descending levels [n], then the difference of each to the one before."""
    return np.concatenate([descending[:1], -np.diff(descending)]).astype(np.uint32)


def exceedance_intervals(calibration: Calibration) -> tuple[Floats, Floats]:
    """Return the ends of :func:`oddrow.policies.exceedance_interval` for 0, 1 ... m - 1 rows above, float64 [m] each.

    They are quantiles of beta distributions. SciPy computes them for all numbers together, a thousand times as fast.
    """
    from scipy.special import betaincinv

    above, n_rows = np.arange(calibration.n_rows), calibration.n_rows
    worth = 1.0 if calibration.n_effective is None else (calibration.n_effective + 1.0) / (n_rows + 1.0)
    first, second, tail = (above + 1) * worth, (n_rows - above) * worth, (1 - CONFIDENCE) / 2
    return betaincinv(first, second, tail), betaincinv(first, second, 1 - tail)


def calibration_facts(calibration: Calibration) -> CalibrationFacts:
    """Return the calibration rows in the words of a promise."""
    worth, text = calibration.n_effective, f"{calibration.n_rows:,} {ROWS[calibration.source]}"
    after = ""
    if worth is not None:
        text += f", worth {count_text(worth)} independent rows"
        after = f"; {NOT_COVERED}" if calibration.source == "block cross-fitted" else ""
    return CalibrationFacts(calibration.n_rows, worth, calibration.source, text, after)

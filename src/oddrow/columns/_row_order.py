"""Statistics of the order of rows: whether values rise with the rows, as times of events do, or only identify rows.

Where later rows have later values, a value beyond all training values says nothing about its row.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIN_ROWS = 30
"""Fewer rows show no order."""
MAX_ROWS = 20_000
"""Rows that are looked at, evenly spread."""
MIN_VALUES = 8
"""A column of fewer different values does not run on: a table may be sorted by it."""
MAX_BACK_STEPS = 0.01
"""Largest share of steps against the direction in a column of numbers that runs on."""
MIN_RANK_CORRELATION = 0.9
"""Of times with the order of the rows: clocks may be read a little out of order."""
MAX_AT_ENDS = 0.35
"""Largest share of the range of a column that runs on that its first and last tenth of rows take: about 0.2 if steps
are of one size. Of sorted measurements it is more (normal ones: a half), since large and small values are rare: such a
column is what the table is sorted by, and does not run on."""
LARGEST_STEPS = 0.01
"""The share of steps, the largest, that this leaves out: a pause is one large step."""
DENSE = 2.0
"""Different whole numbers in a range at most so many times their count are numbers that were given out."""
_IDENTIFYING_NAME = re.compile(
    r"(^|[^a-z])(id|ids|uid|uuid|guid|key|pk|no|nr|num|idx|index|row|rownum|rowid|seq|serial|number)$"
    r"|^unnamed: ?\d+$|^$",
)


@dataclass(frozen=True)
class Run:
    """How a column runs on: up with the rows, or down."""

    is_ascending: bool


def evenly(n_rows: int) -> npt.NDArray[np.int64]:
    """The rows that are looked at."""
    return np.linspace(0, n_rows - 1, min(n_rows, MAX_ROWS), dtype=np.int64) if n_rows else np.zeros(0, np.int64)


def number_run(values: Floats) -> Run | None:
    """How numbers [n] in some order of rows run on; None if they do not. NaN is left out."""
    present = values[~np.isnan(values)]
    if len(present) < MIN_ROWS:
        return None
    steps = np.diff(present / 2)  # halves: a step between huge numbers must not overflow
    up, down = int(np.sum(steps > 0)), int(np.sum(steps < 0))
    if min(up, down) > MAX_BACK_STEPS * (up + down) or up + down + 1 < MIN_VALUES:
        return None
    if _rank_correlation(present) < 0.99 or _is_sorted_measurement(present):
        return None
    return Run(up > down)


def time_run(values: Floats) -> Run | None:
    """The same of times, which may be a little out of order, and of which a table may well be sorted."""
    present = values[~np.isnan(values)]
    if len(present) < MIN_ROWS:
        return None
    correlation = _signed_rank_correlation(present)
    return Run(correlation > 0) if abs(correlation) >= MIN_RANK_CORRELATION else None


def is_numbering(values: Floats, name: str, n_rows: int) -> bool:
    """Whether numbers [n] identify rows: all whole, all different, and given out densely or named as identifiers are.

    ``n_rows`` has the whole table, of which these may be some rows.
    """
    present = values[~np.isnan(values)]
    if len(present) < MIN_ROWS or not np.all(present == np.floor(present)):
        return False
    if len(np.unique(present)) < len(present):
        return False
    # halves: a range of huge numbers must not overflow
    is_dense = present.max() / 2 - present.min() / 2 + 0.5 <= DENSE * max(n_rows, len(present)) / 2
    return bool(is_dense or _IDENTIFYING_NAME.search(name.strip().lower()) or _ends_in_id(name))


def _ends_in_id(name: str) -> bool:
    return re.search(r"[a-z](Id|ID|Key|Index|Number|Nr)$", name.strip()) is not None


def _rank_correlation(values: Floats) -> float:
    return abs(_signed_rank_correlation(values))


def _signed_rank_correlation(values: Floats) -> float:
    """Spearman's rank correlation with the order of the rows; equal values share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return 0.0
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1])


def _is_sorted_measurement(values: Floats) -> bool:
    """Whether steps at the two ends are far larger than between them."""
    steps = np.abs(np.diff(values / 2))
    n_left_out = math.ceil(LARGEST_STEPS * np.count_nonzero(steps))
    steps[np.argsort(-steps, kind="stable")[:n_left_out]] = 0.0
    tenth = math.ceil(len(steps) / 10)
    total = float(np.sum(steps / len(steps)))  # a mean: a sum of huge steps must not overflow
    ends = float(np.sum(steps[:tenth] / len(steps)) + np.sum(steps[-tenth:] / len(steps)))
    return total > 0 and ends > MAX_AT_ENDS * total


def is_identifier_form(lengths: Floats, has_blank: npt.NDArray[np.bool_], has_digit: npt.NDArray[np.bool_]) -> bool:
    """Whether texts [n], all different, look given out: one word each, with digits, of nearly one length."""
    if len(lengths) < MIN_ROWS or has_blank.any() or np.mean(has_digit) < 0.95:
        return False
    shortest, longest = np.quantile(lengths, [0.02, 0.98])
    return bool(longest - shortest <= max(4.0, 0.2 * longest))

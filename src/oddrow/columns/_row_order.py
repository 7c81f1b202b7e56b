"""Statistics of the order of rows: whether values rise with the rows, as times of events do, or only identify rows.

If later rows have later values, a new row is expected to lie beyond all training values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIN_ROWS = 30
"""Smallest number of rows in which an order is detected."""
MAX_ROWS = 20_000
"""Largest number of rows that are examined, evenly spread over the table."""
MIN_VALUES = 8
"""Smallest number of distinct values of a running column; a table may be sorted by a column with fewer."""
MAX_BACK_STEPS = 0.01
"""Largest share of steps against the direction in a running column of numbers."""
MIN_RANK_CORRELATION = 0.9
"""Smallest rank correlation of times with the order of the rows; a few times may be recorded out of order."""
MAX_AT_ENDS = 0.35
"""Largest share of the range of a running column that lies in the first and the last tenth of its rows: about 0.2 if
all steps are equal. It is higher in sorted measurements (0.5 for normal ones), since large and small values are rare; a
column of that sort is the one by which the table is sorted, and does not run on."""
LARGEST_STEPS = 0.01
"""The share of the largest steps that ``MAX_AT_ENDS`` leaves out; a pause is one large step."""
MAX_RANGE_PER_NUMBER = 2.0
"""Distinct whole numbers whose range is at most this many times their count were assigned one after the other."""
_IDENTIFYING_NAME = re.compile(
    r"(^|[^a-z])(id|ids|uid|uuid|guid|key|pk|no|nr|num|idx|index|row|rownum|rowid|seq|serial|number)$"
    r"|^unnamed: ?\d+$|^$",
)


@dataclass(frozen=True)
class Run:
    """The direction in which the values of a running column change with the rows."""

    is_ascending: bool


def evenly_spread(n_rows: int) -> npt.NDArray[np.int64]:
    """Return the indices of the rows that are examined."""
    return np.linspace(0, n_rows - 1, min(n_rows, MAX_ROWS), dtype=np.int64) if n_rows else np.zeros(0, np.int64)


def number_run(values: Floats) -> Run | None:
    """Return the direction in which numbers [n] run on in this order of rows, or None. NaN is left out."""
    present = values[~np.isnan(values)]
    if len(present) < MIN_ROWS:
        return None
    steps = np.diff(present / 2)  # halves, since a step between huge numbers could overflow
    up, down = int(np.sum(steps > 0)), int(np.sum(steps < 0))
    if min(up, down) > MAX_BACK_STEPS * (up + down) or up + down + 1 < MIN_VALUES:
        return None
    if _rank_correlation(present) < 0.99 or _is_sorted_measurement(present):
        return None
    return Run(up > down)


def time_run(values: Floats) -> Run | None:
    """Return the same for times [n], which may be slightly out of order and by which a table may be sorted."""
    present = values[~np.isnan(values)]
    if len(present) < MIN_ROWS:
        return None
    correlation = _signed_rank_correlation(present)
    return Run(correlation > 0) if abs(correlation) >= MIN_RANK_CORRELATION else None


def identifies_rows(values: Floats, name: str, n_rows: int) -> bool:
    """Return whether numbers [n] identify rows: whole, all different, and dense or with the name of an identifier.

    ``n_rows`` is the number of rows of the whole table, of which these may be a sample.
    """
    present = values[~np.isnan(values)]
    if len(present) < MIN_ROWS or not np.all(present == np.floor(present)):
        return False
    if len(np.unique(present)) < len(present):
        return False
    # halves, since a range of huge numbers could overflow
    is_dense = present.max() / 2 - present.min() / 2 + 0.5 <= MAX_RANGE_PER_NUMBER * max(n_rows, len(present)) / 2
    return bool(is_dense or _IDENTIFYING_NAME.search(name.strip().lower()) or _ends_in_id(name))


def _ends_in_id(name: str) -> bool:
    return re.search(r"[a-z](Id|ID|Key|Index|Number|Nr)$", name.strip()) is not None


def _rank_correlation(values: Floats) -> float:
    return abs(_signed_rank_correlation(values))


def _signed_rank_correlation(values: Floats) -> float:
    """Return Spearman's rank correlation with the order of the rows; equal values have their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return 0.0
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1])


def _is_sorted_measurement(values: Floats) -> bool:
    """Return whether the steps at the two ends are far larger than those between them."""
    steps = np.abs(np.diff(values / 2))
    n_left_out = math.ceil(LARGEST_STEPS * np.count_nonzero(steps))
    steps[np.argsort(-steps, kind="stable")[:n_left_out]] = 0.0
    tenth = math.ceil(len(steps) / 10)
    total = float(np.sum(steps / len(steps)))  # a mean, since a sum of huge steps could overflow
    ends = float(np.sum(steps[:tenth] / len(steps)) + np.sum(steps[-tenth:] / len(steps)))
    return total > 0 and ends > MAX_AT_ENDS * total


def is_identifier_form(lengths: Floats, has_blank: npt.NDArray[np.bool_], has_digit: npt.NDArray[np.bool_]) -> bool:
    """Return whether texts [n], all different, look like identifiers: one word with digits, of nearly equal length."""
    if len(lengths) < MIN_ROWS or has_blank.any() or np.mean(has_digit) < 0.95:
        return False
    shortest, longest = np.quantile(lengths, [0.02, 0.98])
    return bool(longest - shortest <= max(4.0, 0.2 * longest))

"""An exact test for a flood (more flagged rows than the policy's promise allows), and the note about it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from oddrow.calibration import Calibration
from oddrow.policies._decision import Flags, Floats
from oddrow.policies._promise import count_text

LEVEL = 1e-4
"""Significance level of the test: at most one table in 10,000 whose rows are like the training rows gets a note."""
REFERENCE_RATE = 0.01
"""The share of normal rows above the tested level, for a policy that promises no such share (an alert budget)."""
MIN_ROWS = 10
"""Minimum flagged rows of a flood, since a person can look at fewer. In a table of under 20 rows, half suffice."""
CHANGED_SHARE = 0.2
"""Minimum flagged share of the table for a note that a column has changed; below it, the rows may also be odd."""
NAMED_SHARE, MAX_NAMED = 0.8, 3
"""The note names the fewest columns that are the first reason of this share of the flagged rows, but at most three."""


class RareLevel(NamedTuple):
    """A surprise in nats, and the largest number of calibration rows that can be above it."""

    nats: float
    exceeded: int


def reference_level(calibration: Calibration) -> RareLevel:
    """Return the surprise that a share of :data:`REFERENCE_RATE` of normal rows exceeds.

    If the calibration rows are too few to estimate that share, it is the highest surprise among them.
    """
    count = max(int(REFERENCE_RATE * (calibration.n_rows + 1) + 1e-9), 1)
    return RareLevel(calibration.surprise_exceeded_by(count), count - 1)


@dataclass(frozen=True)
class RareRows:
    """Counts of the rows of a batch whose surprise is above a level; ``+`` adds the counts of two batches.

    Attributes
    ----------
    n_rows : number of rows in the batch
    n_rare : number of rare rows: rows above the level
    first : number of rare rows by the name of the column that is their strongest reason
    """

    n_rows: int = 0
    n_rare: int = 0
    first: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, is_rare: Flags, column_part: Floats, names: Sequence[str]) -> RareRows:
        """Count the rare rows among n rows, by the column with the largest part of their surprise [n, n_columns]."""
        parts = column_part[is_rare]
        if not len(parts) or not len(names):
            return cls(len(is_rare), int(np.sum(is_rare)))
        strongest = np.argmax(parts, axis=1)
        counts = np.bincount(strongest[parts.max(axis=1) > 0], minlength=len(names))
        first = {names[int(place)]: int(counts[place]) for place in np.flatnonzero(counts)}
        return cls(len(is_rare), len(parts), first)

    def __add__(self, other: RareRows) -> RareRows:
        first = Counter(self.first) + Counter(other.first)
        return RareRows(self.n_rows + other.n_rows, self.n_rare + other.n_rare, dict(first))


def flood_p_value(n_rare: int, n_rows: int, exceeded: int, n_calibration: int) -> float:
    """Return the probability that chance alone puts ``n_rare`` or more of ``n_rows`` new rows above a level.

    ``exceeded`` of ``n_calibration`` calibration rows are above the level. For every distribution of the scores, the
    number of new rows above the ``exceeded + 1``-th strangest calibration row is beta-binomial. Its upper tail is the
    one-sided Fisher test: the probability that of the ``exceeded + n_rare`` strangest rows, new and calibration rows
    together, at most ``exceeded`` are calibration rows. The tail is exact for that level, and for a level that is fixed
    beforehand.

    Examples
    --------
    >>> round(flood_p_value(1, 1, 4, 99), 12)  # one new row above the fifth of 99: 5 in 100
    0.05
    >>> flood_p_value(800, 800, 9, 999) < 1e-100
    True
    """
    strangest = exceeded + n_rare
    if n_rare <= 0:
        return 1.0
    if exceeded >= n_calibration or n_rare * n_calibration <= exceeded * n_rows:
        return 1.0  # the share of new rows above the level is not larger than that of the calibration rows
    log_last = (
        _log_choose(n_calibration, exceeded)
        + _log_choose(n_rows, n_rare)
        - _log_choose(n_calibration + n_rows, strangest)
    )
    total = term = 1.0
    for i in range(exceeded, 0, -1):  # from the largest term down: each term is the one before times a ratio
        term *= i / (n_calibration - i + 1) * max(n_rows - strangest + i, 0) / (strangest - i + 1)
        total += term
        if term < total * 1e-17:
            break
    return min(math.exp(min(log_last + math.log(total), 0.0)), 1.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def is_flood(
    rare: RareRows, level: RareLevel, calibration: Calibration, allowed: float = 0.0, n_tests: int = 1
) -> bool:
    """Return whether more rows are above a level than chance explains.

    The significance level is :data:`LEVEL` for all ``n_tests`` tests together. ``allowed`` is the number of rare rows
    that are known to be odd. A calibration by the training rows promises nothing about new rows: a flood is then
    reported only if most rows are above the level.
    """
    if rare.n_rare < max(min(MIN_ROWS, rare.n_rows / 2), 2):
        return False
    exceeded = level.exceeded
    if calibration.source == "training":
        exceeded = max(exceeded, calibration.n_rows // 2)
    n_unexplained = rare.n_rare - math.ceil(allowed)
    # dependent rows count as the number of independent ones that they are worth, in calibration and in the table
    worth = calibration.n_independent / calibration.n_rows
    counts = (n_unexplained, rare.n_rows, exceeded, calibration.n_rows)
    return flood_p_value(*(round(worth * count) for count in counts)) < LEVEL / n_tests


def flood_note(rare: RareRows, level: RareLevel, calibration: Calibration, *, is_flagged: bool) -> str | None:
    """Return a sentence about a flood, or None if there is none.

    ``is_flagged`` states whether the policy flags exactly the rare rows. If not, the sentence calls them "as strange as
    1 normal row in 100" instead of "flagged".

    Examples
    --------
    >>> calibration = Calibration(np.arange(999.0))
    >>> level = RareLevel(calibration.surprise_exceeded_by(10), 9)
    >>> print(flood_note(RareRows(800, 800, {"temp_c": 790, "x": 10}), level, calibration, is_flagged=True))
    800 of 800 rows are flagged where about 8 were expected, 790 of them first by temp_c: this looks like a changed \
column, not 800 odd rows. These rows are not like the training rows.
    """
    if not is_flood(rare, level, calibration):
        return None
    rate = (level.exceeded + 1) / (calibration.n_rows + 1)
    what = "flagged" if is_flagged else f"as strange as 1 normal row in {count_text(1 / rate)}"
    return (
        f"{rare.n_rare:,} of {rare.n_rows:,} rows are {what} where {expected_text(rate * rare.n_rows)}"
        f"{columns_text(rare)}: {_conclusion(rare)}. These rows are not like the training rows."
    )


def expected_text(count: float) -> str:
    """Return how many rows were expected, in words."""
    return f"about {count_text(count)} were expected" if count >= 1 else "less than 1 was expected"


def named_columns(rare: RareRows) -> list[tuple[str, int]]:
    """Return the columns that are the first reason of most rare rows, with their numbers of rows, descending."""
    named: list[tuple[str, int]] = []
    for name, count in sorted(rare.first.items(), key=lambda item: -item[1])[:MAX_NAMED]:
        if sum(known for _, known in named) >= NAMED_SHARE * rare.n_rare:
            break
        named.append((name, count))
    return named


def columns_text(rare: RareRows) -> str:
    """Return the columns of :func:`named_columns` in words, after a comma; "" if there are none."""
    named = [
        f"{count:,}{' of them first' if not place else ''} by {name}"
        for place, (name, count) in enumerate(named_columns(rare))
    ]
    return f", {', '.join(named)}" if named else ""


def _conclusion(rare: RareRows) -> str:
    if rare.n_rare < CHANGED_SHARE * rare.n_rows:
        return "more than chance explains; either many rows are odd, or a column has changed"
    named = named_columns(rare)
    n_named = sum(count for _, count in named)
    if n_named < rare.n_rare / 2:
        return f"this looks like a changed table, not {rare.n_rare:,} odd rows"
    is_one = named[0][1] >= rare.n_rare / 2
    return f"this looks like {'a changed column' if is_one else 'changed columns'}, not {rare.n_rare:,} odd rows"

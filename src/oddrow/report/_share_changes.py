"""Whether two shares of the same event, among normal rows and among the rows of a table, differ noticeably.

Let p of n normal rows and q of m rows be the shares of an event. With the pooled share s = (n p + m q) / (n + m) and
the binary relative entropy K, the evidence of a difference is t = n K(p, s) + m K(q, s).

**Significant.** For the true share r, n K(p, r) exceeds x with a probability of at most 2 exp(-x) (Chernoff's bound
on both sides), as does ln 2 plus a standard exponential variable. The sum of two such variables exceeds x with a
probability of 4 (1 + x - ln 4) exp(-x). Since s makes the evidence smallest, it is at most n K(p, r) + m K(q, r). So
if the true shares are equal, the evidence reaches t with a probability of at most 4 (1 + t - ln 4) exp(-t), whatever
the share and the numbers of rows are. This must be at most 0.01 divided by the number of events of all columns
(Bonferroni): if no column has changed, one is said to have changed with a probability of at most 0.01.

**Large enough to matter.** Cohen's h = 2 |asin sqrt(p) - asin sqrt(q)| must be at least 0.2, which he calls small
(1988). These are 50 and 60 %, or 0 and 1 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SIGNIFICANCE: Final = 0.01
"""Probability that any column is said to have changed if the rows are like the normal ones."""
NOTICEABLE: Final = 0.2
"""Smallest difference of two shares, as Cohen's h (1988: "small"): 50 and 60 %, 0 and 1 %."""


@dataclass(frozen=True, eq=False)
class ShareEvents:
    """Events whose shares among the normal rows and among the rows of a table are compared.

    Attributes
    ----------
    normal, current : float64 [e], the two shares of each event
    n_normal, n_current : the numbers of rows of which they are shares
    words : returns a sentence about the event at a place, with values if its second argument says so; only one event
        of a column is put into words
    """

    normal: Floats
    current: Floats
    n_normal: int
    n_current: int
    words: Callable[[int, bool], str]

    @cached_property
    def effects(self) -> Floats:
        """Cohen's h of each event [e]."""
        normal, current = (np.arcsin(np.sqrt(np.minimum(one, 1.0))) for one in (self.normal, self.current))
        return np.asarray(2.0 * np.abs(normal - current))

    def noticeable(self, n_events: int, worth: float) -> list[int]:
        """Return the places of the noticeable events, see :func:`largest_change`."""
        places = np.flatnonzero(self.effects >= NOTICEABLE).tolist() if self.n_normal else []
        n, m = worth * self.n_normal, worth * self.n_current
        return [place for place in places if self._chance(place, n, m) * n_events <= SIGNIFICANCE]

    def _chance(self, place: int, n: float, m: float) -> float:
        normal, current = float(self.normal[place]), float(self.current[place])
        pooled = (n * normal + m * current) / (n + m)
        return chance(n * _relative_entropy(normal, pooled) + m * _relative_entropy(current, pooled))


def largest_change(events: Sequence[ShareEvents], n_events: int, worth: float, *, has_values: bool) -> str | None:
    """Return the sentence of the noticeable event with the largest difference; None if no event is noticeable.

    Parameters
    ----------
    events, n_events
        The events of one column, and the number of events that are tested in all columns together.
    worth
        Number of independent rows that one row is worth.
    has_values
        Whether the sentence may hold values.
    """
    found = [(some, place) for some in events for place in some.noticeable(n_events, worth)]
    if not found:
        return None
    largest, place = max(found, key=lambda one: one[0].effects[one[1]])
    return largest.words(place, has_values)


def chance(evidence: float) -> float:
    """Return the bound 4 (1 + t - ln 4) exp(-t) of the probability of evidence t."""
    if evidence <= np.log(4.0):
        return 1.0
    return min(float(4.0 * (1.0 + evidence - np.log(4.0)) * np.exp(-evidence)), 1.0)


def _relative_entropy(share: float, other: float) -> float:
    parts = ((share, other), (1.0 - share, 1.0 - other))
    return float(sum(one * np.log(one / two) for one, two in parts if one > 0 and two > 0))


def percent(share: float) -> str:
    """Return a share in per cent with two digits, at least one of which is not 0.

    Examples
    --------
    >>> percent(0.413), percent(0.052), percent(0.0003), percent(0.0), percent(0.9996), percent(1.0)
    ('41 %', '5.2 %', '0.03 %', '0 %', '99.96 %', '100 %')
    """
    value = 100.0 * share
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    if value > 99.0:
        return f"{min(value, 99.99):.2f} %".replace(".00 %", " %")
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %" if value >= 0.01 else "less than 0.01 %"

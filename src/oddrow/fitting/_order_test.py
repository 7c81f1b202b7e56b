"""A test of whether rows depend on their order: if they do, held-out rows drawn at random calibrate too mildly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.remedies import Advice, Setting, remedy
from oddrow.views import Views

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

MAX_TESTED_ROWS = 1_000
"""The number of calibration rows whose nearest remembered rows are searched, evenly spread."""
MIN_TESTED_ROWS = 50
"""Smallest number of calibration rows for a test."""
NEAR_SHARE = 0.01
"""Two rows are near in order if at most this share of the table's rows lies between them."""
MIN_DEVIATIONS = 4.0
"""The level of both tests, in standard deviations of a normal distribution: about 3 of 100,000 tables of independent
rows exceed it."""
MIN_RATIO = 1.5
"""Smallest ratio of near neighbours found and expected; a smaller one hardly changes a rate of false alarms."""
MIN_CORRELATION = 0.05
"""Smallest rank correlation of successive surprises, for the same reason."""
MIN_SKEWNESS = 1e-4
"""Below this skewness a sum is taken as normal; the formula for a skewed one divides by it."""


@dataclass(frozen=True)
class OrderTest:
    """Two tests of the calibration rows of a random hold-out, for rows in the order of the table.

    Attributes
    ----------
    n_rows : the number of calibration rows whose neighbours were examined
    near : the share of their nearest known rows that are near in order, averaged over them
    near_expected : the same share if the order does not matter
    near_deviations : the difference of these shares, as a deviate of the standard normal distribution
    correlation : the rank correlation of the scores of successive calibration rows
    correlation_deviations : the same, as a deviate of the standard normal distribution
    """

    n_rows: int
    near: float
    near_expected: float
    near_deviations: float
    correlation: float
    correlation_deviations: float

    @classmethod
    def of(
        cls, views: Views, equal: Places, calibrating: EncodedTable, place: Places, own: Places, raw: Floats
    ) -> OrderTest | None:
        """Test the calibration rows of a table; None if there are too few.

        Parameters
        ----------
        views, equal
            The views of a fit, and the index in the memory of the row that equals each row of the table [n_table], or
            -1.
        calibrating, place, own, raw
            The encoded calibration rows [n], their rows in the table (ascending), their indices in the memory or -1,
            and their raw scores.
        """
        n_rows = len(place)
        if n_rows < MIN_TESTED_ROWS:
            return None
        tested = np.linspace(0, n_rows - 1, min(n_rows, MAX_TESTED_ROWS), dtype=np.int64)
        normal_rows = views.basis.normal_rows
        rows = normal_rows.standard.apply(calibrating.rows[tested])
        nearest = normal_rows.surroundings.memory.nearest(rows, 1, own[tested])[:, 0]
        near = NearRows.of(equal, nearest, place[tested])
        correlation, correlation_deviations = _successive_correlation(raw)
        return cls(
            len(tested),
            float(near.found.mean()),
            float(near.expected.mean()),
            near.deviations,
            correlation,
            correlation_deviations,
        )

    @property
    def finds_dependence(self) -> bool:
        """Whether either test finds that rows depend on their order."""
        is_near = self.near_deviations > MIN_DEVIATIONS and self.near > MIN_RATIO * self.near_expected
        return is_near or (self.correlation_deviations > MIN_DEVIATIONS and self.correlation > MIN_CORRELATION)

    @property
    def advice(self) -> Advice:
        """What was found, and what to do."""
        found = (
            f"the nearest training row of {self.near:.0%} of the held-out rows is near in the table, where "
            f"{self.near_expected:.0%} were expected"
            if self.near_deviations >= self.correlation_deviations
            else f"the surprise of held-out rows correlates with that of the row before ({self.correlation:.2f})"
        )
        return Advice(
            f"the rows depend on their order: {found}. Rows held out at random then promise fewer false alarms than "
            "later rows will cause",
            remedy(
                "for rows in time, fit with ",
                Setting("calibration", "blocks"),
                " and ",
                Setting("time", "order"),
                " or the column of their time; for rows of customers, machines, ... with ",
                Setting("group"),
                "; if the table is only sorted, shuffle it",
            ),
        )


@dataclass(frozen=True)
class NearRows:
    """The shares of the nearest rows of tested rows that are near them in the order of a table.

    The nearest rows of a tested row are all known rows that equal its nearest remembered row, without itself: if the
    order does not matter, a random subset of the other known rows. (One of them alone would often be the tested row
    itself, which the memory holds if an equal row occurs elsewhere.)

    Attributes
    ----------
    found, expected : float64 [n], the share of the nearest rows that is near, and that of all other known rows
    squares, cubes : float64 [n], sums of the squares and cubes of the weights in the sum of ``found`` of the pairs of a
        tested row and one of its nearest rows
    """

    found: Floats
    expected: Floats
    squares: Floats
    cubes: Floats

    @classmethod
    def of(cls, equal: Places, nearest: Places, at: Places) -> NearRows:
        """Look the nearest rows up in the table.

        Parameters
        ----------
        equal
            The index in the memory of the row that equals each row of the table [n_table], -1 for unknown rows.
        nearest, at
            The index in the memory of the nearest remembered row of each tested row [n], and its row in the table.
        """
        n_rows, own = len(equal), equal[at]
        reach = int(NEAR_SHARE * n_rows)
        known = np.flatnonzero(equal >= 0)
        # rows of the same kind are stretches of these keys, in the order of the table
        keys = np.sort(equal[known] * n_rows + known)
        first, last = np.maximum(at - reach, 0), np.minimum(at + reach, n_rows - 1)
        count = np.bincount(equal[known])[nearest] - (nearest == own)
        count_near = _between(keys, nearest * n_rows + first, nearest * n_rows + last) - (nearest == own)
        others_near = _between(known, first, last) - (own >= 0)
        # two tested rows that are nearest rows of each other count their one distance twice
        mutual = _mutual(own, nearest)
        return cls(
            count_near / count,
            others_near / np.maximum(len(known) - (own >= 0), 1),
            (count + mutual) / count**2,
            (count + 3 * mutual) / count**3,
        )

    @property
    def deviations(self) -> float:
        """The difference of the shares as a standard normal deviate, if the order does not matter."""
        share = self.expected
        variance = float(np.sum(self.squares * share * (1.0 - share)))
        third = float(np.sum(self.cubes * share * (1.0 - share) * (1.0 - 2.0 * share)))
        return _normal_deviate(float((self.found - share).sum()), variance, third)


def _between(ordered: Places, low: Places, high: Places) -> Places:
    """Return how many of the ordered numbers are from low to high, both included."""
    return np.asarray(np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low, "left"))


def _mutual(own: Places, nearest: Places) -> Places:
    """Return how many of the nearest rows of each tested row [n] are tested and have it among their nearest rows."""
    width = max(int(own.max()), int(nearest.max())) + 1
    kinds, counts = np.unique(own * width + nearest, return_counts=True)
    wanted = nearest * width + own
    at = np.minimum(np.searchsorted(kinds, wanted), len(kinds) - 1)
    found = np.where((kinds[at] == wanted) & (own >= 0), counts[at], 0)
    return np.asarray(found - (own == nearest))


def _successive_correlation(scores: Floats) -> tuple[float, float]:
    """Return the rank correlation of each score [n] with the one before, and the same as a standard normal deviate.

    Equal scores have their mean rank.
    """
    _, own, counts = np.unique(scores, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return 0.0, 0.0
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[own]
    ranks = (ranks - ranks.mean()) / ranks.std()
    n_rows = len(ranks)
    total = float(np.sum(ranks[1:] * ranks[:-1]))
    # moments of the sum of n products of independent standardised ranks; the third one matters if a few rows carry most
    # of the variance, for example two rows that differ from all others, which are equal
    return total / n_rows, _normal_deviate(total, n_rows, n_rows * float(np.mean(ranks**3)) ** 2)


def _normal_deviate(difference: float, variance: float, third: float) -> float:
    """Return the standard normal deviate of a difference from its mean, given its variance and third central moment.

    Wilson and Hilferty's cube root, for the gamma distribution of these moments (Johnson, Kotz and Balakrishnan 1994,
    section 17.5). With few expected pairs, the counts are far from normal: of two expected events, eight are four
    standard deviations too many, once in a thousand.
    """
    if variance <= 0.0:
        return 0.0
    deviation = math.sqrt(variance)
    deviate, skewness = difference / deviation, third / deviation**3
    if abs(skewness) < MIN_SKEWNESS:
        return deviate
    root = float(np.cbrt(0.5 * skewness * deviate + 1.0))
    return (6.0 / skewness) * (root - 1.0) + skewness / 6.0

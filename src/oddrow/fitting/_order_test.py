"""A test of whether rows depend on their order: if they do, held-out rows drawn at random calibrate too mildly."""

from __future__ import annotations

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
"""The level of both tests, in standard deviations: about 3 of 100,000 tables of independent rows exceed it."""
MIN_RATIO = 1.5
"""Smallest ratio of near neighbours found and expected; a smaller one hardly changes a rate of false alarms."""
MIN_CORRELATION = 0.05
"""Smallest rank correlation of successive surprises, for the same reason."""


@dataclass(frozen=True)
class OrderTest:
    """Two tests of the calibration rows of a random hold-out, for rows in the order of the table.

    Attributes
    ----------
    n_rows : the number of calibration rows whose neighbours were examined
    near : the share of them whose nearest remembered row is near in order
    near_expected : the same share if the order does not matter
    near_deviations : the difference of these shares, in standard deviations of the second
    correlation : the rank correlation of the scores of successive calibration rows
    correlation_deviations : the same, times the root of the number of calibration rows
    """

    n_rows: int
    near: float
    near_expected: float
    near_deviations: float
    correlation: float
    correlation_deviations: float

    @classmethod
    def of(
        cls, views: Views, memory_row: Places, calibrating: EncodedTable, place: Places, own: Places, raw: Floats
    ) -> OrderTest | None:
        """Test the calibration rows of a table; None if there are too few.

        Parameters
        ----------
        views, memory_row
            The views of a fit, and the row of the table that each remembered row is [m].
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
        nearest = memory_row[normal_rows.surroundings.memory.nearest(rows, 1, own[tested])[:, 0]]
        reach = NEAR_SHARE * (max(int(memory_row.max()), int(place[-1])) + 1)
        ordered, at = np.sort(memory_row), place[tested]
        between = np.searchsorted(ordered, at + reach, "right") - np.searchsorted(ordered, at - reach, "left")
        # if the order does not matter, the nearest remembered row is any of them
        expected = np.clip((between - (own[tested] >= 0)) / max(len(memory_row) - 1, 1), 0.0, 1.0)
        near = np.abs(nearest - at) <= reach
        deviation = max(float(np.sqrt(np.sum(expected * (1.0 - expected)))), 1.0)
        correlation = _successive_correlation(raw)
        return cls(
            len(tested),
            float(near.mean()),
            float(expected.mean()),
            float((near - expected).sum()) / deviation,
            correlation,
            correlation * float(np.sqrt(n_rows)),
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


def _successive_correlation(scores: Floats) -> float:
    """Return the rank correlation of each score [n] with the one before; equal scores have their mean rank."""
    _, own, counts = np.unique(scores, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return 0.0
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[own]
    ranks -= ranks.mean()
    return float(np.sum(ranks[1:] * ranks[:-1]) / np.sum(ranks**2))

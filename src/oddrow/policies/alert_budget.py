"""An alert budget: a maximum number of alerts in a number of rows, or in a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._decision import Decision, Floats, RowScores
from oddrow.policies._flood import RareLevel, reference_level
from oddrow.policies._parameters import check_parameter, is_count
from oddrow.policies._policy import DayColumn, Needs
from oddrow.policies._promise import Promise, rate_promise, supported_count
from oddrow.policies._registry import register

MAX_DAILY_RATE = 0.1
"""Maximum share of normal rows above the threshold: on a day of few rows, ordinary rows are no alerts."""


@register
@dataclass(frozen=True)
class AlertBudget:
    """Flag at most ``alerts`` rows of each window, the strangest first. A window is a number of rows, or a day.

    A row is flagged only if at most a share of ``alerts / per`` of normal rows reaches its surprise, so that normal
    rows alone use at most the budget on average. If more rows of a window reach that surprise, the strangest
    ``alerts`` of them are flagged.

    Parameters
    ----------
    alerts
        The largest number of alerts in one window.
    per
        The number of rows of a window, in the table's order, or "day": a window is then the rows of one day of the
        timestamp column ``column`` (None: the only timestamp column), and the share is that of the busiest day.

    Raises
    ------
    SettingError
        If ``alerts`` is less than 1, or ``per`` is not larger than ``alerts``.
    """

    alerts: int
    per: int | Literal["day"]
    column: str | None = None
    kind: Literal["alert-budget"] = field(default="alert-budget", repr=False)

    def __post_init__(self) -> None:
        check_parameter(is_count(self.alerts), "alerts", self.alerts, "a whole number >= 1")
        if self.per != "day":
            check_parameter(
                is_count(self.per) and self.per > self.alerts, "per", self.per, 'more rows than alerts, or "day"'
            )

    @property
    def needs(self) -> Needs:
        """All rows of the table, and their days if the budget is per day."""
        return Needs(all_rows=True, day=DayColumn(self.column) if self.per == "day" else None)

    def threshold(self, calibration: Calibration) -> float | None:
        """Return the surprise that the budget's share of normal rows reaches; None for a budget per day."""
        if self.per == "day":
            return None
        return calibration.surprise_exceeded_by(supported_count(self.alerts / self.per, calibration))

    def promise(self, calibration: Calibration) -> Promise:
        """Return the budget; for a budget per number of rows, also the share of normal rows above the threshold."""
        if self.per == "day":
            return Promise(rule=f"at most {self.alerts:,} alerts a day, the strangest first")
        rule = f"at most {self.alerts:,} alerts in {self.per:,} rows"
        return rate_promise(supported_count(self.alerts / self.per, calibration), calibration, rule)

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the reference level, since a budget promises no share of normal rows."""
        return reference_level(calibration)

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Decide the rows of one table, window by window.

        Raises
        ------
        SettingError
            If the calibration cannot support the promise, or the days for a budget per day are missing.
        """
        if self.per == "day":
            if rows.day is None:
                raise SettingError("a budget per day needs the day of each row; the table has no timestamp column")
            window = np.unique(rows.day, return_inverse=True)[1]
            busiest = int(np.max(np.bincount(window), initial=1))
            count = supported_count(min(self.alerts / busiest, MAX_DAILY_RATE), calibration)
            rule = f"{self.promise(calibration).rule} ({busiest:,} rows on the busiest day)"
        else:
            window = np.arange(len(rows.surprise)) // self.per
            count = supported_count(self.alerts / self.per, calibration)
            rule = self.promise(calibration).rule
        threshold = calibration.surprise_exceeded_by(count)
        above = rows.surprise > threshold
        is_odd = above & (_rank_within(window, rows.surprise) < self.alerts)
        held_back = int(np.sum(above & ~is_odd))
        remark = f"{held_back:,} more rows are as strange, beyond the budget" if held_back else ""
        return Decision(is_odd, threshold, rate_promise(count, calibration, rule, remark))


def _rank_within(window: npt.NDArray[np.int64], surprise: Floats) -> npt.NDArray[np.int64]:
    """Return each row's rank in its window, int [n]: 0 for the strangest, and in order for rows of equal surprise."""
    order = np.lexsort((-surprise, window))
    starts = np.flatnonzero(np.diff(window[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return rank

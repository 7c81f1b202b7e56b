"""Policies that look at a whole batch: a budget of alerts, a rate of false discoveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._decision import Decision, Floats, check_parameter, is_count, is_number
from oddrow.policies._flood import RareLevel, reference_level
from oddrow.policies._promise import ROWS, rate_promise, supported_count
from oddrow.surprise import Surprise

MOST_DAILY_RATE = 0.1
"""A row as strange as one normal row in ten is no alert, however few rows a day has."""


@dataclass(frozen=True)
class AlertBudget:
    """Flag at most so many alerts in so many rows, or a day; the strangest first.

    A row is flagged if it is as strange as ``alerts / per`` of normal rows at most, so that normal rows alone use at
    most the budget on average; where odd rows bring more, the strangest ``alerts`` of each window of ``per``
    rows (in the table's order) or of each day are kept.

    Parameters
    ----------
    alerts
        Alerts at most in one window.
    per
        Rows of a window, or "day": the days of the timestamp column ``column`` (None: the only one), and as many
        rows a day as the busiest day of the batch has.

    Raises
    ------
    SettingError
        If there is not at least one alert, or not more rows than alerts.
    """

    alerts: int
    per: int | Literal["day"]
    column: str | None = None
    kind: Literal["alert-budget"] = field(default="alert-budget", repr=False)
    looks_at_batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_parameter(is_count(self.alerts), "alerts", self.alerts, "a whole number >= 1")
        if self.per != "day":
            check_parameter(
                is_count(self.per) and self.per > self.alerts, "per", self.per, 'more rows than alerts, or "day"'
            )

    def threshold(self, calibration: Calibration) -> float | None:
        """Nats; None where it depends on the days of the batch."""
        if self.per == "day":
            return None
        return calibration.surprise_exceeded_by(supported_count(self.alerts / self.per, calibration))

    def promise(self, calibration: Calibration) -> str:
        """What the policy promises with this calibration."""
        if self.per == "day":
            return f"at most {self.alerts:,} alerts a day, the strangest first"
        count = supported_count(self.alerts / self.per, calibration)
        return f"at most {self.alerts:,} alerts in {self.per:,} rows; by chance {rate_promise(count, calibration)}"

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """What a flood is tested by: a share of normal rows, since a budget promises none."""
        return reference_level(calibration)

    def decide(self, scored: Surprise, calibration: Calibration, day: Floats | None = None) -> Decision:
        """Decide scored rows [n]; per day, with the number of each row's day [n] (NaN: a day of its own kind).

        Raises
        ------
        SettingError
            If the calibration cannot support the promise.
        """
        promise = self.promise(calibration)
        if self.per == "day":
            if day is None:
                raise SettingError("a budget per day needs the day of each row; the table has no timestamp column")
            window = np.unique(day, return_inverse=True)[1]
            busiest = int(np.max(np.bincount(window), initial=1))
            count = supported_count(min(self.alerts / busiest, MOST_DAILY_RATE), calibration)
            threshold = calibration.surprise_exceeded_by(count)
            promise += f" ({busiest:,} rows on the busiest day); by chance {rate_promise(count, calibration)}"
        else:
            window = np.arange(len(scored.surprise)) // self.per
            threshold = self.threshold(calibration) or 0.0
        above = scored.surprise > threshold
        is_odd = above & (_rank_within(window, scored.surprise) < self.alerts)
        held_back = int(np.sum(above & ~is_odd))
        if held_back:
            promise += f"; {held_back:,} more rows are as strange, beyond the budget"
        return Decision(is_odd, threshold, promise)


@dataclass(frozen=True)
class FalseDiscoveryRate:
    """Flag so many rows of a batch that on average at most this share of the flagged are false alarms.

    Benjamini and Hochberg (1995) on the batch's conformal p-values. These share their calibration rows and so depend
    on each other, positively, which the procedure bears (Bates, Candes, Lei, Romano and Sesia 2023, theorem 2).
    ``conservative`` bears any dependence (Benjamini and Yekutieli 2001), at the price of ln(rows) in power.

    Raises
    ------
    SettingError
        If the rate is not in (0, 1); when deciding, if no p-value of this calibration could ever be small enough.
    """

    rate: float
    conservative: bool = False
    kind: Literal["false-discovery-rate"] = field(default="false-discovery-rate", repr=False)
    looks_at_batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_parameter(
            is_number(self.rate) and 0 < self.rate < 1, "rate", self.rate, "a share of the flagged rows, 0 to 1"
        )

    def threshold(self, calibration: Calibration) -> float | None:  # noqa: ARG002 - it depends on the batch
        """None: it depends on the batch."""
        return None

    def promise(self, calibration: Calibration) -> str:
        """What the policy promises with this calibration."""
        supported_count(self.rate, calibration)
        name = "Benjamini-Yekutieli" if self.conservative else "Benjamini-Hochberg"
        return (
            f"on average at most {self.rate:.3g} of the flagged rows of a batch are false alarms "
            f"({name}, {calibration.n_rows:,} {ROWS[calibration.source]})"
        )

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """What a flood is tested by: a share of normal rows, since a false-discovery rate promises none."""
        return reference_level(calibration)

    def decide(self, scored: Surprise, calibration: Calibration, day: Floats | None = None) -> Decision:  # noqa: ARG002
        """Decide scored rows [n] as one batch.

        Raises
        ------
        SettingError
            If no p-value of this calibration could be small enough for a batch of this size.
        """
        promise = self.promise(calibration)
        n_rows = len(scored.p_value)
        ordered = np.sort(scored.p_value)
        places = np.arange(1, n_rows + 1)
        penalty = float(np.sum(1.0 / places)) if self.conservative else 1.0
        passing = np.flatnonzero(ordered <= self.rate * places / (n_rows * penalty) * (1 + 1e-12))
        least = int(np.ceil(n_rows * penalty / (self.rate * (calibration.n_rows + 1)) - 1e-9))
        if least > max(n_rows, 1):
            raise SettingError(
                f"a false-discovery rate of {self.rate:g}, conservatively, cannot be had for {n_rows:,} rows from "
                f"{calibration.n_rows:,} calibration rows: it takes {int(np.ceil(penalty / self.rate - 1e-9)) - 1:,}"
            )
        if least > 1:
            promise += (
                f"; fewer than {least:,} odd rows in {n_rows:,} cannot be told: a single one needs "
                f"{int(np.ceil(n_rows * penalty / self.rate)) - 1:,} calibration rows"
            )
        if not len(passing):
            return Decision(np.zeros(n_rows, np.bool_), np.inf, promise)
        count = round(float(ordered[passing[-1]]) * (calibration.n_rows + 1))
        threshold = calibration.surprise_exceeded_by(count)
        return Decision(scored.surprise > threshold, threshold, promise)


def _rank_within(window: npt.NDArray[np.int64], surprise: Floats) -> npt.NDArray[np.int64]:
    """Each row's place in its window, the strangest 0; of equal rows the earlier first; int [n]."""
    order = np.lexsort((-surprise, window))
    starts = np.flatnonzero(np.diff(window[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return rank

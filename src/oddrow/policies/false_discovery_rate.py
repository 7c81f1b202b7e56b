"""A false-discovery rate: at most this share of the flagged rows are false alarms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._decision import Decision, RowScores
from oddrow.policies._flood import RareLevel, reference_level
from oddrow.policies._parameters import check_parameter, is_number
from oddrow.policies._policy import Needs
from oddrow.policies._promise import ROWS, Promise, supported_count
from oddrow.policies._registry import register


@register
@dataclass(frozen=True)
class FalseDiscoveryRate:
    """Flag as many rows as possible while the expected share of false alarms among them is at most ``rate``.

    The procedure is that of Benjamini and Hochberg (1995) on the conformal p-values of the table. These p-values are
    positively dependent, because they share their calibration rows; the procedure keeps its rate under that dependence
    (Bates, Candes, Lei, Romano and Sesia 2023, theorem 2). With ``conservative`` the rate holds under any dependence
    (Benjamini and Yekutieli 2001); the threshold on p-values is then smaller by a factor of about ln(rows).

    Raises
    ------
    SettingError
        If the rate is not in (0, 1); when rows are decided, if the calibration rows are too few for any p-value to be
        small enough.
    """

    rate: float
    conservative: bool = False
    kind: Literal["false-discovery-rate"] = field(default="false-discovery-rate", repr=False)

    def __post_init__(self) -> None:
        check_parameter(
            is_number(self.rate) and 0 < self.rate < 1, "rate", self.rate, "a share of the flagged rows, 0 to 1"
        )

    @property
    def needs(self) -> Needs:
        """All rows of the table."""
        return Needs(all_rows=True)

    def threshold(self, calibration: Calibration) -> float | None:  # noqa: ARG002 - it depends on the table
        """Return None: the threshold depends on the rows to decide on."""
        return None

    def promise(self, calibration: Calibration) -> Promise:
        """Return the rate of false alarms among the flagged rows, which is no share of normal rows."""
        supported_count(self.rate, calibration)
        name = "Benjamini-Yekutieli" if self.conservative else "Benjamini-Hochberg"
        rule = (
            f"on average at most {self.rate:.3g} of the flagged rows of a batch are false alarms "
            f"({name}, {calibration.n_rows:,} {ROWS[calibration.source]})"
        )
        worth = calibration.n_effective
        return Promise(n_rows=calibration.n_rows, source=calibration.source, rule=rule, n_independent=worth)

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the reference level, since a false-discovery rate promises no share of normal rows."""
        return reference_level(calibration)

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Decide the rows of one table.

        Raises
        ------
        SettingError
            If the calibration rows are too few for any p-value to be small enough in a table of this size.
        """
        promise = self.promise(calibration)
        n_rows = len(rows.p_value)
        ordered = np.sort(rows.p_value)
        places = np.arange(1, n_rows + 1)
        penalty = float(np.sum(1.0 / places)) if self.conservative else 1.0
        passing = np.flatnonzero(ordered <= self.rate * places / (n_rows * penalty) * (1 + 1e-12))
        # the smallest possible p-value is 1 / (calibration rows + 1); ``fewest`` rows must have it for any row to pass
        fewest = int(np.ceil(n_rows * penalty / (self.rate * (calibration.n_rows + 1)) - 1e-9))
        if fewest > max(n_rows, 1):
            raise SettingError(
                f"a false-discovery rate of {self.rate:g}, conservatively, is impossible for {n_rows:,} rows with "
                f"{calibration.n_rows:,} calibration rows: it needs {int(np.ceil(penalty / self.rate - 1e-9)) - 1:,}"
            )
        if fewest > 1:
            remark = (
                f"fewer than {fewest:,} odd rows in {n_rows:,} cannot be found: a single one needs "
                f"{int(np.ceil(n_rows * penalty / self.rate)) - 1:,} calibration rows"
            )
            promise = replace(promise, remark=remark)
        if not len(passing):
            return Decision(np.zeros(n_rows, np.bool_), np.inf, promise)
        count = round(float(ordered[passing[-1]]) * (calibration.n_rows + 1))
        threshold = calibration.surprise_exceeded_by(count)
        return Decision(rows.surprise > threshold, threshold, promise)

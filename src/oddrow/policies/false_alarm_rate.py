"""A false-alarm rate: flag the rows whose surprise only this share of normal rows reaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from oddrow.calibration import Calibration
from oddrow.policies._decision import Decision, RowScores
from oddrow.policies._flood import RareLevel
from oddrow.policies._parameters import check_parameter, is_number
from oddrow.policies._policy import Needs, decide_above
from oddrow.policies._promise import Promise, rate_promise, supported_count
from oddrow.policies._registry import register


@register
@dataclass(frozen=True)
class FalseAlarmRate:
    """Flag the rows whose conformal p-value is at most ``rate``: on average at most this share of normal rows.

    Raises
    ------
    SettingError
        If the rate is not in (0, 1); when rows are decided, if the calibration rows are too few for it.

    Examples
    --------
    >>> import numpy as np
    >>> print(FalseAlarmRate(0.01).promise(Calibration(np.arange(999.0))))
    about 1 in 100 normal rows, between 0.48 and 1.7 in 100 (95 %, 999 held-out rows)
    """

    rate: float
    kind: Literal["false-alarm-rate"] = field(default="false-alarm-rate", repr=False)

    def __post_init__(self) -> None:
        check_parameter(
            is_number(self.rate) and 0 < self.rate < 1, "rate", self.rate, "a share of normal rows between 0 and 1"
        )

    @property
    def needs(self) -> Needs:
        """Nothing besides the score of the row."""
        return Needs()

    def threshold(self, calibration: Calibration) -> float:
        """Return the surprise that a share ``rate`` of normal rows reaches, estimated from the calibration rows."""
        return calibration.surprise_exceeded_by(supported_count(self.rate, calibration))

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the threshold, and how many calibration rows may be above it."""
        return RareLevel(self.threshold(calibration), supported_count(self.rate, calibration) - 1)

    def promise(self, calibration: Calibration) -> Promise:
        """Return the rate estimated from the calibration rows, with its interval."""
        return rate_promise(supported_count(self.rate, calibration), calibration)

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Flag the rows above the threshold."""
        return decide_above(self.threshold(calibration), self.promise(calibration), rows)


def strictest_supported(rate: float, calibration: Calibration) -> FalseAlarmRate:
    """Return a policy with this false-alarm rate, or with the lowest rate that has a useful lower bound.

    If the calibration rows are too few for the rate, the threshold is the second highest surprise among them: a
    threshold at the highest one would depend on a single row, and its rate would have almost no lower bound.

    Examples
    --------
    >>> import numpy as np
    >>> strictest_supported(0.01, Calibration(np.arange(99.0)))
    FalseAlarmRate(rate=0.01)
    >>> strictest_supported(0.01, Calibration(np.arange(39.0)))
    FalseAlarmRate(rate=0.05)
    """
    if rate * (calibration.n_independent + 1) >= 1 - 1e-9:
        return FalseAlarmRate(rate)
    return FalseAlarmRate(min(2 / (calibration.n_independent + 1), 0.5))

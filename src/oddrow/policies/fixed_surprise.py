"""A fixed surprise: flag the rows above a threshold that the user gives in nats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from oddrow.calibration import Calibration
from oddrow.policies._decision import Decision, RowScores
from oddrow.policies._flood import RareLevel
from oddrow.policies._parameters import check_parameter, is_number
from oddrow.policies._policy import Needs, decide_above, rare_above
from oddrow.policies._promise import ROWS, Promise, exceedance_interval, promise_between
from oddrow.policies._registry import register


@register
@dataclass(frozen=True)
class FixedSurprise:
    """Flag the rows above this surprise in nats; about one normal row in 10,000 is above 9.2.

    Raises
    ------
    SettingError
        If the surprise is not a finite number >= 0.
    """

    surprise: float
    kind: Literal["fixed-surprise"] = field(default="fixed-surprise", repr=False)

    def __post_init__(self) -> None:
        check_parameter(
            is_number(self.surprise) and self.surprise >= 0, "surprise", self.surprise, "a number of nats >= 0"
        )

    @property
    def needs(self) -> Needs:
        """Nothing besides the score of the row."""
        return Needs()

    def threshold(self, calibration: Calibration) -> float:  # noqa: ARG002 - the same for every calibration
        """Return the given surprise."""
        return float(self.surprise)

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the threshold, and how many calibration rows are above it."""
        return rare_above(self.threshold(calibration), calibration)

    def promise(self, calibration: Calibration) -> Promise:
        """Return the rate estimated from the calibration rows; only an upper bound if none of them exceeds it."""
        n_rows, source = calibration.n_rows, calibration.source
        above = calibration.exceedances(self.surprise)
        if above > 0:
            return promise_between(above, calibration)
        if source == "training":
            return Promise(n_rows=n_rows, source=source, rule=f"none of {n_rows:,} {ROWS['training']}")
        high = exceedance_interval(0, n_rows, calibration.n_effective)[1]
        return Promise(low=0.0, high=high, n_rows=n_rows, source=source, n_independent=calibration.n_effective)

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Flag the rows above the surprise."""
        return decide_above(self.threshold(calibration), self.promise(calibration), rows)

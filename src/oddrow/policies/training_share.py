"""A share of the training rows: the policy of scikit-learn's parameter ``contamination``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._decision import Decision, Floats, RowScores
from oddrow.policies._flood import RareLevel
from oddrow.policies._parameters import check_parameter, is_number
from oddrow.policies._policy import Needs, decide_above, rare_above
from oddrow.policies._promise import Promise
from oddrow.policies._registry import register


@register
@dataclass(frozen=True)
class TrainingShare:
    """Flag the rows above the surprise that a given share of the training rows exceeded.

    Attributes
    ----------
    share : of the training rows, 0 to 0.5; fewer are flagged if several have exactly the surprise of the threshold
    at : the threshold in nats
    """

    share: float
    at: float
    kind: Literal["training-share"] = field(default="training-share", repr=False)

    @classmethod
    def learn(cls, share: float, training_surprise: Floats) -> TrainingShare:
        """Return the policy whose threshold a share from 0 to 0.5 of the training rows [n] exceeds."""
        flagged = int(np.floor(share * len(training_surprise) + 1e-9))
        ordered = np.sort(training_surprise)
        return cls(share, float(ordered[len(ordered) - flagged - 1]))

    def __post_init__(self) -> None:
        check_parameter(is_number(self.share) and 0 <= self.share <= 0.5, "share", self.share, "a share from 0 to 0.5")
        check_parameter(is_number(self.at), "at", self.at, "a number of nats")

    @property
    def needs(self) -> Needs:
        """Nothing besides the score of the row."""
        return Needs()

    def threshold(self, calibration: Calibration) -> float:  # noqa: ARG002 - found by learn
        """Return the surprise in nats that :meth:`learn` found."""
        return self.at

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the threshold, and how many calibration rows are above it."""
        return rare_above(self.threshold(calibration), calibration)

    def promise(self, calibration: Calibration) -> Promise:  # noqa: ARG002
        """Return the share of the training rows; the policy promises no rate of new rows."""
        return Promise(rule=f"{self.share:.3g} of the training rows")

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Flag the rows above the threshold."""
        return decide_above(self.threshold(calibration), self.promise(calibration), rows)


def checked_contamination(contamination: object) -> float | None:
    """Return None for "auto", else the share.

    Raises
    ------
    SettingError
        If it is neither "auto" nor a number from 0 to 0.5.
    """
    if isinstance(contamination, str) and contamination == "auto":
        return None
    if is_number(contamination) and 0.0 <= float(contamination) <= 0.5:  # type: ignore[arg-type]  # it is a number
        return float(contamination)  # type: ignore[arg-type]
    raise SettingError(f'contamination is {contamination!r}; give "auto" or a share of the training rows from 0 to 0.5')

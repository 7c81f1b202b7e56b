"""A cost: the threshold with the lowest cost on a labelled sample."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from oddrow.calibration import Calibration
from oddrow.exceptions import DataError, SettingError
from oddrow.policies._decision import Decision, Flags, Floats, RowScores
from oddrow.policies._flood import RareLevel
from oddrow.policies._parameters import check_parameter, is_count, is_number
from oddrow.policies._policy import Needs, decide_above, rare_above
from oddrow.policies._promise import Promise, share_interval, share_text
from oddrow.policies._registry import register


@register
@dataclass(frozen=True)
class Cost:
    """Use the threshold that costs least on a labelled sample: ``miss`` per missed odd row, ``alarm`` per false alarm.

    The policy decides only after :meth:`learn`.

    Attributes
    ----------
    at : the threshold in nats; None before :meth:`learn`
    counts : numbers of rows in the sample: odd, odd and missed, normal, normal and flagged

    Raises
    ------
    SettingError
        If a cost is not a finite number > 0.

    Examples
    --------
    >>> cost = Cost(miss=10, alarm=1).learn(np.array([1.0, 2.0, 5.0, 6.0]), np.array([False, False, True, True]))
    >>> 2.0 <= cost.at < 5.0
    True
    """

    miss: float
    alarm: float
    at: float | None = None
    counts: tuple[int, int, int, int] | None = None
    kind: Literal["cost"] = field(default="cost", repr=False)

    def __post_init__(self) -> None:
        for name in ("miss", "alarm"):
            value = getattr(self, name)
            check_parameter(is_number(value) and value > 0, name, value, "a cost > 0")
        if self.counts is not None:
            odd, missed, normal, alarms = self.counts
            is_sample = is_count(odd) and is_count(normal) and 0 <= missed <= odd and 0 <= alarms <= normal
            check_parameter(is_sample, "counts", self.counts, "odd rows, of them missed, normal rows, of them flagged")

    @property
    def needs(self) -> Needs:
        """A labelled sample, until :meth:`learn` has been called."""
        return Needs(labelled_sample=self.at is None)

    def learn(self, surprise: Floats, is_anomaly: Flags) -> Cost:
        """Return the policy with the cheapest threshold for a labelled sample [n]; the highest of equally cheap ones.

        Raises
        ------
        DataError
            If the sample has no odd row or no normal row.
        """
        if np.all(is_anomaly) or not np.any(is_anomaly):
            raise DataError(
                "a cost is learned from a labelled sample with odd and normal rows; all rows of this one have one label"
            )
        order = np.argsort(surprise, kind="stable")
        ordered, odd = surprise[order], np.asarray(is_anomaly, np.bool_)[order]
        # a threshold at row i flags the rows with a higher surprise; a threshold before the first row flags all
        missed = np.concatenate([[0], np.cumsum(odd)])
        alarms = np.sum(~odd) - np.concatenate([[0], np.cumsum(~odd)])
        cost = self.miss * missed + self.alarm * alarms
        last_of_ties = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])
        cost = np.where(last_of_ties, cost, np.inf)
        best = len(cost) - 1 - int(np.argmin(cost[::-1]))
        at = float(np.nextafter(ordered[0], -np.inf)) if best == 0 else float(ordered[best - 1])
        counts = int(np.sum(odd)), int(missed[best]), int(np.sum(~odd)), int(alarms[best])
        return replace(self, at=at, counts=counts)

    def threshold(self, calibration: Calibration) -> float:  # noqa: ARG002 - found on the sample
        """Return the surprise in nats that :meth:`learn` found."""
        if self.at is None:
            raise SettingError(f"{self} has no labelled sample yet; give one: Cost(...).learn(surprise, is_anomaly)")
        return self.at

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the threshold, and how many calibration rows are above it."""
        return rare_above(self.threshold(calibration), calibration)

    def promise(self, calibration: Calibration) -> Promise:
        """Return the shares of missed odd rows and of flagged normal rows in the sample, each with its interval."""
        self.threshold(calibration)
        odd, missed, normal, alarms = self.counts or (0, 0, 0, 0)
        if not odd or not normal:
            return Promise(rule="cheapest on a labelled sample whose counts are not known")
        total = (self.miss * missed + self.alarm * alarms) / (odd + normal)
        missed_text = share_text(missed / odd, odd, "odd rows missed", *share_interval(missed, odd))
        low, high = share_interval(alarms, normal)
        rule = f"cheapest on {odd + normal:,} labelled rows, {total:.3g} a row: {missed_text}"
        return Promise(alarms / normal, low, high, normal, "labelled sample", rule)

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Flag the rows above the threshold that was learned."""
        return decide_above(self.threshold(calibration), self.promise(calibration), rows)

"""Policies whose threshold is the same for every batch: a row is decided by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from oddrow.calibration import Calibration
from oddrow.exceptions import DataError, SettingError
from oddrow.policies._beta import beta_quantile
from oddrow.policies._decision import Decision, Flags, Floats, check_parameter, is_count, is_number
from oddrow.policies._flood import RareLevel
from oddrow.policies._promise import (
    CONFIDENCE,
    ROWS,
    count_text,
    exceedance_interval,
    rate_between,
    rate_promise,
    supported_count,
)
from oddrow.surprise import Surprise


@dataclass(frozen=True)
class _RowPolicy:
    """A policy whose threshold is the same for every batch."""

    looks_at_batch: ClassVar[bool] = False

    def threshold(self, calibration: Calibration) -> float:
        """Nats; a row is odd when its surprise is above."""
        raise NotImplementedError

    def promise(self, calibration: Calibration) -> str:
        """What the policy promises with this calibration."""
        raise NotImplementedError

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """The threshold, and how many calibration rows are above it: what a flood of flagged rows is tested by."""
        threshold = self.threshold(calibration)
        return RareLevel(threshold, calibration.exceedances(threshold))

    def decide(self, scored: Surprise, calibration: Calibration, day: Floats | None = None) -> Decision:  # noqa: ARG002
        """Decide scored rows [n].

        Raises
        ------
        SettingError
            If the calibration cannot support the promise.
        """
        threshold = self.threshold(calibration)
        return Decision(scored.surprise > threshold, threshold, self.promise(calibration))


@dataclass(frozen=True)
class FalseAlarmRate(_RowPolicy):
    """Flag what at most this share of normal rows reaches: the rows whose conformal p-value is at most ``rate``.

    Raises
    ------
    SettingError
        If the rate is not in (0, 1); when deciding, if the calibration rows are too few for it.

    Examples
    --------
    >>> FalseAlarmRate(0.01).promise(Calibration(np.arange(999.0)))
    'about 1 in 100 normal rows, between 0.48 and 1.7 in 100 (95 %, 999 held-out rows)'
    """

    rate: float
    kind: Literal["false-alarm-rate"] = field(default="false-alarm-rate", repr=False)

    def __post_init__(self) -> None:
        check_parameter(
            is_number(self.rate) and 0 < self.rate < 1, "rate", self.rate, "a share of normal rows between 0 and 1"
        )

    def threshold(self, calibration: Calibration) -> float:
        return calibration.surprise_exceeded_by(supported_count(self.rate, calibration))

    def rare_level(self, calibration: Calibration) -> RareLevel:
        return RareLevel(self.threshold(calibration), supported_count(self.rate, calibration) - 1)

    def promise(self, calibration: Calibration) -> str:
        return rate_promise(supported_count(self.rate, calibration), calibration)


@dataclass(frozen=True)
class FixedSurprise(_RowPolicy):
    """Flag what is above this surprise in nats: 9.2 is one normal row in ten thousand.

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

    def threshold(self, calibration: Calibration) -> float:  # noqa: ARG002 - the same for every calibration
        return float(self.surprise)

    def promise(self, calibration: Calibration) -> str:
        above = calibration.exceedances(self.surprise)
        if above > 0:
            return rate_between(above, calibration)
        if calibration.source == "training":
            return f"none of {calibration.n_rows:,} {ROWS['training']}"
        most = exceedance_interval(0, calibration.n_rows)[1]
        return (
            f"no calibration row of {calibration.n_rows:,} is so strange, so at most about 1 in "
            f"{count_text(1 / most)} normal rows (95 %); rarer than that is an extrapolation"
        )


@dataclass(frozen=True)
class TrainingShare(_RowPolicy):
    """Flag what was above the threshold for exactly a share of the training rows, ties excepted."""

    share: float
    at: float
    """The threshold in nats."""
    kind: Literal["training-share"] = field(default="training-share", repr=False)

    @classmethod
    def learn(cls, share: float, training_surprise: Floats) -> TrainingShare:
        """The threshold above which a share from 0 to 0.5 of the training rows [n] lies."""
        flagged = int(np.floor(share * len(training_surprise) + 1e-9))
        ordered = np.sort(training_surprise)
        return cls(share, float(ordered[len(ordered) - flagged - 1]))

    def __post_init__(self) -> None:
        check_parameter(is_number(self.share) and 0 <= self.share <= 0.5, "share", self.share, "a share from 0 to 0.5")
        check_parameter(is_number(self.at), "at", self.at, "a number of nats")

    def threshold(self, calibration: Calibration) -> float:  # noqa: ARG002 - fixed at the fit
        return self.at

    def promise(self, calibration: Calibration) -> str:  # noqa: ARG002
        return f"{self.share:.3g} of the training rows"


@dataclass(frozen=True)
class Cost(_RowPolicy):
    """Flag where it costs least, judged on a labelled sample: a missed odd row costs ``miss``, a false alarm ``alarm``.

    A cost decides only after :meth:`learn`.

    Attributes
    ----------
    at : the threshold in nats, None before :meth:`learn`
    counts : of the sample: odd rows, of them missed, normal rows, of them flagged

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

    def learn(self, surprise: Floats, is_anomaly: Flags) -> Cost:
        """The same costs with the cheapest threshold for a labelled sample [n]; of equally cheap ones the highest.

        Raises
        ------
        DataError
            If the sample lacks odd or normal rows.
        """
        if np.all(is_anomaly) or not np.any(is_anomaly):
            raise DataError(
                "a cost is learned from a labelled sample with odd and normal rows; this one has only one kind"
            )
        order = np.argsort(surprise, kind="stable")
        ordered, odd = surprise[order], np.asarray(is_anomaly, np.bool_)[order]
        # a threshold at row i flags the rows above it; before the first row it flags all
        missed = np.concatenate([[0], np.cumsum(odd)])
        alarms = np.sum(~odd) - np.concatenate([[0], np.cumsum(~odd)])
        cost = self.miss * missed + self.alarm * alarms
        last_of_ties = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])
        cost = np.where(last_of_ties, cost, np.inf)
        best = len(cost) - 1 - int(np.argmin(cost[::-1]))
        at = float(np.nextafter(ordered[0], -np.inf)) if best == 0 else float(ordered[best - 1])
        counts = int(np.sum(odd)), int(missed[best]), int(np.sum(~odd)), int(alarms[best])
        return replace(self, at=at, counts=counts)

    def threshold(self, calibration: Calibration) -> float:  # noqa: ARG002 - the sample's
        if self.at is None:
            raise SettingError(f"{self} has no labelled sample yet; give one: Cost(...).learn(surprise, is_anomaly)")
        return self.at

    def promise(self, calibration: Calibration) -> str:
        self.threshold(calibration)
        odd, missed, normal, alarms = self.counts or (0, 0, 0, 0)
        total = (self.miss * missed + self.alarm * alarms) / max(odd + normal, 1)
        return (
            f"cheapest on {odd + normal:,} labelled rows, {total:.3g} a row: {_share(missed, odd, 'odd rows missed')}, "
            f"{_share(alarms, normal, 'normal rows flagged')} (95 %)"
        )


def _share(count: int, total: int, what: str) -> str:
    """A share with its Clopper-Pearson interval."""
    tail = (1 - CONFIDENCE) / 2
    low = beta_quantile(count, total - count + 1, tail) if count else 0.0
    high = beta_quantile(count + 1, total - count, 1 - tail) if count < total else 1.0
    return f"{count / total:.2%} of {total:,} {what}, between {low:.2%} and {high:.2%}"

"""From which surprise on a row is odd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import SettingError


@dataclass(frozen=True)
class Threshold:
    """A row is odd when its surprise is above ``surprise`` nats; ``promise`` says what that means."""

    surprise: float
    promise: str

    def is_odd(self, surprise: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Decide surprises [n]; bool [n]."""
        return surprise > self.surprise


def false_alarm_threshold(rate: float, calibration_rows: int, held_out: bool) -> Threshold:
    """Flag what at most a share ``rate`` of normal rows reaches: the (1 - rate) quantile of the calibration rows.

    Surprise is -ln of that share, so the threshold is -ln(rate) whatever the table.

    Examples
    --------
    >>> round(false_alarm_threshold(0.01, 1000, held_out=True).surprise, 3)
    4.605
    """
    source = "held-out" if held_out else "training"
    promise = f"about 1 normal row in {1 / rate:,.0f} ({calibration_rows:,} {source} rows)"
    if (calibration_rows + 1) * rate < 1:
        promise += f", an extrapolation: fewer than {np.ceil(1 / rate - 1):,.0f} rows cannot show so rare a thing"
    return Threshold(float(-np.log(rate)), promise)


def training_share_threshold(share: float, training_surprise: npt.NDArray[np.float64]) -> Threshold:
    """Flag exactly a share of the training rows [n], ties excepted.

    Raises
    ------
    SettingError
        If the share is not in [0, 0.5].
    """
    flagged = int(np.floor(share * len(training_surprise) + 1e-9))
    ordered = np.sort(training_surprise)
    return Threshold(float(ordered[len(ordered) - flagged - 1]), f"{share:.3g} of the training rows")


def checked_contamination(contamination: object) -> float | None:
    """None for "auto", else the share.

    Raises
    ------
    SettingError
        For anything else than "auto" and a number from 0 to 0.5.
    """
    if isinstance(contamination, str) and contamination == "auto":
        return None
    is_number = isinstance(contamination, int | float | np.number) and not isinstance(contamination, bool)
    if is_number and 0.0 <= float(contamination) <= 0.5:  # type: ignore[arg-type]  # is_number narrows it
        return float(contamination)  # type: ignore[arg-type]
    raise SettingError(f'contamination is {contamination!r}; give "auto" or a share of the training rows from 0 to 0.5')

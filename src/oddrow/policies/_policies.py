"""From which surprise on a row is odd: the policies, changeable without refitting, each with what it promises."""

from __future__ import annotations

from typing import TypeAlias, get_args

import numpy as np

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._batch_policies import AlertBudget, FalseDiscoveryRate
from oddrow.policies._decision import is_number
from oddrow.policies._row_policies import Cost, FalseAlarmRate, FixedSurprise, TrainingShare

Policy: TypeAlias = FalseAlarmRate | AlertBudget | FalseDiscoveryRate | FixedSurprise | Cost | TrainingShare


def check_is_policy(policy: object) -> None:
    """Refuse what is no policy.

    Raises
    ------
    SettingError
        Says what can be given.
    """
    if not isinstance(policy, get_args(Policy)):
        names = ", ".join(kind.__name__ for kind in get_args(Policy))
        raise SettingError(f"policy is {policy!r}; give one of {names}")


def check_policy(policy: Policy, n_rows: int) -> None:
    """Refuse what is no policy, and a promise that so many calibration rows cannot support.

    Raises
    ------
    SettingError
        Says what can be given, or what it would take.
    """
    check_is_policy(policy)
    policy.promise(Calibration(np.arange(float(n_rows))))


def strictest_supported(rate: float, calibration: Calibration) -> FalseAlarmRate:
    """A false-alarm rate, or where too few rows calibrate the rate that their second strangest shows.

    The second: a threshold that hangs on one row alone would have next to no lower bound on its rate.

    Examples
    --------
    >>> strictest_supported(0.01, Calibration(np.arange(99.0)))
    FalseAlarmRate(rate=0.01)
    >>> strictest_supported(0.01, Calibration(np.arange(39.0)))
    FalseAlarmRate(rate=0.05)
    """
    if rate * (calibration.n_rows + 1) >= 1 - 1e-9:
        return FalseAlarmRate(rate)
    return FalseAlarmRate(min(2 / (calibration.n_rows + 1), 0.5))


def checked_contamination(contamination: object) -> float | None:
    """None for "auto", else the share.

    Raises
    ------
    SettingError
        For anything else than "auto" and a number from 0 to 0.5.
    """
    if isinstance(contamination, str) and contamination == "auto":
        return None
    if is_number(contamination) and 0.0 <= float(contamination) <= 0.5:  # type: ignore[arg-type]  # it is a number
        return float(contamination)  # type: ignore[arg-type]
    raise SettingError(f'contamination is {contamination!r}; give "auto" or a share of the training rows from 0 to 0.5')

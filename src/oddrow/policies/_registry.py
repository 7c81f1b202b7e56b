"""The registry of policies by kind, and the checks that a value is a policy that a calibration supports."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._policy import Policy

POLICIES: dict[str, type[Policy]] = {}
"""Every policy by its kind. Model files hold these kinds and no others."""

PolicyType = TypeVar("PolicyType", bound=type[Policy])


def register(policy: PolicyType) -> PolicyType:
    """Make a policy known by its kind; a class decorator. A later class of the same kind replaces the earlier one."""
    kind = policy.kind  # the default of the dataclass field
    if not isinstance(kind, str):
        raise SettingError(f"{policy.__name__}.kind is {kind!r}; give the field a text as its default")
    POLICIES[kind] = policy
    return policy


def check_is_policy(policy: object) -> None:
    """Refuse what is no registered policy.

    Raises
    ------
    SettingError
        Says what can be given.
    """
    if type(policy) not in POLICIES.values():
        names = ", ".join(known.__name__ for known in POLICIES.values())
        raise SettingError(f"policy is {policy!r}; give one of {names}")


def check_policy(policy: Policy, n_rows: int) -> None:
    """Refuse what is no policy, and a promise that so many calibration rows cannot support.

    Raises
    ------
    SettingError
        Says what can be given, or what it would take.
    """
    check_is_policy(policy)
    if policy.needs.labelled_sample:
        raise SettingError(
            f"{policy} has no labelled sample yet; give one: {type(policy).__name__}(...).learn(surprise, is_anomaly)"
        )
    policy.promise(Calibration(np.arange(float(n_rows))))

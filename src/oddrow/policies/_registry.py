"""The registry of policies by kind, and checks that a value is a policy and that the calibration supports it."""

from __future__ import annotations

from typing import TypeVar

from oddrow.calibration import Calibration
from oddrow.exceptions import SettingError
from oddrow.policies._policy import Policy

POLICIES: dict[str, type[Policy]] = {}
"""All policies by their kind. Model files hold only these kinds."""

PolicyType = TypeVar("PolicyType", bound=type[Policy])


def register(policy: PolicyType) -> PolicyType:
    """Register a policy by its kind (a class decorator). A later class of the same kind replaces the earlier one."""
    kind = policy.kind  # the default of the dataclass field
    if not isinstance(kind, str):
        raise SettingError(f"{policy.__name__}.kind is {kind!r}; give the field a string as its default")
    POLICIES[kind] = policy
    return policy


def check_is_policy(policy: object) -> None:
    """Refuse a value that is no registered policy.

    Raises
    ------
    SettingError
        If the class of the value is not registered; the message names the classes that are.
    """
    if type(policy) not in POLICIES.values():
        names = ", ".join(known.__name__ for known in POLICIES.values())
        raise SettingError(f"policy is {policy!r}; give one of {names}")


def check_policy(policy: Policy, calibration: Calibration) -> None:
    """Refuse a value that is no policy, and a policy that the calibration cannot support.

    Raises
    ------
    SettingError
        The message names the policies, or the number of calibration rows that the policy needs.
    """
    check_is_policy(policy)
    if policy.needs.labelled_sample:
        raise SettingError(
            f"{policy} has no labelled sample yet; give one: {type(policy).__name__}(...).learn(surprise, is_anomaly)"
        )
    policy.promise(calibration)

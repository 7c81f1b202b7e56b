"""Decisions under mute rules: a policy decides, and an alert that a rule matches is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration
from oddrow.policies._decision import Decision, Muted, RowScores
from oddrow.policies._policy import Policy
from oddrow.policies._promise import Promise


def decide_muted(
    policy: Policy, rows: RowScores, calibration: Calibration, matched: npt.NDArray[np.int64], rules: Sequence[str]
) -> Decision:
    """Decide rows by a policy, and hide the alerts that a rule matches.

    A policy that decides on all rows together decides again without the rows that a rule matches, as if each of them
    were an ordinary row (surprise 0, p-value 1): so a hidden alert uses no place of an alert budget, and the p-values
    of the other rows keep what a false-discovery rate needs of them.

    Parameters
    ----------
    policy, rows, calibration
        As in :meth:`Policy.decide`.
    matched
        int64 [n], the index of the rule that matches each row; -1 for none.
    rules
        The rules in words.

    Raises
    ------
    SettingError
        As :meth:`Policy.decide`.
    """
    decision = policy.decide(rows, calibration)
    is_matched = matched >= 0
    muted = Muted(tuple(rules), np.where(decision.is_odd, matched, -1))
    if policy.needs.all_rows and is_matched.any():
        quiet = replace(
            rows, surprise=np.where(is_matched, 0.0, rows.surprise), p_value=np.where(is_matched, 1.0, rows.p_value)
        )
        decision = policy.decide(quiet, calibration)
    return replace(decision, is_odd=decision.is_odd & ~is_matched, muted=muted)


def muted_promise(promise: Promise, n_rules: int) -> Promise:
    """Return the promise of a policy under mute rules: what it promises is then an upper bound."""
    rules = "1 mute rule hides" if n_rules == 1 else f"{n_rules:,} mute rules hide"
    remark = f"{rules} alerts, so the rate of false alarms is at most this"
    return replace(promise, remark=f"{promise.remark}; {remark}" if promise.remark else remark)

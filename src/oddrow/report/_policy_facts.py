"""The policy that decided in words, as options of the command line, and as Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from oddrow.policies import AlertBudget, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise, Policy
from oddrow.report._scored_rows import ScoredRows
from oddrow.report._triage import PolicyFacts

PLACE = "{policy}"
"""What stands in a command for the options that choose a policy."""


def policy_facts(rows: ScoredRows, command_template: str) -> PolicyFacts:
    """Return the policy that decided the rows, and its decision.

    Parameters
    ----------
    rows
        The decided rows.
    command_template
        A command line with ``{policy}`` where its options go.
    """
    policy, decision = rows.policy, rows.decision
    threshold = decision.threshold
    options = policy_options(policy, threshold)
    return PolicyFacts(
        policy.kind,
        policy_words(policy, threshold),
        command_template.replace(PLACE, options, 1).strip(),
        f"detector.set_policy(oddrow.{same_policy(policy, threshold)!r})",
        str(decision.promise),
        decision.note,
        rows.n_alerts,
        threshold if math.isfinite(threshold) else None,
        rows.prefix,
        command_template,
    )


def same_policy(policy: Policy, threshold: float) -> Policy:
    """Return a policy that a command line and Python can name and that decides these rows in the same way.

    A cost or a share of training rows was turned into a threshold when it was learned; that threshold decides.
    """
    if isinstance(policy, AlertBudget | FalseAlarmRate | FalseDiscoveryRate | FixedSurprise):
        return policy
    return FixedSurprise(max(threshold, 0.0)) if math.isfinite(threshold) else policy


def policy_options(policy: Policy, threshold: float) -> str:
    """Return the options of a command that choose the policy; "" if there are none."""
    named = same_policy(policy, threshold)
    return _OPTIONS[type(named)](named) if type(named) in _OPTIONS else ""


def policy_words(policy: Policy, threshold: float) -> str:
    """Return what the policy is, in words."""
    return _WORDS[type(policy)](policy) if type(policy) in _WORDS else f"a surprise above {threshold:.4g} nats"


def _budget_options(policy: AlertBudget) -> str:
    column = f" --time {_quoted(policy.column)}" if policy.column is not None else ""
    return f"--alerts {policy.alerts}/{policy.per}{column}"


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(text)


_OPTIONS: Mapping[type, Callable[[Any], str]] = {
    FalseAlarmRate: lambda policy: f"--false-alarms {policy.rate!r}",
    AlertBudget: _budget_options,
    FalseDiscoveryRate: lambda policy: f"--fdr {policy.rate!r}" + (" --conservative" if policy.conservative else ""),
    FixedSurprise: lambda policy: f"--surprise {policy.surprise!r}",
}
_WORDS: Mapping[type, Callable[[Any], str]] = {
    FalseAlarmRate: lambda policy: f"a false-alarm rate of {policy.rate:.4g}",
    AlertBudget: lambda policy: (
        f"at most {policy.alerts:,} alerts " + ("a day" if policy.per == "day" else f"in {policy.per:,} rows")
    ),
    FalseDiscoveryRate: lambda policy: f"a false-discovery rate of {policy.rate:.4g}",
    FixedSurprise: lambda policy: f"a surprise above {policy.surprise:.4g} nats",
}

"""The policies as options of commands: a command takes at most one of them, as a policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from oddrow.cli._groups import DECISION
from oddrow.cli._options import with_options
from oddrow.exceptions import SettingError
from oddrow.policies import AlertBudget, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise, Policy


def _option(name: str, metavar: str | None, text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=DECISION)


def _alert_budget(said: Mapping[str, Any]) -> AlertBudget:
    text, time = said["alerts"], said["time"]
    found = re.fullmatch(r"(\d{1,15})/(day|\d{1,15})", text.replace(",", "").replace("_", "").strip())
    if found is None:
        raise SettingError(f"--alerts {text}: give alerts and rows as 50/10000, or alerts a day as 50/day")
    if time is not None and found[2] != "day":
        raise SettingError("--time goes with --alerts N/day")
    return AlertBudget(int(found[1]), "day" if found[2] == "day" else int(found[2]), time)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "false_alarms": (
        Annotated[
            float | None,
            _option("--false-alarms", "RATE", "Flag what this share of normal rows reaches: 0.001."),
        ],
        None,
    ),
    "alerts": (
        Annotated[
            str | None,
            _option("--alerts", "N/ROWS", "At most N alerts in so many rows: 50/10000; or a day: 50/day."),
        ],
        None,
    ),
    "time": (
        Annotated[
            str | None,
            _option("--time", "COL", "Whose days --alerts N/day counts; by default the only timestamp."),
        ],
        None,
    ),
    "fdr": (
        Annotated[
            float | None,
            _option("--fdr", "RATE", "At most this share of the flagged rows is false alarms: 0.1."),
        ],
        None,
    ),
    "conservative": (
        Annotated[
            bool, _option("--conservative", None, "With --fdr: also where p-values depend on each other in any way.")
        ],
        False,
    ),
    "surprise": (
        Annotated[
            float | None,
            _option("--surprise", "NATS", "Flag what is above: 9.2 is one normal row in 10,000."),
        ],
        None,
    ),
}
"""The options, in the order in which help pages show them."""

_POLICIES: dict[str, tuple[str, Callable[[Mapping[str, Any]], Policy]]] = {
    "false_alarms": ("--false-alarms", lambda said: FalseAlarmRate(said["false_alarms"])),
    "alerts": ("--alerts", _alert_budget),
    "fdr": ("--fdr", lambda said: FalseDiscoveryRate(said["fdr"], said["conservative"])),
    "surprise": ("--surprise", lambda said: FixedSurprise(said["surprise"])),
}
"""The options that each choose a policy, and how the policy is made of all options."""

POLICY_OPTIONS = tuple(option for option, _ in _POLICIES.values())
"""The options that each choose a policy, as a user types them."""


def takes_policy(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose a policy; it takes them as ``policy``, which is None without them."""
    return with_options(command, "policy", _OPTIONS, _policy_of)


def _policy_of(**said: Any) -> Policy | None:
    """The policy that the options choose.

    Raises
    ------
    SettingError
        If they choose more than one, or one that has no meaning.
    """
    chosen = [name for name in _POLICIES if said[name] is not None]
    if len(chosen) > 1:
        raise SettingError(f"{' and '.join(_POLICIES[name][0] for name in chosen)} both decide; give one of them")
    if said["conservative"] and said["fdr"] is None:
        raise SettingError("--conservative goes with --fdr RATE")
    if said["time"] is not None and said["alerts"] is None:
        raise SettingError("--time goes with --alerts N/day")
    return _POLICIES[chosen[0]][1](said) if chosen else None


def cost_of(text: str) -> tuple[float, float]:
    """The cost of a missed odd row and of a false alarm, from ``MISS:ALARM``.

    Raises
    ------
    SettingError
        If the text is not two numbers.
    """
    try:
        miss, alarm = map(float, text.split(":"))
    except ValueError as error:
        raise SettingError(f"--cost {text}: give the cost of a miss and of a false alarm, as 100:1") from error
    return miss, alarm

"""The policies as options: at most one of them, and what it says as a policy."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from oddrow.exceptions import SettingError
from oddrow.policies import AlertBudget, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise, Policy

FalseAlarmsOption = Annotated[
    float | None,
    typer.Option("--false-alarms", metavar="RATE", help="Flag what this share of normal rows reaches: 0.001."),
]
AlertsOption = Annotated[
    str | None,
    typer.Option("--alerts", metavar="N/ROWS", help="At most N alerts in so many rows: 50/10000; or a day: 50/day."),
]
TimeOption = Annotated[
    str | None,
    typer.Option("--time", metavar="COL", help="Whose days --alerts N/day counts; by default the only timestamp."),
]
FdrOption = Annotated[
    float | None,
    typer.Option("--fdr", metavar="RATE", help="At most this share of the flagged rows is false alarms: 0.1."),
]
ConservativeOption = Annotated[
    bool, typer.Option("--conservative", help="With --fdr: also where p-values depend on each other in any way.")
]
SurpriseOption = Annotated[
    float | None,
    typer.Option("--surprise", metavar="NATS", help="Flag what is above: 9.2 is one normal row in 10,000."),
]


def policy_of(
    false_alarms: float | None,
    alerts: str | None,
    time: str | None,
    fdr: float | None,
    conservative: bool,
    surprise: float | None,
) -> Policy | None:
    """The policy that the options say, None where they say none.

    Raises
    ------
    SettingError
        If they say more than one, or one that has no meaning.
    """
    given = {"--false-alarms": false_alarms, "--alerts": alerts, "--fdr": fdr, "--surprise": surprise}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise SettingError(f"{' and '.join(named)} both decide; give one of them")
    if conservative and fdr is None:
        raise SettingError("--conservative goes with --fdr RATE")
    if time is not None and alerts is None:
        raise SettingError("--time goes with --alerts N/day")
    if false_alarms is not None:
        return FalseAlarmRate(false_alarms)
    if alerts is not None:
        return _budget(alerts, time)
    if fdr is not None:
        return FalseDiscoveryRate(fdr, conservative)
    return None if surprise is None else FixedSurprise(surprise)


def cost_of(text: str) -> tuple[float, float]:
    """The cost of a missed odd row and of a false alarm, from ``MISS:ALARM``."""
    try:
        miss, alarm = map(float, text.split(":"))
    except ValueError as error:
        raise SettingError(f"--cost {text}: give the cost of a miss and of a false alarm, as 100:1") from error
    return miss, alarm


def _budget(text: str, time: str | None) -> AlertBudget:
    found = re.fullmatch(r"(\d{1,15})/(day|\d{1,15})", text.replace(",", "").replace("_", "").strip())
    if found is None:
        raise SettingError(f"--alerts {text}: give alerts and rows as 50/10000, or alerts a day as 50/day")
    if time is not None and found[2] != "day":
        raise SettingError("--time goes with --alerts N/day")
    return AlertBudget(int(found[1]), "day" if found[2] == "day" else int(found[2]), time)

"""Help pages: options in groups, an example at the end, without types and trivial defaults."""

from __future__ import annotations

from typing import Any

from oddrow.cli._groups import DECISION, INPUT, MACHINE, MODEL, OUTPUT, WINDOWS

GROUPS = (INPUT, WINDOWS, MODEL, DECISION, OUTPUT, MACHINE)
"""The groups of options in the order of a help page."""

GROUP_OF = {
    "--data": INPUT,
    "--label": INPUT,
    "--max-rows": INPUT,
    "--on-error": INPUT,
    "--quarantine": INPUT,
    "--row": INPUT,
    "--sample": INPUT,
    "--test": INPUT,
    "--normal": INPUT,
    "--id": INPUT,
    "--calibration": MODEL,
    "--gap": MODEL,
    "--group": MODEL,
    "--time": MODEL,
    "--clean": MODEL,
    "--detector": MODEL,
    "--kl-weight": MODEL,
    "--methods": MODEL,
    "--protocol": MODEL,
    "--seed": MODEL,
    "--seeds": MODEL,
    "--settings": MODEL,
    "--start-from": MODEL,
    "--contaminated": MODEL,
    "--contamination": DECISION,
    "--cost": DECISION,
    "--explain": OUTPUT,
    "--fail-on-anomaly": OUTPUT,
    "--fail-on-flood": OUTPUT,
    "--events": OUTPUT,
    "--state": INPUT,
    "--only-odd": OUTPUT,
    "--sort": OUTPUT,
    "--with-row": OUTPUT,
    "--keep": OUTPUT,
    "--missing-text": OUTPUT,
    "--output": OUTPUT,
    "--parts": OUTPUT,
    "--picture": OUTPUT,
    "--no-values": OUTPUT,
    "--report": OUTPUT,
    "--top": OUTPUT,
    "--address": MACHINE,
    "--checkpoint": MACHINE,
    "--device": MACHINE,
    "--engine": MACHINE,
    "--max-steps": MACHINE,
    "--resume": MACHINE,
    "--time-limit": MACHINE,
    "--workers": MACHINE,
}
"""The group of each option whose definition names none; it is the same in every command."""

EXAMPLES = {
    "inspect": "oddrow inspect table.csv",
    "windows": "oddrow windows log.csv --time at --entity machine --length 16",
    "fit": "oddrow fit table.csv -o table.oddrow",
    "score": "oddrow score new.csv -m table.oddrow -o scored.csv --explain 3",
    "decide": "oddrow decide table.oddrow --false-alarms 0.001",
    "explain": "oddrow explain new.csv -m table.oddrow --row 7",
    "evaluate": "oddrow evaluate new.csv -m table.oddrow --label state --normal ok",
    "report": "oddrow report new.csv -m table.oddrow -o triage.html --id name",
    "feedback": "oddrow feedback table.oddrow --verdicts new.json -o new.oddrow",
    "map": "oddrow map new.csv -m table.oddrow -o maps",
    "info": "oddrow info table.oddrow",
    "demo": "oddrow demo -o demo",
    "find": "oddrow find table.csv --top 10 -o scored.csv",
    "compare": "oddrow compare labelled.csv --label state --normal ok",
    "tune": "oddrow tune table.csv",
    "export": "oddrow export table.oddrow -o table.onnx",
    "reproduce": "oddrow reproduce kddcup99 --protocol clean",
    "kddcup99": "oddrow reproduce kddcup99 --protocol clean",
    "latent-space": "oddrow reproduce latent-space -o pictures",
}


SELF_EVIDENT = ("", "-", 0)
"""Defaults that a help page does not show."""


def arranged(command: Any, name: str) -> Any:
    """Give a command, or a group of commands, the common form of its help page, and return it."""
    command.name = name
    command.epilog = f"Example: {EXAMPLES[name]}"
    for nested_name, nested in getattr(command, "commands", {}).items():
        arranged(nested, nested_name)
    for parameter in command.params:
        arrange(parameter)
    command.params.sort(key=_place)
    help_option = command.get_help_option

    def hidden_help_option(context: Any) -> Any:
        option = help_option(context)
        option.hidden = True  # a reader of the help page knows --help
        return option

    command.get_help_option = hidden_help_option
    return command


def arrange(parameter: Any) -> None:
    """Put an option into its group, and leave types, limits and trivial defaults out of the help page."""
    parameter._get_number_range_help_str = _nothing  # the error message names the limits
    if parameter.param_type_name != "option":
        parameter.display_type_rich = _nothing
        return
    if getattr(parameter, "rich_help_panel", None) is None:
        parameter.rich_help_panel = GROUP_OF.get(parameter.opts[0])
    if parameter.is_flag:
        parameter.display_type_rich = _nothing
        parameter.show_default = False
    else:
        typed = parameter.display_type_rich
        parameter.display_type_rich = lambda ctx: (typed(ctx) or "").strip("<>")
    if parameter.default in SELF_EVIDENT or parameter.opts[0] == "--methods":
        parameter.show_default = False


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _place(parameter: Any) -> tuple[int, bool]:
    """Return the sort key of a parameter: arguments first, then the groups; required options first in each group."""
    if parameter.param_type_name != "option":
        return -1, False
    panel = getattr(parameter, "rich_help_panel", None)
    return (GROUPS.index(panel) if panel in GROUPS else len(GROUPS)), not parameter.required

"""``oddrow feedback``: take the verdicts on a report into account, as mute rules of a new model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._groups import DECISION, INPUT
from oddrow.cli._options import ForceOption
from oddrow.exceptions import SettingError
from oddrow.files import check_target


def feedback(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The model file that the report was made with.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL2", help="File for the new model.")],
    verdicts: Annotated[
        list[Path] | None,
        typer.Option(
            "--verdicts",
            metavar="FILE",
            help="Verdicts that a report's page exported; give it again for each further file.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="DATE|never",
            help="Last day (UTC) on which the new mute rules are in force.",
            rich_help_panel=DECISION,
        ),
    ] = None,
    without_rules: Annotated[
        bool,
        typer.Option(
            "--without-rules", help="Take all mute rules back; keep the counts of verdicts.", rich_help_panel=DECISION
        ),
    ] = False,
    force: ForceOption = False,
) -> None:
    """Hide the kinds of alerts that a reader of a report marked as false alarms; scores and reasons stay."""
    from oddrow.feedback import expiry, learned, read_verdicts

    check_target(output, force)
    if without_rules == bool(verdicts):
        raise SettingError("give either --verdicts FILE or --without-rules")
    if without_rules and expires is not None:
        raise SettingError("--expires goes with --verdicts")
    detector = artifact.load(model)
    if without_rules:
        artifact.save(detector.without_rules(), output, force=force)
        _console.say(f"wrote {output}: it decides without mute rules")
        return
    files = [read_verdicts(path) for path in verdicts or []]
    found = learned(detector.model_, files, expiry(expires), hashlib.sha256(model.read_bytes()).hexdigest())
    detector.model_ = found.model
    artifact.save(detector, output, force=force)
    _console.say(f"{found.rows:,} verdicts on rows, {found.kinds:,} on kinds")
    for rule in found.made:
        until = "until it is taken back" if rule.expires is None else f"until {rule.expires}"
        _console.say(f"mute rule, {until}: {rule.words}")
    for rule in found.taken_back:
        _console.say(f"taken back: {rule.words}")
    for note in found.notes:
        _console.say(f"note: {note}")
    for file in files:
        if file.model is None:
            _console.say(f"note: {file.name} names no model file: only its columns were checked")
    _console.say(f"wrote {output}; the way back: oddrow feedback {output} --without-rules -o MODEL3, or {model}")

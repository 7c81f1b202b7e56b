"""``oddrow feedback``: take the verdicts on a report into account, as mute rules and weights of a new model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._groups import DECISION, INPUT
from oddrow.cli._options import AS_FOUND, ForceOption, opened, reads_table
from oddrow.cli._remedies import in_options
from oddrow.cli._render_feedback import weight_lines
from oddrow.exceptions import SettingError
from oddrow.files import ReadingOptions, check_target

if TYPE_CHECKING:
    from oddrow.detector import VAEDetector
    from oddrow.feedback import Learned
    from oddrow.fitted import FittedModel


@reads_table
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
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="TABLE",
            help="The report's table; needed where the verdicts do not hold the values of their rows.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    weights: Annotated[
        bool,
        typer.Option(
            "--weights/--no-weights",
            help="Learn weights of views and columns from verdicts on rows, which changes scores.",
            rich_help_panel=DECISION,
        ),
    ] = True,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="DATE|never",
            help="Last day (UTC) on which the new mute rules are in force.",
            rich_help_panel=DECISION,
        ),
    ] = None,
    up_to: Annotated[
        float | None,
        typer.Option(
            "--up-to",
            metavar="NATS",
            help="New mute rules hide alerts up to this surprise; stranger rows of their kind stay alerts.",
            rich_help_panel=DECISION,
        ),
    ] = None,
    without_rules: Annotated[
        bool,
        typer.Option(
            "--without-rules", help="Take all mute rules back; keep the counts of verdicts.", rich_help_panel=DECISION
        ),
    ] = False,
    without_weights: Annotated[
        bool,
        typer.Option(
            "--without-weights",
            help="Return to the weights of the fit; keep rules and counts of verdicts.",
            rich_help_panel=DECISION,
        ),
    ] = False,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
) -> None:  # long: most of it declares the options
    """Hide the kinds of alerts that were marked as false alarms in a report, and learn weights from marked rows.

    Scores with learned weights are calibrated anew, so the promise of the policy holds for them.
    """
    check_target(output, force)
    if (without_rules or without_weights) == bool(verdicts):
        raise SettingError("give either --verdicts FILE, or --without-rules, --without-weights or both")
    given = {"--expires": expires, "--up-to": up_to, "--table": table}
    needless = [*(option for option, value in given.items() if value is not None), *["--no-weights"] * (not weights)]
    if needless and not verdicts:
        raise SettingError(f"{needless[0]} goes with --verdicts")
    detector = artifact.load(model)
    if not verdicts:
        _take_back(detector, output, rules=without_rules, weights=without_weights, force=force)
        return
    from oddrow.detector import feedback_taken

    rows = None if table is None else opened(str(table), reading, detector.model_).read()
    model_hash = hashlib.sha256(model.read_bytes()).hexdigest()
    detector, found = feedback_taken(
        detector, verdicts, rows, expires=expires, up_to=up_to, model_hash=model_hash, weighs=weights
    )
    artifact.save(detector, output, force=force)
    _say_changes(found)
    way_back = f"oddrow feedback {output} {_taking_back(found.model)} -o MODEL3"
    _console.say(f"wrote {output}; the way back: {f'{way_back}, or ' if _taking_back(found.model) else ''}{model}")


def _say_changes(found: Learned) -> None:
    _console.say(f"verdicts: {found.rows:,} on rows, {found.kinds:,} on kinds")
    for rule in found.made:
        until = "until it is taken back" if rule.expires is None else f"until {rule.expires}"
        _console.say(f"mute rule, {until}: {rule.words}")
    for rule in found.taken_back:
        _console.say(f"taken back: {rule.words}")
    for line in weight_lines(found.model):
        _console.say(line)
    for note in found.notes:
        _console.say(f"note: {in_options(note)}")


def _taking_back(model: FittedModel) -> str:
    """Return the options that undo what a model's feedback changed."""
    options = ["--without-rules"] if model.feedback is not None and model.feedback.in_force else []
    return " ".join([*options, *([] if model.surprise_model.reweighting is None else ["--without-weights"])])


def _take_back(detector: VAEDetector, output: Path, *, rules: bool, weights: bool, force: bool) -> None:
    if rules and (detector.model_.feedback is None or not detector.model_.feedback.in_force):
        _console.say("note: the model has no mute rules in force")
    if weights and detector.model_.surprise_model.reweighting is None:
        _console.say("note: the model has no learned weights")
    if rules:
        detector = detector.without_rules()
    if weights:
        detector = detector.without_weights()
    artifact.save(detector, output, force=force)
    changed = [*(["decides without mute rules"] * rules), *(["has the weights of its fit"] * weights)]
    _console.say(f"wrote {output}: it {' and '.join(changed)}")

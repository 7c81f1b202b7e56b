"""``oddrow decide``: the policy of a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oddrow import artifact
from oddrow.batch import stream_scores
from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    LabelOption,
    NormalOption,
    both_given,
    named,
    opened,
    reads_table,
)
from oddrow.cli._policies import POLICY_OPTIONS, cost_of, takes_policy
from oddrow.cli._render import (
    policy_text,
)
from oddrow.exceptions import SettingError
from oddrow.files import ReadingOptions
from oddrow.policies import Cost, Policy


@reads_table
@takes_policy
def decide(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that fit wrote; it is changed.")],
    policy: Policy | None = None,
    cost: Annotated[
        str | None,
        typer.Option(
            "--cost", metavar="MISS:ALARM", help="Cheapest on a labelled table: a miss costs 100, an alarm 1: 100:1."
        ),
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="TABLE", help="With --cost: a table with odd and normal rows.")
    ] = None,
    label: LabelOption = None,
    normal: NormalOption = None,
    reading: ReadingOptions = AS_FOUND,
) -> None:
    """Store in a model file which rows are odd from now on. Nothing is fitted again."""
    if cost is None and (sample, label, normal) != (None, None, None):
        raise SettingError("--sample, --label and --normal go with --cost MISS:ALARM")
    fitted = artifact.load(model)
    if cost is not None:
        if policy is not None or sample is None or not both_given(label, normal):
            raise SettingError("--cost goes with --sample TABLE --label COL --normal VALUE, and with no other policy")
        stream = opened(sample, reading, fitted.model_)
        found = stream_scores(fitted.model_, stream, (named(str(label), stream.schema.names, "--label"), str(normal)))
        policy = Cost(*cost_of(cost)).learn(found.surprise, ~found.is_normal)
    if policy is None:
        raise SettingError(f"give one of {', '.join(POLICY_OPTIONS)}, --cost")
    artifact.save(fitted.set_policy(policy), model, force=True)
    _console.say(f"wrote {model}; odd: {policy_text(fitted.model_)}")

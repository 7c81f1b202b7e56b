"""``oddrow report``: one page with the scored rows of a table, their reasons and their kinds, for triage."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import Annotated

import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    ForceOption,
    IdOption,
    LabelOption,
    ModelOption,
    NormalOption,
    StreamArgument,
    both_given,
    check_ids,
    named,
    note_unknown,
    opened,
    reads_table,
)
from oddrow.cli._policies import takes_policy
from oddrow.files import ReadingOptions, check_target
from oddrow.policies import Policy, check_policy
from oddrow.table import PlacedRows

NoValuesOption = Annotated[
    bool, typer.Option("--no-values", help="Leave every value of the table out of the report; column names stay.")
]


@reads_table
@takes_policy
def report(
    table: StreamArgument,
    model: ModelOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page, an .html file that opens in any browser.")
    ],
    label: LabelOption = None,
    normal: NormalOption = None,
    id_: IdOption = None,
    policy: Policy | None = None,
    no_values: NoValuesOption = False,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
) -> None:
    """Score a table and write one page to look at its alerts: how many, which, of what kinds, and why."""
    from oddrow.report import PLACE, ReportOptions, triage, write_page

    check_target(output, force)
    fitted = artifact.load(model)
    if policy is not None:
        check_policy(policy, fitted.model_.calibration)
    is_labelled = both_given(label, normal)
    with _console.rows_progress() as on_progress:
        stream = opened(table, reading, fitted.model_, may_be_empty=True)
        label = named(str(label), stream.schema.names, "--label") if is_labelled else None
        ids = check_ids(id_, stream.schema.names or id_ or [])
        note_unknown(fitted.model_, stream.schema.empty_table(), label, ids)
        with PlacedRows(stream.located).placing():
            summary = triage(
                fitted.model_,
                stream.read(),
                ReportOptions(
                    table_name=Path(table).name,
                    label=label,
                    normal=normal,
                    ids=ids,
                    has_values=not no_values,
                    policy=policy,
                    model_name=model.name,
                    model_hash=hashlib.sha256(model.read_bytes()).hexdigest(),
                    settings={"settings": fitted.settings, "seed": str(fitted.random_state)},
                    command=f"oddrow score {shlex.quote(table)} -m {shlex.quote(str(model))} {PLACE}",
                ),
                on_progress,
            )
    write_page(summary, output, force=force)
    _console.say(f"{summary.policy.alerts:,} of {summary.table.scored:,} rows are odd ({summary.policy.promise})")
    _console.say(f"wrote {output}: open it in a browser")

"""``oddrow evaluate``: the decisions on a labelled table."""

from __future__ import annotations

from typing import Annotated

import typer

from oddrow import artifact
from oddrow.batch import stream_scores
from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    FailOnFloodOption,
    JsonOption,
    ModelOption,
    StreamArgument,
    leave_if_found,
    named,
    note_unknown,
    opened,
    reads_table,
)
from oddrow.cli._render import (
    print_metrics,
)
from oddrow.files import ReadingOptions
from oddrow.metrics import detection_metrics


@reads_table
def evaluate(
    table: StreamArgument,
    model: ModelOption,
    label: Annotated[str, typer.Option("--label", metavar="COL", help="Column that tells which rows are normal.")],
    normal: Annotated[str, typer.Option("--normal", metavar="VALUE", help="Its value for a normal row.")],
    fail_on_flood: FailOnFloodOption = False,
    reading: ReadingOptions = AS_FOUND,
    json_: JsonOption = False,
) -> None:
    """Compare the decisions with the labels of a table."""
    fitted = artifact.load_model(model)
    with _console.rows_progress() as on_progress:
        stream = opened(table, reading, fitted)
        label = named(label, stream.schema.names, "--label")
        note_unknown(fitted, stream.schema.empty_table(), label)
        found = stream_scores(fitted, stream, (label, normal), on_progress=on_progress)
    figures = detection_metrics(~found.is_normal, found.surprise, found.decision.is_odd)
    print_metrics(figures, found.decision, as_json=json_)
    leave_if_found(fail_on_flood and found.decision.note is not None)

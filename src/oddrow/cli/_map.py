"""``oddrow map``: pictures of the latent space, of the surprise and of the learning curve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oddrow import artifact
from oddrow.batch import stream_scores
from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    ForceOption,
    LabelOption,
    ModelOption,
    NormalOption,
    StreamArgument,
    both_given,
    named,
    note_unknown,
    opened,
    reads_table,
)
from oddrow.files import ReadingOptions

MAX_DRAWN = 100_000
"""The number of rows that a map shows at most: more are one dark spot."""


@reads_table
def map_(
    table: StreamArgument,
    model: ModelOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the pictures go.")],
    label: LabelOption = None,
    normal: NormalOption = None,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
) -> None:
    """Draw the latent space, the distribution of surprise, and the learning curve (PNG and SVG)."""
    from oddrow.pictures import MapSummary, draw_maps

    fitted = artifact.load_model(model)
    is_labelled = both_given(label, normal)
    with _console.rows_progress() as on_progress:
        stream = opened(table, reading, fitted)
        label = named(str(label), stream.schema.names, "--label") if is_labelled else None
        labelled = (str(label), str(normal)) if is_labelled else None
        note_unknown(fitted, stream.schema.empty_table(), label)
        found = stream_scores(fitted, stream, labelled, MAX_DRAWN, on_progress)
    rows = found.sampled
    n_scored = len(found.surprise)
    drawn = "" if len(rows) == n_scored else f", one row in {rows[1]:,} of {n_scored:,}"
    summary = MapSummary(
        latent_map=fitted.projection.apply(fitted.latent(found.sample)),
        surprise=found.surprise[rows],
        is_odd=found.decision.is_odd[rows],
        threshold=found.decision.threshold,
        is_anomaly=None if labelled is None else ~found.is_normal[rows],
        learning_curve=fitted.network.learning_curve,
        title=Path(table).name + drawn,
    )
    for path in draw_maps(summary, output, force=force):
        _console.say(f"wrote {path}")

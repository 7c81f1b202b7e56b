"""``oddrow find``: one table, nothing known about it, its odd rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    CategoryOption,
    ColumnsOption,
    ForceOption,
    IgnoreOption,
    JsonOption,
    SeedOption,
    TableArgument,
    column_overrides,
    opened,
    reads_table,
    whole,
)
from oddrow.cli._render import explanation_values, reason_text
from oddrow.detector import Cleaning, Found, VAEDetector
from oddrow.detector import find as find_odd_rows
from oddrow.exceptions import SettingError
from oddrow.table import Origin, PlacedRows, ReadingOptions, check_target, write_table

REASONS = 3


@reads_table
def find(
    table: TableArgument,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="How many of the strangest rows to show.")] = 20,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT", help="All rows in order with their scores; - is CSV on stdout."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="MODEL", help="Also fit a model on the whole table, for later rows."),
    ] = None,
    category: CategoryOption = None,
    ignore: IgnoreOption = None,
    columns: ColumnsOption = None,
    seed: SeedOption = 0,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:
    """Find the odd rows of a table of which nothing is known; each is scored by a model that never saw it."""
    if json_ and output == "-":
        raise SettingError("--json and -o - both print on stdout; give -o a file")
    for target in (output, keep):
        if target is not None and target != "-":
            check_target(target, force)
    stream = opened(table, reading)
    rows = whole(stream)
    overrides = column_overrides(columns, category, ignore, present=rows.column_names)
    with _console.fit_progress() as watching, PlacedRows(stream.located).placing():
        detector = VAEDetector(clean="robust", columns=overrides, random_state=seed, on_progress=watching.on_progress)
        found = find_odd_rows(rows, detector, top=top, reasons=REASONS, keep=keep is not None)
    if output is not None:
        write_table(found.scored, output, force=force)
    if keep is not None and found.detector is not None:
        found.detector.model_ = replace(found.detector.model_, origin=Origin.of(table, stream.files, stream.csv))
        artifact.save(found.detector, keep, force=force)
    if json_:
        typer.echo(json.dumps(_values(found), ensure_ascii=False))
    elif output != "-":
        _print_strangest(found)
    _console.say(_summary(found))
    for path in (output, keep):
        if path is not None and path != "-":
            _console.say(f"wrote {path}")


def _values(found: Found) -> dict[str, Any]:
    odd = found.cleaning
    return {
        "rows": odd.n_rows,
        "flagged": int(np.sum(found.is_odd)),
        "promise": found.promise,
        "odd_share": {"estimate": odd.share, "low": odd.low, "high": odd.high},
        "strangest": [explanation_values(explanation) for explanation in found.strangest],
    }


def _print_strangest(found: Found) -> None:
    rows = [
        [
            f"{explanation.row:,}",
            f"{explanation.surprise:.2f}",
            f"{explanation.p_value:.2g}",
            "odd" if explanation.is_odd else "",
            "; ".join(reason_text(reason) for reason in explanation.reasons),
        ]
        for explanation in found.strangest
    ]
    title = f"the {len(rows)} strangest of {found.cleaning.n_rows:,} rows"
    _console.print_table(title, ["row", "surprise", "p-value", "", "reasons (expected)"], rows)


def _summary(found: Found) -> str:
    flagged = int(np.sum(found.is_odd))
    return f"{_estimate(found.cleaning)}; {flagged:,} are flagged, each by a model that never saw it ({found.promise})"


def _estimate(odd: Cleaning) -> str:
    low, high = round(odd.low * odd.n_rows), round(odd.high * odd.n_rows)
    count = round(odd.share * odd.n_rows)
    stands = (
        f"about {count:,} of {odd.n_rows:,} rows stand out"
        if count
        else f"none of {odd.n_rows:,} rows surely stands out"
    )
    return f"{stands} (95 %: {low:,} to {high:,}; odd rows that look ordinary are in no count)"

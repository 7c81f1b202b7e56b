"""``oddrow export``: write a model as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._options import ForceOption
from oddrow.export import OPSET, export_onnx
from oddrow.files import check_target


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that fit wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.onnx", help="File for the ONNX graph.")],
    parts: Annotated[
        bool, typer.Option("--parts", help="Also output the part of the surprise of each column.")
    ] = False,
    missing_text: Annotated[
        str,
        typer.Option(
            "--missing-text", metavar="TEXT", help="Text that means a missing name; by default the empty text."
        ),
    ] = "",
    force: ForceOption = False,
) -> None:
    """Write a model as an ONNX graph, from raw columns to surprise, p-value and decision."""
    check_target(output, force)
    fitted = artifact.load(model)
    export_onnx(fitted, output, parts=parts, missing_text=missing_text, force=force)
    columns, preparation = len(fitted.model_.encoding.names), fitted.model_.preparation
    _console.say(f"wrote {output}: ONNX opset {OPSET}, {columns} columns in, {output.stat().st_size:,} bytes")
    if preparation is not None:
        _console.say(
            f"note: the columns in are those of derived rows ({preparation.summary}); the graph does not derive them: "
            "in Python model_.preparation.begin().feed(table) does"
        )

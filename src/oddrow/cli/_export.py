"""``oddrow export``: a model for another runtime."""

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
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.onnx", help="Where the ONNX graph goes.")],
    parts: Annotated[bool, typer.Option("--parts", help="Also give out what each column brings.")] = False,
    missing_text: Annotated[
        str,
        typer.Option(
            "--missing-text", metavar="TEXT", help="What stands for a missing name; the empty text if not given."
        ),
    ] = "",
    force: ForceOption = False,
) -> None:
    """Write a model as an ONNX graph, from raw columns to surprise, p-value and decision."""
    check_target(output, force)
    fitted = artifact.load(model)
    export_onnx(fitted, output, parts=parts, missing_text=missing_text, force=force)
    columns = len(fitted.model_.encoding.names)
    _console.say(f"wrote {output}: ONNX opset {OPSET}, {columns} columns in, {output.stat().st_size:,} bytes")

"""``oddrow info``: what a model file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oddrow import artifact
from oddrow.cli._options import (
    JsonOption,
)
from oddrow.cli._render import (
    info_lines,
    info_values,
    print_schema,
)


def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that fit wrote.")],
    json_: JsonOption = False,
) -> None:
    """Say what a model file holds."""
    fitted = artifact.load(model)
    if json_:
        typer.echo(json.dumps(info_values(fitted), ensure_ascii=False))
        return
    for line in info_lines(fitted):
        typer.echo(line)
    for diagnosis in fitted.health_.diagnoses:
        typer.echo(f"{'warning' if diagnosis.is_certain else 'note'}: {diagnosis.text}")
    print_schema(fitted.model_.encoding.schema, None)

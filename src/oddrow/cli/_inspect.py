"""``oddrow inspect``: how each column of a table would be treated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    AS_JUDGED,
    CategoryOption,
    ForceOption,
    IdOption,
    IgnoreOption,
    JsonOption,
    LabelOption,
    TableArgument,
    check_ids,
    column_overrides,
    named,
    opened,
    reads_table,
    treats_columns,
)
from oddrow.cli._render import (
    inspection_values,
    print_inspection,
)
from oddrow.columns import inspect_table
from oddrow.exceptions import TableReadError
from oddrow.files import ReadingOptions, atomic_write
from oddrow.table import readable_table


@treats_columns
@reads_table
def inspect(
    table: TableArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="COLUMNS.json", help="A file to edit and give to fit."),
    ] = None,
    label: LabelOption = None,
    category: CategoryOption = None,
    ignore: IgnoreOption = None,
    id_: IdOption = None,
    reading: ReadingOptions = AS_FOUND,
    treatment: Mapping[str, str] = AS_JUDGED,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:
    """Show how each column would be treated and why, and what looks suspicious. Nothing is trained."""
    try:
        stream = opened(table, reading)
    except TableReadError as error:
        if error.skip is None:
            raise
        _console.say(f"note: the first {error.skip} lines are passed over; fit needs --skip {error.skip}")
        stream = opened(table, replace(reading, skip=error.skip))
    rows = stream.read()
    given_label = None if label is None else named(label, rows.column_names, "--label")
    if given_label is not None:
        ignore = [*(ignore or []), given_label]
    overrides = column_overrides(
        None,
        category,
        ignore,
        present=rows.column_names,
        ids=check_ids(id_, rows.column_names),
        treatment=treatment,
    )
    found = inspect_table(readable_table(rows), overrides, given_label)
    if json_:
        typer.echo(json.dumps(inspection_values(found), ensure_ascii=False))
    elif output is None:
        print_inspection(found)
    if output is None:
        return
    with atomic_write(output, force) as file:
        file.write(found.schema.to_json().encode())
    _console.say(f"wrote {output}: edit the kinds, then: oddrow fit {table} --columns {output} -o MODEL")

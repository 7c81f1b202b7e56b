"""``oddrow explain``: why one row has its surprise."""

from __future__ import annotations

from typing import Annotated

import typer

from oddrow import artifact
from oddrow.batch import explain_row
from oddrow.cli._options import (
    AS_FOUND,
    IdOption,
    JsonOption,
    ModelOption,
    TableArgument,
    check_ids,
    note_unknown,
    opened,
    reads_table,
)
from oddrow.cli._render import (
    print_explanation,
)
from oddrow.files import ReadingOptions


@reads_table
def explain(
    table: TableArgument,
    model: ModelOption,
    row: Annotated[
        int, typer.Option("--row", metavar="N", help="Which row of the file: the first below the header is 1.")
    ],
    id_: IdOption = None,
    reading: ReadingOptions = AS_FOUND,
    json_: JsonOption = False,
) -> None:
    """Say why one row has its surprise: every column's part, its value, and the value the model expected."""
    fitted = artifact.load_model(model)
    # of the other rows none need be readable
    stream = opened(table, reading, fitted, on_error="skip")
    ids = check_ids(id_, stream.schema.names)
    note_unknown(fitted, stream.schema.empty_table(), ids=ids)
    print_explanation(explain_row(fitted, stream, row), ids, as_json=json_)

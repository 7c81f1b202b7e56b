"""What several commands take: their arguments and options, and the kinds of columns that these say."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from oddrow.cli import _console
from oddrow.cli._groups import DECISION, INPUT, MACHINE, MODEL, OUTPUT
from oddrow.exceptions import SettingError
from oddrow.scoring import FittedModel
from oddrow.table import Kind, column_kinds

SHOWN = 8
"""Names that an error shows."""

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A CSV, TSV, Parquet, Arrow or JSON lines file, perhaps .gz or .zst; - reads CSV from stdin.",
    ),
]
StreamArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A CSV, TSV, Parquet, Arrow or JSON lines file, perhaps .gz or .zst, a folder of them, or a pattern "
        "('logs/*.parquet'), of any size; - reads CSV from stdin.",
    ),
]
ModelOption = Annotated[
    Path, typer.Option("--model", "-m", metavar="MODEL", help="A model file that fit wrote.", rich_help_panel=MODEL)
]
DelimiterOption = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="CHAR", help="What separates the fields of a CSV file.", rich_help_panel=INPUT),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an output that exists.", rich_help_panel=OUTPUT)]
LabelOption = Annotated[
    str | None,
    typer.Option("--label", metavar="COL", help="Column that tells which rows are normal.", rich_help_panel=INPUT),
]
NormalOption = Annotated[
    str | None,
    typer.Option("--normal", metavar="VALUE", help="Value of the label column in normal rows.", rich_help_panel=INPUT),
]
CategoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--category", metavar="COL", help="Treat as names, not quantities; may be repeated.", rich_help_panel=INPUT
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COL", help="Leave a column out; may be repeated.", rich_help_panel=INPUT),
]
ColumnsOption = Annotated[
    Path | None,
    typer.Option(
        "--columns", metavar="FILE", help="Kinds of columns, as inspect -o wrote them.", rich_help_panel=INPUT
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.", rich_help_panel=OUTPUT)]
SeedOption = Annotated[
    int,
    typer.Option("--seed", metavar="N", help="The same seed gives the same result.", rich_help_panel=MODEL),
]
IdOption = Annotated[
    list[str] | None, typer.Option("--id", metavar="COL", help="A column that names the row: shown, never learned.")
]
OnlyOddOption = Annotated[bool, typer.Option("--only-odd", help="Write the odd rows alone.")]
WithRowOption = Annotated[
    bool,
    typer.Option(
        "--with-row", help="Add row, its number in the file from 1 (the header not counted); and file, of several."
    ),
]
FailOnFloodOption = Annotated[
    bool,
    typer.Option("--fail-on-flood", help="Leave with 10, after all is written, where more is flagged than promised."),
]
FailOnAnomalyOption = Annotated[
    bool, typer.Option("--fail-on-anomaly", help="Leave with 10, after all is written, where a row is odd.")
]
EXIT_FOUND = 10
"""What --fail-on-anomaly and --fail-on-flood leave with."""


class SortName(StrEnum):
    """The orders of an output."""

    FILE = "file"
    SURPRISE = "surprise"


SortOption = Annotated[
    SortName, typer.Option("--sort", metavar="ORDER", help="surprise: the strangest first; file: as in the table.")
]

__all__ = ["DECISION", "INPUT", "MACHINE", "MODEL", "OUTPUT"]


def column_overrides(
    columns: Path | None,
    category: list[str] | None,
    ignore: list[str] | None,
    *,
    present: list[str] | None = None,
    label: str | None = None,
    ids: list[str] | None = None,
) -> dict[str, str]:
    """Kinds from the columns file, then from the options; the file may name the label column, which is gone by now."""
    kinds: dict[str, str] = {}
    if columns is not None:
        try:
            text = columns.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"--columns {columns}: cannot be read ({error})") from error
        kinds = column_kinds(text)
        if label is not None and present is not None and label not in present:
            kinds.pop(label, None)
    kinds |= dict.fromkeys(category or [], "category")
    kinds |= dict.fromkeys([*(ignore or []), *(ids or [])], "ignore")
    return kinds


def without_columns(rows: pa.Table, ignored: list[str]) -> pa.Table:
    """The table without the columns to ignore; an error names one that is not there."""
    for name in ignored:
        if name not in rows.column_names:
            raise SettingError(f"--ignore {name}: the table has no such column")
    return rows.drop_columns(ignored)


def check_ids(ids: list[str] | None, names: Sequence[str]) -> list[str]:
    """The columns that name rows; an error names one that the table does not have."""
    for name in ids or []:
        if name not in names:
            shown = ", ".join(map(repr, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
            raise SettingError(f"--id {name}: the table has no such column; it has {shown}")
    return ids or []


def leave_if_found(is_found: bool) -> None:
    """Leave with the exit code of --fail-on-anomaly and --fail-on-flood, where what they ask for is there."""
    if is_found:
        raise typer.Exit(EXIT_FOUND)


def note_unknown(model: FittedModel, rows: pa.Table, label: str | None = None, ids: Sequence[str] = ()) -> None:
    """Say which columns of a table, beside the label and the ids, are ignored because the model does not know them."""
    unknown = [name for name in model.encoding.schema.unknown(rows) if name != label and name not in ids]
    if unknown:
        _console.say(f"note: columns the model does not know are ignored: {', '.join(unknown)}")


def numeric_columns(model: FittedModel) -> list[str]:
    """The columns of a table that should hold numbers or times, by what the model learned."""
    return [column.name for column in model.encoding.schema.used if column.kind in (Kind.NUMBER, Kind.TIMESTAMP)]

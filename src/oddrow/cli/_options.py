"""Arguments and options that several commands share, and the kinds of columns that follow from them."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from oddrow import files
from oddrow.cli import _console
from oddrow.cli._groups import DECISION, INPUT, MACHINE, MODEL, OUTPUT
from oddrow.cli._remedies import in_options
from oddrow.columns import ALL_COLUMNS, AUTO, TableSchema, column_kinds
from oddrow.exceptions import SettingError
from oddrow.files import OnError, ReadingOptions, TableStream
from oddrow.fitted import FittedModel
from oddrow.table import is_as_written, same_names

SHOWN = 8
"""Maximum number of column names in an error message."""

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A CSV, TSV, Parquet, Arrow or JSON lines file, plain or compressed (.gz, .zst); - reads CSV from stdin.",
    ),
]
StreamArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A CSV, TSV, Parquet, Arrow or JSON lines file, plain or compressed (.gz, .zst), a folder of them, or a "
        "pattern ('logs/*.parquet'), of any size; - reads CSV from stdin.",
    ),
]
ModelOption = Annotated[
    Path, typer.Option("--model", "-m", metavar="MODEL", help="A model file that fit wrote.", rich_help_panel=MODEL)
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing output.", rich_help_panel=OUTPUT)]
LabelOption = Annotated[
    str | None,
    typer.Option("--label", metavar="COL", help="Column that says which rows are normal.", rich_help_panel=INPUT),
]
NormalOption = Annotated[
    str | None,
    typer.Option("--normal", metavar="VALUE", help="Value of the label column in normal rows.", rich_help_panel=INPUT),
]
CategoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--category",
        metavar="COL",
        help="Treat the values of a column as names, not as numbers; may be repeated.",
        rich_help_panel=INPUT,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COL", help="Leave a column out; may be repeated.", rich_help_panel=INPUT),
]
ColumnsOption = Annotated[
    Path | None,
    typer.Option(
        "--columns",
        metavar="FILE",
        help="File with the kinds of columns, as inspect -o writes it.",
        rich_help_panel=INPUT,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.", rich_help_panel=OUTPUT)]
SeedOption = Annotated[
    int,
    typer.Option("--seed", metavar="N", help="The same seed gives the same result.", rich_help_panel=MODEL),
]
IdOption = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="COL", help="Column that names the row: it is shown and not learned from."),
]
OnlyOddOption = Annotated[bool, typer.Option("--only-odd", help="Write only the odd rows.")]
WithRowOption = Annotated[
    bool,
    typer.Option(
        "--with-row",
        help="Add a column row, the number in the file from 1 without the header; with several files, also file.",
    ),
]
FailOnFloodOption = Annotated[
    bool,
    typer.Option(
        "--fail-on-flood", help="Exit with code 10, after all is written, if more rows are flagged than promised."
    ),
]
FailOnAnomalyOption = Annotated[
    bool,
    typer.Option("--fail-on-anomaly", help="Exit with code 10, after all is written, if any row is odd."),
]
EXIT_FOUND = 10
"""Exit code of --fail-on-anomaly and --fail-on-flood."""


class SortName(StrEnum):
    """The orders of rows in an output."""

    FILE = "file"
    SURPRISE = "surprise"


SortOption = Annotated[
    SortName,
    typer.Option("--sort", metavar="ORDER", help="surprise: by descending surprise; file: the order of the table."),
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
    treatment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the kinds of columns from the columns file and the options; options take precedence.

    The columns file may name the label column, which is no longer among the columns ``present``.
    """
    kinds: dict[str, str] = {}
    if columns is not None:
        try:
            text = columns.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"--columns {columns}: cannot be read ({error})") from error
        kinds = column_kinds(text)
        if label is not None and present is not None and label not in present:
            kinds.pop(label, None)
    ignore = [*(ignore or []), *(ids or [])]
    kinds |= treatment or {}
    if present is None:
        return kinds | dict.fromkeys(category or [], "category") | dict.fromkeys(ignore, "ignore")
    known = same_names([name for name in kinds if name != ALL_COLUMNS], present)
    kinds = {known.get(name, name): kind for name, kind in kinds.items()}
    kinds |= {named(name, present, "--category"): "category" for name in category or []}
    return kinds | {named(name, present, "--ignore"): "ignore" for name in ignore}


def without_columns(rows: pa.Table, ignored: list[str]) -> pa.Table:
    """Return the table without the ignored columns; raise SettingError if one is not in the table."""
    ignored = [named(name, rows.column_names, "--ignore") for name in ignored]
    for name in ignored:
        if name not in rows.column_names:
            raise SettingError(f"--ignore {name}: the table has no such column")
    return rows.drop_columns(ignored)


def check_ids(ids: list[str] | None, names: Sequence[str]) -> list[str]:
    """Return the columns that name rows; raise SettingError if one is not in the table."""
    known = [named(name, names, "--id") for name in ids or []]
    for name in known:
        if name not in names:
            shown = ", ".join(map(repr, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
            raise SettingError(f"--id {name}: the table has no such column; it has {shown}")
    return known


def leave_if_found(is_found: bool) -> None:
    """Exit with the code of --fail-on-anomaly and --fail-on-flood if their condition is met."""
    if is_found:
        raise typer.Exit(EXIT_FOUND)


def note_unknown(model: FittedModel, rows: pa.Table, label: str | None = None, ids: Sequence[str] = ()) -> None:
    """Print a note that names the columns that the model was not fitted to, apart from the label and the ids."""
    unknown = [name for name in model.unknown(rows) if name != label and name not in ids]
    if unknown:
        _console.say(f"note: columns the model does not know are ignored: {', '.join(unknown)}")


# How a table is read ------------------------------------------------------------------------------------------------

READING = "Input"
"""The group of these options on every help page."""
AS_FOUND = ReadingOptions()
"""No options: the format of a table is detected."""


def _option(name: str, metavar: str | None, text: str, **more: Any) -> Any:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=READING, **more)


_READING: dict[str, tuple[Any, Any]] = {
    "format": (
        Annotated[
            str | None,
            _option("--format", "FORM", "csv, jsonl, parquet, csv.gz, ... if the file name has no such ending."),
        ],
        None,
    ),
    "delimiter": (
        Annotated[str | None, _option("--delimiter", "CHAR", "Character between the fields of a CSV file.")],
        None,
    ),
    "skip": (
        Annotated[int | None, _option("--skip", "N", "Number of lines before the header of a CSV file.", min=0)],
        None,
    ),
    "no_header": (
        Annotated[bool, _option("--no-header", None, "The first line of a CSV file is a row, not a header.")],
        False,
    ),
    "names": (
        Annotated[str | None, _option("--names", "A,B,...", "Names of the columns of a CSV file without a header.")],
        None,
    ),
    "encoding": (
        Annotated[
            str | None, _option("--encoding", "NAME", "Encoding of a CSV file: utf-8, windows-1252, utf-16, ...")
        ],
        None,
    ),
}


def reads_table(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for reading its table; it gets them as one frozen value ``reading``."""
    return with_options(command, "reading", _READING, _reading_options)


def treats_columns(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for treating columns; it gets them as a mapping ``treatment``."""
    own = _TREATMENT if "keep" not in inspect.signature(command).parameters else _TREATMENT_BESIDE_KEEP
    return with_options(command, "treatment", own, _treatment)


def with_options(
    command: Callable[..., None], taken_as: str, options: Mapping[str, tuple[Any, Any]], make: Callable[..., Any]
) -> Callable[..., None]:
    """Return a command with further options, whose values it gets as one argument ``taken_as``."""
    signature = inspect.signature(command, eval_str=True)
    kept = [one for name, one in signature.parameters.items() if name != taken_as]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    # the help page shows the options in the place of that argument
    place = list(signature.parameters).index(taken_as)
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in kept]
    parameters[place:place] = added

    @wraps(command)
    def called(**arguments: Any) -> None:
        values = {name: arguments.pop(name) for name in options}
        command(**arguments, **{taken_as: make(**values)})

    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _reading_options(
    format: str | None,  # noqa: A002 - the option's name
    delimiter: str | None,
    skip: int | None,
    no_header: bool,
    names: str | None,
    encoding: str | None,
) -> ReadingOptions:
    listed = None if names is None else tuple(next(csv.reader([names], skipinitialspace=True), []))
    return ReadingOptions(format, delimiter, listed, skip, False if no_header else None, encoding)


# How columns are treated ---------------------------------------------------------------------------------------------

AS_JUDGED: Mapping[str, str] = {}
"""No options: the kinds of columns are judged from their values."""


def _keep_option(*names: str) -> Any:
    text = "Learn from a column although it looks like an identifier or a counter; may be repeated."
    return Annotated[list[str] | None, typer.Option(*names, metavar="COL", help=text, rich_help_panel=READING)]


_TREATMENT: dict[str, tuple[Any, Any]] = {
    "keep_column": (_keep_option("--keep", "--keep-column"), None),
    "number": (
        Annotated[
            list[str] | None,
            _option("--number", "COL", "Read as numbers; other texts are missing values. May be repeated."),
        ],
        None,
    ),
    "timestamp": (
        Annotated[
            list[str] | None,
            _option("--timestamp", "COL[=FORM]", "Read as times: dmy, mdy, ymd, 'epoch s', ... May be repeated."),
        ],
        None,
    ),
    "decimal": (Annotated[str | None, _option("--decimal", "SIGN", "Decimal sign of all numbers: , or .")], None),
    "thousands": (
        Annotated[str | None, _option("--thousands", "SIGN", "Thousands sign of all numbers: . , ' or a blank.")],
        None,
    ),
    "missing": (
        Annotated[list[str] | None, _option("--missing", "MARK", "Text that means a missing value. May be repeated.")],
        None,
    ),
}
_TREATMENT_BESIDE_KEEP = {**_TREATMENT, "keep_column": (_keep_option("--keep-column"), None)}
"""The same options for a command that has another option --keep."""


def _treatment(
    keep_column: list[str] | None,
    number: list[str] | None,
    timestamp: list[str] | None,
    decimal: str | None,
    thousands: str | None,
    missing: list[str] | None,
) -> dict[str, str]:
    """Return the kinds and settings of columns as the library takes them."""
    kinds = dict.fromkeys(keep_column or [], AUTO) | dict.fromkeys(number or [], "number")
    for text in timestamp or []:
        name, sign, form = text.rpartition("=")
        kinds[name if sign else text] = f"timestamp; dates={form}" if sign else "timestamp"
    settings = [f"{name}={sign}" for name, sign in (("decimal", decimal), ("thousands", thousands)) if sign is not None]
    settings += [f"missing={mark}" for mark in missing or []]
    return kinds | ({ALL_COLUMNS: "; ".join(["", *settings])} if settings else {})


def opened(
    table: str,
    reading: ReadingOptions,
    model: FittedModel | None = None,
    *,
    on_error: OnError = "stop",
    may_be_empty: bool = False,
) -> TableStream:
    """Open a table of any size, as the options and the model say, and print notes about what was assumed."""
    known: dict[str, Any] = {}
    if model is not None:
        known["expects"] = model.sources
        known["may_lack"] = model.may_lack
        known["like"] = None if model.origin is None else model.origin.csv
    stream = files.open(table, reading, on_error=on_error, may_be_empty=may_be_empty, **known)
    for note in stream.notes:
        _console.say(f"note: {in_options(note)}")
    return stream


def typed_rows(stream: TableStream) -> pa.Table:
    """Read all rows of a stream, and convert columns of text to the types of their values, for comparing methods."""
    rows = stream.read()
    return TableSchema.judge(rows).typed(rows) if is_as_written(rows.schema) else rows


def named(wanted: str, present: Sequence[str], option: str) -> str:
    """Return the column that an option names; else the one that differs only in blanks or its Unicode form."""
    found = same_names([wanted], present).get(wanted, wanted)
    if found != wanted:
        _console.say(f"note: {option} {wanted}: the column is {found!r}")
    return found


def both_given(label: str | None, normal: str | None) -> bool:
    """Whether a table is labelled: both the label column and its normal value are given, or neither."""
    if (label is None) != (normal is None):
        raise SettingError("--label COL and --normal VALUE go together")
    return label is not None

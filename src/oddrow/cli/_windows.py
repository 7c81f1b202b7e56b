"""``oddrow windows``: a table of windows of ordered rows, for tables of any size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated

import pyarrow as pa
import typer

from oddrow.cli import _console
from oddrow.cli._groups import INPUT, WINDOWS
from oddrow.cli._options import (
    AS_FOUND,
    AS_JUDGED,
    CategoryOption,
    ForceOption,
    IgnoreOption,
    StreamArgument,
    column_overrides,
    opened,
    reads_table,
    treats_columns,
)
from oddrow.cli._remedies import in_options
from oddrow.cli._sequences import MaxGapOption, learned_windows, present_column, step_of
from oddrow.exceptions import SettingError
from oddrow.files import ReadingOptions, TableStream, check_target, table_writer
from oddrow.sequences import PreparationRun, WindowPlan, Windows
from oddrow.table import PlacedRows, as_table


@treats_columns
@reads_table
def windows(
    table: StreamArgument,
    time: Annotated[
        str,
        typer.Option("--time", metavar="COL", help="Column of the time; rows are in its order.", rich_help_panel=INPUT),
    ],
    entity: Annotated[
        str | None,
        typer.Option(
            "--entity",
            metavar="COL",
            help="Column of the machine, customer, ...; no window contains rows of two.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option("--length", metavar="N", help="Rows of a window.", rich_help_panel=WINDOWS),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(
            "--span", metavar="TIME", help="Duration of a window: 30s, 10min, 1h, 1d.", rich_help_panel=WINDOWS
        ),
    ] = None,
    step: Annotated[
        str,
        typer.Option(
            "--step",
            metavar="N",
            help="Every N-th row ends a window; with --span also a duration between ends.",
            rich_help_panel=WINDOWS,
        ),
    ] = "1",
    max_gap: MaxGapOption = None,
    lag: Annotated[
        list[int] | None,
        typer.Option(
            "--lag",
            metavar="N",
            help="Add the value N rows before the end, 1 by default; may be repeated.",
            rich_help_panel=WINDOWS,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="OUT", help="Output file, .csv, .parquet, ...; - is CSV on stdout."),
    ] = "-",
    category: CategoryOption = None,
    ignore: IgnoreOption = None,
    reading: ReadingOptions = AS_FOUND,
    treatment: Mapping[str, str] = AS_JUDGED,
    force: ForceOption = False,
) -> None:  # long: most of it declares the options
    """Write a table of windows: per entity the mean, trend, ... of its last rows, or of its last minutes."""
    if (length is None) == (span is None):
        raise SettingError("give one of --length N, the rows of a window, and --span TIME, its duration, such as 10min")
    if output != "-":
        check_target(output, force)
    stream = opened(table, reading)
    present = stream.schema.names
    time = present_column(time, present, "--time")
    entity = None if entity is None else present_column(entity, present, "--entity")
    kinds = column_overrides(None, category, ignore, present=present, treatment=treatment)
    spec = Windows(time, entity, length, span, step_of(step), max_gap, (1,) if lag is None else tuple(lag))
    spec.check()
    plan = learned_windows(spec, stream, kinds)
    run = plan.begin()
    parts = _derived(plan, run, stream)
    first = next(parts)
    with table_writer(output, first.schema, force=force) as write:
        for part in itertools.chain([first], parts):
            write(part)
    for note in run.notes:
        _console.say(in_options(note))


def _derived(plan: WindowPlan, run: PreparationRun, stream: TableStream) -> Iterator[pa.Table]:
    """Derive the windows of each batch; errors name the file and the row."""
    rows = PlacedRows(stream.located)
    reads = set(plan.sources).__contains__
    with rows.placing():
        for batch in rows:
            yield run.feed(as_table(pa.Table.from_batches([batch]), reads=reads)).table

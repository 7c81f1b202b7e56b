"""``oddrow find``: the odd rows of one table of which nothing is known, or of a table beside normal rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer

from oddrow import artifact
from oddrow.batch import shown
from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    AS_JUDGED,
    CategoryOption,
    ColumnsOption,
    FailOnFloodOption,
    ForceOption,
    IdOption,
    IgnoreOption,
    JsonOption,
    OnlyOddOption,
    SeedOption,
    SortName,
    SortOption,
    TableArgument,
    WithRowOption,
    check_ids,
    column_overrides,
    leave_if_found,
    opened,
    reads_table,
    treats_columns,
)
from oddrow.cli._render import explanation_values, promise_values
from oddrow.detector import FIND_FOLDS, Found, VAEDetector
from oddrow.detector import find as find_odd_rows
from oddrow.exceptions import DataError, SettingError
from oddrow.explanation import reasons_text
from oddrow.files import Origin, ReadingOptions, TableStream, check_target, write_table
from oddrow.fitting import Cleaning
from oddrow.table import PlacedRows

REASONS = 3
BEGINS_WITH, MAX_LETTERS = 3, 36
"""Columns and letters at most that a row is known by where no --id is given."""


@treats_columns
@reads_table
def find(
    table: TableArgument,
    normal: Annotated[
        str | None,
        typer.Option(
            "--normal",
            metavar="NORMAL",
            help="A table of normal rows with the same columns: find the rows of TABLE that differ from them, looking "
            "at TABLE as a whole. Use it where 5 % of TABLE or more may be odd.",
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="How many of the strangest rows to show.")] = 20,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT", help="All rows in order with their scores; - is CSV on stdout."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="MODEL", help="Also fit a model on the whole table (or on NORMAL), for later rows."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Also write one page to look at the rows, see oddrow report."),
    ] = None,
    category: CategoryOption = None,
    ignore: IgnoreOption = None,
    id_: IdOption = None,
    columns: ColumnsOption = None,
    only_odd: OnlyOddOption = False,
    sort: SortOption = SortName.FILE,
    with_row: WithRowOption = False,
    fail_on_flood: FailOnFloodOption = False,
    seed: SeedOption = 0,
    reading: ReadingOptions = AS_FOUND,
    treatment: Mapping[str, str] = AS_JUDGED,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:  # long: most of it declares the options
    """Find the odd rows of a table of which nothing is known, or with --normal those that differ from normal rows."""
    shapes = only_odd or with_row or sort is not SortName.FILE
    _check_outputs((output, keep, report), force=force, as_json=json_, shapes=shapes)
    if report is not None and normal is not None:
        raise SettingError(
            "--report is not made with --normal: its page shows scores of models, and --normal adds what the whole "
            f"table says. Give --keep MODEL in place of --report, then: oddrow report {table} -m MODEL -o {report}"
        )
    stream = opened(table, reading)
    rows = stream.read()
    if with_row and "row" in rows.column_names:
        raise DataError(f"{table}: already has a column 'row', which --with-row adds; rename or drop it")
    ids = check_ids(id_, rows.column_names)
    beside = None if normal is None else opened(normal, reading)
    known = None if beside is None else beside.read()
    names = rows.column_names if known is None else known.column_names
    # an identifier that only the table has is not learned anyway
    unlearned = [name for name in ids if name in names]
    overrides = column_overrides(columns, category, ignore, present=names, ids=unlearned, treatment=treatment)
    explain_all = output is not None
    n_parts = FIND_FOLDS if known is None else 1
    phases = _console.find_phases(n_parts + (keep is not None), n_parts, explains_all=explain_all)
    with _console.fit_progress(phases) as watching, PlacedRows(stream.located).placing():
        clean = "robust" if known is None else "assume"
        detector = VAEDetector(clean=clean, columns=overrides, random_state=seed, on_progress=watching.on_progress)
        found = find_odd_rows(
            rows,
            detector,
            normal=known,
            top=top,
            reasons=REASONS,
            keep=keep is not None,
            explain_all=explain_all,
            on_phase=watching.on_phase,
        )
    if output is not None:
        written = _written(found, rows.num_columns, only_odd=only_odd, sort=sort, with_row=with_row)
        write_table(written, output, force=force)
    if keep is not None and found.detector is not None:
        found.detector.model_ = replace(found.detector.model_, origin=_origin(table, stream, normal, beside))
        artifact.save(found.detector, keep, force=force)
    if report is not None:
        found.report(report, ids=ids, name=Path(table).name, force=force)
    if json_:
        typer.echo(json.dumps(_values(found, rows, ids), ensure_ascii=False))
    elif output != "-":
        _print_strangest(found, rows, ids)
    _say_what_was_found(found, (output, keep, report), is_answer=output != "-" and not json_)
    leave_if_found(fail_on_flood and found.note is not None)


def _origin(table: str, stream: TableStream, normal: str | None, beside: TableStream | None) -> Origin:
    """Return where the rows of the kept model come from."""
    if normal is None or beside is None:
        return Origin.of(table, stream.files, stream.csv)
    return Origin.of(normal, beside.files, beside.csv)


def _check_outputs(outputs: Sequence[str | Path | None], *, force: bool, as_json: bool, shapes: bool) -> None:
    output = outputs[0]
    if as_json and output == "-":
        raise SettingError("--json and -o - both print on stdout; give -o a file")
    if output is None and shapes:
        raise SettingError("--only-odd, --sort and --with-row say what is written; give -o OUT")
    for target in outputs:
        if target is not None and target != "-":
            check_target(target, force)


def _say_what_was_found(found: Found, outputs: Sequence[str | Path | None], *, is_answer: bool) -> None:
    """The sentences go to stdout, unless that holds rows or JSON."""
    tell = _console.answer if is_answer else _console.say
    tell(_summary(found))
    if found.note is not None:
        tell(f"note: {found.note}")
    for text in found.notes:
        _console.say(f"note: {text}")
    for path in outputs:
        if path is not None and path != "-":
            _console.say(f"wrote {path}")


def _written(found: Found, n_columns: int, *, only_odd: bool, sort: SortName, with_row: bool) -> pa.Table:
    """The scored rows as they are to be written; ``row`` comes before what scoring adds."""
    scored = found.scored
    if with_row:
        scored = scored.add_column(n_columns, "row", pa.array(np.arange(1, scored.num_rows + 1)))
    if sort is SortName.SURPRISE:
        scored = scored.take(np.argsort(-found.surprise, kind="stable"))
    return scored.filter(scored.column("is_odd")) if only_odd else scored


def _values(found: Found, rows: pa.Table, ids: list[str]) -> dict[str, Any]:
    odd = found.cleaning
    return {
        "rows": odd.n_rows,
        "flagged": int(np.sum(found.is_odd)),
        **promise_values(found.promise),
        "note": found.note,
        "notes": list(found.notes),
        "odd_share": {"estimate": odd.share, "low": odd.low, "high": odd.high},
        **({} if found.batch is None else {"whole_table_counts": found.batch.is_used}),
        "strangest": [
            {**explanation_values(explanation.of_at_least()), "id": _named(rows, explanation.row, ids)}
            for explanation in found.strangest
        ],
    }


def _named(rows: pa.Table, row: int, names: Sequence[str]) -> dict[str, str | None]:
    return {name: shown(rows.column(name)[row].as_py()) for name in names}


def _print_strangest(found: Found, rows: pa.Table, ids: list[str]) -> None:
    cells = [
        [
            f"{explanation.row + 1:,}",
            *_known_by(rows, explanation.row, ids),
            f"{explanation.surprise:.2f}",
            f"{explanation.p_value:.2g}",
            "odd" if explanation.is_odd else "",
            reasons_text(explanation),
        ]
        for explanation in found.strangest
    ]
    title = f"the {len(cells)} strangest of {found.cleaning.n_rows:,} rows (row 1 is the first below the header)"
    headings = ["row", *(ids or ["begins with"]), "surprise", "p-value", "", "reasons (what is usual) and their share"]
    _console.print_table(title, headings, cells)


def _known_by(rows: pa.Table, row: int, ids: list[str]) -> list[str]:
    """What a person knows a row by: its ids, or else what it begins with, cut to some letters."""
    if ids:
        return [value or "(missing)" for value in _named(rows, row, ids).values()]
    begins = ", ".join(value or "" for value in _named(rows, row, rows.column_names[:BEGINS_WITH]).values())
    return [begins if len(begins) <= MAX_LETTERS else f"{begins[: MAX_LETTERS - 3]}..."]


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

"""``oddrow compare``: compare methods on the user's own table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    ForceOption,
    IgnoreOption,
    JsonOption,
    LabelOption,
    SeedOption,
    TableArgument,
    named,
    opened,
    reads_table,
    typed_rows,
    without_columns,
)
from oddrow.cli._rank_without_labels import rank
from oddrow.comparison import METHODS, Comparison, Interval, MethodSummary, checked_methods
from oddrow.comparison import compare as compare_methods
from oddrow.exceptions import OddrowError, SettingError
from oddrow.files import ReadingOptions, check_target, write_table
from oddrow.pictures import FigureRow, MethodRow, draw_comparison

MEASURES = {"auroc": "AUROC", "average_precision": "average precision"}
HEADINGS = ["method", "AUROC", "AP", "precision", "recall", "alarms", "fit s", "score s", "p"]
"""``AP`` is average precision, ``alarms`` the false-alarm rate, ``p`` that of the difference to the best AUROC."""

DROPPABLE = ("score s", "fit s", "p")
"""Columns that are left out first on a narrow terminal."""


@reads_table
def compare(
    table: TableArgument,
    label: LabelOption = None,
    normal: Annotated[
        str | None,
        typer.Option(
            "--normal",
            metavar="VALUE",
            help="Value of the label column in normal rows; by default 0, false, or 1 with -1.",
        ),
    ] = None,
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            metavar="A,B,...",
            help="Names of methods: any of the default, a detector class of scikit-learn, or pyod:NAME. "
            "By default: " + ", ".join(METHODS),
        ),
    ] = ",".join(METHODS),
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Number of random splits.")] = 3,
    contaminated: Annotated[
        bool, typer.Option("--contaminated", help="Use all rows, odd ones too, as training rows and as test rows.")
    ] = False,
    max_rows: Annotated[
        int | None, typer.Option("--max-rows", metavar="N", min=1, help="Compare on at most N rows, drawn at random.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT", help="Table of one row per method and seed; - is CSV on stdout."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw the intervals into a .png or .svg file.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="One page to look at the test rows of the first split, scored by the first of oddrow's detectors.",
        ),
    ] = None,
    ignore: IgnoreOption = None,
    seed: SeedOption = 0,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:  # long: most of it declares the options
    """Compare methods on a table, with the same splits and encoding for all, intervals and a paired test.

    Without --label all rows are taken as normal, and methods are ranked by odd rows made from some of them.
    """
    if json_ and output == "-":
        raise SettingError("--json and -o - both print on stdout; give -o a file")
    for target in (output, picture, report):
        if target is not None and target != "-":
            check_target(target, force)
    if label is None and (normal is not None or contaminated or picture is not None or report is not None):
        raise SettingError(
            "--normal, --contaminated, --picture and --report need a table with labels; give --label COL"
        )
    chosen = checked_methods([name.strip() for name in methods.split(",") if name.strip()])
    rows = without_columns(typed_rows(opened(table, reading)), ignore or [])
    if label is None:
        rank(
            rows,
            Path(table).name,
            methods=list(chosen),
            seeds=seeds,
            seed=seed,
            max_rows=max_rows,
            output=output,
            force=force,
            as_json=json_,
        )
        return
    label = named(label, rows.column_names, "--label")
    with _console.fits_progress() as on_progress:
        found = compare_methods(
            rows,
            label,
            methods=chosen,
            normal=normal,
            seeds=seeds,
            random_state=seed,
            contaminated=contaminated,
            max_rows=max_rows,
            report_name=None if report is None else Path(table).name,
            on_progress=on_progress,
        )
    _give(found, Path(table).name, output=output, picture=picture, report=report, force=force, as_json=json_)


def _give(
    found: Comparison,
    name: str,
    *,
    output: str | None,
    picture: Path | None,
    report: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write, print and draw a comparison; raise an error if every method failed."""
    if output is not None:
        write_table(found.to_table(), output, force=force)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif output != "-":
        _console.print_table(_title(found, name), HEADINGS, [_cells(row) for row in found.summary], droppable=DROPPABLE)
    _say_findings(found, is_answer=not as_json and output != "-")
    if all(row.auroc is None for row in found.summary):
        raise OddrowError(f"every method failed; the first error: {found.summary[0].error}")
    if picture is not None:
        _draw(found, name, picture, force=force)
    if report is not None:
        _save_report(found, report, force=force)
    for path in filter(None, (output, picture, report)):
        if path != "-":
            _console.say(f"wrote {path}")


def _say_findings(found: Comparison, *, is_answer: bool) -> None:
    """Say what the tests find, and what methods warned of; stdout may already have JSON or CSV."""
    print_sentence = _console.answer if is_answer else _console.say
    for sentence in found.sentences:
        print_sentence(sentence)
    for method, text in dict.fromkeys((run.method, text) for run in found.runs for text in run.warnings):
        _console.say(f"note: {method}: {text}")


def _save_report(found: Comparison, path: Path, *, force: bool) -> None:
    if found.report is None:
        raise OddrowError("there is no report: the detector that it needs failed on the first split")
    found.report.save(path, force=force)


def _title(found: Comparison, name: str) -> str:
    training = "all are training rows" if found.contaminated else f"{found.rows_train:,} normal training rows"
    count = len(found.seeds)
    return (
        f"{name}: {found.rows:,} rows, {found.anomalies:,} anomalies; {training}, {found.rows_test:,} test rows; "
        f"{count} seed{'s' if count > 1 else ''}"
    )


def _cells(row: MethodSummary) -> list[str]:
    if row.n_runs == 0:
        return [row.method, "failed", *[""] * (len(HEADINGS) - 2)]
    shares = (row.precision, row.recall, row.false_alarm_rate)
    return [
        row.method,
        _with_interval(row.auroc),
        _with_interval(row.average_precision),
        *("-" if share is None else f"{share.mean:.3f}" for share in shares),
        f"{row.fit_seconds:.2f}",
        f"{row.score_seconds:.2f}",
        "" if row.p_auroc is None else f"{row.p_auroc:.2g}",
    ]


def _with_interval(figure: Interval | None) -> str:
    if figure is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.mean:.3f}"
    return f"{figure.mean:.3f} ({_short(figure.low)}-{_short(figure.high)})"


def _short(share: float) -> str:
    """Format a share with three decimals and without the leading zero."""
    return f"{share:.3f}".removeprefix("0")


def _draw(found: Comparison, name: str, path: Path, *, force: bool) -> None:
    rows = [
        MethodRow(row.method, row.method.startswith("oddrow"), tuple(_figure(found, row, one) for one in MEASURES))
        for row in found.summary
    ]
    chance = (0.5, found.anomalies / found.rows_test)
    note = "Disc: mean over seeds; ticks: single seeds."
    if len(found.seeds) > 1 and not found.contaminated:
        note = (
            "Disc: mean over seeds; line: 95 % interval; ticks: single seeds. "
            "Ring: below the best (corrected resampled t-test, Holm, p < .05); filled: no difference seen."
        )
    draw_comparison(rows, list(MEASURES.values()), chance, path, title=_title(found, name), note=note, force=force)


def _figure(found: Comparison, row: MethodSummary, measure: str) -> FigureRow | None:
    interval: Interval | None = getattr(row, measure)
    if interval is None:
        return None
    p_value = getattr(row, f"p_{measure}")
    values = (
        getattr(run.figures, measure) for run in found.runs if run.method == row.method and run.figures is not None
    )
    return FigureRow(
        interval.mean, interval.low, interval.high, tuple(values), is_worse=p_value is not None and p_value < 0.05
    )

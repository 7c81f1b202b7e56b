"""``oddrow compare`` without ``--label``, and ``oddrow tune``: ranking by odd rows made from the table's own rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from oddrow.cli import _console
from oddrow.cli._options import (
    AS_FOUND,
    ForceOption,
    IgnoreOption,
    JsonOption,
    SeedOption,
    TableArgument,
    opened,
    reads_table,
    typed_rows,
    without_columns,
)
from oddrow.comparison import MAX_TUNING_ROWS, Method, MethodRank, ProbeRanking, Tuning, rank_without_labels
from oddrow.comparison import tune as tune_detector
from oddrow.exceptions import OddrowError, SettingError
from oddrow.files import ReadingOptions, check_target, write_table


def rank(
    rows: pa.Table,
    name: str,
    *,
    methods: list[Method],
    seeds: int,
    seed: int,
    max_rows: int | None,
    output: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Rank methods, and print and write the ranking; raise an error if every method failed."""
    with _console.fits_progress() as on_progress:
        found = rank_without_labels(
            rows, methods=methods, seeds=seeds, random_state=seed, max_rows=max_rows, on_progress=on_progress
        )
    p_values = {rank.method: rank.p_value for rank in found.ranking}
    _give(found, found, p_values, name, output=output, force=force, as_json=as_json)


@reads_table
def tune(
    table: TableArgument,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Number of random splits.")] = 5,
    max_rows: Annotated[
        int, typer.Option("--max-rows", metavar="N", min=1, help="Tune on at most N rows, drawn at random.")
    ] = MAX_TUNING_ROWS,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Table of one row per candidate, seed and kind; - is CSV on stdout."
        ),
    ] = None,
    ignore: IgnoreOption = None,
    seed: SeedOption = 0,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:
    """Try settings of the detector on a table of normal rows, without labels.

    They are measured on odd rows made from some of the table's rows. The default stays unless other settings are
    significantly better.
    """
    if json_ and output == "-":
        raise SettingError("--json and -o - both print on stdout; give -o a file")
    if output is not None and output != "-":
        check_target(output, force)
    rows = without_columns(typed_rows(opened(table, reading)), ignore or [])
    with _console.fits_progress() as on_progress:
        found = tune_detector(rows, seeds=seeds, random_state=seed, max_rows=max_rows, on_progress=on_progress)
    _give(found, found.ranking, found.p_values, Path(table).name, output=output, force=force, as_json=json_)


def _give(
    found: ProbeRanking | Tuning,
    ranking: ProbeRanking,
    p_values: Mapping[str, float | None],
    name: str,
    *,
    output: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write and print a ranking and its sentences; raise an error if nothing could be ranked."""
    if output is not None:
        write_table(found.to_table(), output, force=force)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif output != "-":
        what, against = ("settings", "p (default)") if isinstance(found, Tuning) else ("method", "p")
        headings = [what, "score", *ranking.weights, "fit s", against]
        rows = [_cells(rank, ranking, p_values.get(rank.method)) for rank in ranking.ranking]
        _console.print_table(_title(ranking, name), headings, rows, droppable=["fit s", against])
    print_sentence = _console.say if as_json or output == "-" else _console.answer  # stdout already has JSON or CSV
    for sentence in found.sentences:
        print_sentence(sentence)
    if found.recommended is None:
        raise OddrowError(f"nothing could be ranked; the first error: {ranking.ranking[0].error}")
    if output is not None and output != "-":
        _console.say(f"wrote {output}")


def _title(found: ProbeRanking, name: str) -> str:
    count = len(found.seeds)
    return (
        f"{name}: no labels; AUROC of odd rows made from {found.rows_held_out // 2:,} of {found.rows:,} rows, "
        f"{found.rows_train:,} training rows; {count} seed{'s' if count > 1 else ''}"
    )


def _cells(rank: MethodRank, found: ProbeRanking, p_value: float | None) -> list[str]:
    if rank.score is None:
        return [rank.method, "failed", *[""] * (len(found.weights) + 2)]
    score = f"{rank.score.mean:.3f}"
    if rank.score.low is not None and rank.score.high is not None:
        score += f" ({rank.score.low:.3f} to {rank.score.high:.3f})"
    seconds = 0.0 if rank.fit_seconds is None else rank.fit_seconds
    p_text = "" if p_value is None else f"{p_value:.2g}"
    return [rank.method, score, *(f"{rank.auroc[kind]:.3f}" for kind in found.weights), f"{seconds:.2f}", p_text]

"""The commands on tables and models: each parses, calls one function, and prints."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._render import (
    info_lines,
    info_values,
    print_explanation,
    print_metrics,
    print_schema,
)
from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.exceptions import DataError, SettingError
from oddrow.explanation import scored_table
from oddrow.metrics import detection_metrics
from oddrow.report import MapSummary, draw_maps
from oddrow.table import (
    TableSchema,
    atomic_write,
    check_target,
    column_kinds,
    read_table,
    split_label,
    write_table,
)

Detector = VAEDetector | AutoencoderDetector


class DetectorName(StrEnum):
    """The detectors by their short names."""

    VAE = "vae"
    AUTOENCODER = "autoencoder"


class SettingsName(StrEnum):
    """The named settings."""

    DEFAULT = "default"
    ARTICLE = "article"


TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="CSV, TSV, Parquet, Arrow or JSON lines, perhaps .gz or .zst; - for CSV on stdin.",
    ),
]
ModelOption = Annotated[Path, typer.Option("--model", "-m", metavar="MODEL", help="A model file that fit wrote.")]
DelimiterOption = Annotated[str | None, typer.Option("--delimiter", help="What separates the fields of a CSV file.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an output that exists.")]
LabelOption = Annotated[
    str | None, typer.Option("--label", metavar="COL", help="Column that tells which rows are normal.")
]
NormalOption = Annotated[str | None, typer.Option("--normal", metavar="VALUE", help="Its value for a normal row.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same model.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application, in the order in which they are used."""
    for command in (inspect, fit, score, explain, evaluate, map_, info, demo):
        app.command(name=command.__name__.rstrip("_"))(command)


def inspect(
    table: TableArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="COLUMNS.json", help="A file to edit and give to fit."),
    ] = None,
    label: LabelOption = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", metavar="COL", help="Treat as names, not quantities.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", metavar="COL", help="Leave a column out.")] = None,
    delimiter: DelimiterOption = None,
    force: ForceOption = False,
) -> None:
    """Show how each column would be treated, and why. Nothing is trained."""
    rows = read_table(table, delimiter=delimiter)
    if label is not None:
        ignore = [*(ignore or []), label]
    schema = TableSchema.infer(rows, _overrides(None, category, ignore))
    if output is None:
        print_schema(schema, rows.num_rows)
        return
    with atomic_write(output, force) as stream:
        stream.write(schema.to_json().encode())
    _console.say(f"wrote {output}: edit the kinds, then: oddrow fit {table} --columns {output} -o MODEL")


def fit(
    table: TableArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Where the model file goes.")],
    label: LabelOption = None,
    normal: NormalOption = None,
    detector: Annotated[DetectorName, typer.Option("--detector")] = DetectorName.VAE,
    settings: Annotated[
        SettingsName, typer.Option("--settings", help="oddrow's own, or the article's network and loss.")
    ] = SettingsName.DEFAULT,
    kl_weight: Annotated[
        float, typer.Option("--kl-weight", metavar="W", help="Factor of the KL term; 1 is the true bound.")
    ] = 1.0,
    contamination: Annotated[
        str,
        typer.Option("--contamination", metavar="SHARE", help='"auto", or the share of training rows to flag.'),
    ] = "auto",
    category: Annotated[
        list[str] | None, typer.Option("--category", metavar="COL", help="Treat as names, not quantities.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", metavar="COL", help="Leave a column out.")] = None,
    columns: Annotated[
        Path | None,
        typer.Option("--columns", metavar="FILE", help="Kinds of columns, as inspect -o wrote them."),
    ] = None,
    seed: SeedOption = 0,
    delimiter: DelimiterOption = None,
    force: ForceOption = False,
) -> None:
    """Learn what normal rows look like; with --label and --normal, from the normal rows alone."""
    check_target(output, force)
    rows = _normal_rows(read_table(table, delimiter=delimiter), label, normal)
    overrides = _overrides(columns, category, ignore, present=rows.column_names, label=label)
    share = contamination if contamination == "auto" else _number(contamination)
    common: dict[str, Any] = {"settings": settings.value, "contamination": share, "random_state": seed}
    common["columns"] = overrides
    with _console.fit_progress() as on_progress:
        fitted: Detector
        if detector is DetectorName.VAE:
            fitted = VAEDetector(kl_weight=kl_weight, on_progress=on_progress, **common)
        else:
            fitted = AutoencoderDetector(on_progress=on_progress, **common)
        fitted.fit(rows)
    artifact.save(fitted, output, force=force)
    for line in info_lines(fitted):
        _console.say(line)
    _console.say(f"wrote {output}")


def score(
    table: TableArgument,
    model: ModelOption,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="OUT", help="By its suffix CSV, Parquet, ...; - is CSV on stdout."),
    ] = "-",
    explain: Annotated[
        int | None,
        typer.Option("--explain", metavar="K", min=1, help="Add the K strongest reasons of each row."),
    ] = None,
    delimiter: DelimiterOption = None,
    force: ForceOption = False,
) -> None:
    """Write the rows in order with surprise, p_value, is_odd, and their reasons."""
    if output != "-":
        check_target(output, force)
    fitted = artifact.load(model)
    rows = read_table(table, delimiter=delimiter)
    _note_unknown(fitted, rows)
    scored = scored_table(fitted.model_, rows, explain)
    write_table(scored, output, force=force)
    odd = sum(scored.column("is_odd").to_pylist())
    _console.say(
        f"{odd:,} of {scored.num_rows:,} rows are odd (surprise above {fitted.model_.threshold.surprise:.2f} nats: "
        f"{fitted.model_.threshold.promise})"
    )


def explain(
    table: TableArgument,
    model: ModelOption,
    row: Annotated[int, typer.Option("--row", metavar="N", help="Which row; the first is 0.")],
    delimiter: DelimiterOption = None,
    json_: JsonOption = False,
) -> None:
    """Say why one row has its surprise: every column's part, its value, and the value the model expected."""
    fitted = artifact.load(model)
    rows = read_table(table, delimiter=delimiter)
    if not 0 <= row < rows.num_rows:
        raise SettingError(f"--row {row}: the table has rows 0 to {rows.num_rows - 1}")
    _note_unknown(fitted, rows)
    (explanation,) = fitted.explain(rows.slice(row, 1), top=None)
    print_explanation(explanation, row, fitted.model_.threshold, as_json=json_)


def evaluate(
    table: TableArgument,
    model: ModelOption,
    label: Annotated[str, typer.Option("--label", metavar="COL", help="Column that tells which rows are normal.")],
    normal: Annotated[str, typer.Option("--normal", metavar="VALUE", help="Its value for a normal row.")],
    delimiter: DelimiterOption = None,
    json_: JsonOption = False,
) -> None:
    """Compare the decisions with the labels of a table."""
    fitted = artifact.load(model)
    labelled = split_label(read_table(table, delimiter=delimiter), label, normal)
    _note_unknown(fitted, labelled.table)
    surprise = fitted.surprise(labelled.table)
    threshold = fitted.model_.threshold
    figures = detection_metrics(~labelled.is_normal, surprise, threshold.is_odd(surprise))
    print_metrics(figures, threshold, as_json=json_)


def map_(
    table: TableArgument,
    model: ModelOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the pictures go.")],
    label: LabelOption = None,
    normal: NormalOption = None,
    delimiter: DelimiterOption = None,
    force: ForceOption = False,
) -> None:
    """Draw the latent space, the distribution of surprise, and the learning curve (PNG and SVG)."""
    fitted = artifact.load(model)
    rows = read_table(table, delimiter=delimiter)
    is_anomaly = None
    if _both(label, normal):
        labelled = split_label(rows, str(label), str(normal))
        rows, is_anomaly = labelled.table, ~labelled.is_normal
    _note_unknown(fitted, rows)
    surprise = fitted.surprise(rows)
    threshold = fitted.model_.threshold
    summary = MapSummary(
        latent_map=fitted.latent_map(rows),
        surprise=surprise,
        is_odd=threshold.is_odd(surprise),
        threshold=threshold.surprise,
        is_anomaly=is_anomaly,
        learning_curve=fitted.model_.network.learning_curve,
        title=Path(table).name,
    )
    for path in draw_maps(summary, output, force=force):
        _console.say(f"wrote {path}")


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
    print_schema(fitted.model_.encoding.schema, None)


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where model, tables and pictures go.")
    ] = Path("oddrow-demo"),
    seed: SeedOption = 0,
    force: ForceOption = False,
) -> None:
    """Make a table of network connections with known odd rows, and do the whole job on it."""
    from oddrow.cli._demo import run_demo

    run_demo(output, seed=seed, force=force)


def _normal_rows(rows: pa.Table, label: str | None, normal: str | None) -> pa.Table:
    return split_label(rows, str(label), str(normal)).normal_rows if _both(label, normal) else rows


def _both(label: str | None, normal: str | None) -> bool:
    if (label is None) != (normal is None):
        raise SettingError("--label COL and --normal VALUE go together")
    return label is not None


def _overrides(
    columns: Path | None,
    category: list[str] | None,
    ignore: list[str] | None,
    *,
    present: list[str] | None = None,
    label: str | None = None,
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
    kinds |= dict.fromkeys(ignore or [], "ignore")
    return kinds


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingError(f'--contamination {text}: give "auto" or a share from 0 to 0.5') from error


def _note_unknown(fitted: Detector, rows: pa.Table) -> None:
    if rows.num_rows == 0:
        raise DataError("the table has no rows")
    unknown = fitted.model_.encoding.schema.unknown(rows)
    if unknown:
        _console.say(f"note: columns the model does not know are ignored: {', '.join(unknown)}")

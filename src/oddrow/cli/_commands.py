"""The commands on tables and models: each parses, calls one function, and prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from oddrow import artifact
from oddrow.batch import explain_row, stream_scores
from oddrow.cli import _console
from oddrow.cli._engines import (
    AddressOption,
    EngineOption,
    WorkersOption,
    check_engine_options,
    engine_columns,
    fit_by_engine,
)
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
    LabelOption,
    ModelOption,
    NormalOption,
    SeedOption,
    StreamArgument,
    TableArgument,
    check_ids,
    column_overrides,
    leave_if_found,
    named,
    note_unknown,
    opened,
    reads_table,
    treats_columns,
    whole,
)
from oddrow.cli._policies import POLICY_OPTIONS, cost_of, takes_policy
from oddrow.cli._render import (
    info_lines,
    info_values,
    inspection_values,
    policy_text,
    print_explanation,
    print_inspection,
    print_metrics,
    print_schema,
)
from oddrow.columns import inspect_table
from oddrow.exceptions import SettingError, TableReadError
from oddrow.files import Origin, ReadingOptions, TableStream, atomic_write, check_target
from oddrow.metrics import detection_metrics
from oddrow.policies import Cost, Policy
from oddrow.table import LocatedBatch, PlacedRows, normal_located, readable_table

MOST_DRAWN = 100_000
"""Rows on a map at most: more are one dark spot."""


class DetectorName(StrEnum):
    """The detectors by their short names."""

    VAE = "vae"
    AUTOENCODER = "autoencoder"


class CalibrationName(StrEnum):
    """The ways to calibrate."""

    SPLIT = "split"
    CROSS = "cross"


class CleanName(StrEnum):
    """How far the training rows are trusted."""

    ASSUME = "assume"
    ROBUST = "robust"


class SettingsName(StrEnum):
    """The named settings."""

    DEFAULT = "default"
    NARROW = "narrow"
    ARTICLE = "article"


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
    rows = whole(stream)
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


@treats_columns
@reads_table
def fit(
    table: StreamArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Where the model file goes.")],
    label: LabelOption = None,
    normal: NormalOption = None,
    detector: Annotated[DetectorName, typer.Option("--detector", help="What is fitted.")] = DetectorName.VAE,
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
    clean: Annotated[
        CleanName, typer.Option("--clean", help="robust: a few percent of the rows may be odd, set them aside.")
    ] = CleanName.ASSUME,
    calibration: Annotated[
        CalibrationName,
        typer.Option("--calibration", help="cross: every row of a small table trains and calibrates, in six fits."),
    ] = CalibrationName.SPLIT,
    category: CategoryOption = None,
    ignore: IgnoreOption = None,
    id_: IdOption = None,
    columns: ColumnsOption = None,
    seed: SeedOption = 0,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", metavar="N", min=1, help="Steps of training at most.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="SECONDS", help="End the training then, with the best weights so far."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FOLDER", help="Keep the state of the fit there while it runs."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint; where there is none, begin.")
    ] = False,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="What trains: auto, or a platform of JAX's: cpu, gpu, tpu.")
    ] = "auto",
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", metavar="MODEL", help="Begin with the weights of a model of the same columns."),
    ] = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    workers: WorkersOption = None,
    reading: ReadingOptions = AS_FOUND,
    treatment: Mapping[str, str] = AS_JUDGED,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:
    """Learn what normal rows look like; with --label and --normal, from the normal rows alone."""
    check_engine_options(engine, address, workers)
    if engine is not None and (label is not None or reading.keywords):
        raise SettingError(
            "--label, --delimiter and what else says how a table is read do not go with fit --engine, which reads all "
            "rows of Parquet files"
        )
    check_target(output, force)
    notes = _console.gather_notes() if json_ else []
    start: Any = None if start_from is None else artifact.load(start_from)
    is_labelled = _both(label, normal)
    if engine is None:
        stream = opened(table, reading, None if start is None else start.model_)
        label = None if label is None else named(label, stream.schema.names, "--label")
        names = [name for name in stream.schema.names if not is_labelled or name != label]
        origin = Origin.of(table, stream.files, stream.csv)
    else:
        names = engine_columns(table)
        origin = Origin.of(table, ())
    ids = check_ids(id_, names)
    overrides = column_overrides(columns, category, ignore, present=names, label=label, ids=ids, treatment=treatment)
    share = contamination if contamination == "auto" else _number(contamination)
    common: dict[str, Any] = {"settings": settings.value, "contamination": share, "random_state": seed}
    common |= {
        "columns": overrides,
        "clean": clean.value,
        "calibration": calibration.value,
        "max_steps": max_steps,
        "time_limit": time_limit,
    }
    common |= {"checkpoint": checkpoint, "resume": resume, "device": device}
    from oddrow.detector import AutoencoderDetector, VAEDetector  # loads scikit-learn, which no scoring needs

    with _console.fit_progress() as watching:
        common |= {"on_progress": watching.on_progress, "on_interrupt": watching.on_interrupt}
        common |= {"on_phase": watching.on_phase}
        fitted: VAEDetector | AutoencoderDetector
        if detector is DetectorName.VAE:
            fitted = VAEDetector(kl_weight=kl_weight, **common)
        else:
            fitted = AutoencoderDetector(**common)
        if engine is not None:
            fit_by_engine(engine, table, fitted, address, workers, start)
        else:
            batches = partial(_told, stream, watching.on_rows, (str(label), str(normal)) if is_labelled else None)
            rows = PlacedRows(batches)
            with rows.placing():
                fitted.fit_batches(rows, start_from=start)
    fitted.model_ = replace(fitted.model_, origin=origin)
    artifact.save(fitted, output, force=force)
    for line in () if json_ else info_lines(fitted):
        _console.say(line)
    for text in fitted.notes_:
        _console.say(f"note: {text}")
    for diagnosis in fitted.health_.diagnoses:
        if not diagnosis.is_certain:  # the others were said as warnings
            _console.say(f"note: {diagnosis.text}")
    if json_:
        values = {"model": str(output), "table": table, **info_values(fitted), "notes": notes}
        typer.echo(json.dumps(values, ensure_ascii=False))
    else:
        _console.say(f"wrote {output}")


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


@reads_table
def evaluate(
    table: StreamArgument,
    model: ModelOption,
    label: Annotated[str, typer.Option("--label", metavar="COL", help="Column that tells which rows are normal.")],
    normal: Annotated[str, typer.Option("--normal", metavar="VALUE", help="Its value for a normal row.")],
    fail_on_flood: FailOnFloodOption = False,
    reading: ReadingOptions = AS_FOUND,
    json_: JsonOption = False,
) -> None:
    """Compare the decisions with the labels of a table."""
    fitted = artifact.load_model(model)
    with _console.rows_progress() as on_progress:
        stream = opened(table, reading, fitted)
        label = named(label, stream.schema.names, "--label")
        note_unknown(fitted, stream.schema.empty_table(), label)
        found = stream_scores(fitted, stream, (label, normal), on_progress=on_progress)
    figures = detection_metrics(~found.is_normal, found.surprise, found.decision.is_odd)
    print_metrics(figures, found.decision, as_json=json_)
    leave_if_found(fail_on_flood and found.decision.note is not None)


@reads_table
@takes_policy
def decide(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that fit wrote; it is changed.")],
    policy: Policy | None = None,
    cost: Annotated[
        str | None,
        typer.Option(
            "--cost", metavar="MISS:ALARM", help="Cheapest on a labelled table: a miss costs 100, an alarm 1: 100:1."
        ),
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="TABLE", help="With --cost: a table with odd and normal rows.")
    ] = None,
    label: LabelOption = None,
    normal: NormalOption = None,
    reading: ReadingOptions = AS_FOUND,
) -> None:
    """Store in a model file which rows are odd from now on. Nothing is fitted again."""
    if cost is None and (sample, label, normal) != (None, None, None):
        raise SettingError("--sample, --label and --normal go with --cost MISS:ALARM")
    fitted = artifact.load(model)
    if cost is not None:
        if policy is not None or sample is None or not _both(label, normal):
            raise SettingError("--cost goes with --sample TABLE --label COL --normal VALUE, and with no other policy")
        stream = opened(sample, reading, fitted.model_)
        found = stream_scores(fitted.model_, stream, (named(str(label), stream.schema.names, "--label"), str(normal)))
        policy = Cost(*cost_of(cost)).learn(found.surprise, ~found.is_normal)
    if policy is None:
        raise SettingError(f"give one of {', '.join(POLICY_OPTIONS)}, --cost")
    artifact.save(fitted.set_policy(policy), model, force=True)
    _console.say(f"wrote {model}; odd: {policy_text(fitted.model_)}")


@reads_table
def map_(
    table: StreamArgument,
    model: ModelOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the pictures go.")],
    label: LabelOption = None,
    normal: NormalOption = None,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
) -> None:
    """Draw the latent space, the distribution of surprise, and the learning curve (PNG and SVG)."""
    from oddrow.report import MapSummary, draw_maps

    fitted = artifact.load_model(model)
    is_labelled = _both(label, normal)
    with _console.rows_progress() as on_progress:
        stream = opened(table, reading, fitted)
        label = named(str(label), stream.schema.names, "--label") if is_labelled else None
        labelled = (str(label), str(normal)) if is_labelled else None
        note_unknown(fitted, stream.schema.empty_table(), label)
        found = stream_scores(fitted, stream, labelled, MOST_DRAWN, on_progress)
    rows = found.sampled
    drawn = "" if len(rows) == stream.n_rows else f", one row in {rows[1]:,} of {stream.n_rows:,}"
    summary = MapSummary(
        latent_map=fitted.projection.apply(fitted.latent(found.sample)),
        surprise=found.surprise[rows],
        is_odd=found.decision.is_odd[rows],
        threshold=found.decision.threshold,
        is_anomaly=None if labelled is None else ~found.is_normal[rows],
        learning_curve=fitted.network.learning_curve,
        title=Path(table).name + drawn,
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
    for diagnosis in fitted.health_.diagnoses:
        typer.echo(f"{'warning' if diagnosis.is_certain else 'note'}: {diagnosis.text}")
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


def _told(
    stream: TableStream, on_rows: Callable[[int, int], None], label: tuple[str, str] | None
) -> Iterator[LocatedBatch]:
    """The batches of a stream, of a labelled one the normal rows; each is told when it has been worked on."""
    done = 0

    def batches() -> Iterator[LocatedBatch]:
        nonlocal done
        for located in stream.located():
            yield located
            done += located.rows.num_rows
            on_rows(done, stream.n_rows)

    yield from batches() if label is None else normal_located(batches(), *label)


def _both(label: str | None, normal: str | None) -> bool:
    if (label is None) != (normal is None):
        raise SettingError("--label COL and --normal VALUE go together")
    return label is not None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingError(f'--contamination {text}: give "auto" or a share from 0 to 0.5') from error

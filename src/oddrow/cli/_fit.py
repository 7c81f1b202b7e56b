"""``oddrow fit``: a model of normal rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._choices import CalibrationName, CleanName, DetectorName, SettingsName
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
    ForceOption,
    IdOption,
    IgnoreOption,
    JsonOption,
    LabelOption,
    NormalOption,
    SeedOption,
    StreamArgument,
    both_given,
    check_ids,
    column_overrides,
    named,
    opened,
    reads_table,
    treats_columns,
)
from oddrow.cli._render import (
    info_lines,
    info_values,
)
from oddrow.cli._sequences import NO_SEQUENCES, SequenceOptions, learned, takes_sequences
from oddrow.exceptions import SettingError
from oddrow.files import Origin, ReadingOptions, TableStream, check_target
from oddrow.table import LocatedBatch, PlacedRows, normal_batches

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, PlainDetector, VAEDetector


# long: the options of the command are its parameters
@treats_columns
@reads_table
@takes_sequences
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
        CalibrationName | None,
        typer.Option(
            "--calibration",
            help="split; cross: every row of a small table trains and calibrates, in six fits; blocks: the same for "
            "rows in time or in groups (with --time, --group).",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="COL",
            help='Rows depend on each other in time: the column that orders them, or "order" for the file order.',
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="COL",
            help="Rows of one customer, machine, ... depend on each other: the column of these groups.",
        ),
    ] = None,
    gap: Annotated[
        int | None,
        typer.Option(
            "--gap",
            metavar="N",
            min=0,
            help="With --time: steps between held-out and training rows. Default: estimated.",
        ),
    ] = None,
    sequences: SequenceOptions = NO_SEQUENCES,
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
    if engine is not None and (label is not None or reading != AS_FOUND):
        raise SettingError(
            "--label, --delimiter and what else says how a table is read do not go with fit --engine, which reads all "
            "rows of Parquet files"
        )
    check_target(output, force)
    notes = _console.gather_notes() if json_ else []
    start: Any = None if start_from is None else artifact.load(start_from)
    is_labelled = both_given(label, normal)
    stream = None if engine is not None else opened(table, reading, None if start is None else start.model_)
    if stream is None:
        names, origin = engine_columns(table), Origin.of(table, ())
    else:
        label = None if label is None else named(label, stream.schema.names, "--label")
        names = [name for name in stream.schema.names if not is_labelled or name != label]
        origin = Origin.of(table, stream.files, stream.csv)
    ids = check_ids(id_, names)
    overrides = column_overrides(columns, category, ignore, present=names, label=label, ids=ids, treatment=treatment)
    preparation = None
    if sequences.is_given:
        if stream is None or is_labelled or start is not None:
            raise SettingError(
                "--windows and --entity need all rows in order, and cannot be given with --engine, --label or "
                "--start-from; give a table of normal rows"
            )
        preparation = learned(sequences.specification(time, names), stream, overrides)
        # the other calibrations take no time, and windows need one
        time = preparation.time if calibration in (None, CalibrationName.BLOCKS) else None
    parameters: dict[str, Any] = {
        "settings": settings.value,
        "contamination": contamination if contamination == "auto" else _number(contamination),
        "random_state": seed,
        "columns": overrides,
        "clean": clean.value,
        "calibration": "auto" if calibration is None else calibration.value,
        "time": time,
        "group": group,
        "gap": gap,
        "sequences": preparation,
        "max_steps": max_steps,
        "time_limit": time_limit,
        "checkpoint": checkpoint,
        "resume": resume,
        "device": device,
    }
    with _console.fit_progress() as watching:
        parameters |= {"on_progress": watching.on_progress, "on_interrupt": watching.on_interrupt}
        parameters["on_phase"] = watching.on_phase
        fitted = _unfitted(detector, kl_weight, parameters, has_start=start is not None)
        if engine is not None:
            fit_by_engine(engine, table, fitted, address, workers, start)
        elif stream is not None:
            batches = partial(_counted, stream, watching.on_rows, (str(label), str(normal)) if is_labelled else None)
            rows = PlacedRows(batches)
            with rows.placing():
                fitted.fit_batches(rows, start_from=start)
    fitted.model_ = replace(fitted.model_, origin=origin)
    artifact.save(fitted, output, force=force)
    _say_fitted(fitted, table, output, notes if json_ else None)


def _unfitted(
    detector: DetectorName, kl_weight: float, parameters: dict[str, Any], *, has_start: bool
) -> VAEDetector | AutoencoderDetector | PlainDetector:
    is_vae = detector is DetectorName.VAE
    if not has_start:
        from oddrow.detector import PlainDetector  # loads much of oddrow, which no refusal above needs

        return PlainDetector(is_variational=is_vae, kl_weight=kl_weight if is_vae else 0.0, **parameters)
    from oddrow.detector import AutoencoderDetector, VAEDetector  # the class of the model to start from

    return VAEDetector(kl_weight=kl_weight, **parameters) if is_vae else AutoencoderDetector(**parameters)


def _say_fitted(
    fitted: VAEDetector | AutoencoderDetector | PlainDetector, table: str, output: Path, notes: list[str] | None
) -> None:
    """Say what was fitted, with all notes; ``notes`` are those that were gathered for JSON, None for text."""
    for line in info_lines(fitted) if notes is None else ():
        _console.say(line)
    for text in fitted.notes_:
        _console.say(f"note: {text}")
    for diagnosis in fitted.health_.diagnoses:
        if not diagnosis.is_certain:  # the others were said as warnings
            _console.say(f"note: {diagnosis.text}")
    if notes is None:
        _console.say(f"wrote {output}")
    else:
        values = {"model": str(output), "table": table, **info_values(fitted), "notes": notes}
        typer.echo(json.dumps(values, ensure_ascii=False))


def _counted(
    stream: TableStream, on_rows: Callable[[int, int], None], label: tuple[str, str] | None
) -> Iterator[LocatedBatch]:
    """The batches of a stream, or of a labelled one the normal rows; ``on_rows`` learns how many rows are done."""
    done = 0

    def batches() -> Iterator[LocatedBatch]:
        nonlocal done
        for located in stream.located():
            yield located
            done += located.rows.num_rows
            on_rows(done, stream.n_rows)

    yield from batches() if label is None else normal_batches(batches(), *label)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingError(f'--contamination {text}: give "auto" or a share from 0 to 0.5') from error

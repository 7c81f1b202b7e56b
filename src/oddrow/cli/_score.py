"""``oddrow score``: score a table of any size and write its rows with their scores."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from oddrow import artifact
from oddrow.batch import KeptParts, ScoringCount, ScoringOptions, score_stream, scoring_identity
from oddrow.cli import _console
from oddrow.cli._engines import AddressOption, EngineOption, WorkersOption, check_engine_options, score_by_engine
from oddrow.cli._options import (
    AS_FOUND,
    FailOnAnomalyOption,
    FailOnFloodOption,
    ForceOption,
    IdOption,
    JsonOption,
    ModelOption,
    OnlyOddOption,
    SortName,
    SortOption,
    StreamArgument,
    WithRowOption,
    check_ids,
    leave_if_found,
    note_unknown,
    opened,
    reads_table,
)
from oddrow.cli._policies import takes_policy
from oddrow.cli._remedies import in_options
from oddrow.cli._render import promise_values, threshold_text
from oddrow.cli._render_feedback import muted_lines, muted_values
from oddrow.container import JobIdentity, digest
from oddrow.exceptions import SettingError
from oddrow.files import ReadingOptions, TableStream, check_target
from oddrow.fitted import FittedModel
from oddrow.policies import Policy, check_policy
from oddrow.sequences import PreparationRun, read_state, write_state


class OnErrorName(StrEnum):
    """What is done with a row that cannot be read or scored."""

    STOP = "stop"
    SKIP = "skip"
    QUARANTINE = "quarantine"


def _on_error_name(text: str | OnErrorName) -> OnErrorName:
    """Return the value of ``--on-error``; raise a usage error for any other text."""
    try:
        return OnErrorName(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text} is neither stop nor skip; to write rows that cannot be scored to a file: --quarantine {text}"
        ) from None


@reads_table
@takes_policy
def score(
    table: StreamArgument,
    model: ModelOption,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="OUT", help="Output file, .csv, .parquet, ...; - is CSV on stdout."),
    ] = "-",
    explain: Annotated[
        int | None,
        typer.Option("--explain", metavar="K", min=1, help="Add the K strongest reasons of each row."),
    ] = None,
    policy: Policy | None = None,
    on_error: Annotated[
        OnErrorName,
        typer.Option(
            "--on-error",
            metavar="stop|skip",
            parser=_on_error_name,
            help="At a row that cannot be read or scored: stop, or leave it out.",
        ),
    ] = OnErrorName.STOP,
    quarantine: Annotated[
        Path | None,
        typer.Option("--quarantine", metavar="FILE", help="Leave rows with errors out, and write them to FILE."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Keep scored rows in OUT.partial until the end, and continue from there."),
    ] = False,
    engine: EngineOption = None,
    address: AddressOption = None,
    workers: WorkersOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="For a model of windows or entity features: continue from FILE, and keep there what the next table "
            "continues from.",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="Write adjacent alerts merged into events, with reasons."),
    ] = None,
    only_odd: OnlyOddOption = False,
    sort: SortOption = SortName.FILE,
    id_: IdOption = None,
    with_row: WithRowOption = False,
    fail_on_anomaly: FailOnAnomalyOption = False,
    fail_on_flood: FailOnFloodOption = False,
    reading: ReadingOptions = AS_FOUND,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:  # long: most of it declares the options
    """Score a table, and write its rows in order with surprise, p_value, is_odd and reasons."""
    if quarantine is not None:
        on_error = OnErrorName.QUARANTINE
    check_engine_options(engine, address, workers)
    if json_ and output == "-":
        raise SettingError("--json and -o - both print on stdout; give -o a file")
    if engine is not None:
        if resume or on_error is not OnErrorName.STOP or reading != AS_FOUND or state or events:
            raise SettingError(
                "--resume, --state, --events, --on-error, --delimiter and other options of reading cannot be given "
                "with --engine, which reads all rows of Parquet files"
            )
        if only_odd or sort is not SortName.FILE or id_ or with_row or json_ or fail_on_anomaly or fail_on_flood:
            raise SettingError(
                "--only-odd, --sort, --id, --with-row, --json, --fail-on-anomaly and --fail-on-flood cannot be given "
                "with --engine, whose workers each write all rows of their part"
            )
        score_by_engine(engine, table, model, output, address, workers, explain, policy, force=force)
        return
    notes = _console.gather_notes() if json_ else []
    _check_outputs(output, on_error, quarantine, resume, force)
    _check_other_outputs(output, quarantine, events, state, force)
    fitted = artifact.load_model(model)
    run = _begun(fitted, state)
    if policy is not None:
        check_policy(policy, fitted.calibration)
    skips = on_error is not OnErrorName.STOP
    with _console.rows_progress() as on_progress:
        stream = opened(table, reading, fitted, on_error="skip" if skips else "stop", may_be_empty=True)
        ids = check_ids(id_, stream.schema.names or id_ or [])
        note_unknown(fitted, stream.schema.empty_table(), ids=ids)
        options = ScoringOptions(
            top=explain,
            policy=policy,
            skips=skips,
            quarantine=quarantine,
            force=force,
            on_progress=on_progress,
            with_row=with_row,
            only_odd=only_odd,
            by_surprise=sort is SortName.SURPRISE,
            events=events,
            run=run,
        )
        if resume:
            decisive: dict[str, Any] = {
                "--explain": explain,
                "policy": policy,
                "--on-error": on_error,
                "reading": reading,
            }
            decisive |= {"--with-row": with_row, "--events": events is not None, "--state": _digest_of(state)}
            if fitted.feedback is not None:  # rules expire, so another day may decide otherwise
                decisive["mute rules"] = "; ".join(fitted.feedback.in_force)
            identity = _identity(stream, model, decisive)
            with _kept_until_done(output, identity) as kept:
                count = score_stream(fitted, stream, output, options, kept)
        else:
            count = score_stream(fitted, stream, output, options)
    _end(fitted, run, state)
    if json_:
        outputs = [str(path) for path in (output, quarantine, events) if path is not None]
        typer.echo(json.dumps(_values(count, stream, outputs, notes), ensure_ascii=False))
    else:
        _say_count(count, stream, quarantine)
    leave_if_found((fail_on_anomaly and count.odd > 0) or (fail_on_flood and count.decision.note is not None))


def _begun(model: FittedModel, state: Path | None) -> PreparationRun | None:
    """Begin the pass of a model's preparation, after the rows of the state file if there is one."""
    preparation = model.preparation
    if preparation is None:
        if state is not None:
            raise SettingError(f"--state {state}: the model scores each row by itself and continues from nothing")
        return None
    if state is None:
        return preparation.begin()
    if not state.exists():
        _console.say(f"note: {state} does not exist yet: all sequences begin empty")
        return preparation.begin()
    return preparation.begin(read_state(state, preparation))


def _end(model: FittedModel, run: PreparationRun | None, state: Path | None) -> None:
    """Keep the state of a pass, after the scores are written: a job that is killed before is done again as it was."""
    if run is None:
        return
    if state is not None and model.preparation is not None:
        write_state(state, run.state, model.preparation)
    for note in run.notes:
        _console.say(f"note: {in_options(note)}")


def _digest_of(state: Path | None) -> str | None:
    return None if state is None or not state.exists() else digest(state.read_bytes())


def _identity(stream: TableStream, model: Path, decisive: dict[str, Any]) -> JobIdentity:
    """Return the identity of a job of scoring, from all that decides on the rows written."""
    from importlib.metadata import version  # importing it takes as long as reading the model

    if not stream.files:
        raise SettingError("--resume needs a table in files; standard input cannot be read again")
    settings = {name: str(value) for name, value in decisive.items()} | {"oddrow": version("oddrow")}
    return scoring_identity(stream, digest(model.read_bytes()), settings)


def _check_outputs(output: str, on_error: OnErrorName, quarantine: Path | None, resume: bool, force: bool) -> None:
    if output != "-":
        check_target(output, force)
    elif resume:
        raise SettingError("--resume needs a file to write to; give --output OUT")
    if on_error is OnErrorName.QUARANTINE and quarantine is None:
        raise SettingError("--on-error quarantine needs a file for the rows left out; give --quarantine FILE")
    if quarantine is not None:
        check_target(quarantine, force)


def _check_other_outputs(
    output: str, quarantine: Path | None, events: Path | None, state: Path | None, force: bool
) -> None:
    """Refuse events that cannot be written, and one file for two outputs."""
    if events is not None:
        check_target(events, force)
    if state is not None:
        check_target(state, force=True)  # it is replaced by each run
    targets = {"scored rows": output, "rows left out": quarantine, "events": events, "state": state}
    found: dict[Path, str] = {}
    for what, target in targets.items():
        if target is None or target == "-":
            continue
        before = found.setdefault(Path(target).resolve(), what)
        if before != what:
            raise SettingError(f"{target}: is given for the {before} and for the {what}; give two files")


@contextmanager
def _kept_until_done(output: str, identity: JobIdentity) -> Iterator[KeptParts]:
    kept = KeptParts(Path(f"{output}.partial"))
    kept.begin(identity, resume=True)
    try:
        yield kept
    except (KeyboardInterrupt, SystemExit):
        _console.say(f"the rows scored so far are kept in {kept.folder}; the same command continues from there")
        raise
    kept.discard()


def _values(count: ScoringCount, stream: TableStream, outputs: list[str], notes: list[str]) -> dict[str, Any]:
    decision = count.decision
    return {
        "table": stream.label,
        "rows": count.scored + count.unscored + count.skipped,
        "scored": count.scored,
        "odd": count.odd,
        "skipped": count.skipped,
        "unscored": count.unscored,
        "events": count.events,
        "written": count.written,
        "threshold": decision.threshold if math.isfinite(decision.threshold) else None,
        **promise_values(decision.promise),
        "note": decision.note,
        **muted_values(count.muted),
        "outputs": outputs,
        "notes": notes,
    }


def _say_count(count: ScoringCount, stream: TableStream, quarantine: Path | None) -> None:
    if count.scored + count.skipped + count.unscored == 0:
        _console.say(f"{stream.label} has no rows: the output has the columns and no rows")
        return
    _console.say(
        f"{count.odd:,} of {count.scored:,} rows are odd ({threshold_text(count.decision)}: {count.decision.promise})"
    )
    for line in muted_lines(count.muted):
        _console.say(line)
    if count.unscored:
        _console.say(f"{count.unscored:,} rows have no score: no full window ends there")
    if count.events is not None:
        _console.say(f"{count.events:,} events")
    if count.skipped:
        where = "" if quarantine is None else f", written to {quarantine}"
        n_rows = count.scored + count.unscored + count.skipped
        _console.say(f"{count.skipped:,} of {n_rows:,} rows of {stream.label} were left out{where}")
    if count.decision.note is not None:
        _console.say(f"note: {count.decision.note}")

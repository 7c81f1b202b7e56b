"""The options of the distributed engines, and the calls that fit and score with one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from oddrow import artifact
from oddrow.cli import _console
from oddrow.cli._render import policy_text
from oddrow.exceptions import OutputError, SettingError
from oddrow.policies import Policy, RareRows, flood_note


class EngineName(StrEnum):
    """The engines by their names."""

    RAY = "ray"
    SPARK = "spark"
    DASK = "dask"


EngineOption = Annotated[
    EngineName | None,
    typer.Option(
        "--engine",
        help="Use many processes or machines. TABLE is a Parquet file or a folder of them; score writes a folder.",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDRESS", help="With --engine: address of a cluster; by default this machine."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="With --engine: number of processes.")
]


def check_engine_options(engine: EngineName | None, address: str | None, workers: int | None) -> None:
    """Raise SettingError if options of an engine are given without an engine."""
    if engine is None and (address is not None or workers is not None):
        raise SettingError("--address and --workers need --engine ray, spark or dask")


def engine_columns(table: str) -> list[str]:
    """Return the names of the columns of a table of Parquet files."""
    from oddrow.distributed import column_names

    return column_names(table)


def fit_by_engine(
    engine: EngineName, table: str, detector: Any, address: str | None, workers: int | None, start_from: Any
) -> None:
    """Fit a detector to a table that an engine samples."""
    from oddrow.distributed import fit_files

    fit_files(table, detector, engine=engine.value, address=address, workers=workers, start_from=start_from)


def score_by_engine(
    engine: EngineName,
    table: str,
    model: Path,
    output: str,
    address: str | None,
    workers: int | None,
    top: int | None,
    policy: Policy | None,
    *,
    force: bool,
) -> None:
    """Score by an engine, and print the number of odd rows and of files."""
    if output == "-":
        raise OutputError("an engine writes a folder of Parquet files; name it with -o FOLDER")
    fitted = artifact.load(model)
    if policy is not None:
        fitted.set_policy(policy)
    from oddrow.distributed import score_files

    scored = score_files(
        table, fitted, output, engine=engine.value, address=address, workers=workers, top=top, force=force
    )
    _console.say(f"{scored.n_odd:,} of {scored.n_rows:,} rows are odd ({policy_text(fitted.model_)})")
    found, calibration = RareRows(scored.n_rows, scored.n_odd), fitted.model_.calibration
    note = flood_note(found, fitted.model_.policy.rare_level(calibration), calibration, is_flagged=True)
    if note is not None:
        _console.say(f"note: {note}")
    _console.say(f"wrote {len(scored.paths):,} files in {output}")

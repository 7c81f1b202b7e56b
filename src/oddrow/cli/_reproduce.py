"""``oddrow reproduce``: reproduce a published experiment."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from oddrow.cli import _console
from oddrow.cli._choices import DetectorName, SettingsName
from oddrow.cli._options import ForceOption, JsonOption, SeedOption
from oddrow.cli._render import figure
from oddrow.pictures import MapSummary, Panel, draw_maps, draw_panels
from oddrow.reproductions import KddResult, reproduce_kddcup99, reproduce_latent_space

reproduce = typer.Typer(help="Reproduce a published experiment.", no_args_is_help=True)


class ProtocolName(StrEnum):
    """The protocols of the KDD Cup 1999 experiment."""

    ARTICLE = "article"
    CLEAN = "clean"
    DAGMM = "dagmm"
    OFFICIAL = "official"


@reproduce.command()
def kddcup99(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="The 10 % file; by default read from $ODDROW_DATA or downloaded."),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option("--test", metavar="FILE", help="The competition's test file, for --protocol official."),
    ] = None,
    protocol: Annotated[
        ProtocolName, typer.Option("--protocol", help="How rows are split into training rows and test rows.")
    ] = ProtocolName.ARTICLE,
    settings: Annotated[
        SettingsName, typer.Option("--settings", help="oddrow's defaults, or the article's network and loss.")
    ] = SettingsName.DEFAULT,
    detector: Annotated[DetectorName, typer.Option("--detector", help="The detector to fit.")] = DetectorName.VAE,
    seed: SeedOption = 0,
    time: Annotated[
        str | None,
        typer.Option(
            "--time", metavar="order", help="order: calibrate by blocks of the rows in the order of the file."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Draw the article's three maps into this folder."),
    ] = None,
    json_: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Find the network intrusions of KDD Cup 1999, by the article's protocol or one without its leak of test rows."""
    with _console.fit_progress() as watching:
        result = reproduce_kddcup99(
            data,
            test,
            protocol=protocol.value,
            settings=settings.value,
            detector=detector.value,
            seed=seed,
            time=time,  # type: ignore[arg-type]  # checked by the function
            on_progress=watching.on_progress,
            on_note=_console.say,
        )
    if json_:
        typer.echo(json.dumps(result.figures()))
    else:
        _print_result(result)
    if output is not None:
        title = f"KDD Cup 1999, {protocol.value} protocol, {detector.value}, {settings.value} settings"
        summary = MapSummary(
            latent_map=result.latent_map,
            surprise=result.surprise,
            is_odd=result.is_odd,
            threshold=result.threshold,
            is_anomaly=result.is_anomaly,
            learning_curve=result.learning_curve,
            title=title,
        )
        for path in draw_maps(summary, output, force=force):
            _console.say(f"wrote {path}")


@reproduce.command(name="latent-space")
def latent_space(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the picture.")] = Path(
        "latent-space"
    ),
    seed: SeedOption = 0,
    force: ForceOption = False,
) -> None:
    """Draw the latent spaces of networks trained on reconstruction, on KL, and on both, for handwritten digits."""
    spaces = reproduce_latent_space(seed)
    panels = [
        Panel(points=space.points, labels=space.labels, title=space.title, caption=space.caption) for space in spaces
    ]
    title = "Latent space of 1,797 handwritten digits, one network and three losses"
    for path in draw_panels(panels, output / "latent_space", title=title, force=force):
        _console.say(f"wrote {path}")


def _print_result(result: KddResult) -> None:
    values = result.figures()
    families = values.pop("by_family")
    seconds = values.pop("seconds")
    threads = os.cpu_count()
    rows = [[name.replace("_", " "), figure(value)] for name, value in values.items()]
    rows += [[f"{stage} seconds ({threads} cores)", f"{value:.1f}"] for stage, value in seconds.items()]
    _console.print_table("KDD Cup 1999", ["figure", "value"], rows)
    _console.print_table(
        "attack families",
        ["family", "rows", "flagged"],
        [[name, figure(family["rows"]), figure(family["recall"])] for name, family in families.items()],
    )

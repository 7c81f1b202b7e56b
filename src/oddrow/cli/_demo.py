"""``oddrow demo``: fit, score, explain and draw, on a generated table with known odd rows and reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from oddrow import artifact, files
from oddrow.batch import explain_row, scored_table
from oddrow.cli import _console
from oddrow.cli._options import ForceOption, SeedOption
from oddrow.cli._render import info_lines, print_explanation, print_metrics
from oddrow.datasets import make_connections
from oddrow.detector import VAEDetector
from oddrow.files import check_target, write_table
from oddrow.metrics import detection_metrics
from oddrow.pictures import MapSummary, draw_maps

TRAINING_ROWS = 12_000
NEW_ROWS = 4_000
ODD_SHARE = 0.03
LABELLED_ROWS, LABELLED_SHARE = 3_000, 0.05
WEEKS = 4
"""Number of weeks of the training rows, and of the new rows, which follow them."""
TOP = 3


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where model, tables and pictures go.")
    ] = Path("oddrow-demo"),
    seed: SeedOption = 0,
    force: ForceOption = False,
) -> None:
    """Make a table of network connections with known odd rows, and do the whole job on it."""
    run_demo(output, seed=seed, force=force)


# long: seven steps, each printed and then done
def run_demo(folder: Path, *, seed: int, force: bool) -> None:
    """Generate tables, fit, score, explain and draw; print each step, and at the end how often the reason was found."""
    folder.mkdir(parents=True, exist_ok=True)
    training_file, new_file = folder / "normal_connections.parquet", folder / "new_connections.parquet"
    model_file, scored_file = folder / "connections.oddrow", folder / "scored.csv"
    labelled_file, report_file = folder / "labelled_connections.csv", folder / "triage.html"
    for path in (training_file, new_file, labelled_file, model_file, scored_file, report_file):
        check_target(path, force)
    _console.say(f"1. A table of {TRAINING_ROWS:,} ordinary network connections: {training_file}")
    training = make_connections(TRAINING_ROWS, odd_share=0.0, random_state=seed)
    write_table(training.table, training_file, force=force)
    _console.say(
        f"   and {NEW_ROWS:,} new connections from the following {WEEKS} weeks, {ODD_SHARE:.0%} of them odd in known "
        f"ways: {new_file}"
    )
    new = make_connections(NEW_ROWS, odd_share=ODD_SHARE, random_state=seed + 1, weeks_later=WEEKS)
    write_table(new.table, new_file, force=force)
    _console.say(f"   and {LABELLED_ROWS:,} with a column that says which are odd, for oddrow compare: {labelled_file}")
    labelled = make_connections(LABELLED_ROWS, odd_share=LABELLED_SHARE, random_state=seed)
    labels = pa.array(np.where(labelled.is_odd, "odd", "normal"))
    write_table(labelled.table.append_column("label", labels), labelled_file, force=force)

    _console.say(f"2. oddrow fit {training_file} -o {model_file} --seed {seed}")
    with _console.fit_progress() as watching:
        detector = VAEDetector(random_state=seed, on_progress=watching.on_progress, on_phase=watching.on_phase)
        detector.fit(training.table)
    artifact.save(detector, model_file, force=force)
    for line in info_lines(detector):
        _console.say(f"   {line}")

    _console.say(f"3. oddrow score {new_file} -m {model_file} -o {scored_file} --explain {TOP}")
    whole = scored_table(detector.model_, new.table, TOP)
    scored, decision = whole.rows, whole.decision
    write_table(scored, scored_file, force=force)
    surprise = scored.column("surprise").to_numpy()
    if decision.note is not None:
        _console.say(f"   note: {decision.note}")

    strangest = int(np.argmax(surprise))
    _console.say(f"4. oddrow explain {new_file} -m {model_file} --row {strangest + 1}    (the strangest row)")
    print_explanation(explain_row(detector.model_, files.open(new_file), strangest + 1), (), as_json=False)

    _console.say(f"5. oddrow map {new_file} -m {model_file} -o {folder / 'maps'}")
    summary = MapSummary(
        latent_map=detector.latent_map(new.table),
        surprise=surprise,
        is_odd=decision.is_odd,
        threshold=decision.threshold,
        is_anomaly=new.is_odd,
        learning_curve=detector.model_.network.learning_curve,
        title="network connections",
    )
    draw_maps(summary, folder / "maps", force=force)

    _console.say("6. The odd rows are known here, so the decisions can be measured:")
    print_metrics(detection_metrics(new.is_odd, surprise, decision.is_odd), decision, as_json=False)
    reasons = [scored.column(f"reason_{place + 1}").to_pylist() for place in range(TOP)]
    odd_rows = np.flatnonzero(new.is_odd)
    found = sum(new.reasons[row][0] in [place[row] for place in reasons] for row in odd_rows)
    typer.echo(
        f"The true reason was among the first {TOP} for {found} of {len(odd_rows)} odd rows "
        f"({found / len(odd_rows):.0%})."
    )
    _console.say(
        f"7. oddrow report {new_file} -m {model_file} -o {report_file}    (here with the known odd rows as labels)"
    )
    known = new.table.append_column("truth", pa.array(np.where(new.is_odd, "odd", "normal")))
    detector.report(known, report_file, label="truth", normal="normal", name=new_file.name, force=force)
    _console.say(f"See {folder / 'maps' / 'latent_maps.png'} and {scored_file}, and open {report_file} in a browser.")

"""Fitted detectors, schemas, figures and explanations as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer

from oddrow.artifact import PROTOCOL
from oddrow.cli._console import print_table
from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.explanation import COMBINATION, Explanation, shown
from oddrow.metrics import DetectionMetrics
from oddrow.scoring import Threshold
from oddrow.table import TableSchema


def print_schema(schema: TableSchema, n_rows: int | None) -> None:
    """Each column, its kind, and why."""
    title = f"{len(schema.columns)} columns" + (f", {n_rows:,} rows" if n_rows is not None else "")
    rows = [[column.name, column.kind.value, column.why] for column in schema.columns]
    print_table(title, ["column", "treated as", "why"], rows)


def info_values(fitted: VAEDetector | AutoencoderDetector) -> dict[str, Any]:
    """What a model file holds, as plain values."""
    model = fitted.model_
    curve = model.network.learning_curve
    return {
        "protocol": PROTOCOL,
        "detector": "vae" if isinstance(fitted, VAEDetector) else "autoencoder",
        "settings": fitted.settings,
        "kl_weight": getattr(fitted, "kl_weight", None),
        "seed": fitted.random_state,
        "rows_trained": model.encoding.n_rows,
        "rows_calibrated": len(model.surprise_model.calibration.scores),
        "columns": [asdict(column) for column in model.encoding.schema.columns],
        "features": model.network.shape.n_inputs,
        "hidden": list(model.network.shape.hidden),
        "n_latent": model.network.shape.n_latent,
        "steps": int(curve.step[-1]),
        "best_step": curve.best_step,
        "held_out_loss": float(curve.held_out_loss.min()),
        "kl": float(curve.kl[-1]),
        "threshold": model.threshold.surprise,
        "promise": model.threshold.promise,
    }


def info_lines(fitted: VAEDetector | AutoencoderDetector) -> list[str]:
    """The same in sentences."""
    values = info_values(fitted)
    hidden = "-".join(map(str, [values["features"], *values["hidden"]]))
    return [
        f"{values['detector']} ({values['settings']} settings, seed {values['seed']}), network {hidden} and "
        f"{values['n_latent']} latent",
        f"learned from {values['rows_trained']:,} rows, {len(values['columns'])} columns; "
        f"best of {values['steps']:,} steps: {values['best_step']:,}, "
        f"held-out loss {values['held_out_loss']:.3f} nats/row, of it KL {values['kl']:.3f}",
        f"odd: surprise above {values['threshold']:.2f} nats, {values['promise']}",
    ]


def print_metrics(figures: DetectionMetrics, threshold: Threshold, *, as_json: bool) -> None:
    """The figures of a labelled table."""
    values = {**asdict(figures), "threshold": threshold.surprise}
    if as_json:
        typer.echo(json.dumps(values))
        return
    rows = [[name.replace("_", " "), figure(value)] for name, value in values.items()]
    print_table("", ["figure", "value"], rows)


def print_explanation(explanation: Explanation, row: int, threshold: Threshold, *, as_json: bool) -> None:
    """One row's reasons, strongest first, and what no column carries alone."""
    if as_json:
        values = {**asdict(explanation), "row": row}
        values["reasons"] = [
            {**asdict(reason), "value": shown(reason.value), "expected": shown(reason.expected)}
            for reason in explanation.reasons
        ]
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    verdict = "odd" if explanation.is_odd else "not odd"
    title = (
        f"row {row}: surprise {explanation.surprise:.2f} nats, p-value {explanation.p_value:.2g}: {verdict} "
        f"(threshold {threshold.surprise:.2f})"
    )
    rows = [
        [
            reason.column,
            shown(reason.value) or "(missing)",
            shown(reason.expected) or "(missing)",
            *_part(reason.nats, reason.share),
        ]
        for reason in explanation.reasons
    ]
    rows.append([COMBINATION, "", "", *_part(explanation.combination_nats, explanation.combination_share)])
    print_table(title, ["column", "value", "expected", "nats", "share"], rows)


def figure(value: Any) -> str:
    """A number as a table shows it: counts with separators, shares with four places, nothing for None."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value)


def _part(nats: float, share: float) -> tuple[str, str]:
    return f"{nats:.3f}", f"{share:.1%}"

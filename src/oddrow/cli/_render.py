"""Fitted detectors, schemas, metrics and explanations as text and as JSON values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from oddrow.artifact import PROTOCOL
from oddrow.batch import RowOfStream, shown
from oddrow.calibration import Calibration
from oddrow.cli._console import print_table
from oddrow.cli._render_feedback import (
    feedback_lines,
    feedback_values,
    muted_lines,
    muted_values,
    weight_lines,
    weight_values,
)
from oddrow.columns import Inspection, OrderProposals, Suspicion, TableSchema
from oddrow.density import TrainingHealth
from oddrow.explanation import COMBINATION, Explanation, usual_cell, value_text
from oddrow.feedback import Feedback
from oddrow.files import Origin
from oddrow.fitted import FittedModel
from oddrow.fitting import Cleaning
from oddrow.metrics import DetectionMetrics
from oddrow.policies import ROWS, Decision, Promise
from oddrow.sequences import Preparation

if TYPE_CHECKING:
    from oddrow.detector import AutoencoderDetector, PlainDetector, VAEDetector


def print_schema(schema: TableSchema, n_rows: int | None) -> None:
    """Print each column with its kind and the reason for it."""
    title = f"{len(schema.columns)} columns" + (f", {n_rows:,} rows" if n_rows is not None else "")
    rows = [[column.name, column.kind, column.why] for column in schema.columns]
    print_table(title, ["column", "treated as", "why"], rows)


def print_inspection(found: Inspection) -> None:
    """Print each column with its kind, examples and the reason; then each suspicion with the option that answers it."""
    rows = [
        [one.column.name, one.column.kind, ", ".join(map(_brief, one.examples)), one.column.why]
        for one in found.columns
    ]
    title = f"{len(found.columns):,} columns, {found.n_rows:,} rows"
    print_table(title, ["column", "treated as", "examples", "why"], rows, droppable=["examples"])
    for one in found.columns:
        for kind, text in one.suspicions.items():
            typer.echo(f"{text} ({answer_to(kind, one.column.name)})")
    for text in proposal_texts(found.order):
        typer.echo(text)


def proposal_texts(order: OrderProposals) -> list[str]:
    """Return what a table's rows may depend on, each with the options that respect it."""
    texts, time = [], None if order.time is None else shlex.quote(order.time)
    if time is not None:
        texts.append(
            f"{order.time!r} orders the rows (fit --time {time} calibrates by blocks of time: the promise then holds "
            "for rows that depend on each other)"
        )
    for group in order.groups:
        name = shlex.quote(group.name)
        history = "" if time is None else f", --entity {name} --time {time} adds features of its earlier rows"
        texts.append(
            f"{group.name!r} has {group.n_groups:,} values with about {group.rows_per_group:,.0f} rows each (fit "
            f"--group {name} if later rows are of new ones{history})"
        )
    return texts


def inspection_values(found: Inspection) -> dict[str, Any]:
    """Return an inspection as plain values."""
    return {
        "rows": found.n_rows,
        "order": asdict(found.order),
        "columns": [
            {
                "name": one.column.name,
                "kind": one.column.kind,
                "why": one.column.why,
                "examples": list(one.examples),
                "suspicions": [{"kind": kind.value, "text": text} for kind, text in one.suspicions.items()],
            }
            for one in found.columns
        ],
    }


def answer_to(kind: Suspicion, name: str) -> str:
    """Return the option that answers a suspicion, and its effect."""
    name = shlex.quote(name)
    return {
        Suspicion.RUNS_ON: f"--ignore {name} leaves it out, --keep {name} treats it as any other column",
        Suspicion.IDENTIFIER: f"--id {name} shows it, --keep {name} learns from it",
        Suspicion.DATES: f"--timestamp {name}=dmy or --timestamp {name}=mdy reads it",
        Suspicion.STRANGE: f"--category {name} takes every value as it is written",
        Suspicion.EMPTY: f"--ignore {name} leaves it out",
    }.get(kind, f"--ignore {name} leaves it out")


def _brief(text: str) -> str:
    """Return an example on one line, cut to 24 letters."""
    line = " ".join(text.split()) or repr(text)
    return line if len(line) <= 24 else f"{line[:21]}..."


def info_values(fitted: VAEDetector | AutoencoderDetector | PlainDetector) -> dict[str, Any]:
    """Return the contents of a model file as plain values."""
    model = fitted.model_
    curve = model.network.learning_curve
    kept = int(np.flatnonzero(curve.step == curve.best_step)[0])
    return {
        "protocol": PROTOCOL,
        "origin": None if model.origin is None else asdict(model.origin),
        "detector": "vae" if model.network.shape.is_variational else "autoencoder",
        "settings": fitted.settings,
        "kl_weight": getattr(fitted, "kl_weight", None),
        "view_weights": fitted.view_weights,
        "seed": fitted.random_state,
        "rows_trained": model.encoding.n_rows,
        "rows_calibrated": len(model.surprise_model.calibration.scores),
        "columns": [asdict(column) for column in model.encoding.schema.columns],
        "preparation": None if model.preparation is None else preparation_values(model.preparation),
        "features": model.network.shape.n_inputs,
        "hidden": list(model.network.shape.hidden),
        "n_latent": model.network.shape.n_latent,
        "steps": int(curve.step[-1]),
        "best_step": curve.best_step,
        "held_out_loss": float(curve.held_out_loss[kept]),
        "kl": float(curve.kl[kept]),
        "health": health_values(model.network.health),
        "calibration": model.calibration.source,
        "tail": model.calibration.tail.kind,
        "policy": asdict(model.policy),
        "threshold": model.threshold,
        **promise_values(model.policy.promise(model.calibration)),
        "clean": fitted.clean,
        "cleaning": None if fitted.cleaning_ is None else asdict(fitted.cleaning_),
        **({"feedback": feedback_values(model.feedback)} if isinstance(model.feedback, Feedback) else {}),
        **weight_values(model),
    }


def preparation_values(preparation: Preparation) -> dict[str, Any]:
    """Return what derives the rows that are scored as plain values."""
    return {
        "kind": preparation.kind,
        "summary": preparation.summary,
        "time": preparation.time,
        "entity": preparation.entity,
        "columns": list(preparation.sources),
    }


def health_values(health: TrainingHealth) -> dict[str, Any]:
    """Return the health of a fit as plain values, without the learning curve."""
    return {
        "end": health.end.value,
        "device": health.device,
        "steps_at_most": health.steps_at_most,
        "rows_trained": health.rows_trained,
        "rows_watched": health.rows_watched,
        "parameters": health.n_parameters,
        "active_latent_units": health.n_active,
        "kl_by_latent_unit": list(health.kl),
        "strongest_dependence": health.strongest_dependence,
        "copying": asdict(health.copying),
        "gain": asdict(health.gain),
        "rollbacks": [asdict(rollback) for rollback in health.rollbacks],
        "diagnoses": [asdict(diagnosis) for diagnosis in health.diagnoses],
    }


def info_lines(fitted: VAEDetector | AutoencoderDetector | PlainDetector) -> list[str]:
    """Return the contents of a model file as lines of text."""
    values = info_values(fitted)
    health = fitted.health_
    hidden = "-".join(map(str, [values["features"], *values["hidden"]]))
    return [
        f"{values['detector']} ({values['settings']} settings, seed {values['seed']}), network {hidden} and "
        f"{values['n_latent']} latent",
        f"learned from {values['rows_trained']:,} rows, {len(values['columns'])} columns; "
        f"best of {values['steps']:,} steps: {values['best_step']:,}, "
        f"held-out loss {values['held_out_loss']:.3f} nats/row, of it KL {values['kl']:.3f}",
        f"trained on {health.device}; the fit ended because {health.end.sentence}; "
        f"{health.n_active} of {values['n_latent']} latent units are active",
        *([] if fitted.model_.preparation is None else [f"scores {fitted.model_.preparation.summary}"]),
        *([] if fitted.model_.origin is None else [origin_text(fitted.model_.origin)]),
        *([] if fitted.cleaning_ is None else [f"cleaned: {cleaning_text(fitted.cleaning_)}"]),
        _tail_line(fitted.model_.calibration),
        f"odd: {policy_text(fitted.model_)}",
        *(feedback_lines(fitted.model_.feedback) if isinstance(fitted.model_.feedback, Feedback) else []),
        *weight_lines(fitted.model_),
    ]


def origin_text(origin: Origin) -> str:
    """Describe when, by which version of oddrow and to which table a model was fitted."""
    source = "" if origin.table is None else f" to {'standard input' if origin.table == '-' else origin.table}"
    digest = "" if origin.sha256 is None else f" (SHA-256 {origin.sha256})"
    return f"fitted {origin.created} by oddrow {origin.oddrow}{source}{digest}"


def cleaning_text(cleaning: Cleaning) -> str:
    """Describe how many rows of a table stand out, and how many were set aside."""
    aside, n_rows = len(cleaning.rows_set_aside), cleaning.n_rows
    return (
        f"{aside:,} of {n_rows:,} rows stand out and were set aside "
        f"(95 %: {round(cleaning.low * n_rows):,} to {round(cleaning.high * n_rows):,}), "
        f"{len(cleaning.rows_in_doubt):,} more only calibrated"
    )


def threshold_text(decision: Decision) -> str:
    """Describe the surprise above which rows of a batch are odd."""
    if np.isinf(decision.threshold):
        return "no surprise is high enough"
    return f"surprise above {decision.threshold:.2f} nats"


def policy_text(model: FittedModel) -> str:
    """Describe the surprise above which a row is odd, unless it depends on the batch, and the policy's promise."""
    above = "" if model.threshold is None else f"surprise above {model.threshold:.2f} nats, "
    return f"{above}{model.policy.promise(model.calibration)}"


def promise_values(promise: Promise) -> dict[str, Any]:
    """A promise as plain values: its sentence, and its numbers."""
    promised = {
        "rate": promise.rate,
        "low": promise.low,
        "high": promise.high,
        "rows": promise.n_rows,
        "independent_rows": promise.n_independent,
        "source": promise.source,
    }
    return {"promise": str(promise), "promised": promised}


def _tail_line(calibration: Calibration) -> str:
    tail = calibration.tail
    curves = {
        "generalised Pareto": f"a generalised Pareto tail (shape {tail.shape:.2f}) of the {tail.n_excess:,} strangest",
        "exponential": f"an exponential tail of the {tail.n_excess:,} strangest, since no generalised Pareto tail fits",
        "spread": "the spread of all, since they are too few for a tail",
    }
    rows = f"calibrated by {calibration.n_rows:,} {ROWS[calibration.source]}"
    if calibration.has_tail:
        return f"{rows}; beyond them surprise follows {curves[tail.kind]}"
    return (
        f"{rows}: too few rows for a probability above {calibration.most_supported:.1f} nats "
        f"(p = {1 / (calibration.n_rows + 1):.2g}); a higher surprise ranks rows and is no probability"
    )


def print_metrics(figures: DetectionMetrics, decision: Decision, *, as_json: bool) -> None:
    """Print the metrics of a labelled table, the alerts that mute rules hid, and the note of the decision."""
    counts = () if decision.muted is None else decision.muted.counts
    values = {**asdict(figures), "threshold": decision.threshold if np.isfinite(decision.threshold) else None}
    if as_json:
        typer.echo(json.dumps({**values, "note": decision.note, **muted_values(counts)}))
        return
    rows = [[name.replace("_", " "), figure(value)] for name, value in values.items()]
    print_table("", ["figure", "value"], rows)
    for line in muted_lines(counts):
        typer.echo(line)
    if decision.note is not None:
        typer.echo(f"note: {decision.note}")


def print_explanation(found: RowOfStream, ids: Sequence[str], *, as_json: bool) -> None:
    """Print one row's reasons, the strongest first, and the part of no single column; ids name the row."""
    explanation, decision = found.explanation, found.decision
    named = {name: shown(found.values[name]) for name in ids}
    if as_json:
        threshold = decision.threshold if np.isfinite(decision.threshold) else None
        values = {**explanation_values(explanation), "place": found.place, "id": named, "threshold": threshold}
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    names = "".join(f", {name} {value}" for name, value in named.items())
    place = found.place.removesuffix(f", row {found.number}")
    title = (
        f"row {found.number:,} ({place}{names}): surprise {explanation.surprise:.2f} nats, p-value "
        f"{explanation.p_value:.2g}: {explanation.verdict} (threshold {decision.threshold:.2f})"
    )
    printed = explanation.of_at_least()
    rows = [
        [
            reason.column,
            value_text(reason.value),
            usual_cell(reason),
            *_part(reason.nats, reason.share),
        ]
        for reason in printed.reasons
    ]
    rows.append([COMBINATION, "", "", *_part(explanation.combination_nats, explanation.combination_share)])
    if printed.other_nats > 0:
        rows.append(["(other columns)", "", "", *_part(printed.other_nats, printed.other_share)])
    print_table(title, ["column", "value", "usual", "nats", "share"], rows)


def explanation_values(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain values; its row is counted from 1, as everywhere on the command line."""
    values = {**asdict(explanation), "row": explanation.row + 1}
    if not explanation.batch_nats:  # only find with normal rows has this part
        del values["batch_nats"], values["batch_share"]
    if explanation.muted_by is None:
        del values["muted_by"]  # like the column of scored rows: only models with mute rules have it
    del values["index"]  # only a pandas data frame has an index, and the command line reads files
    values["reasons"] = [
        {
            **asdict(reason),
            "value": shown(reason.value),
            "expected": shown(reason.expected),
            "given": {name: shown(value) for name, value in reason.given},
        }
        for reason in explanation.reasons
    ]
    return values


def figure(value: Any) -> str:
    """Format a number for a table: counts with separators, shares with four decimals, "-" for None."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value)


def _part(nats: float, share: float) -> tuple[str, str]:
    return f"{nats:.3f}", f"{share:.1%}"

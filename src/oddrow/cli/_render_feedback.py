"""Mute rules, counts of verdicts and learned weights as text and as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from oddrow.container import one_line
from oddrow.feedback import Feedback
from oddrow.fitted import FittedModel
from oddrow.surprise import ViewEvidence


def muted_lines(counts: Sequence[tuple[str, int]]) -> list[str]:
    """Say how many alerts each mute rule hid."""
    return [f"{count:,} alert{'' if count == 1 else 's'} hidden by the mute rule: {rule}" for rule, count in counts]


def muted_values(counts: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Return how many alerts each mute rule hid, as plain values; nothing without rules."""
    return {"muted": [{"rule": rule, "alerts": count} for rule, count in counts]} if counts else {}


def feedback_values(feedback: Feedback) -> dict[str, Any]:
    """Return mute rules and counts of verdicts as plain values."""
    return {
        "rules": [
            {
                **asdict(rule),
                "words": rule.words,
                "at": rule.at.isoformat(),
                "expires": None if rule.expires is None else rule.expires.isoformat(),
                "in_force": rule.words in feedback.in_force,
            }
            for rule in feedback.rules
        ],
        "reports": [asdict(one) for one in feedback.reports],
        "made_from": list(feedback.made_from),
    }


MOST_FACTORS: Final = 5
"""Number of columns whose factors are shown, those farthest from 1."""


def weight_values(model: FittedModel) -> dict[str, Any]:
    """Return the factors of views and columns that were learned from verdicts as plain values; nothing without them."""
    found, judge = model.surprise_model.reweighting, model.surprise_model.evidence_model
    if found is None or not isinstance(judge, ViewEvidence) or not isinstance(model.feedback, Feedback):
        return {}
    labels = model.feedback.labels
    return {
        "learned_weights": {
            "rows_real": sum(label.is_real for label in labels),
            "rows_false_alarm": sum(not label.is_real for label in labels),
            "views": dict(zip(judge.views.names, found.views.tolist(), strict=True)),
            "columns": dict(zip(model.encoding.names, found.columns[:-1].tolist(), strict=True)),
            "combination": float(found.columns[-1]),
        }
    }


def weight_lines(model: FittedModel) -> list[str]:
    """Return the weights that were learned from verdicts as lines of text; none without them."""
    values = weight_values(model).get("learned_weights")
    if values is None:
        return []
    labelled = f"{_counted(values['rows_real'], 'real row')} and {_counted(values['rows_false_alarm'], 'false alarm')}"
    found, judge = model.surprise_model.reweighting, model.surprise_model.evidence_model
    if found is not None and found.is_neutral:
        return [f"the weights of the fit stay: others, learned from {labelled}, rank left-out ones of these rows worse"]
    weights = (
        dict(zip(judge.views.names, judge.scales.weights.tolist(), strict=True))
        if isinstance(judge, ViewEvidence)
        else {}
    )
    views = [(name, factor) for name, factor in values["views"].items() if weights[name] > 0]
    columns = sorted(values["columns"].items(), key=lambda item: -abs(np.log(item[1])))
    more = "" if len(columns) <= MOST_FACTORS else f", {len(columns) - MOST_FACTORS:,} others closer to 1"
    return [
        f"weights learned from {labelled}; calibrated anew by {model.calibration.n_rows:,} rows",
        f"factors of the views: {_factors(views)}",
        f"factors of the columns: {_factors(columns[:MOST_FACTORS])}{more}; combination {values['combination']:.2f}",
    ]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _factors(factors: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{one_line(name)} {factor:.2f}" for name, factor in factors)


def feedback_lines(feedback: Feedback) -> list[str]:
    """Return mute rules and counts of verdicts as lines of text."""
    lines = []
    for rule in feedback.rules:
        until = "" if rule.expires is None else f", until {rule.expires}"
        note = f": {one_line(rule.note)}" if rule.note else ""
        expired = "" if rule.words in feedback.in_force else " (expired)"
        lines.append(
            f"mute rule: {rule.words}; of {rule.at:%Y-%m-%d}{until}{expired}, report {one_line(rule.report)}{note}"
        )
    lines += [
        f"verdicts on report {one_line(one.report)}: rows {one.rows_real:,} real, "
        f"{one.rows_false_alarm:,} false alarm, {one.rows_unsure:,} unsure; "
        f"kinds {one.kinds_real:,} real, {one.kinds_false_alarm:,} false alarm, {one.kinds_unsure:,} unsure"
        for one in feedback.reports
    ]
    if feedback.made_from:
        lines.append(f"feedback began from the model with SHA-256 {one_line(feedback.made_from[0])}")
    return lines

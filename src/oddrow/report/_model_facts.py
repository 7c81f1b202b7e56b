"""Whether a model can be trusted: its settings, its health in words, its learning curve, and its calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration
from oddrow.density import TrainingHealth
from oddrow.fitted import FittedModel
from oddrow.metrics import DetectionMetrics
from oddrow.policies import CONFIDENCE, ROWS
from oddrow.report._scored_rows import ScoredRows
from oddrow.report._triage import CalibrationPlot, CurveFacts, Figure, HealthFacts, ModelFacts

CURVE_POINTS: Final = 400
"""Largest number of checks of a learning curve that are shown; of more, evenly spaced ones."""
PLOT_POINTS: Final = 40
"""Number of p-values at which the calibration is shown, evenly spaced in their logarithm."""
MIN_PLOTTED: Final = 20
"""Smallest number of rows whose p-values are compared with what is expected."""


def model_facts(
    model: FittedModel,
    rows: ScoredRows,
    is_normal: npt.NDArray[np.bool_] | None,
    *,
    name: str | None,
    digest: str | None,
    settings: Mapping[str, str],
) -> ModelFacts:
    """Return what is known of a model.

    Parameters
    ----------
    model, rows
        The model, and the rows that it scored.
    is_normal
        bool [m], the labels of the rows; None without labels.
    name, digest
        The name and the SHA-256 of the model's file; None if it has none.
    settings
        Settings that the model does not hold, by name.
    """
    return ModelFacts(
        name,
        digest,
        model.encoding.n_rows,
        (*(Figure(key, value) for key, value in settings.items()), *_settings(model)),
        _health(model.network.health),
        _curve(model.network.health),
        calibration_plot(rows.scored.p_value, is_normal, model.calibration),
    )


def _settings(model: FittedModel) -> list[Figure]:
    shape, health, calibration = model.network.shape, model.network.health, model.calibration
    widths = "-".join(map(str, (shape.n_inputs, *shape.hidden)))
    facts = {
        "detector": "variational autoencoder" if shape.is_variational else "autoencoder",
        "network": f"{widths} and {shape.n_latent} latent units",
        "weight of the KL term": f"{health.kl_weight:g}" if shape.is_variational else None,
        "columns": f"{len(model.encoding.columns):,}",
        "scored rows": None if model.preparation is None else model.preparation.summary,
        "calibrated by": f"{calibration.n_rows:,} {ROWS[calibration.source]}",
        "weights": _weights(model),
        "tail of the surprise": calibration.tail.kind if calibration.has_tail else "too few rows to fit one",
    }
    if model.origin is not None:
        facts |= {"fitted": f"{model.origin.created}, by oddrow {model.origin.oddrow}", "fitted to": model.origin.table}
    return [Figure(key, value) for key, value in facts.items() if value is not None]


def _weights(model: FittedModel) -> str | None:
    """Return from how many marked rows the weights of views and columns were learned; None without them."""
    reweighting = model.surprise_model.reweighting
    if reweighting is None or reweighting.is_neutral:
        return None
    return f"learned from {len(reweighting.learned_from):,} marked rows"


def _health(health: TrainingHealth) -> HealthFacts:
    curve, faults = health.learning_curve, [diagnosis.text for diagnosis in health.diagnoses]
    found = f"{len(faults)} faults were" if len(faults) > 1 else "one fault was" if faults else "no fault was"
    return HealthFacts(
        f"The fit ended after {int(curve.step[-1]):,} steps because {health.end.sentence}; the weights of step "
        f"{curve.best_step:,} are kept. {health.n_active} of {len(health.latent_variance)} latent units are active; "
        f"{found} found.",
        tuple(faults),
    )


def _curve(health: TrainingHealth) -> CurveFacts | None:
    curve = health.learning_curve
    count = len(curve.step)
    shown = np.unique(
        np.append(np.linspace(0, count - 1, min(count, CURVE_POINTS)).astype(int), _best(curve.step, curve.best_step))
    )

    def losses(values: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
        return tuple(float(f"{value:.6g}") if np.isfinite(value) else None for value in values[shown])

    return CurveFacts(
        tuple(curve.step[shown].tolist()),
        losses(curve.training_loss),
        losses(curve.held_out_loss),
        losses(curve.reconstruction),
        losses(curve.kl),
        curve.best_step,
    )


def _best(steps: npt.NDArray[np.int64], best: int) -> npt.NDArray[np.int64]:
    return np.flatnonzero(steps == best)


def calibration_plot(
    p_value: npt.NDArray[np.float64], is_normal: npt.NDArray[np.bool_] | None, calibration: Calibration
) -> CalibrationPlot | None:
    """Return the share of the rows with a p-value of at most a, beside a; of the normal rows where labels say which.

    Of n new normal rows, the number with a p-value of at most c / (m + 1) has a beta-binomial distribution with
    parameters c and m + 1 - c (m calibration rows; fewer if they depend on each other). The band holds 95 % of a beta
    distribution with the mean and the variance of that share.
    """
    from scipy.special import betaincinv

    values = np.sort(p_value if is_normal is None else p_value[is_normal])
    n_rows, m_rows = len(values), calibration.n_rows
    if n_rows < MIN_PLOTTED:
        return None
    counts = np.unique(np.rint(np.geomspace(1, m_rows + 1, PLOT_POINTS)).astype(np.int64))
    expected = counts / (m_rows + 1.0)
    observed = np.searchsorted(values, expected, side="right") / n_rows
    total = calibration.n_independent + 1.0
    # a beta-binomial share of n rows has the variance mean (1 - mean) (total + n) / (n (total + 1))
    weight = max(n_rows * (total + 1.0) / (total + n_rows) - 1.0, 1e-3)
    inside = expected < 1
    low, high = np.ones(len(counts)), np.ones(len(counts))
    for ends, tail in ((low, (1 - CONFIDENCE) / 2), (high, (1 + CONFIDENCE) / 2)):
        ends[inside] = betaincinv(expected[inside] * weight, (1 - expected[inside]) * weight, tail)
    sentence = _calibration_sentence(expected, observed, low, high, n_rows, is_labelled=is_normal is not None)
    return CalibrationPlot(
        _five_digits(expected), _five_digits(observed), _five_digits(low), _five_digits(high), sentence
    )


def _five_digits(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.5g}") for value in values)


def _calibration_sentence(
    expected: npt.NDArray[np.float64],
    observed: npt.NDArray[np.float64],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    n_rows: int,
    *,
    is_labelled: bool,
) -> str:
    what = f"{n_rows:,} rows labelled normal" if is_labelled else f"{n_rows:,} rows"
    place = int(np.argmin(np.abs(np.log(expected) - np.log(0.01))))
    shares = (
        (
            f"{observed[place]:.2%} of the {what} have a p-value of at most {expected[place]:.2%}, and of normal rows "
            f"{low[place]:.2%} to {high[place]:.2%} would (95 %)"
        )
        .replace("%", " %")
        .replace("(95  %)", "(95 %)")
    )
    if observed[place] > high[place]:
        odd = "" if is_labelled else ", as odd rows among them make it"
        return f"{shares}: more are strange than of normal rows{odd}."
    if observed[place] < low[place]:
        return f"{shares}: fewer are strange than of normal rows."
    return f"{shares}: as many are strange as of normal rows."


def truth_figures(found: DetectionMetrics) -> tuple[Figure, ...]:
    """Return the figures of a labelled table as text; "-" where one is not defined."""
    shares = {
        "precision of the alerts": found.precision,
        "share of the anomalies found (recall)": found.recall,
        "false-alarm rate": found.false_alarm_rate,
    }
    ranks = {"AUROC": found.auroc, "average precision": found.average_precision}
    return (
        *(Figure(name, "-" if value is None else f"{value:.3f}") for name, value in ranks.items()),
        *(Figure(name, "-" if value is None else f"{value:.2%}".replace("%", " %")) for name, value in shares.items()),
    )

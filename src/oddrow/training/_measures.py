"""Measurements of a fit's health, computed with NumPy at the weights that the fit kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density import (
    CopyingShare,
    FitEnd,
    Gain,
    LearningCurve,
    Likelihood,
    NetworkShape,
    Rollback,
    TrainingHealth,
    decode,
    encode,
    kl_divergence,
    loss_parts,
)
from oddrow.training._settings import TrainingSettings

MEASURED_ROWS = 4_096
"""Maximum number of training rows, and of held-out rows, that are measured."""
MAX_FEATURES = 512
"""Maximum number of features whose correlations are computed: the cost grows with the square of this number."""
MIN_SUPPORT = 20
"""Minimum number of rows that a correlation must rest on: two rare flags that occur once, in the same row, say nothing
about dependence."""
MAX_FIGURE = 1e30
"""Bound of every measured figure: the loss of shuffled rows may overflow."""

Floats = npt.NDArray[np.float64]


def measured_health(
    shape: NetworkShape,
    likelihood: Likelihood,
    parameters: Mapping[str, npt.NDArray[np.float32]],
    training: EncodedTable,
    held_out: EncodedTable | None,
    settings: TrainingSettings,
    curve: LearningCurve,
    end: FitEnd,
    rollbacks: tuple[Rollback, ...],
) -> TrainingHealth:
    """Measure the kept weights on training rows and on held-out rows.

    The sample, the shuffling and the noise come from a separate generator, so that measuring does not change the draws
    of the fit.
    """
    rng = np.random.default_rng(0)
    double = {name: value.astype(np.float64) for name, value in parameters.items()}
    trained = _sample(training, rng)
    watched = trained if held_out is None else _sample(held_out, rng)
    constant = likelihood.constant_outputs(trained.rows, trained.presence)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, log_variance = encode(np, shape, double, watched.rows.astype(np.float64))
        kl = kl_divergence(np, mean, log_variance).mean(axis=0) if shape.is_variational else np.zeros(0)
        real = _copied_share(shape, likelihood, double, constant, watched)
        shuffled = _copied_share(shape, likelihood, double, constant, _shuffled(likelihood.layout, watched, rng))
        gains = [
            _gain(shape, likelihood, double, constant, part, settings, np.random.default_rng(0))
            for part in (trained, watched)
        ]
    return TrainingHealth(
        learning_curve=curve,
        end=end,
        steps_at_most=settings.steps(len(training.rows)),
        rows_trained=len(training.rows),
        rows_watched=0 if held_out is None else len(held_out.rows),
        n_parameters=sum(value.size for value in parameters.values()),
        kl_weight=settings.kl_weight,
        kl=tuple(map(_bounded, kl)),
        latent_variance=tuple(map(_bounded, mean.var(axis=0))),
        strongest_dependence=strongest_dependence(likelihood.layout, trained.rows),
        copying=CopyingShare(real, shuffled),
        gain=Gain(*gains),
        rollbacks=rollbacks,
    )


def strongest_dependence(layout: FeatureLayout, rows: npt.NDArray[np.float32]) -> float:
    """Return the largest absolute correlation [0, 1] between features of different columns.

    Features that vary in fewer than ``MIN_SUPPORT`` rows are left out.
    """
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    squares = (centred**2).sum(axis=0)
    fourths = (centred**4).sum(axis=0)
    # the number of rows that a sum of squares rests on: k for a flag that k of many rows carry, and a third of all rows
    # for a normally distributed number
    support = np.divide(squares**2, fourths, out=np.zeros_like(squares), where=fourths > 0)
    chosen = np.flatnonzero(support >= MIN_SUPPORT)
    chosen = chosen[np.argsort(-support[chosen], kind="stable")[:MAX_FEATURES]]
    scaled = centred[:, chosen] / np.sqrt(squares[chosen])
    column = np.asarray(layout.feature_column, np.int64)[chosen]
    between = np.abs(scaled.T @ scaled)[column[:, None] != column[None, :]]
    return min(float(between.max(initial=0.0)), 1.0)


def _sample(encoded: EncodedTable, rng: np.random.Generator) -> EncodedTable:
    n_rows = len(encoded.rows)
    if n_rows <= MEASURED_ROWS:
        return encoded
    return encoded.take(np.sort(rng.choice(n_rows, MEASURED_ROWS, replace=False)))


def _shuffled(layout: FeatureLayout, encoded: EncodedTable, rng: np.random.Generator) -> EncodedTable:
    """Shuffle each column by itself: every value stays ordinary, but the values of a row no longer belong together."""
    owner = np.asarray(layout.feature_column, np.int64)
    rows, presence = encoded.rows.copy(), encoded.presence.copy()
    for column in range(layout.n_columns):
        order = rng.permutation(len(rows))
        features = owner == column
        rows[:, features] = encoded.rows[order][:, features]
        presence[:, column] = encoded.presence[order, column]
    return EncodedTable(rows, presence, encoded.novelty)


def _copied_share(
    shape: NetworkShape,
    likelihood: Likelihood,
    parameters: Mapping[str, Floats],
    constant: Floats,
    encoded: EncodedTable,
) -> float:
    """Return how far the reconstruction at the latent mean is from the best constant prediction (0) to a copy (1)."""
    rows = encoded.rows.astype(np.float64)
    mean, _ = encode(np, shape, parameters, rows)
    guessed, found, copied = (
        likelihood.negative_log_likelihood(np, outputs, rows, encoded.presence).sum(axis=1).mean()
        for outputs in (
            np.tile(constant, (len(rows), 1)),
            decode(np, shape, parameters, mean),
            likelihood.copied_outputs(rows),
        )
    )
    return _bounded((guessed - found) / (guessed - copied)) if guessed > copied else 0.0


def _gain(
    shape: NetworkShape,
    likelihood: Likelihood,
    parameters: Mapping[str, Floats],
    constant: Floats,
    encoded: EncodedTable,
    settings: TrainingSettings,
    rng: np.random.Generator,
) -> float:
    """Return by how many nats per row the loss is below that of the best constant prediction."""
    rows = encoded.rows.astype(np.float64)
    noise = rng.standard_normal((len(rows), shape.n_latent))
    weighted = {"kl_weight": settings.kl_weight, "reconstruction_weight": settings.reconstruction_weight}
    parts = loss_parts(np, shape, likelihood, parameters, rows, encoded.presence, noise, **weighted)
    outputs = np.tile(constant, (len(rows), 1))
    guessed = likelihood.negative_log_likelihood(np, outputs, rows, encoded.presence).sum(axis=1).mean()
    return _bounded(settings.reconstruction_weight * guessed - float(parts.total))


def _bounded(value: float) -> float:
    return float(np.nan_to_num(np.clip(value, -MAX_FIGURE, MAX_FIGURE), nan=-MAX_FIGURE))

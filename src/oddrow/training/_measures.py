"""What is measured of a fit, at the weights it kept, with NumPy."""

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
"""Rows of each part that are measured at most."""
MOST_FEATURES = 512
"""Features whose dependence is looked at, at most: the product of all with all grows with their square."""
LEAST_SUPPORT = 20
"""Rows that a correlation must rest on: two rare flags that come up once, together, depend on nothing."""
LARGEST = 1e30
"""Bound of a figure: on shuffled rows a loss may leave what can be written down."""

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
    """Measure the kept weights on training rows and on held-out ones.

    The sample, the shuffling and the noise are drawn from a generator of their own: measuring changes nothing.
    """
    rng = np.random.default_rng(0)
    double = {name: value.astype(np.float64) for name, value in parameters.items()}
    taught = _sample(training, rng)
    watched = taught if held_out is None else _sample(held_out, rng)
    constant = likelihood.constant_outputs(taught.rows, taught.presence)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, log_variance = encode(np, shape, double, watched.rows.astype(np.float64))
        kl = kl_divergence(np, mean, log_variance).mean(axis=0) if shape.is_variational else np.zeros(0)
        real = _copied_share(shape, likelihood, double, constant, watched)
        shuffled = _copied_share(shape, likelihood, double, constant, _shuffled(likelihood.layout, watched, rng))
        gains = [
            _gain(shape, likelihood, double, constant, part, settings, np.random.default_rng(0))
            for part in (taught, watched)
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
        strongest_dependence=strongest_dependence(likelihood.layout, taught.rows),
        copying=CopyingShare(real, shuffled),
        gain=Gain(*gains),
        rollbacks=rollbacks,
    )


def strongest_dependence(layout: FeatureLayout, rows: npt.NDArray[np.float32]) -> float:
    """The largest absolute correlation [0, 1] between features of different columns, each resting on enough rows."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    squares = (centred**2).sum(axis=0)
    fourths = (centred**4).sum(axis=0)
    # rows that a sum of squares rests on; k for a flag that k of many rows carry, a third of all for a normal number
    support = np.divide(squares**2, fourths, out=np.zeros_like(squares), where=fourths > 0)
    chosen = np.flatnonzero(support >= LEAST_SUPPORT)
    chosen = chosen[np.argsort(-support[chosen], kind="stable")[:MOST_FEATURES]]
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
    """The same values, each column shuffled by itself: every value ordinary, the rows not."""
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
    """How far the reconstruction is from the constant guess (0) to an exact copy (1), at the latent mean."""
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
    """Nats a row by which the loss is below that of the constant guess."""
    rows = encoded.rows.astype(np.float64)
    noise = rng.standard_normal((len(rows), shape.n_latent))
    weighted = {"kl_weight": settings.kl_weight, "reconstruction_weight": settings.reconstruction_weight}
    parts = loss_parts(np, shape, likelihood, parameters, rows, encoded.presence, noise, **weighted)
    outputs = np.tile(constant, (len(rows), 1))
    guessed = likelihood.negative_log_likelihood(np, outputs, rows, encoded.presence).sum(axis=1).mean()
    return _bounded(settings.reconstruction_weight * guessed - float(parts.total))


def _bounded(value: float) -> float:
    return float(np.nan_to_num(np.clip(value, -LARGEST, LARGEST), nan=-LARGEST))

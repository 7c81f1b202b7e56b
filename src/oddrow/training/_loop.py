"""The one training loop: JAX and Optax, compiled, watched by a held-out part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from oddrow.exceptions import TrainingError
from oddrow.model import (
    FittedNetwork,
    LearningCurve,
    Likelihood,
    LossParts,
    NetworkShape,
    initial_parameters,
    loss_parts,
)
from oddrow.table import EncodedTable
from oddrow.training._batches import batch_indices
from oddrow.training._settings import TrainingSettings

OnProgress: TypeAlias = Callable[[int, int, float], None]
"""Called after each check with the steps done, the steps at most, and the training loss in nats a row."""

WATCHED_ROWS = 4_096
"""Held-out rows watched at most: enough to see the loss turn, few enough to cost little."""


@dataclass
class _Best:
    """The best weights so far, and the checks since."""

    loss: float
    weights: npt.NDArray[np.float32]
    step: int
    checks_since: int = 0


def fit_network(
    shape: NetworkShape,
    likelihood: Likelihood,
    training: EncodedTable,
    held_out: EncodedTable | None,
    settings: TrainingSettings,
    rng: np.random.Generator,
    on_progress: OnProgress | None = None,
) -> FittedNetwork:
    """Fit a network's weights to encoded rows.

    Parameters
    ----------
    shape, likelihood, settings
        The network's shape, the columns' distributions, how long and how fast.
    training, held_out
        Rows to learn from, and rows to watch: the weights with the lowest held-out loss are kept. Without held-out
        rows the training rows are watched and the last weights are kept.
    on_progress
        Called after each check, see :data:`OnProgress`.
    rng
        Source of the initial weights, the order of rows and the noise; the same generator state gives the same weights.

    Raises
    ------
    TrainingError
        If the loss stops being finite.
    """
    steps = settings.steps(len(training.rows))
    initial = _raveled(initial_parameters(shape, rng))
    watched = _watched(shape, training if held_out is None else held_out, rng)
    run, watch = _compiled(shape, likelihood, settings, steps)

    key = jax.random.key(int(rng.integers(2**31)))
    rows, presence = _bucketed(training.rows), _bucketed(training.presence)
    batches = batch_indices(len(training.rows), settings.batch_rows, rng)
    weights, state = initial, _optimiser(settings, steps).init(initial)
    best = _Best(np.inf, np.asarray(initial), 0)
    history: list[tuple[int, float, LossParts]] = []
    done = 0
    while done < steps:
        # a whole chunk even at the end: one compiled shape; the last one may overrun by less than a check
        chunk = jnp.asarray(np.stack([next(batches) for _ in range(settings.steps_per_check)]))
        weights, state, loss = run(weights, state, key, done, rows, presence, chunk)
        done += settings.steps_per_check
        parts = LossParts(*(np.asarray(part) for part in watch(weights, *watched)))
        _check_finite(float(loss), float(parts.total), done, settings)
        history.append((done, float(loss), parts))
        if on_progress is not None:
            on_progress(min(done, steps), steps, float(loss))
        if held_out is None or parts.total < best.loss:
            best = _Best(float(parts.total), np.asarray(weights), done)
        else:
            best.checks_since += 1
            if settings.patience is not None and best.checks_since >= settings.patience:
                break
    return FittedNetwork(shape, _unraveled(shape, best.weights), _curve(history, best.step))


def _optimiser(settings: TrainingSettings, steps: int) -> Any:
    rate: Any = settings.learning_rate
    if settings.anneal:
        rate = optax.cosine_decay_schedule(settings.learning_rate, steps, alpha=0.02)
    clips = []
    if settings.clip_elements is not None:
        clips.append(optax.clip(settings.clip_elements))
    if settings.clip_norm is not None:
        clips.append(optax.clip_by_global_norm(settings.clip_norm))
    return optax.chain(*clips, optax.adam(rate))


def _raveled(parameters: Mapping[str, npt.NDArray[np.float32]]) -> Any:
    """All weights as one flat vector: on the CPU a compiled loop pays for every array that it carries."""
    return jnp.concatenate([jnp.ravel(parameters[name]) for name in parameters])


def _unraveled(shape: NetworkShape, weights: Any) -> dict[str, Any]:
    """The weights by name, as views of the flat vector, in the order of :func:`initial_parameters`."""
    parameters, start = {}, 0
    for name, (n_in, n_out) in shape.layers.items():
        for part, size in (("weight", (n_in, n_out)), ("bias", (n_out,))):
            stop = start + int(np.prod(size))
            parameters[f"{name}_{part}"] = weights[start:stop].reshape(size)
            start = stop
    return parameters


def _bucketed(rows: npt.NDArray[Any]) -> Any:
    """Rows as float32 on the device, padded to a power of two that no batch reaches: few shapes, few compilations."""
    padded = np.zeros((_bucket(len(rows)), rows.shape[1]), np.float32)
    padded[: len(rows)] = rows
    return jnp.asarray(padded)


def _bucket(n_rows: int) -> int:
    return max(64, 1 << (n_rows - 1).bit_length())


def _watched(shape: NetworkShape, encoded: EncodedTable, rng: np.random.Generator) -> tuple[Any, ...]:
    """Rows, presence, noise and row weights of the watched part, in a bucketed shape."""
    n_rows = len(encoded.rows)
    chosen = np.arange(n_rows) if n_rows <= WATCHED_ROWS else rng.choice(n_rows, WATCHED_ROWS, replace=False)
    weight = np.zeros(_bucket(len(chosen)), np.float32)
    weight[: len(chosen)] = 1.0 / len(chosen)
    noise = rng.standard_normal((len(weight), shape.n_latent)).astype(np.float32)
    return (
        _bucketed(encoded.rows[chosen]),
        _bucketed(encoded.presence[chosen]),
        jnp.asarray(noise),
        jnp.asarray(weight),
    )


@lru_cache(maxsize=32)
def _compiled(shape: NetworkShape, likelihood: Likelihood, settings: TrainingSettings, steps: int) -> tuple[Any, Any]:
    """The compiled chunk of steps, and the compiled look at the held-out rows; kept for the next fit of this form."""
    optimiser = _optimiser(settings, steps)

    def parts(weights: Any, rows: Any, presence: Any, noise: Any, **more: Any) -> LossParts:
        weighted = {"kl_weight": settings.kl_weight, "reconstruction_weight": settings.reconstruction_weight}
        parameters = _unraveled(shape, weights)
        return loss_parts(jnp, shape, likelihood, parameters, rows, presence, noise, **weighted, **more)

    def total(weights: Any, rows: Any, presence: Any, key: Any) -> Any:
        noise = jax.random.normal(key, (rows.shape[0], shape.n_latent))
        return parts(weights, rows, presence, noise).total

    def step(carried: Any, batch: Any, rows: Any, presence: Any, key: Any) -> Any:
        weights, state, count, loss_sum = carried
        drawn = rows[batch], presence[batch], jax.random.fold_in(key, count)
        loss, gradient = jax.value_and_grad(total)(weights, *drawn)
        if settings.sum_over_batch:
            gradient = gradient * settings.batch_rows
        updates, state = optimiser.update(gradient, state, weights)
        return (optax.apply_updates(weights, updates), state, count + 1, loss_sum + loss), None

    @jax.jit
    def run(weights: Any, state: Any, key: Any, count: Any, rows: Any, presence: Any, chunk: Any) -> Any:
        carried = (weights, state, count, jnp.float32(0.0))
        carried, _ = jax.lax.scan(lambda c, batch: step(c, batch, rows, presence, key), carried, chunk)
        weights, state, _, loss_sum = carried
        return weights, state, loss_sum / chunk.shape[0]

    @jax.jit
    def watch(weights: Any, rows: Any, presence: Any, noise: Any, row_weight: Any) -> Any:
        return parts(weights, rows, presence, noise, row_weight=row_weight)

    return run, watch


def _check_finite(loss: float, held_out_loss: float, step: int, settings: TrainingSettings) -> None:
    if not (np.isfinite(loss) and np.isfinite(held_out_loss)):
        raise TrainingError(
            f"the loss is no longer finite at step {step} (training {loss}, held out {held_out_loss}); "
            f"lower the learning rate from {settings.learning_rate:g}, or look for extreme values in the table"
        )


def _curve(history: list[tuple[int, float, LossParts]], best_step: int) -> LearningCurve:
    return LearningCurve(
        step=np.array([step for step, _, _ in history], np.int64),
        training_loss=np.array([loss for _, loss, _ in history]),
        held_out_loss=np.array([float(parts.total) for _, _, parts in history]),
        reconstruction=np.array([float(np.sum(parts.reconstruction)) for _, _, parts in history]),
        kl=np.array([float(np.sum(parts.kl)) for _, _, parts in history]),
        best_step=best_step,
    )

"""The one training loop: JAX and Optax, compiled, watched by a held-out part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from oddrow.exceptions import TrainingError
from oddrow.model import (
    FitEnd,
    FittedNetwork,
    Likelihood,
    LossParts,
    NetworkShape,
    initial_parameters,
    loss_parts,
)
from oddrow.table import EncodedTable
from oddrow.training._batches import BatchOrder
from oddrow.training._checkpoint import Checkpoint, FitIdentity
from oddrow.training._interruption import UNINTERRUPTED, Interruption, interrupts_asked
from oddrow.training._measures import measured_health
from oddrow.training._settings import TrainingSettings
from oddrow.training._state import Check, FitState

OnProgress: TypeAlias = Callable[[int, int, float], None]
"""Called after each check with the steps done, the steps at most, and the training loss in nats a row."""

WATCHED_ROWS = 4_096
"""Held-out rows watched at most: enough to see the loss turn, few enough to cost little."""


MOST_ROLLBACKS = 3
"""How often a fit goes back to its last finite weights before it gives up."""


def fit_network(
    shape: NetworkShape,
    likelihood: Likelihood,
    training: EncodedTable,
    held_out: EncodedTable | None,
    settings: TrainingSettings,
    rng: np.random.Generator,
    on_progress: OnProgress | None = None,
    interruption: Interruption = UNINTERRUPTED,
    start: FittedNetwork | None = None,
) -> FittedNetwork:
    """Fit a network's weights to encoded rows.

    Where the loss stops being finite, the fit goes back to the last weights it was finite at, and on with a quarter of
    the learning rate.

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
    interruption
        What may end the fit early, and where it is kept meanwhile. A fit that was killed and resumed gives the same
        weights, bit for bit, and leaves the generator in the same state.
    start
        A network of the same shape whose weights are the initial ones; without it they are drawn.

    Raises
    ------
    TrainingError
        If the loss stops being finite once more after that was done three times.
    CheckpointError
        If the checkpoint is damaged, or belongs to another table or other settings.
    OutputError
        If the checkpoint cannot be written, or is there already and not to be resumed.
    """
    interruption.check()
    checkpoint = None
    if interruption.checkpoint is not None:
        identity = FitIdentity.of(settings, shape, likelihood, training, held_out, rng, start)
        checkpoint = Checkpoint(interruption.checkpoint, interruption.part, identity)
    fit = _Fit(shape, likelihood, training, held_out, settings, rng, start)
    state = fit.initial
    if checkpoint is not None:
        state = checkpoint.begin(state, rng, fit.batches, resume=interruption.resume)
    end = state.end
    is_over = interruption.clock()
    try:
        with interrupts_asked(interruption.on_interrupt) as is_to_end:
            while end is None:
                state = fit.checked(state)
                if not state.checks:
                    continue  # went back to the very beginning: there is nothing to keep yet
                if checkpoint is not None:
                    checkpoint.keep(state, rng, fit.batches)
                if on_progress is not None:
                    on_progress(min(state.done, fit.steps), fit.steps, state.checks[-1].training_loss)
                # an end that comes from outside is not part of the state: resumed, the fit goes on from here
                interrupted = FitEnd.INTERRUPTED if is_to_end() else None
                end = state.end or interrupted or (FitEnd.TIME_LIMIT if is_over() else None)
    finally:
        if checkpoint is not None:
            checkpoint.flush()
    parameters = _unraveled(shape, state.best_weights)
    health = measured_health(
        shape, likelihood, parameters, training, held_out, settings, state.curve(), end, state.rollbacks
    )
    return FittedNetwork(shape, parameters, health)


class _Fit:
    """What stays the same while a fit runs, and the step from one check to the next."""

    def __init__(
        self,
        shape: NetworkShape,
        likelihood: Likelihood,
        training: EncodedTable,
        held_out: EncodedTable | None,
        settings: TrainingSettings,
        rng: np.random.Generator,
        start: FittedNetwork | None,
    ) -> None:
        n_rows = len(training.rows)
        self.steps = settings.steps(n_rows)
        self.batches = BatchOrder(n_rows, settings.batch_rows, rng)
        self._settings = settings
        self._keeps_last = held_out is None
        weights = _raveled(shape, initial_parameters(shape, rng) if start is None else start.parameters)
        optimiser = _optimiser(settings, self.steps).init(weights)
        self.initial = FitState(weights, optimiser, np.asarray(weights))
        self._watched = _watched(shape, training if held_out is None else held_out, rng)
        self._run, self._watch = _compiled(shape, likelihood, settings, self.steps)
        self._key = jax.random.key(int(rng.integers(2**31)))
        self._rows = _bucketed(training.rows), _bucketed(training.presence)

    def checked(self, state: FitState) -> FitState:
        """The state a chunk of steps and a look at the losses later; or rolled back, with other batches to come."""
        # a whole chunk even at the end: one compiled shape; the last one may overrun by less than a check
        chunk = jnp.asarray(self.batches.draw(self._settings.steps_per_check))
        factor = jnp.float32(state.rate_factor)
        weights, optimiser, loss = self._run(
            state.weights, state.optimiser, self._key, state.done, factor, *self._rows, chunk
        )
        parts = LossParts(*(np.asarray(part) for part in self._watch(weights, *self._watched)))
        done = state.done + self._settings.steps_per_check
        losses = float(loss), float(parts.total)
        if not np.isfinite(losses).all():
            _check_rollbacks(losses, done, state, self._settings)
            return state.rolled_back(done, self._settings.learning_rate)
        rate = _rate_at(self._settings, self.steps, done - 1) * state.rate_factor
        check = Check(done, *losses, float(np.sum(parts.reconstruction)), float(np.sum(parts.kl)), rate)
        after = state.after(weights, optimiser, check, keep_last=self._keeps_last)
        return replace(after, end=self._end(after))

    def _end(self, state: FitState) -> FitEnd | None:
        """Why the fit ends by itself, if it does."""
        patience = self._settings.patience
        if not self._keeps_last and patience is not None and state.checks_since_best >= patience:
            return FitEnd.PATIENCE
        return FitEnd.MAX_STEPS if state.done >= self.steps else None


def _rate(settings: TrainingSettings, steps: int) -> Any:
    if not settings.anneal:
        return settings.learning_rate
    return optax.cosine_decay_schedule(settings.learning_rate, steps, alpha=0.02)


def _rate_at(settings: TrainingSettings, steps: int, count: int) -> float:
    """The step size of the step that follows ``count`` others."""
    rate = _rate(settings, steps)
    return float(rate(count)) if callable(rate) else float(rate)


def _optimiser(settings: TrainingSettings, steps: int) -> Any:
    clips = []
    if settings.clip_elements is not None:
        clips.append(optax.clip(settings.clip_elements))
    if settings.clip_norm is not None:
        clips.append(optax.clip_by_global_norm(settings.clip_norm))
    return optax.chain(*clips, optax.adam(_rate(settings, steps)))


def _raveled(shape: NetworkShape, parameters: Mapping[str, npt.NDArray[np.float32]]) -> Any:
    """All weights as one flat vector: on the CPU a compiled loop pays for every array that it carries."""
    parts = [parameters[f"{name}_{part}"] for name in shape.layers for part in ("weight", "bias")]
    return jnp.concatenate([jnp.ravel(jnp.asarray(part)) for part in parts])


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

    def step(carried: Any, batch: Any, rows: Any, presence: Any, key: Any, factor: Any) -> Any:
        weights, state, count, loss_sum = carried
        drawn = rows[batch], presence[batch], jax.random.fold_in(key, count)
        loss, gradient = jax.value_and_grad(total)(weights, *drawn)
        if settings.sum_over_batch:
            gradient = gradient * settings.batch_rows
        updates, state = optimiser.update(gradient, state, weights)
        return (optax.apply_updates(weights, updates * factor), state, count + 1, loss_sum + loss), None

    @jax.jit
    def run(weights: Any, state: Any, key: Any, count: Any, factor: Any, rows: Any, presence: Any, chunk: Any) -> Any:
        carried = (weights, state, count, jnp.float32(0.0))
        carried, _ = jax.lax.scan(lambda c, batch: step(c, batch, rows, presence, key, factor), carried, chunk)
        weights, state, _, loss_sum = carried
        return weights, state, loss_sum / chunk.shape[0]

    @jax.jit
    def watch(weights: Any, rows: Any, presence: Any, noise: Any, row_weight: Any) -> Any:
        return parts(weights, rows, presence, noise, row_weight=row_weight)

    return run, watch


def _check_rollbacks(losses: tuple[float, float], step: int, state: FitState, settings: TrainingSettings) -> None:
    if len(state.rollbacks) >= MOST_ROLLBACKS:
        training, held_out = losses
        raise TrainingError(
            f"the loss is no longer finite at step {step} (training {training}, held out {held_out}), also after the "
            f"learning rate was lowered {MOST_ROLLBACKS} times from {settings.learning_rate:g} to "
            f"{settings.learning_rate * state.rate_factor:g}; look for extreme values in the table"
        )

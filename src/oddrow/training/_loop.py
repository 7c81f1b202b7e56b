"""The one training loop: compiled steps in JAX and Optax, with checks of the held-out loss between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import jax
import numpy as np

from oddrow.columns import EncodedTable
from oddrow.density import FitEnd, FittedNetwork, Likelihood, NetworkShape, initial_parameters
from oddrow.exceptions import TrainingError
from oddrow.training._batches import BatchOrder
from oddrow.training._checkpoint import Checkpoint, fit_identity
from oddrow.training._device import device_name, device_of
from oddrow.training._interruption import UNINTERRUPTED, Interruption, interrupts_asked
from oddrow.training._measures import measured_health
from oddrow.training._program import compiled_steps, initial_optimiser, raveled, steps_at_once, unraveled
from oddrow.training._settings import TrainingSettings
from oddrow.training._state import Check, FitState
from oddrow.training._watching import WatchedRows

OnProgress: TypeAlias = Callable[[int, int, float], None]
"""Called after each check with the steps done, the maximum number of steps, and the training loss in nats per row."""

MAX_ROLLBACKS = 3
"""How often a fit may return to its last finite weights; the next loss that is not finite raises TrainingError."""


def fit_network(
    shape: NetworkShape,
    likelihood: Likelihood,
    training: EncodedTable,
    held_out: EncodedTable | None,
    settings: TrainingSettings,
    rng: np.random.Generator,
    on_progress: OnProgress | None = None,
    interruption: Interruption = UNINTERRUPTED,
    device: str = "auto",
    start: FittedNetwork | None = None,
) -> FittedNetwork:
    """Fit a network's weights to encoded rows.

    When the loss stops being finite, the fit returns to the last weights with a finite loss and continues with a
    quarter of the learning rate.

    Parameters
    ----------
    shape, likelihood, settings
        The network's shape, the columns' distributions, the training settings.
    training, held_out
        Rows to learn from, and rows whose loss is checked: the weights with the lowest held-out loss are kept. Without
        held-out rows the loss of training rows is checked and the last weights are kept.
    on_progress
        Called after each check, see :data:`OnProgress`.
    rng
        Source of the initial weights, the order of rows and the noise; the same generator state gives the same weights.
    interruption
        What may end the fit early, and where its checkpoint is kept. A fit that was killed and resumed gives the same
        weights, bit for bit, and leaves the generator in the same state.
    device
        A platform of JAX such as "cpu", or "auto" for an accelerator if there is one. The same seed gives the same
        weights on the same kind of device.
    start
        A network of the same shape whose weights are the initial weights; without it they are drawn from ``rng``.

    Raises
    ------
    SettingError
        If JAX finds no such device on this machine.
    TrainingError
        If the loss is not finite for the fourth time (``MAX_ROLLBACKS`` + 1).
    CheckpointError
        If the checkpoint is damaged, or belongs to another table or other settings.
    OutputError
        If the checkpoint cannot be written, or if it exists and ``interruption.resume`` is False.
    """
    trains_on = device_of(device)
    checkpoint = None
    if interruption.checkpoint is not None:
        identity = fit_identity(settings, shape, likelihood, training, held_out, rng, start)
        checkpoint = Checkpoint(interruption.checkpoint, interruption.part, len(training.rows), identity)
    fit = _Fit(shape, likelihood, training, held_out, settings, rng, trains_on, start)
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
                    continue  # rolled back to step 0: there are no weights to keep yet
                if checkpoint is not None:
                    checkpoint.keep(state, rng, fit.batches)
                if on_progress is not None:
                    on_progress(min(state.done, fit.steps), fit.steps, state.checks[-1].training_loss)
                # an interrupt or a time limit is not part of the state, so that a resumed fit goes on from here
                interrupted = FitEnd.INTERRUPTED if is_to_end() else None
                end = state.end or interrupted or (FitEnd.TIME_LIMIT if is_over() else None)
    finally:
        if checkpoint is not None:
            checkpoint.flush()
    parameters = unraveled(shape, state.best_weights)
    health = measured_health(
        shape, likelihood, parameters, training, held_out, settings, state.curve(), end, state.rollbacks
    )
    return FittedNetwork(shape, parameters, replace(health, device=device_name(trains_on)))


class _Fit:
    """The data and the compiled program of one fit, and the way from one check to the next."""

    def __init__(
        self,
        shape: NetworkShape,
        likelihood: Likelihood,
        training: EncodedTable,
        held_out: EncodedTable | None,
        settings: TrainingSettings,
        rng: np.random.Generator,
        device: jax.Device,
        start: FittedNetwork | None,
    ) -> None:
        n_rows = len(training.rows)
        self.steps = settings.steps(n_rows)
        self.batches = BatchOrder(n_rows, settings.batch_rows, rng)
        self._shape, self._likelihood, self._settings = shape, likelihood, settings
        self._keeps_last = held_out is None
        self._training = training
        weights = raveled(shape, initial_parameters(shape, rng) if start is None else start.parameters)
        self.initial = FitState(weights, initial_optimiser(settings, weights), weights)
        self._watched = WatchedRows.draw(shape, training, held_out, rng)
        self._seed = np.uint32(rng.integers(2**31))
        layout = likelihood.layout
        self._steps_at_once = steps_at_once(settings, layout.n_features, layout.n_columns)
        self._run = compiled_steps(shape, likelihood, settings.compiled(), device)

    def checked(self, state: FitState) -> FitState:
        """Do the steps up to the next check, and return the state after it.

        If the loss is not finite, the state is rolled back instead; the next call then draws other batches.
        """
        # the last chunk is as long as all others, so that one compiled program serves; it may overrun the maximum
        # number of steps by less than one check
        weights, optimiser, loss = self._after_steps(state)
        by_name = unraveled(self._shape, np.asarray(weights))
        watched = self._watched.loss(self._shape, self._likelihood, by_name, self._settings)
        done = state.done + self._settings.steps_per_check
        losses = loss / self._settings.steps_per_check, watched.total
        if not np.isfinite(losses).all():
            _check_rollbacks(losses, done, state, self._settings)
            return state.rolled_back(done, self._settings.learning_rate)
        rate = float(self._settings.learning_rates(self.steps, done - 1, 1)[0]) * state.rate_factor
        check = Check(done, *losses, watched.reconstruction, watched.kl, rate)
        after = state.after(weights, optimiser, check, keep_last=self._keeps_last)
        return replace(after, end=self._end(after))

    def _after_steps(self, state: FitState) -> tuple[Any, Any, float]:
        """Return weights, optimiser and summed loss after the steps up to the next check."""
        weights, optimiser, loss = state.weights, state.optimiser, np.float32(0.0)
        batches = self.batches.draw(self._settings.steps_per_check)
        for first in range(0, len(batches), self._steps_at_once):
            drawn = batches[first : first + self._steps_at_once]
            done = state.done + first
            rates = self._settings.learning_rates(self.steps, done, len(drawn)) * state.rate_factor
            # rows are gathered here, since a gather inside the compiled loop takes longer than its matrix products
            rows, presence = (
                part.take(drawn.ravel(), axis=0).reshape(*drawn.shape, -1)
                for part in (self._training.rows, self._training.presence)
            )
            weights, optimiser, loss = self._run(
                weights, optimiser, loss, self._seed, np.int32(done), rates.astype(np.float32), rows, presence
            )
        return weights, optimiser, float(loss)

    def _end(self, state: FitState) -> FitEnd | None:
        """Return why the fit ends by itself, or None while it goes on."""
        patience = self._settings.patience
        if not self._keeps_last and patience is not None and state.checks_since_best >= patience:
            return FitEnd.PATIENCE
        return FitEnd.MAX_STEPS if state.done >= self.steps else None


def _check_rollbacks(losses: tuple[float, float], step: int, state: FitState, settings: TrainingSettings) -> None:
    if len(state.rollbacks) >= MAX_ROLLBACKS:
        training, held_out = losses
        raise TrainingError(
            f"the loss is not finite at step {step} (training {training}, held out {held_out}), although the "
            f"learning rate was lowered {MAX_ROLLBACKS} times from {settings.learning_rate:g} to "
            f"{settings.learning_rate * state.rate_factor:g}; look for extreme values in the table"
        )

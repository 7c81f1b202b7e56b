"""The compiled program of a fit, which does several steps at once.

Rows, their number and the learning rates are arguments of the program and not constants in it. One compilation thus
serves all tables of the same layout, and is kept for later processes, see :mod:`._compilation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from oddrow._collector import collector_paused
from oddrow.density import Likelihood, NetworkShape, initial_parameters, loss_parts
from oddrow.training._compilation import compilations_kept
from oddrow.training._settings import TrainingSettings

_FAST_COMPILATION: Final[dict[str, str | bool]] = {"xla_backend_optimization_level": "1"}
"""Options that save a third of the compilation time and lengthen the run by 5 % at most."""
STEPS_BYTES = 64 * 2**20
"""Maximum number of bytes of rows that one program takes, unless a single batch has more."""


def optimiser_of(settings: TrainingSettings) -> Any:
    """Return the Optax optimiser: it clips the gradient as the settings say and scales it by Adam.

    The caller multiplies the result by the learning rate.
    """
    clips = []
    if settings.clip_elements is not None:
        clips.append(optax.clip(settings.clip_elements))
    if settings.clip_norm is not None:
        clips.append(optax.clip_by_global_norm(settings.clip_norm))
    return optax.chain(*clips, optax.scale_by_adam())


def initial_optimiser(settings: TrainingSettings, weights: npt.NDArray[np.float32]) -> Any:
    """Return the optimiser's state before the first step: all zeros for Adam, made without compiling anything."""
    state = jax.eval_shape(optimiser_of(settings).init, weights)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), state)


def raveled(shape: NetworkShape, parameters: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Join all weights into one flat vector: on the CPU each array that a compiled loop carries costs time."""
    names = [f"{name}_{part}" for name in shape.layers for part in ("weight", "bias")]
    return np.concatenate([np.ravel(parameters[name]) for name in names])


def unraveled(shape: NetworkShape, weights: Any) -> dict[str, Any]:
    """Return the weights by name, as views of the flat vector, in the order of :func:`initial_parameters`."""
    parameters, start = {}, 0
    for name, (n_in, n_out) in shape.layers.items():
        for part, size in (("weight", (n_in, n_out)), ("bias", (n_out,))):
            stop = start + int(np.prod(size))
            parameters[f"{name}_{part}"] = weights[start:stop].reshape(size)
            start = stop
    return parameters


def steps_at_once(settings: TrainingSettings, n_features: int, n_columns: int) -> int:
    """Return the number of steps in one program.

    It is ``steps_per_check``, or its largest divisor whose rows take at most ``STEPS_BYTES``.
    """
    batch_bytes = settings.batch_rows * (4 * n_features + n_columns)
    parts = (steps for steps in range(settings.steps_per_check, 1, -1) if settings.steps_per_check % steps == 0)
    return next((steps for steps in parts if steps * batch_bytes <= STEPS_BYTES), 1)


@lru_cache(maxsize=32)
def compiled_steps(shape: NetworkShape, likelihood: Likelihood, settings: TrainingSettings, device: Any) -> Any:
    """Compile the program of k steps on batches of b rows.

    It takes ``(weights, optimiser, loss_sum, seed, count, rates [k], rows [k, b, n_features], presence [k, b,
    n_columns])`` and returns ``(weights, optimiser, loss_sum)``; ``count`` is the number of steps done before.
    """
    optimiser = optimiser_of(settings)
    n_features, n_columns = likelihood.layout.n_features, likelihood.layout.n_columns
    n_steps = steps_at_once(settings, n_features, n_columns)

    def step(carried: Any, drawn: Any) -> Any:
        weights, state, loss_sum = carried
        *batch, rate = drawn
        # one gradient per array, joined afterwards: the gradient of a slice of the flat vector is as long as the vector
        loss, by_name = jax.value_and_grad(_total)(unraveled(shape, weights), shape, likelihood, settings, *batch)
        gradient = jnp.concatenate([jnp.ravel(by_name[name]) for name in unraveled(shape, weights)])
        if settings.sum_over_batch:
            gradient = gradient * settings.batch_rows
        direction, state = optimiser.update(gradient, state)
        return (weights - rate * direction, state, loss_sum + loss), None

    def run(
        weights: Any, state: Any, loss_sum: Any, seed: Any, count: Any, rates: Any, rows: Any, presence: Any
    ) -> Any:
        key = jax.random.key(seed)
        size = (settings.batch_rows, shape.n_latent)
        noise = jax.vmap(lambda step: jax.random.normal(jax.random.fold_in(key, step), size))(
            count + jnp.arange(n_steps)
        )
        return jax.lax.scan(step, (weights, state, loss_sum), (rows, presence, noise, rates))[0]

    weights = raveled(shape, initial_parameters(shape, np.random.default_rng(0)))
    batch = (n_steps, settings.batch_rows)
    example = (
        weights,
        initial_optimiser(settings, weights),
        np.float32(0.0),
        np.uint32(0),
        np.int32(0),
        np.zeros(n_steps, np.float32),
        _like((*batch, n_features), np.float32),
        _like((*batch, n_columns), np.bool_),
    )
    return _compiled(run, example, device)


def _like(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Return an array of this shape and type that takes no memory, as an example to compile for."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _compiled(program: Any, example: tuple[Any, ...], device: Any) -> Any:
    with jax.default_device(device), collector_paused():
        lowered = jax.jit(program).lower(*example)
        with compilations_kept():
            return lowered.compile(compiler_options=_FAST_COMPILATION if device.platform == "cpu" else None)


def _total(
    parameters: Any, shape: NetworkShape, likelihood: Likelihood, settings: TrainingSettings, *batch: Any
) -> Any:
    weighted = {"kl_weight": settings.kl_weight, "reconstruction_weight": settings.reconstruction_weight}
    return loss_parts(jnp, shape, likelihood, parameters, *batch, **weighted).total

"""A small network that is fitted in a blink: three numbers of which two go together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density import FittedNetwork, MixedLikelihood, NetworkShape
from oddrow.training import Interruption, TrainingSettings, fit_network

SmallFit = Callable[..., FittedNetwork]

COLUMNS = (0, 1, 2)
LAYOUT = FeatureLayout(3, 3, COLUMNS, COLUMNS, (), (), (), (), (), COLUMNS)
LIKELIHOOD = MixedLikelihood(LAYOUT)
SHAPE = NetworkShape(3, (8,), 2, LIKELIHOOD.n_outputs, is_variational=True)
SETTINGS = TrainingSettings(batch_rows=16, max_steps=200, steps_per_check=20, learning_rate=1e-2, patience=4)


def numbers(n_rows: int, seed: int) -> EncodedTable:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, 3)).astype(np.float32)
    rows[:, 1] = 0.9 * rows[:, 0] + 0.3 * rows[:, 1]
    return EncodedTable(rows, np.ones((n_rows, 3), np.bool_), np.zeros((n_rows, 3)))


@pytest.fixture
def small_fit() -> SmallFit:
    """``small_fit(seed=0, n_rows=50, interruption=Interruption(...), patience=..., ...)``, the last ones settings."""

    def fit(
        seed: int = 0,
        n_rows: int = 50,
        table_seed: int = 1,
        interruption: Interruption | None = None,
        on_progress: Callable[[int, int, float], None] | None = None,
        rng: np.random.Generator | None = None,
        is_watched: bool = True,
        **changed: object,
    ) -> FittedNetwork:
        held_out = numbers(64, 2) if is_watched else None
        return fit_network(
            SHAPE,
            LIKELIHOOD,
            numbers(n_rows, table_seed),
            held_out,
            replace(SETTINGS, **changed),
            np.random.default_rng(seed) if rng is None else rng,
            on_progress,
            interruption or Interruption(),
        )

    return fit

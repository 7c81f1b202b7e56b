"""The rows that a fit is watched by, and their loss.

With NumPy: a fit looks at them a few dozen times, and compiling that would take as long as all the looks. In double
precision, whose products are the same with any number of threads, see :mod:`oddrow.density._blocks`; and with one
thread where that can be set, for those of OpenBLAS go on waiting for work, busily, and hold up the steps that follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow._threads import threads_of_blas
from oddrow.columns import EncodedTable
from oddrow.density import Likelihood, NetworkShape, loss_parts
from oddrow.training._settings import TrainingSettings

WATCHED_ROWS = 1_024
"""Held-out rows watched at most: enough to see the loss turn, few enough to cost little."""
SHOWN_ROWS = 256
"""Training rows watched at most where none are held out: they choose no weights, and only show how the loss falls."""
BLOCK_ROWS = 256
"""Rows looked at together: what becomes of them stays in the processor's cache."""


class WatchedLoss(NamedTuple):
    """The loss of the watched rows, and the sums of its unweighted parts; nats a row."""

    total: float
    reconstruction: float
    kl: float


@dataclass(frozen=True)
class WatchedRows:
    """Rows, and the noise that they are always looked at with.

    Attributes
    ----------
    rows, presence : float64 [n, n_features], bool [n, n_columns]
    noise : float64 [n, n_latent], standard normal
    """

    rows: npt.NDArray[np.float64]
    presence: npt.NDArray[np.bool_]
    noise: npt.NDArray[np.float64]

    @classmethod
    def draw(
        cls, shape: NetworkShape, training: EncodedTable, held_out: EncodedTable | None, rng: np.random.Generator
    ) -> WatchedRows:
        """Held-out rows, or training rows where there are none; so many of them as are watched at most."""
        encoded, most = (training, SHOWN_ROWS) if held_out is None else (held_out, WATCHED_ROWS)
        if len(encoded.rows) > most:
            encoded = encoded.take(rng.choice(len(encoded.rows), most, replace=False))
        noise = rng.standard_normal((len(encoded.rows), shape.n_latent))
        return cls(encoded.rows.astype(np.float64), encoded.presence, noise)

    def loss(
        self,
        shape: NetworkShape,
        likelihood: Likelihood,
        parameters: Mapping[str, npt.NDArray[np.float32]],
        settings: TrainingSettings,
    ) -> WatchedLoss:
        """Their mean loss; not finite where the weights have gone astray."""
        double = {name: value.astype(np.float64) for name, value in parameters.items()}
        losses = np.zeros(len(WatchedLoss._fields))
        with threads_of_blas(), np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(self.rows), BLOCK_ROWS):
                block = slice(start, start + BLOCK_ROWS)
                rows = self.rows[block]
                parts = loss_parts(
                    np,
                    shape,
                    likelihood,
                    double,
                    rows,
                    self.presence[block],
                    self.noise[block],
                    kl_weight=settings.kl_weight,
                    reconstruction_weight=settings.reconstruction_weight,
                )
                losses += len(rows) * np.array([parts.total, parts.reconstruction.sum(), parts.kl.sum()])
            in_single = (losses / len(self.rows)).astype(np.float32)  # what the steps cannot hold is not finite
        return WatchedLoss(*map(float, in_single))

"""The rows whose loss is checked during a fit (the watched rows), and the computation of that loss.

The loss is computed with NumPy, because a fit does it a few dozen times and compiling it would take as long. It is
computed in double precision, whose products are the same with any number of threads, see :mod:`oddrow.density._blocks`.
It uses one BLAS thread where that can be set: idle threads of OpenBLAS keep a core busy while they wait, and slow down
the steps that follow.
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
"""Maximum number of held-out rows that are watched: enough to see when the loss rises again, at a low cost."""
SHOWN_ROWS = 256
"""Maximum number of training rows that are watched when no rows are held out. Their loss is shown and selects no
weights, so fewer rows are enough."""
BLOCK_ROWS = 256
"""Rows per block of the computation, so that its intermediate results stay in the processor's cache."""


class WatchedLoss(NamedTuple):
    """The mean loss of the watched rows, and its two unweighted parts, in nats per row."""

    total: float
    reconstruction: float
    kl: float


@dataclass(frozen=True)
class WatchedRows:
    """The watched rows, and the fixed noise that samples their latents at every check.

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
        """Draw up to ``WATCHED_ROWS`` held-out rows, or up to ``SHOWN_ROWS`` training rows if none are held out."""
        encoded, max_rows = (training, SHOWN_ROWS) if held_out is None else (held_out, WATCHED_ROWS)
        if len(encoded.rows) > max_rows:
            encoded = encoded.take(rng.choice(len(encoded.rows), max_rows, replace=False))
        noise = rng.standard_normal((len(encoded.rows), shape.n_latent))
        return cls(encoded.rows.astype(np.float64), encoded.presence, noise)

    def loss(
        self,
        shape: NetworkShape,
        likelihood: Likelihood,
        parameters: Mapping[str, npt.NDArray[np.float32]],
        settings: TrainingSettings,
    ) -> WatchedLoss:
        """Return the mean loss of the watched rows; it is not finite when the weights have diverged."""
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
            # a loss that overflows float32, the type of the training steps, counts as not finite
            in_single = (losses / len(self.rows)).astype(np.float32)
        return WatchedLoss(*map(float, in_single))

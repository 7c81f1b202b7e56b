"""Settings of the training loop: batch size, learning rate, number of steps, stopping rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

LAST_RATE = 0.02
"""Share of the learning rate that is left at the end of annealing."""
SHORT_TABLE, SHORT_TABLE_BATCH = 10_000, 128
"""Tables of at most 10,000 rows use batches of 128 rows: detection is as good, in two thirds of the time."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the one training loop.

    Attributes
    ----------
    kl_weight : factor of the KL term (unit: nats of loss per nat of KL)
    reconstruction_weight : factor of the reconstruction term; 0 trains on the KL term alone (for demonstration)
    learning_rate : Adam's step size at the start
    anneal : whether the step size falls to a fiftieth along half a cosine
    batch_rows : rows per step; a table with fewer rows is passed over several times in a batch, each time reordered
    max_steps : maximum number of steps, when ``max_epochs`` is None
    max_epochs : maximum number of passes over the training rows, instead of ``max_steps``
    sum_over_batch : whether the gradient is that of the batch's summed loss (as in the article) or of its mean loss
    clip_elements : bound on each element of the gradient (as in the article), None for no bound
    clip_norm : bound on the gradient's norm, None for no bound
    steps_per_check : steps between two checks of the held-out loss
    patience : checks without a better held-out loss after which the fit ends; None does all steps
    """

    kl_weight: float = 1.0
    reconstruction_weight: float = 1.0
    learning_rate: float = 1e-3
    anneal: bool = True
    batch_rows: int = 256
    max_steps: int = 1_500
    max_epochs: int | None = None
    sum_over_batch: bool = False
    clip_elements: float | None = None
    clip_norm: float | None = 10.0
    steps_per_check: int = 50
    patience: int | None = 8

    def with_kl_weight(self, kl_weight: float) -> TrainingSettings:
        """Return the same settings with another factor of the KL term."""
        return replace(self, kl_weight=kl_weight)

    def with_max_steps(self, max_steps: int | None) -> TrainingSettings:
        """Return the settings with this maximum number of steps and no ``max_epochs``; None changes nothing."""
        return self if max_steps is None else replace(self, max_steps=max_steps, max_epochs=None)

    def for_rows(self, n_rows: int) -> TrainingSettings:
        """Return the settings for a table of ``n_rows`` rows: a short table gets smaller batches."""
        return self if n_rows > SHORT_TABLE else replace(self, batch_rows=min(self.batch_rows, SHORT_TABLE_BATCH))

    def compiled(self) -> TrainingSettings:
        """Return the settings with fixed values for all that a compiled program does not depend on.

        Learning rates and the end of the fit are arguments of the program, so settings that differ only in them share
        one compilation.
        """
        return replace(self, learning_rate=1.0, anneal=False, max_steps=1, max_epochs=None, patience=None)

    def steps(self, n_rows: int) -> int:
        """Return the maximum number of steps of a fit on ``n_rows`` rows."""
        if self.max_epochs is None:
            return self.max_steps
        return max(1, -(-self.max_epochs * n_rows // self.batch_rows))

    def learning_rates(self, steps: int, done: int, count: int) -> npt.NDArray[np.float64]:
        """Return the step sizes [count] of the steps that follow the first ``done`` ones, in a fit of ``steps``."""
        if not self.anneal:
            return np.full(count, self.learning_rate)
        progress = np.minimum(done + np.arange(count), steps) / steps
        return self.learning_rate * (LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + np.cos(np.pi * progress)))


DEFAULT_TRAINING = TrainingSettings()

ARTICLE_TRAINING = TrainingSettings(
    learning_rate=1e-4,
    anneal=False,
    max_epochs=32,
    sum_over_batch=True,
    clip_elements=0.5,
    clip_norm=None,
    patience=None,
)
"""The article's training: Adam at 1e-4, each element of the gradient clipped to +-0.5, 32 passes over the rows."""

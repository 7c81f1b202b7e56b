"""How long, how fast and on what a network is fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

LAST_RATE = 0.02
"""Share of the learning rate that annealing ends at."""
SHORT_TABLE, SHORT_TABLE_BATCH = 10_000, 128
"""A table of no more rows is fitted by steps of so many: no less is found, in two thirds of the time."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the one training loop.

    Attributes
    ----------
    kl_weight : factor of the KL term (unit: nats of loss per nat of KL)
    reconstruction_weight : factor of the reconstruction term; 0 leaves the KL alone (for demonstration)
    learning_rate : Adam's step size at its highest
    anneal : whether the step size falls to a fiftieth along half a cosine
    batch_rows : rows a step; a shorter table is repeated in ever new order
    max_steps : steps at most, when ``max_epochs`` is None
    max_epochs : passes over the training rows at most, instead of ``max_steps``
    sum_over_batch : whether the gradient is that of the batch's summed loss (the article's) or of its mean
    clip_elements : bound on each element of the gradient (the article's), None for none
    clip_norm : bound on the gradient's norm, None for none
    steps_per_check : steps between two looks at the held-out loss
    patience : checks without a better held-out loss after which the fit ends; None runs to the end
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
        """The same settings with another factor of the KL term."""
        return replace(self, kl_weight=kl_weight)

    def with_max_steps(self, max_steps: int | None) -> TrainingSettings:
        """The same settings with other steps at most, whatever the passes; None leaves them."""
        return self if max_steps is None else replace(self, max_steps=max_steps, max_epochs=None)

    def for_rows(self, n_rows: int) -> TrainingSettings:
        """The same settings for a table of so many rows: smaller batches where it is short."""
        return self if n_rows > SHORT_TABLE else replace(self, batch_rows=min(self.batch_rows, SHORT_TABLE_BATCH))

    def compiled(self) -> TrainingSettings:
        """The settings that a compiled program depends on; rates and ends, on which none does, are all alike."""
        return replace(self, learning_rate=1.0, anneal=False, max_steps=1, max_epochs=None, patience=None)

    def steps(self, n_rows: int) -> int:
        """Steps of a whole fit on so many rows."""
        if self.max_epochs is None:
            return self.max_steps
        return max(1, -(-self.max_epochs * n_rows // self.batch_rows))

    def learning_rates(self, steps: int, done: int, count: int) -> npt.NDArray[np.float64]:
        """Step sizes [count] of the steps that follow ``done`` others, in a fit of so many ``steps``."""
        if not self.anneal:
            return np.full(count, self.learning_rate)
        way = np.minimum(done + np.arange(count), steps) / steps
        return self.learning_rate * (LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + np.cos(np.pi * way)))


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
"""The experiment oddrow starts from: Adam at 1e-4, each element of the gradient clipped to +-0.5, 32 passes."""

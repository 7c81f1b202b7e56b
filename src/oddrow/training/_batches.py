"""The order in which training rows are drawn into mini-batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class BatchOrder:
    """An endless sequence of mini-batches: each pass draws every row once, in a new random order.

    ``waiting`` int32 [k] holds the row numbers that are drawn but not yet returned. Together with the generator's
    state it determines all later batches.
    """

    def __init__(self, n_rows: int, batch_rows: int, rng: np.random.Generator) -> None:
        self._n_rows, self._batch_rows, self._rng = n_rows, batch_rows, rng
        self.waiting: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def draw(self, n_batches: int) -> npt.NDArray[np.int32]:
        """Return the row numbers of the next batches, int32 [n_batches, batch_rows]."""
        wanted = n_batches * self._batch_rows
        passes = [self.waiting]
        drawn = len(self.waiting)
        while drawn < wanted:
            passes.append(self._rng.permutation(self._n_rows).astype(np.int32))
            drawn += self._n_rows
        rows = np.concatenate(passes)
        self.waiting = rows[wanted:]
        return rows[:wanted].reshape(n_batches, self._batch_rows)

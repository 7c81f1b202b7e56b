"""Which rows each step sees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def batch_indices(n_rows: int, batch_rows: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int32]]:
    """Endless int32 [batch_rows]: every row once in each pass, every pass in a new order."""
    waiting = np.empty(0, np.int32)
    while True:
        while len(waiting) < batch_rows:
            waiting = np.concatenate([waiting, rng.permutation(n_rows).astype(np.int32)])
        yield waiting[:batch_rows]
        waiting = waiting[batch_rows:]

"""How far a row is from a bounded memory of normal rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

MEMORY_ROWS = 8_192
"""Rows kept at most: scoring costs one product with them, and they travel with the model."""

CANDIDATE_ROWS = 131_072
"""Rows searched for distinct ones at most."""


@dataclass(frozen=True)
class Memory:
    """Distinct normal rows, float32 [m, d], in the space where distances are taken."""

    rows: npt.NDArray[np.float32]

    @classmethod
    def choose(cls, rows: npt.NDArray[np.floating], rng: np.random.Generator) -> tuple[Memory, npt.NDArray[np.int64]]:
        """Distinct rows, drawn at random where they are too many; and their indices."""
        candidates = np.arange(len(rows))
        if len(rows) > CANDIDATE_ROWS:
            candidates = rng.choice(len(rows), CANDIDATE_ROWS, replace=False)
        _, first = np.unique(rows[candidates], axis=0, return_index=True)
        index = candidates[first]
        if len(index) > MEMORY_ROWS:
            index = rng.choice(index, MEMORY_ROWS, replace=False)
        index = np.sort(index)
        return cls(rows[index].astype(np.float32)), index

    @cached_property
    def _half_squares(self) -> npt.NDArray[np.float64]:
        return 0.5 * np.einsum("md,md->m", self._wide, self._wide)

    @cached_property
    def _wide(self) -> npt.NDArray[np.float64]:
        return self.rows.astype(np.float64)

    def nearest(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Squared difference of each feature [n, d] to the nearest row of the memory (Euclidean)."""
        # |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 does not choose; the differences are then taken exactly
        wide = rows.astype(np.float64)
        index = np.argmin(self._half_squares - wide @ self._wide.T, axis=1)
        difference = wide - self._wide[index]
        return difference * difference

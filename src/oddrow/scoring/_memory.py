"""How far a row is from a bounded memory of normal rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.scoring._blocks import in_blocks

MEMORY_ROWS = 8_192
"""Rows kept at most: scoring costs one product with them, and they travel with the model."""

CANDIDATE_ROWS = 65_536
"""Rows searched for distinct ones at most."""


def distinct_rows(rows: npt.NDArray[np.floating], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Indices of rows [n, d] that are all different, each row's first among at most ``CANDIDATE_ROWS`` drawn."""
    candidates = np.arange(len(rows))
    if len(rows) > CANDIDATE_ROWS:
        candidates = rng.choice(len(rows), CANDIDATE_ROWS, replace=False)
    _, first = np.unique(rows[candidates], axis=0, return_index=True)
    return np.sort(candidates[first])


def common_rows(distinct: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """A plain sample of at most ``MEMORY_ROWS`` of these indices."""
    if len(distinct) <= MEMORY_ROWS:
        return distinct
    return np.sort(rng.choice(distinct, MEMORY_ROWS, replace=False))


def covering_rows(
    rows: npt.NDArray[np.floating], distinct: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """A sample of at most ``MEMORY_ROWS`` of these indices that covers rare kinds of rows [n, d] as well.

    Half is drawn at random. The other half is drawn with probability in proportion to the distance from the
    first (one round of the seeding of k-means++, Arthur and Vassilvitskii 2007, by distance and not its square,
    which would take little but outliers): a kind of normal row that is rare is then still remembered.
    """
    if len(distinct) <= MEMORY_ROWS:
        return distinct
    half = np.sort(rng.choice(distinct, MEMORY_ROWS // 2, replace=False))
    others = np.setdiff1d(distinct, half)
    memory = Memory.of(rows[half])
    (squares,) = in_blocks(lambda block: (memory.nearest(block).sum(axis=1),), rows[others])
    distance = np.sqrt(squares)
    far = rng.choice(others, MEMORY_ROWS - len(half), replace=False, p=distance / distance.sum())
    return np.sort(np.concatenate([half, far]))


@dataclass(frozen=True)
class Memory:
    """Normal rows, float32 [m, d], in the space where distances are taken."""

    rows: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: npt.NDArray[np.floating]) -> Memory:
        """Remember these rows."""
        return cls(rows.astype(np.float32))

    @cached_property
    def _half_squares(self) -> npt.NDArray[np.float64]:
        return np.asarray(0.5 * np.einsum("md,md->m", self._wide, self._wide))

    @cached_property
    def _wide(self) -> npt.NDArray[np.float64]:
        return self.rows.astype(np.float64)

    def nearest(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Squared difference of each feature [n, d] to the nearest row of the memory (Euclidean)."""
        # |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 does not choose; the differences are then taken exactly
        wide = rows.astype(np.float64)
        index = np.argmin(self._half_squares - wide @ self._wide.T, axis=1)
        difference = wide - self._wide[index]
        return np.asarray(difference * difference)

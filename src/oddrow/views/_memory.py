"""A bounded memory of normal rows, with exact nearest-neighbour search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.density import in_slabs
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants
from oddrow.views._products import Asked
from oddrow.views._search import Search


def distinct_rows(
    rows: npt.NDArray[np.floating], rng: np.random.Generator, constants: ScoringConstants
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the index of the first of each set of equal rows among rows [n, d], and the size of each set.

    If there are more than ``candidate_rows`` rows, that many are drawn at random and searched.
    """
    n_candidates = constants.candidate_rows
    candidates = np.arange(len(rows))
    if len(rows) > n_candidates:
        candidates = np.sort(rng.choice(len(rows), n_candidates, replace=False))
    # rows are compared as bytes, ten times faster than by number; the extra zero serves rows without features
    keys = np.zeros((len(candidates), rows.shape[1] + 1), rows.dtype)
    keys[:, 1:] += rows[candidates]  # adding 0.0 turns -0.0 into 0.0
    _, first, counts = np.unique(
        keys.view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel(), return_index=True, return_counts=True
    )
    order = np.argsort(first)
    return candidates[first[order]], counts[order]


def covering_rows(
    rows: npt.NDArray[np.floating],
    distinct: npt.NDArray[np.int64],
    rng: np.random.Generator,
    constants: ScoringConstants,
) -> npt.NDArray[np.int64]:
    """Return a sample of at most ``memory_rows`` of these indices that includes rare kinds of rows [n, d].

    Half is drawn at random. The other half is drawn with probability in proportion to the distance from the first half
    (one round of k-means++ seeding, Arthur and Vassilvitskii 2007, with the distance instead of its square, which would
    choose almost only outliers). So rare kinds of normal rows are remembered too.
    """
    n_rows = constants.memory_rows
    if len(distinct) <= n_rows:
        return distinct
    half = np.sort(rng.choice(distinct, n_rows // 2, replace=False))
    others = np.setdiff1d(distinct, half)
    memory = Memory.of(rows[half], constants)
    (squares,) = in_slabs(lambda slab: (memory.squares(slab).sum(axis=1),), rows[others])
    distance = np.sqrt(squares)
    far = rng.choice(others, n_rows - len(half), replace=False, p=distance / distance.sum())
    return np.sort(np.concatenate([half, far]))


@dataclass(frozen=True)
class Memory:
    """Normal rows, float32 [m, d], in the space where distances are taken."""

    rows: npt.NDArray[np.float32]
    constants: ScoringConstants

    @classmethod
    def of(cls, rows: npt.NDArray[np.floating], constants: ScoringConstants = DEFAULT_CONSTANTS) -> Memory:
        """Return a memory of these rows."""
        return cls(rows.astype(np.float32), constants)

    @cached_property
    def _search(self) -> Search:
        return Search(self.rows, self.constants.tie_tolerance)

    def nearest(
        self,
        rows: npt.NDArray[np.floating],
        count: int,
        own: npt.NDArray[np.int64] | None = None,
        dependent: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Return the indices [n, count] of the remembered rows nearest (Euclidean) to rows [n, d], ascending.

        Among equally distant rows the first are taken, so that the result does not depend on a machine's rounding.
        ``own`` [n] is the index of the row itself, which is excluded; -1 excludes none. ``dependent`` [n, m] marks
        remembered rows that are not taken, if ``count`` others are left. A memory of m rows returns
        min(count, max(m - 1, 1)) neighbours.
        """
        count = min(count, max(len(self.rows) - 1, 1))
        own = np.full(len(rows), -1) if own is None else own
        if dependent is not None:
            dependent = dependent & ((~dependent).sum(axis=1) >= count)[:, None]
        return self._search.nearest(Asked(rows, own, dependent), count)

    def squares_at(self, rows: npt.NDArray[np.floating], places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the exact squared difference of each feature [n, d] of rows [n, d] to the rows at ``places`` [n]."""
        difference = self.rows.take(places, axis=0).astype(np.float64)
        difference -= rows
        difference *= difference
        return np.asarray(difference)

    def squares(
        self, rows: npt.NDArray[np.floating], own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the squared difference of each feature [n, d] to the nearest row; ``own`` as in `nearest`."""
        return self.squares_at(rows, self.nearest(rows, 1, own)[:, 0])

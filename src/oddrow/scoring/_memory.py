"""How far a row is from a bounded memory of normal rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.scoring._blocks import in_blocks

MEMORY_ROWS = 10_000
"""Rows kept at most: scoring costs three products with them, and they travel with the model."""

TIED = 1e-11
"""Distances that differ by less, as a share of the squares they come from, are equal: sums are rounded."""

CANDIDATE_ROWS = 65_536
"""Rows searched for distinct ones at most."""


def distinct_rows(
    rows: npt.NDArray[np.floating], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of rows [n, d] that are all different, each row's first among at most ``CANDIDATE_ROWS`` drawn.

    And how many rows are like each.
    """
    candidates = np.arange(len(rows))
    if len(rows) > CANDIDATE_ROWS:
        candidates = np.sort(rng.choice(len(rows), CANDIDATE_ROWS, replace=False))
    _, first, counts = np.unique(rows[candidates], axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)
    return candidates[first[order]], counts[order]


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
    (squares,) = in_blocks(lambda block: (memory.squares(block).sum(axis=1),), rows[others])
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

    def nearest(
        self, rows: npt.NDArray[np.floating], count: int, own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Places [n, count] of the nearest rows of the memory (Euclidean) to rows [n, d], in no order.

        Of several that are equally far the first are taken, so that no rounding of another machine takes others.
        ``own`` [n] is the place of the row itself, which is passed over; -1 where it has none. A memory that holds
        fewer others gives one less than it holds, and at least one.
        """
        # |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 does not choose
        wide = rows.astype(np.float64)
        distance = self._half_squares - wide @ self._wide.T
        if own is not None:
            remembered = np.flatnonzero(own >= 0)
            distance[remembered, own[remembered]] = np.inf
        count = min(count, max(len(self.rows) - 1, 1))
        if count == 1:
            return np.asarray(np.argmin(distance, axis=1)[:, None])
        places = np.asarray(np.argpartition(distance, count - 1, axis=1)[:, :count])
        each = np.arange(len(places))
        furthest = places[each, distance[each[:, None], places].argmax(axis=1)]
        border = distance[each, furthest]
        margin = TIED * (0.5 * np.einsum("nd,nd->n", wide, wide) + self._half_squares[furthest])
        tied = np.flatnonzero(np.count_nonzero(distance <= (border + margin)[:, None], axis=1) > count)
        if len(tied):
            apart = distance[tied] - border[tied, None]
            order = np.where(apart > margin[tied, None], len(self.rows), np.arange(len(self.rows)))
            order[apart < -margin[tied, None]] = -1
            places[tied] = np.argpartition(order, count - 1, axis=1)[:, :count]
        return places

    def differences(self, rows: npt.NDArray[np.floating], places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Squared difference of each feature [n, count, d] of rows [n, d] to those at places [n, count], exactly."""
        difference = rows.astype(np.float64)[:, None] - self._wide[places]
        return np.asarray(difference * difference)

    def squares(
        self, rows: npt.NDArray[np.floating], own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Squared difference of each feature [n, d] to the nearest row of the memory; ``own`` as in `nearest`."""
        return self.differences(rows, self.nearest(rows, 1, own))[:, 0]


NEIGHBOURS = 10
"""Neighbours that tell how dense the memory is around a row."""
LEAST_REACH = 0.05
"""Added to every mean distance, as a share of their median: among copies no ratio is taken of nothing."""


@dataclass(frozen=True)
class Reach:
    """How far the rows of a memory are from their neighbours.

    Attributes
    ----------
    mean, furthest : float64 [m], mean and largest distance of each to its ``NEIGHBOURS`` nearest others
    """

    mean: npt.NDArray[np.float64]
    furthest: npt.NDArray[np.float64]

    @classmethod
    def among(cls, memory: Memory) -> Reach:
        """Of each remembered row to the others."""

        def block(rows: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], ...]:
            differences = memory.differences(rows, memory.nearest(rows, NEIGHBOURS, own))
            distance = np.sqrt(differences.sum(axis=2))
            return distance.mean(axis=1), distance.max(axis=1)

        return cls(*in_blocks(block, memory.rows, np.arange(len(memory.rows))))


@dataclass(frozen=True)
class Neighbourhood:
    """What surrounds rows.

    Attributes
    ----------
    nearest : float64 [n, d], squared differences to the nearest row of the memory
    apartness : float64 [n, d], the same on average over the neighbours
    sparseness : float64 [n], log of the mean distance to the neighbours over the mean of their own reach
    """

    nearest: npt.NDArray[np.float64]
    apartness: npt.NDArray[np.float64]
    sparseness: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Surroundings:
    """How dense a memory is where a row lies, against how dense it is where the row's neighbours lie."""

    memory: Memory
    reach: Reach

    @cached_property
    def least(self) -> float:
        return LEAST_REACH * float(np.median(self.reach.mean)) or 1.0

    def of(self, rows: npt.NDArray[np.floating], own: npt.NDArray[np.int64] | None = None) -> Neighbourhood:
        """What surrounds rows [n, d]; ``own`` as in :meth:`Memory.nearest`.

        Sparseness is a density ratio as that of the local outlier factor (Breunig et al. 2000). Each neighbour's reach
        is that with the row among the others: so it is where the row is remembered, and a new row must not be judged
        by another measure.
        """
        places = self.memory.nearest(rows, NEIGHBOURS, own)
        differences = self.memory.differences(rows, places)
        squares = differences.sum(axis=2)
        nearest = differences[np.arange(len(rows)), squares.argmin(axis=1)]
        distances = np.sqrt(squares)
        nearer = np.minimum(distances - self.reach.furthest[places], 0.0) / places.shape[1]
        if own is not None:
            nearer[own >= 0] = 0.0
        distance = distances.mean(axis=1)
        reach = np.maximum(self.reach.mean[places] + nearer, 0.0).mean(axis=1)
        sparseness = np.log(distance + self.least) - np.log(reach + self.least)
        return Neighbourhood(nearest, differences.mean(axis=1), sparseness)

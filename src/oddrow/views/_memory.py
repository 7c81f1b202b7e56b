"""How far a row is from a bounded memory of normal rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.density import in_blocks
from oddrow.exceptions import ModelFileError

MEMORY_ROWS = 10_000
"""Rows kept at most: scoring costs three products with them, and they travel with the model."""

TIED = 1e-11
"""Distances that differ by less, as a share of the squares they come from, are equal: sums are rounded."""

CANDIDATE_ROWS = 65_536
"""Rows searched for distinct ones at most."""

NEIGHBOURS = 10
"""Neighbours that tell how dense the memory is around a row."""
OUT_OF_REACH = 1e300
"""Half a square that no distance in float32 comes near."""


def distinct_rows(
    rows: npt.NDArray[np.floating], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of rows [n, d] that are all different, each row's first among at most ``CANDIDATE_ROWS`` drawn.

    And how many rows are like each.
    """
    candidates = np.arange(len(rows))
    if len(rows) > CANDIDATE_ROWS:
        candidates = np.sort(rng.choice(len(rows), CANDIDATE_ROWS, replace=False))
    # by their bytes, ten times faster than number by number; a zero more, for rows may have no features
    keys = np.zeros((len(candidates), rows.shape[1] + 1), rows.dtype)
    keys[:, 1:] += rows[candidates]  # added to 0.0, for -0.0 is the same
    _, first, counts = np.unique(
        keys.view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel(), return_index=True, return_counts=True
    )
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
    def _sought(self) -> npt.NDArray[np.float64]:
        """The rows [d + 1, m or a few more] as one product takes them: it gives half of |b|^2 - 2ab.

        |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 does not choose. What fills the last group up is out of reach.
        """
        n_rows, width = self.rows.shape
        sought = np.zeros((width + 1, self._group_rows * -(-n_rows // self._group_rows)))
        sought[:width, :n_rows] = -self.rows.T
        sought[width] = OUT_OF_REACH
        sought[width, :n_rows] = 0.5 * np.einsum("dm,dm->m", sought[:width, :n_rows], sought[:width, :n_rows])
        return sought

    @cached_property
    def _group_rows(self) -> int:
        """Rows of a group: as many as make the groups and what is in the nearest of them the fewest to look at."""
        return max(1, isqrt(len(self.rows) // NEIGHBOURS))

    def nearest(
        self, rows: npt.NDArray[np.floating], count: int, own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Places [n, count] of the nearest rows of the memory (Euclidean) to rows [n, d], in no order.

        Of several that are equally far the first are taken, so that no rounding of another machine takes others.
        ``own`` [n] is the place of the row itself, which is passed over; -1 where it has none. A memory that holds
        fewer others gives one less than it holds, and at least one.
        """
        distance = _with_one(rows) @ self._sought
        if own is not None:
            remembered = np.flatnonzero(own >= 0)
            distance[remembered, own[remembered]] = np.inf
        count = min(count, max(len(self.rows) - 1, 1))
        if count == 1:
            return np.asarray(np.argmin(distance, axis=1)[:, None])
        return self._nearest_by_groups(distance, count, rows)

    def _nearest_by_groups(
        self, distance: npt.NDArray[np.float64], count: int, rows: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.int64]:
        """Places [n, count] of the least of each row's distances [n, m or a few more]; of equal ones the first."""
        # the nearest are in the groups of the least minima: few are sorted where all would cost as much as the product
        n_groups = distance.shape[1] // self._group_rows
        minima = distance.reshape(len(rows), -1, n_groups).min(axis=1)
        places = _least(minima, count)[:, None] + n_groups * np.arange(self._group_rows)[:, None]
        places = places.reshape(len(rows), -1)
        each = np.arange(len(rows))[:, None]
        near = distance.take(places + distance.shape[1] * each)
        chosen = _least(near, count)
        last = chosen[each, near[each, chosen].argmax(axis=1)[:, None]]
        half_square = 0.5 * np.einsum("nd,nd->n", rows, rows, dtype=np.float64)[:, None]
        margin = TIED * (half_square + self._sought[-1][places[each, last]])
        border, places = near[each, last], places[each, chosen]
        # of more groups, or more rows in them, than are wanted: those that are left out are as near as the last
        tied = np.maximum(*((values <= border + margin).sum(axis=1) for values in (minima, near))) > count
        if tied.any():
            apart = distance[tied] - border[tied]
            order = np.where(apart > margin[tied], distance.shape[1], np.arange(distance.shape[1]))
            order[apart < -margin[tied]] = -1
            places[tied] = _least(order, count)
        return np.asarray(places)

    def squares_at(self, rows: npt.NDArray[np.floating], places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Squared difference of each feature [n, d] of rows [n, d] to the row at each one's place [n], exactly."""
        difference = np.subtract(rows, self.rows[places], dtype=np.float64)
        difference *= difference
        return np.asarray(difference)

    def squares(
        self, rows: npt.NDArray[np.floating], own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Squared difference of each feature [n, d] to the nearest row of the memory; ``own`` as in `nearest`."""
        return self.squares_at(rows, self.nearest(rows, 1, own)[:, 0])


def _with_one(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Rows float64 [n, d + 1] with a further 1 each."""
    wide = np.ones((len(rows), rows.shape[1] + 1))
    wide[:, :-1] = rows
    return wide


def _least(values: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Places [n, count] of the least of each row's values [n, k], in no order."""
    return np.asarray(np.argpartition(values, count - 1, axis=1)[:, :count])


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
            places = memory.nearest(rows, NEIGHBOURS, own)
            squares = [memory.squares_at(rows, place).sum(axis=1) for place in places.T]
            distance = np.sqrt(np.stack(squares, axis=1))
            return distance.mean(axis=1), distance.max(axis=1)

        return cls(*in_blocks(block, memory.rows, np.arange(len(memory.rows))))

    def packed(self) -> Arrays:
        """Both distances."""
        return {"mean": self.mean, "furthest": self.furthest}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_rows: int) -> Reach:
        """The distances of so many rows, at least one."""
        mean, furthest = (store.take(name, np.float64, (n_rows,)) for name in ("mean", "furthest"))
        if not min(mean.min(), furthest.min()) >= 0:
            raise ModelFileError(f"{store.part!r} has values below zero")
        return cls(mean, furthest)


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
        # NumPy's own median imports all of its masked arrays, which one row's score need not wait for
        ordered = np.sort(self.reach.mean)
        median = 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])
        return LEAST_REACH * median or 1.0

    def of(self, rows: npt.NDArray[np.floating], own: npt.NDArray[np.int64] | None = None) -> Neighbourhood:
        """What surrounds rows [n, d]; ``own`` as in :meth:`Memory.nearest`.

        Sparseness is a density ratio as that of the local outlier factor (Breunig et al. 2000). Each neighbour's reach
        is that with the row among the others: so it is where the row is remembered, and a new row must not be judged
        by another measure.
        """
        places = self.memory.nearest(rows, NEIGHBOURS, own)
        squares = np.empty(places.shape)
        apartness = np.zeros(rows.shape)
        for neighbour, place in enumerate(places.T):  # all at once, a wide table's would not fit the cache
            by_feature = self.memory.squares_at(rows, place)
            squares[:, neighbour] = by_feature.sum(axis=1)
            apartness += by_feature
        nearest = self.memory.squares_at(rows, places[np.arange(len(rows)), squares.argmin(axis=1)])
        distances = np.sqrt(squares)
        nearer = np.minimum(distances - self.reach.furthest[places], 0.0) / places.shape[1]
        if own is not None:
            nearer[own >= 0] = 0.0
        distance = distances.mean(axis=1)
        reach = np.maximum(self.reach.mean[places] + nearer, 0.0).mean(axis=1)
        sparseness = np.log(distance + self.least) - np.log(reach + self.least)
        return Neighbourhood(nearest, apartness / places.shape[1], sparseness)

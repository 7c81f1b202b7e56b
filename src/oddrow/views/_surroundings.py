"""Density of the remembered rows around a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.density import in_blocks, in_slabs
from oddrow.exceptions import ModelFileError
from oddrow.views._memory import Memory
from oddrow.views._occurrences import Occurrences


@dataclass(frozen=True)
class Reach:
    """The distances of remembered rows to their nearest neighbours.

    Attributes
    ----------
    mean, furthest : float64 [m], mean and largest distance of each row to its nearest other rows
    """

    mean: npt.NDArray[np.float64]
    furthest: npt.NDArray[np.float64]

    @classmethod
    def among(cls, memory: Memory, occurrences: Occurrences | None = None) -> Reach:
        """Compute the distances between the remembered rows.

        ``occurrences`` are those of the remembered rows in an ordered table: rows that depend on a row are passed over,
        since no row of a later table is as near to the remembered rows as they are to each other.
        """

        def found(rows: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64]]:
            dependent = None if occurrences is None else occurrences.dependent_on(own)
            return (memory.nearest(rows, memory.constants.neighbours, own, dependent),)

        def block(rows: npt.NDArray[np.float32], places: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], ...]:
            squares = [memory.squares_at(rows, place).sum(axis=1) for place in places.T]
            distance = np.sqrt(np.stack(squares, axis=1))
            return distance.mean(axis=1), distance.max(axis=1)

        own = np.arange(len(memory.rows))
        # a table of dependent rows has as many columns as rows are remembered
        (places,) = (in_slabs if occurrences is None else in_blocks)(found, memory.rows, own)
        return cls(*in_blocks(block, memory.rows, places))

    def packed(self) -> Arrays:
        """Return both distances."""
        return {"mean": self.mean, "furthest": self.furthest}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_rows: int) -> Reach:
        """Rebuild the distances of ``n_rows`` rows, at least one."""
        mean, furthest = (store.take(name, np.float64, (n_rows,)) for name in ("mean", "furthest"))
        if not min(mean.min(), furthest.min()) >= 0:
            raise ModelFileError(f"{store.component!r} has values below zero")
        return cls(mean, furthest)


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest neighbours of rows.

    Attributes
    ----------
    nearest : float64 [n, d], squared differences to the nearest remembered row
    apartness : float64 [n, d], squared differences to the neighbours, averaged over them
    sparseness : float64 [n], log of the ratio of the mean distance to the neighbours and the mean of their own reach
    """

    nearest: npt.NDArray[np.float64]
    apartness: npt.NDArray[np.float64]
    sparseness: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Surroundings:
    """The density of a memory around a row, relative to its density around the row's neighbours."""

    memory: Memory
    reach: Reach

    @cached_property
    def least(self) -> float:
        # np.median imports NumPy's masked arrays, which would delay the first score
        ordered = np.sort(self.reach.mean)
        median = 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])
        return self.memory.constants.min_reach * median or 1.0

    def places(self, rows: npt.NDArray[np.float32], own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the indices [n, count] of the nearest neighbours of rows [n, d]; ``own`` as in `Memory.nearest`."""
        return self.memory.nearest(rows, self.memory.constants.neighbours, own)

    def around(
        self, rows: npt.NDArray[np.float32], places: npt.NDArray[np.int64], own: npt.NDArray[np.int64]
    ) -> Neighbourhood:
        """Return what the neighbours at ``places`` [n, count] say of rows [n, d].

        Sparseness is a density ratio like that of the local outlier factor (Breunig et al. 2000). Each neighbour's
        reach is computed with the row among its own neighbours. That is the case for a remembered row, and a new row
        must be measured in the same way.
        """
        wide = rows.astype(np.float64)  # converted once, not for each neighbour
        squares = np.empty(places.shape)
        apartness = np.zeros(rows.shape)
        for neighbour, place in enumerate(places.T):  # all neighbours of a wide table at once would not fit the cache
            by_feature = self.memory.squares_at(wide, place)
            squares[:, neighbour] = by_feature.sum(axis=1)
            apartness += by_feature
        nearest = self.memory.squares_at(wide, places[np.arange(len(rows)), squares.argmin(axis=1)])
        distances = np.sqrt(squares)
        nearer = np.minimum(distances - self.reach.furthest[places], 0.0) / places.shape[1]
        nearer[own >= 0] = 0.0
        distance = distances.mean(axis=1)
        reach = np.maximum(self.reach.mean[places] + nearer, 0.0).mean(axis=1)
        sparseness = np.log(distance + self.least) - np.log(reach + self.least)
        return Neighbourhood(nearest, apartness / places.shape[1], sparseness)

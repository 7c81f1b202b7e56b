"""A bounded memory of normal rows, with exact nearest-neighbour search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
import numpy.typing as npt

from oddrow.density import in_blocks
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants

OUT_OF_REACH = 1e300
"""Half a squared distance that exceeds all distances in float32."""
DEPENDENT = 1e200
"""Added to half the squared distance of a dependent row, so that it is farther than every other remembered row."""


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
    (squares,) = in_blocks(lambda block: (memory.squares(block).sum(axis=1),), rows[others])
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
    def _sought(self) -> npt.NDArray[np.float64]:
        """The rows [d + 1, m + padding] as a matrix whose product with a row is half of |b|^2 - 2ab.

        |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 does not change the order. Padding rows have a larger value than any
        row.
        """
        n_rows, width = self.rows.shape
        sought = np.zeros((width + 1, self._group_rows * -(-n_rows // self._group_rows)))
        sought[:width, :n_rows] = -self.rows.T
        sought[width] = OUT_OF_REACH
        sought[width, :n_rows] = 0.5 * np.einsum("dm,dm->m", sought[:width, :n_rows], sought[:width, :n_rows])
        return sought

    @cached_property
    def _group_rows(self) -> int:
        """Rows per group, chosen to minimise the number of groups plus the number of rows in the nearest groups."""
        return max(1, isqrt(len(self.rows) // self.constants.neighbours))

    def nearest(
        self,
        rows: npt.NDArray[np.floating],
        count: int,
        own: npt.NDArray[np.int64] | None = None,
        dependent: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Return the indices [n, count] of the remembered rows nearest (Euclidean) to rows [n, d], in no order.

        Among equally distant rows the first are taken, so that the result does not depend on a machine's rounding.
        ``own`` [n] is the index of the row itself, which is excluded; -1 excludes none. ``dependent`` [n, m] marks
        remembered rows that are not taken, if ``count`` others are left. A memory of m rows returns
        min(count, max(m - 1, 1)) neighbours.
        """
        distance = _with_one(rows) @ self._sought
        if dependent is not None:
            has_others = (~dependent).sum(axis=1) >= count
            distance[:, : len(self.rows)][dependent & has_others[:, None]] += DEPENDENT
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
        """Return the indices [n, count] of each row's smallest distances [n, m + padding]; of equal ones the first."""
        # the nearest rows are in the groups with the smallest minima; sorting all rows takes as long as the product
        n_groups = distance.shape[1] // self._group_rows
        minima = distance.reshape(len(rows), -1, n_groups).min(axis=1)
        places = _least(minima, count)[:, None] + n_groups * np.arange(self._group_rows)[:, None]
        places = places.reshape(len(rows), -1)
        each = np.arange(len(rows))[:, None]
        near = distance.take(places + distance.shape[1] * each)
        chosen = _least(near, count)
        last = chosen[each, near[each, chosen].argmax(axis=1)[:, None]]
        half_square = 0.5 * np.einsum("nd,nd->n", rows, rows, dtype=np.float64)[:, None]
        margin = self.constants.tie_tolerance * (half_square + self._sought[-1][places[each, last]])
        border, places = near[each, last], places[each, chosen]
        # if more groups or rows qualify than are needed, those left out are as near as the last one taken
        tied = np.maximum(*((values <= border + margin).sum(axis=1) for values in (minima, near))) > count
        if tied.any():
            apart = distance[tied] - border[tied]
            order = np.where(apart > margin[tied], distance.shape[1], np.arange(distance.shape[1]))
            order[apart < -margin[tied]] = -1
            places[tied] = _least(order, count)
        return np.asarray(places)

    def squares_at(self, rows: npt.NDArray[np.floating], places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the exact squared difference of each feature [n, d] of rows [n, d] to the rows at ``places`` [n]."""
        difference = np.subtract(rows, self.rows[places], dtype=np.float64)
        difference *= difference
        return np.asarray(difference)

    def squares(
        self, rows: npt.NDArray[np.floating], own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the squared difference of each feature [n, d] to the nearest row; ``own`` as in `nearest`."""
        return self.squares_at(rows, self.nearest(rows, 1, own)[:, 0])


def _with_one(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return rows float64 [n, d + 1] with a 1 appended to each."""
    wide = np.ones((len(rows), rows.shape[1] + 1))
    wide[:, :-1] = rows
    return wide


def _least(values: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Return the indices [n, count] of the smallest of each row's values [n, k], in no order."""
    return np.asarray(np.argpartition(values, count - 1, axis=1)[:, :count])

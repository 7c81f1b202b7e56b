"""How far a row is from a bounded memory of normal rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
import numpy.typing as npt

from oddrow.density import in_blocks
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants

OUT_OF_REACH = 1e300
"""Half a square that no distance in float32 comes near."""


def distinct_rows(
    rows: npt.NDArray[np.floating], rng: np.random.Generator, constants: ScoringConstants
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of distinct rows among rows [n, d], of each the first, and how many rows equal each.

    Of more rows than ``candidate_rows`` so many are drawn and searched.
    """
    n_candidates = constants.candidate_rows
    candidates = np.arange(len(rows))
    if len(rows) > n_candidates:
        candidates = np.sort(rng.choice(len(rows), n_candidates, replace=False))
    # by their bytes, ten times faster than number by number; a zero more, for rows may have no features
    keys = np.zeros((len(candidates), rows.shape[1] + 1), rows.dtype)
    keys[:, 1:] += rows[candidates]  # added to 0.0, for -0.0 is the same
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
    """A sample of at most ``memory_rows`` of these indices that covers rare kinds of rows [n, d] as well.

    Half is drawn at random. The other half is drawn with probability in proportion to the distance from the
    first (one round of the seeding of k-means++, Arthur and Vassilvitskii 2007, by distance and not its square,
    which would take little but outliers): a kind of normal row that is rare is then still remembered.
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
        """Remember these rows."""
        return cls(rows.astype(np.float32), constants)

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
        return max(1, isqrt(len(self.rows) // self.constants.neighbours))

    def nearest(
        self, rows: npt.NDArray[np.floating], count: int, own: npt.NDArray[np.int64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Places [n, count] of the nearest rows of the memory (Euclidean) to rows [n, d], in no order.

        Of several that are equally far the first are taken, so that no rounding of another machine takes others.
        ``own`` [n] is the place of the row itself, which is passed over; -1 where it has none. A memory of m rows gives
        min(count, max(m - 1, 1)) neighbours.
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
        margin = self.constants.tie_tolerance * (half_square + self._sought[-1][places[each, last]])
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

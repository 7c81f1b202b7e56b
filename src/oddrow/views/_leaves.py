"""Remembered rows in small boxes, so that most of them need not be compared with a row.

The axes are orthonormal, so a row is at least as far from a remembered row as its projection is from the box of that
row's leaf. A row's own leaf and the one beside it in the tree give a bound of the distance to its neighbours, and the
leaves whose boxes are farther away hold no candidate.

Distances to boxes are in single precision. The sides of a box are moved outwards by more than the rounding of the rows
in it, 2^-23 times their largest norm. The rounding of a row a moves its projection by at most 2^-24 |a|, and 2^-21 |a|
is added to the bound. The factor 1 + 1e-6 is larger than the rounding of the 8 squares and their sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.views._products import (
    LARGEST,
    Asked,
    Candidates,
    Flags,
    Floats,
    Held,
    Margin,
    Places,
    Products,
    Seen,
    bound_of,
)

MAX_LEAF_ROWS = 360
"""Largest number of rows in a leaf."""
MAX_AXES = 8
"""Largest number of axes along which a leaf has sides."""

PARTS = 4
"""Number of rows of a leaf of which only the smallest value is looked at first."""
HOME_LEAVES = 2
"""Number of leaves, neighbours in the tree, that bound the distance of a row's neighbours."""
MAX_NEEDED = 0.7
"""Largest share of leaves that a row may need; products with all remembered rows are faster than with more."""
BLOCK_ROWS = 512
"""Rows whose distances to all boxes are computed at once, in the processor's cache."""
FARTHEST = 2.0**60
"""Largest coordinate of a point; the boxes are nearer."""

Singles = npt.NDArray[np.float32]
NOTHING = (np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Leaves:
    """Remembered rows in leaves of a tree, with the box of each leaf along the main axes of all.

    Attributes
    ----------
    matrix : float32 [n_leaves, size, d + 1], the rows of :attr:`Products.matrix` by leaf
    place : int64 [n_leaves, size], the index of each
    axes : float64 [d, n_axes], orthonormal
    low, high : float32 [n_axes, n_leaves, 1], the sides of the boxes
    """

    products: Products
    matrix: Singles
    place: Places
    axes: Floats
    low: Singles
    high: Singles

    @classmethod
    def of(cls, rows: npt.NDArray[np.float32], products: Products) -> Leaves:
        """Divide remembered rows [m, d] again and again at the median along the axis of largest variance."""
        apart = (rows - products.centre) * products.scale
        axes = np.linalg.eigh(apart.T @ apart)[1][:, : -MAX_AXES - 1 : -1]
        at = apart @ axes
        leaves = [np.arange(len(rows))]
        while len(leaves[0]) > MAX_LEAF_ROWS:
            leaves = [half for leaf in leaves for half in _halves(leaf, at[leaf])]
        size = PARTS * -(-max(map(len, leaves)) // PARTS)
        place = np.full((len(leaves), size), -1)
        matrix = np.zeros((len(leaves), size, products.matrix.shape[1]), np.float32)
        matrix[:, :, -1] = 2 * LARGEST  # the value of a place without a row
        low, high = np.empty((2, axes.shape[1], len(leaves), 1), np.float32)
        for number, leaf in enumerate(leaves):
            place[number, : len(leaf)], matrix[number, : len(leaf)] = leaf, products.matrix[leaf]
            rounding = 2.0**-23 * np.sqrt(np.einsum("md,md->m", apart[leaf], apart[leaf]).max())
            low[:, number, 0], high[:, number, 0] = at[leaf].min(axis=0) - rounding, at[leaf].max(axis=0) + rounding
        return cls(products, matrix, place, axes, low, high)

    def candidates(self, asked: Asked, count: int, margin: Margin, *, held: Held) -> tuple[Candidates, Flags]:
        """Return the candidates of rows, but for those marked [n], for which most leaves are needed."""
        seen = self.products.seen_from(asked)
        needed, limit, is_left = self._needed(seen, count, margin, held)
        needed[:, is_left] = False
        found, size = [NOTHING], self.place.shape[1]
        for leaf, is_needed in enumerate(needed):
            rows = np.flatnonzero(is_needed)
            if len(rows):
                values = _values(self.matrix[leaf], seen.factor[rows], held).reshape(PARTS, -1)
                groups = np.flatnonzero(values.min(axis=0).reshape(-1, len(rows)) <= limit[rows])
                at, hit = np.divmod(groups, len(rows))
                near, row = values[:, groups].ravel(), rows[hit]
                pairs = np.flatnonzero(near.reshape(PARTS, -1) <= limit[row])
                part, group = np.divmod(pairs, len(groups) or 1)
                found.append((near[pairs], row[group], self.place[leaf, part * (size // PARTS) + at[group]]))
        value, row, place = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return seen.nearer(value, row, place, count, margin), is_left

    def share(self, asked: Asked, count: int, margin: Margin) -> float:
        """Return the mean share of leaves that a row needs."""
        needed, _, is_left = self._needed(self.products.seen_from(asked), count, margin, Held())
        return float(np.mean(needed.mean(axis=0) + is_left))

    def _needed(self, seen: Seen, count: int, margin: Margin, held: Held) -> tuple[Flags, Singles, Flags]:
        """Return which leaves hold candidates [n_leaves, n], the limit of their computed values, and who needs most."""
        squares = self._squares(seen.apart @ self.axes)  # the leaf with the nearest box is the row's own
        limit, distance = seen.limit(self._bound(squares.argmin(axis=0), seen.factor, count, held), margin)
        reach = (distance + 2.0**-21 * seen.norms) * (1 + 1e-6)
        needed = squares <= (np.minimum(reach, 8 * FARTHEST) ** 2).astype(np.float32)
        return needed, limit, (needed.sum(axis=0) > MAX_NEEDED * len(self.place)) | (seen.shrink > 1)

    def _bound(self, home: Places, factor: Singles, count: int, held: Held) -> Singles:
        """Return a bound [n] of the computed values of ``count`` rows in the leaf of each row and those beside it."""
        home = (home // HOME_LEAVES).astype(np.uint16)  # which NumPy sorts by digits
        order = np.argsort(home, kind="stable")
        bound = np.empty(len(home), np.float32)
        n_homes = -(-len(self.place) // HOME_LEAVES)
        for number, rows in enumerate(np.split(order, np.searchsorted(home[order], np.arange(1, n_homes)))):
            if len(rows):
                leaves = self.matrix[number * HOME_LEAVES : (number + 1) * HOME_LEAVES]
                bound[rows] = bound_of(_values(leaves.reshape(-1, factor.shape[1]), factor[rows], held), count)
        return bound

    def _squares(self, at: Floats) -> Singles:
        """Return the squared distance [n_leaves, n] of points [n, n_axes] to each box."""
        at = np.clip(at, -FARTHEST, FARTHEST)  # no square overflows, and the distances of far points become smaller
        squares = np.zeros((len(self.place), len(at)), np.float32)
        for start in range(0, len(at), BLOCK_ROWS):
            block = squares[:, start : start + BLOCK_ROWS]
            total = np.zeros(block.shape, np.float32)
            apart = np.empty_like(total)
            for low, high, x in zip(
                self.low, self.high, at[start : start + BLOCK_ROWS].T.astype(np.float32), strict=True
            ):
                np.maximum(low, x, out=apart)
                np.minimum(apart, high, out=apart)
                apart -= x
                apart *= apart
                total += apart
            block[:] = total
        return squares


def _halves(leaf: Places, at: Floats) -> tuple[Places, Places]:
    """Divide the indices of rows at their median along the axis of largest variance."""
    along = at[:, at.var(axis=0).argmax()]
    order, middle = np.argpartition(along, len(leaf) // 2), len(leaf) // 2
    return leaf[order[:middle]], leaf[order[middle:]]


def _values(rows: Singles, factor: Singles, held: Held) -> Singles:
    """Return the computed values [m, n] of remembered rows."""
    with np.errstate(invalid="ignore"):  # all factors are finite; OpenBLAS may report its unused lanes
        return np.matmul(rows, factor.T, out=held.array((len(rows), len(factor)), factor.dtype))

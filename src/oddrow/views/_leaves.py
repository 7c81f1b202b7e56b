"""Remembered rows in small boxes, so that most of them need not be compared with a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.views._products import LARGEST, Asked, Candidates, Flags, Floats, Margin, Places, Products, bound_of

MAX_LEAF_ROWS = 256
"""Largest number of rows in a leaf."""
MAX_AXES = 8
"""Largest number of axes along which a leaf has sides."""

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
        size = max(map(len, leaves))
        place = np.full((len(leaves), size), -1)
        matrix = np.zeros((len(leaves), size, products.matrix.shape[1]), np.float32)
        matrix[:, :, -1] = 2 * LARGEST  # the value of a place without a row
        low, high = np.empty((2, axes.shape[1], len(leaves), 1), np.float32)
        for number, leaf in enumerate(leaves):
            place[number, : len(leaf)], matrix[number, : len(leaf)] = leaf, products.matrix[leaf]
            rounding = 2.0**-23 * np.sqrt(np.einsum("md,md->m", apart[leaf], apart[leaf]).max())
            low[:, number, 0], high[:, number, 0] = at[leaf].min(axis=0) - rounding, at[leaf].max(axis=0) + rounding
        return cls(products, matrix, place, axes, low, high)

    def candidates(self, asked: Asked, count: int, margin: Margin) -> tuple[Candidates, Flags]:
        """Return the candidates of the rows, but for those marked [n], for which most leaves are needed."""
        seen = self.products.seen_from(asked)
        factor = seen.factor
        squares = self._squares(seen.apart @ self.axes)
        home = squares.argmin(axis=0).astype(np.uint16)
        order = np.argsort(home, kind="stable")
        bound = np.empty(len(order), np.float32)
        for leaf, rows in enumerate(np.split(order, np.searchsorted(home[order], np.arange(1, len(self.place))))):
            if len(rows):
                bound[rows] = bound_of(self.matrix[leaf] @ factor[rows].T, count)
        limit, distance = seen.limit(bound, margin)
        reach = (distance + 2.0**-21 * seen.norms) * (1 + 1e-6)
        needed = squares <= (reach**2).astype(np.float32)
        is_left = (needed.sum(axis=0) * 2 > len(self.place)) | (seen.shrink > 1)
        needed[:, is_left] = False
        found = []
        for leaf, is_needed in enumerate(needed):
            rows = np.flatnonzero(is_needed)
            if len(rows):
                values = self.matrix[leaf] @ factor[rows].T
                hits = np.flatnonzero(values <= limit[rows])
                at, hit = np.divmod(hits, len(rows))
                found.append((values.ravel()[hits], rows[hit], self.place[leaf, at]))
        value, row, place = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else NOTHING
        return seen.nearer(value, row, place, count, margin), is_left

    def _squares(self, at: Floats) -> Singles:
        """Return the squared distance [n_leaves, n] of points [n, n_axes] to each box."""
        squares = np.zeros((len(self.place), len(at)), np.float32)
        apart, other = np.empty_like(squares), np.empty_like(squares)
        for low, high, x in zip(self.low, self.high, at.T.astype(np.float32), strict=True):
            np.subtract(low, x, out=apart)
            np.subtract(x, high, out=other)
            np.maximum(apart, other, out=apart)
            np.maximum(apart, 0, out=apart)
            apart *= apart
            squares += apart
        return squares


def _halves(leaf: Places, at: Floats) -> tuple[Places, Places]:
    """Divide the indices of rows at their median along the axis of largest variance."""
    along = at[:, at.var(axis=0).argmax()]
    order, middle = np.argpartition(along, len(leaf) // 2), len(leaf) // 2
    return leaf[order[:middle]], leaf[order[middle:]]

"""Exact nearest neighbours: matrix products find a few candidates, and differences in double precision decide.

**Candidates.** Let c be the mean of the remembered rows, a a row and b a remembered row, both minus c. The value
s(b) = |b|^2 / 2 - ab is half of |a - b|^2 - |a|^2, so it has the order of the distances. It is a product of d + 1
terms, of numbers that are rounded to the unit u (2^-24 in single precision), so the computed value z(b) satisfies, in
whatever order the terms are added (Higham 2002, section 3.1, with three more roundings for the inputs),

    |z(b) - s(b)| <= e(|b|),    e(x) = g (|a| x + x^2 / 2),    g = (d + 4) u / (1 - (d + 4) u).

Let z be a bound that ``count`` remembered rows satisfy, z(b) <= z.

1. A row with z(b) <= z has |b| <= B = 5/4 (|a| + sqrt(max(|a|^2 + 2z, 0))) if g <= 1/100: since
   (1 - g) |b|^2 / 2 - (1 + g) |a| |b| <= z(b) <= z, |b| is at most the larger root of a quadratic equation. And |b| is
   at most the largest norm in the memory, so let B be the smaller of the two.
2. So ``count`` rows have s(b) <= z + e(B), and every row among the nearest ``count``, or tied with the last of them by
   a margin t, has s(b) <= z + e(B) + t. Such a row has |b| <= C = |a| + sqrt(max(|a|^2 + 2 (z + e(B) + t), 0)).
3. So its computed value is at most z + e(B) + t + e(max(B, C)): all rows up to this limit are candidates.

**Decision.** If a row has exactly ``count`` candidates, they are the nearest. Otherwise the squared distances to the
candidates are computed from the differences, in double precision, and ordered. The limit depends on kernels, blocks and
threads; the nearest rows do not.

A row with more than ``MAX_CANDIDATES`` candidates, for which single precision is too coarse, gets others from products
in double precision, where the same holds with u = 2^-53.

Of a few rows and a small memory all remembered rows are candidates: their differences take less time than the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from oddrow.views._leaves import Leaves
from oddrow.views._products import (
    HELD_VALUES,
    MAX_CANDIDATES,
    MAX_DIFFERENCES,
    MAX_ERROR,
    QUERY_ROWS,
    VERY_FAR,
    Asked,
    Candidates,
    Flags,
    Held,
    Margin,
    Products,
)

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

CandidatesOf = Callable[[Asked, int, Margin], tuple[Candidates, Flags]]

MIN_LEAF_QUERIES = 2048
"""Smallest number of rows for which leaves are searched: the first search makes them."""
MIN_LEAVES_ROWS = 2000
"""Smallest number of remembered rows that are divided into leaves."""
MAX_LEAVES_COUNT = 30
"""Largest number of neighbours that are sought in leaves."""
TRIED_ROWS = 128
"""Number of remembered rows that show whether leaves save products."""
MAX_SHARE = 0.5
"""Largest share of leaves that a row of the sample needs on average, if leaves are used."""
MIN_BULK_QUERIES = 64
"""Smallest number of rows for which equal remembered rows are looked for; for fewer this would take longer."""
MAX_DIRECT = 1 << 14
"""Largest number of differences, of all features of all pairs of rows, that are computed without a search."""
MAX_LEAVES_WIDTH = 256
"""Largest number of features with leaves."""


@dataclass(frozen=True)
class Search:
    """Search for the nearest of remembered rows, float32 [m, d].

    Two distances are tied if their squares differ by at most ``tie_tolerance`` times the sum of the squared norms of
    the row and of its last neighbour; for a single neighbour, times the square itself.
    """

    rows: npt.NDArray[np.float32]
    tie_tolerance: float
    _saves: dict[int, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _fewer: dict[int, tuple[Places, Search] | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def _single(self) -> Products:
        return Products.of(self.rows, np.float32)

    @cached_property
    def _double(self) -> Products:
        return Products.of(self.rows, np.float64)

    @cached_property
    def _leaves(self) -> Leaves:
        return Leaves.of(self.rows, self._single)

    def nearest(self, asked: Asked, count: int) -> Places:
        """Return the indices [n, count] of the nearest remembered rows in ascending order."""
        if asked.far is None and len(asked.rows) >= MIN_BULK_QUERIES:
            found = self._with_few_copies(count + 1)
            if found is not None:
                kept, fewer = found
                at = np.minimum(np.searchsorted(kept, asked.own), len(kept) - 1)
                own = np.where(kept[at] == asked.own, at, -1)
                return np.asarray(kept[fewer._among_all(Asked(asked.rows, own, None), count)])
        return self._among_all(asked, count)

    def _with_few_copies(self, most: int) -> tuple[Places, Search] | None:
        """Return the places of the first ``most`` of each set of equal rows, ascending, and a search among these.

        Return None if no row has more copies. Of equal rows the first are taken, so that no other one is among the
        nearest ``most - 1``, even if the row itself is left out. Subsets of flags and names, and a latent space that
        has collapsed, hold thousands of equal rows, which would all be tied candidates.
        """
        if most not in self._fewer:
            keys = np.zeros((len(self.rows), self.rows.shape[1] + 1), np.float32)  # rows without features have a key
            keys[:, 1:] += self.rows  # turns -0.0 into 0.0
            void = keys.view(np.dtype((np.void, keys.shape[1] * keys.itemsize))).ravel()
            _, group, counts = np.unique(void, return_inverse=True, return_counts=True)
            order = np.argsort(group, kind="stable")
            rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
            kept = np.sort(order[rank < most])
            has_fewer = len(kept) < len(self.rows)
            self._fewer[most] = (kept, Search(self.rows[kept], self.tie_tolerance)) if has_fewer else None
        return self._fewer[most]

    def _among_all(self, asked: Asked, count: int) -> Places:
        """Return the indices [n, count] of the nearest of all rows in ascending order."""
        places = np.zeros((len(asked.rows), count), np.int64)
        if len(self.rows) == 1:
            return places
        if self.rows.size * len(asked.rows) <= MAX_DIRECT:
            return self._without_products(asked, count)
        # a remembered row is found as its own neighbour, and left out then
        for is_known in (False, True):
            chosen = np.flatnonzero((asked.own >= 0) == is_known)
            if len(chosen):
                places[chosen] = self._nearest(asked.take(chosen), count, min(count + is_known, len(self.rows)))
        return places

    def _without_products(self, asked: Asked, count: int) -> Places:
        """Return the same for a few rows: the differences to all rows take less time than to find candidates."""
        n_asked, n_rows = len(asked.rows), len(self.rows)
        everything = np.broadcast_to(np.arange(n_rows), (n_asked, n_rows))
        pairs = Candidates(np.arange(n_asked).repeat(n_rows), everything.ravel())
        near = self._squares_of(asked, pairs).reshape(n_asked, n_rows)
        known = np.flatnonzero(asked.own >= 0)
        near[known, asked.own[known]] = np.inf
        margin = self._single_margin if count == 1 else self._margin
        return self._first(near, everything, asked.squares, count, margin)

    def _nearest(self, asked: Asked, count: int, sought: int) -> Places:
        """Return the nearest ``count`` of all rows but the own one, which are among the nearest ``sought``."""
        margin = self._single_margin if count == 1 else self._margin
        places = np.empty((len(asked.rows), count), np.int64)
        left = np.arange(len(asked.rows))
        undecided: list[Candidates] = []
        for candidates_of, size in self._methods(asked, sought, margin):
            remaining = [left[:0]]
            for start in range(0, len(left), size):
                rows = left[start : start + size]
                found, is_left = candidates_of(asked.take(rows), sought, margin)
                remaining.append(rows[is_left])
                found = found.where((found.place != asked.own[rows][found.row]) & ~is_left[found.row])
                is_decided = np.bincount(found.row, minlength=len(rows)) == count
                places[rows[is_decided]] = found.place[is_decided[found.row]].reshape(-1, count)
                found = found.where(~is_decided[found.row])
                undecided.append(Candidates(rows[found.row], found.place))
            left = np.concatenate(remaining)
            if not len(left):
                break
        self._decide(asked, Candidates.joined(undecided), places, margin)
        return places

    def _methods(self, asked: Asked, count: int, margin: Margin) -> Iterator[tuple[CandidatesOf, int]]:
        """Yield ways to find candidates, and the number of rows for which each does so at once.

        Each also marks the rows that are left to the next one.
        """
        size = int(np.clip(HELD_VALUES // len(self.rows), *QUERY_ROWS))
        if self._single.error <= MAX_ERROR:
            if asked.far is None and len(asked.rows) >= MIN_LEAF_QUERIES and self._saves_products(count, margin):
                yield partial(self._leaves.candidates, held=Held()), QUERY_ROWS[1]
            yield partial(self._single.candidates, held=Held(), most=MAX_CANDIDATES), size
        yield partial(self._double.candidates, held=Held(), most=len(self.rows)), size

    def _saves_products(self, count: int, margin: Margin) -> bool:
        """Whether leaves save enough products, judged by a sample of the remembered rows."""
        n_rows, width = self.rows.shape
        if n_rows < MIN_LEAVES_ROWS or width > MAX_LEAVES_WIDTH or count > MAX_LEAVES_COUNT:
            return False
        if count not in self._saves:
            sample = self.rows[:: n_rows // TRIED_ROWS]
            asked = Asked(sample, np.full(len(sample), -1), None)
            self._saves[count] = self._leaves.share(asked, count + 1, margin) <= MAX_SHARE
        return self._saves[count]

    def _margin(self, square: Floats, own_squares: Floats, last_squares: Floats) -> Floats:  # noqa: ARG002 - a Margin
        return self.tie_tolerance * (own_squares + last_squares)

    def _single_margin(self, square: Floats, own_squares: Floats, last_squares: Floats) -> Floats:  # noqa: ARG002
        return self.tie_tolerance * square

    def _decide(self, asked: Asked, found: Candidates, places: Places, margin: Margin) -> None:
        """Fill in the places [n, count] of those rows that have candidates, more than ``count``, in their order."""
        squares = self._squares_of(asked, found)
        count = places.shape[1]
        n_found = np.bincount(found.row, minlength=len(places))
        start = np.cumsum(n_found) - n_found
        # rows with similar numbers of candidates are ordered together
        widths = 2 ** np.ceil(np.log2(np.maximum(n_found, 1))).astype(np.int64) * (n_found > 0)
        for width in np.unique(widths[n_found > 0]):
            rows = np.flatnonzero(widths == width)
            columns = np.arange(width)
            is_candidate = columns < n_found[rows, None]
            at = np.where(is_candidate, start[rows, None] + columns, 0)
            near = np.where(is_candidate, squares[at], np.inf)
            places[rows] = self._first(near, found.place[at], asked.squares[rows], count, margin)

    def _first(self, near: Floats, place: Places, own_squares: Floats, count: int, margin: Margin) -> Places:
        """Return the nearest ``count`` of the remembered rows at ``place`` [n, k], ascending, as ``place`` is.

        ``near`` [n, k] are their squared distances, ``own_squares`` [n] the squared norms of the rows.
        """
        border = np.partition(near, count - 1, axis=1)[:, count - 1]
        last = self.rows[place[np.arange(len(near)), (near == border[:, None]).argmax(axis=1)]]
        last_squares = np.einsum("nd,nd->n", last, last, dtype=np.float64)
        apart = near - border[:, None]
        rank = np.sign(apart).astype(np.int8)
        rank[np.abs(apart) <= margin(border, own_squares, last_squares)[:, None]] = 0
        # candidates are in the order of places, so the first of tied ones are taken
        chosen = np.sort(np.argsort(rank, axis=1, kind="stable")[:, :count], axis=1)
        return np.take_along_axis(place, chosen, axis=1)

    def _squares_of(self, asked: Asked, found: Candidates) -> Floats:
        """Return the squared distance [k] of each pair."""
        squares = np.empty(len(found.row))
        step = max(MAX_DIFFERENCES // max(self.rows.shape[1], 1), 1)
        for start in range(0, len(squares), step):
            row, place = found.row[start : start + step], found.place[start : start + step]
            apart = np.subtract(asked.rows[row], self.rows[place], dtype=np.float64)
            squares[start : start + step] = np.einsum("kd,kd->k", apart, apart)
        if asked.far is not None:
            squares[asked.far[found.row, found.place]] += VERY_FAR
        return squares

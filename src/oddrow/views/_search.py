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
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

QUERY_ROWS = (256, 4096)
"""Smallest and largest number of rows whose products with the memory are held at once."""
HELD_VALUES = 256 * 10_000
"""Number of values of products that are held at once, if the rows are not fewer than the smallest number."""
MIN_PART_ROWS = 128
"""Smallest number of remembered rows of a product, if there are more."""
MAX_PARTS = 16
"""Largest number of products. Remembered rows at the same place of all parts are a group, judged by its least value."""
GROUPS_A_NEIGHBOUR = 8
"""Groups of remembered rows for each neighbour: their smallest values bound its distance."""
MAX_CANDIDATES = 500
"""Largest number of candidates from products in single precision whose distances are computed."""
MAX_DIFFERENCES = 1 << 17
"""Number of differences that are computed at once."""
MAX_NORM = 2.0**40
"""Norm of the remembered row farthest from their mean after scaling: no product overflows in single precision."""
FAR = 1e30
"""Computed value of a row that is taken only if too few others are left; above all others, and finite."""
VERY_FAR = 1e200
"""Added to the squared distance of such a row."""
LARGEST = 1e38
"""Above the computed value of every row."""
TINY = 1e-37
"""Above the error of a product of numbers that are too small for single precision."""
MAX_ERROR = 0.01
"""Largest relative error of a product for which the bounds hold."""


Margin = Callable[[Floats, Floats, Floats], Floats]
"""The largest difference of tied squared distances, from the square and the squared norms of a row and a neighbour."""


@dataclass(frozen=True)
class Asked:
    """Rows whose neighbours are sought.

    Attributes
    ----------
    rows : [n, d]
    own : int64 [n], the index of the remembered row that is passed over; -1 where there is none
    far : bool [n, m], remembered rows that are taken last; None if there is none
    """

    rows: npt.NDArray[np.floating]
    own: Places
    far: Flags | None

    def take(self, places: Places) -> Asked:
        """Return some of the rows."""
        return Asked(self.rows[places], self.own[places], None if self.far is None else self.far[places])

    @cached_property
    def squares(self) -> Floats:
        """The squared norms [n] of the rows."""
        return np.asarray(np.einsum("nd,nd->n", self.rows, self.rows, dtype=np.float64))


@dataclass(frozen=True)
class Candidates:
    """Pairs of a row and a remembered row, int64 [k] each, in the order of both."""

    row: Places
    place: Places

    def where(self, chosen: Flags) -> Candidates:
        """Return the pairs that are marked [k]."""
        return Candidates(self.row[chosen], self.place[chosen])

    def joined(self, others: Candidates) -> Candidates:
        """Return these pairs and those of other rows."""
        row, place = np.concatenate([self.row, others.row]), np.concatenate([self.place, others.place])
        order = np.argsort(row, kind="stable")
        return Candidates(row[order], place[order])


class Held:
    """Memory for the values of products, which is used again: new memory costs as much as half of the products."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> npt.NDArray[np.floating]:
        """Return an array whose values are arbitrary; the array returned before loses its values."""
        size = int(np.prod(shape)) * dtype.itemsize
        if len(self._bytes) < size:
            self._bytes = np.empty(size, np.uint8)
        return self._bytes[:size].view(dtype).reshape(shape)


@dataclass(frozen=True)
class Products:
    """The remembered rows as the factor of products in one precision.

    Attributes
    ----------
    matrix : [m, d + 1], -b and |b|^2 / 2 of each row
    centre : float64 [d], the mean of the rows
    scale : a power of 2 by which differences from the centre are multiplied
    largest : the largest norm after scaling
    error : the largest relative error of a product, g
    """

    matrix: npt.NDArray[np.floating]
    centre: Floats
    scale: float
    largest: float
    error: float

    @classmethod
    def of(cls, rows: npt.NDArray[np.float32], dtype: type[np.floating]) -> Products:
        """Return remembered rows [m, d] as a factor."""
        width = rows.shape[1]
        centre = rows.mean(axis=0, dtype=np.float64)
        apart = rows - centre
        largest = float(np.sqrt(np.einsum("md,md->m", apart, apart).max()))
        scale = float(2.0 ** np.floor(np.log2(MAX_NORM / largest))) if largest > 0 else 1.0
        apart *= scale
        matrix = np.empty((len(rows), width + 1), dtype)
        matrix[:, :width] = -apart
        matrix[:, width] = 0.5 * np.einsum("md,md->m", apart, apart)
        roundings = 0.5 * (width + 5) * float(np.finfo(dtype).eps)
        return cls(matrix, centre, scale, scale * largest, roundings / (1 - roundings))

    def candidates(self, asked: Asked, count: int, margin: Margin, held: Held) -> Candidates:
        """Return all rows that may be among the nearest ``count``, or tied with them, for few rows [n, d]."""
        n_rows, n_asked = len(self.matrix), len(asked.rows)
        factor, norms, shrink = self._factor(asked.rows)
        n_parts = min(max(n_rows // max(MIN_PART_ROWS, GROUPS_A_NEIGHBOUR * count), 1), MAX_PARTS)
        size = -(-n_rows // n_parts)
        values = held.array((n_parts, size, n_asked), self.matrix.dtype)
        least = np.empty((size, n_asked), self.matrix.dtype)
        for part, value in enumerate(values):
            start, stop = part * size, min((part + 1) * size, n_rows)
            np.matmul(self.matrix[start:stop], factor.T, out=value[: stop - start])
            value[stop - start :] = np.inf
            if asked.far is not None:
                value[: stop - start][asked.far.T[start:stop]] = FAR
            np.minimum(least, value, out=least) if part else np.copyto(least, value)
        bound = _bound(least, count)
        limit = self._limit(asked, norms, shrink, bound, margin)
        groups = np.flatnonzero(least <= limit)
        row = groups % n_asked
        near = values.reshape(n_parts, -1)[:, groups]
        parts, group = np.nonzero(near <= limit[row])
        value, row, place = near[parts, group], row[group], parts * size + groups[group] // n_asked
        # the first limit admits a few rows too many
        order = np.argsort(value)
        order = order[np.argsort(row[order].astype(np.uint16), kind="stable")]
        value, row, place = value[order], row[order], place[order]
        first = np.searchsorted(row, np.arange(n_asked))
        limit = self._limit(asked, norms, shrink, value[first + count - 1], margin)
        is_near = value <= limit[row]
        pairs = row[is_near] * n_rows + place[is_near]
        pairs.sort()
        return Candidates(*np.divmod(pairs, n_rows))

    def _factor(self, rows: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.floating], Floats, Floats]:
        """Return the other factor [n, d + 1], the norms [n] of a, and powers of 2 [n] by which a and 1 are divided.

        Divided by them, no product overflows.
        """
        apart = (rows - self.centre) * self.scale
        norms = np.sqrt(np.einsum("nd,nd->n", apart, apart))
        shrink = 2.0 ** np.ceil(np.log2(np.maximum(norms / MAX_NORM, 1.0)))
        factor = np.empty((len(rows), self.matrix.shape[1]), self.matrix.dtype)
        factor[:, :-1] = apart / shrink[:, None]
        factor[:, -1] = 1.0 / shrink
        return factor, norms, shrink

    def _limit(
        self, asked: Asked, norms: Floats, shrink: Floats, bound: npt.NDArray[np.floating], margin: Margin
    ) -> npt.NDArray[np.floating]:
        """Return the largest computed value [n] of a candidate, from a bound [n] of ``count`` rows."""
        squares = norms * norms

        def radius(value: Floats) -> Floats:
            return np.asarray(np.sqrt(np.maximum(squares + 2.0 * value, 0.0)))

        def error(norm: Floats) -> Floats:
            norm = np.minimum(norm, self.largest)
            underflow = TINY * self.matrix.shape[1] * (norms + (1.0 + norm) * shrink)
            return np.asarray(self.error * norm * (norms + 0.5 * norm) + underflow)

        bound = bound.astype(np.float64) * shrink
        norm = 1.25 * (norms + radius(bound))
        bound += error(norm)
        distance = radius(bound) / self.scale
        last = np.sqrt(asked.squares) + distance  # the largest norm of the last neighbour
        bound += 0.5 * self.scale**2 * margin(distance**2, asked.squares, last**2)
        bound += error(np.maximum(norm, norms + radius(bound)))
        limit = np.minimum(bound / shrink, LARGEST).astype(self.matrix.dtype)
        return np.asarray(np.nextafter(limit, limit.dtype.type(np.inf)))


@dataclass(frozen=True)
class Search:
    """Search for the nearest of remembered rows, float32 [m, d].

    Two distances are tied if their squares differ by at most ``tie_tolerance`` times the sum of the squared norms of
    the row and of its last neighbour; for a single neighbour, times the square itself.
    """

    rows: npt.NDArray[np.float32]
    tie_tolerance: float

    @cached_property
    def _single(self) -> Products:
        return Products.of(self.rows, np.float32)

    @cached_property
    def _double(self) -> Products:
        return Products.of(self.rows, np.float64)

    def nearest(self, asked: Asked, count: int) -> Places:
        """Return the indices [n, count] of the nearest remembered rows in ascending order."""
        if len(self.rows) == 1:
            return np.zeros((len(asked.rows), 1), np.int64)
        places, held = np.empty((len(asked.rows), count), np.int64), Held()
        size = int(np.clip(HELD_VALUES // len(self.rows), *QUERY_ROWS))
        # a remembered row is found as its own neighbour, and left out then
        for is_known in (False, True):
            chosen = np.flatnonzero((asked.own >= 0) == is_known)
            for start in range(0, len(chosen), size):
                block = chosen[start : start + size]
                places[block] = self._of_block(asked.take(block), count, count + is_known, held)
        return places

    def _of_block(self, asked: Asked, count: int, sought: int, held: Held) -> Places:
        """Return the nearest ``count`` of all rows but the own one, which are among the nearest ``sought``."""
        sought = min(sought, len(self.rows))
        margin = self._single_margin if count == 1 else self._margin
        if self._single.error > MAX_ERROR:
            return self._decided(asked, self._double.candidates(asked, sought, margin, held), count, margin)
        found = self._single.candidates(asked, sought, margin, held)
        n_found = np.bincount(found.row, minlength=len(asked.rows))
        many = np.flatnonzero(n_found > MAX_CANDIDATES)
        if len(many):
            fewer = self._double.candidates(asked.take(many), sought, margin, held)
            found = found.where(n_found[found.row] <= MAX_CANDIDATES).joined(Candidates(many[fewer.row], fewer.place))
        return self._decided(asked, found, count, margin)

    def _margin(self, square: Floats, own_squares: Floats, last_squares: Floats) -> Floats:  # noqa: ARG002 - a Margin
        return self.tie_tolerance * (own_squares + last_squares)

    def _single_margin(self, square: Floats, own_squares: Floats, last_squares: Floats) -> Floats:  # noqa: ARG002
        return self.tie_tolerance * square

    def _decided(self, asked: Asked, found: Candidates, count: int, margin: Margin) -> Places:
        """Return the nearest ``count`` of the candidates of each row [n, count]."""
        found = found.where(found.place != asked.own[found.row])
        n_found = np.bincount(found.row, minlength=len(asked.rows))
        places = np.empty((len(asked.rows), count), np.int64)
        is_found = n_found == count
        places[is_found] = found.place[is_found[found.row]].reshape(-1, count)
        if is_found.all():
            return places
        found = found.where(~is_found[found.row])
        squares = self._squares_of(asked, found)
        start = np.cumsum(np.where(is_found, 0, n_found)) - n_found
        # rows with similar numbers of candidates are ordered together
        widths = np.where(is_found, 0, 2 ** np.ceil(np.log2(n_found)).astype(np.int64))
        for width in np.unique(widths[~is_found]):
            rows = np.flatnonzero(widths == width)
            columns = np.arange(width)
            is_candidate = columns < n_found[rows, None]
            at = np.where(is_candidate, start[rows, None] + columns, 0)
            near, place = np.where(is_candidate, squares[at], np.inf), found.place[at]
            border = np.partition(near, count - 1, axis=1)[:, count - 1]
            last = self.rows[place[np.arange(len(rows)), (near == border[:, None]).argmax(axis=1)]]
            last_squares = np.einsum("nd,nd->n", last, last, dtype=np.float64)
            apart = near - border[:, None]
            rank = np.sign(apart).astype(np.int8)
            rank[np.abs(apart) <= margin(border, asked.squares[rows], last_squares)[:, None]] = 0
            # candidates are in the order of places, so the first of tied ones are taken
            chosen = np.sort(np.argsort(rank, axis=1, kind="stable")[:, :count], axis=1)
            places[rows] = np.take_along_axis(place, chosen, axis=1)
        return places

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


def _bound(values: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.floating]:
    """Return a number for each column of values [k, n], k >= count, that at least ``count`` of them do not exceed."""
    if count == 1:
        return np.asarray(values.min(axis=0))
    n_groups = max(len(values) // max(len(values) // (GROUPS_A_NEIGHBOUR * count), 1), count)
    fold = len(values) // n_groups
    least = values[: fold * n_groups].reshape(fold, n_groups, -1).min(axis=0)
    return np.asarray(np.partition(np.ascontiguousarray(least.T), count - 1, axis=1)[:, count - 1])

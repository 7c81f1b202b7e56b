"""Matrix products of rows with remembered rows, and what they prove of distances; see :mod:`oddrow.views._search`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

QUERY_ROWS = (256, 4096)
"""Smallest and largest number of rows whose products with the memory are held at once."""
HELD_VALUES = 256 * 5_000
"""Number of values of products that are held at once, if the rows are not fewer than the smallest number."""
MIN_PART_ROWS = 128
"""Smallest number of remembered rows of a product, if there are more."""
MAX_PARTS = 16
"""Largest number of products. Remembered rows at the same place of all parts are a group, judged by its least value."""
GROUPS_A_NEIGHBOUR = 5
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

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Return the pairs of several parts, each of other rows."""
        row, place = (np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "place"))
        order = np.argsort(row, kind="stable")
        return cls(row[order], place[order])


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

    def seen_from(self, asked: Asked) -> Seen:
        """Return rows as the other factor."""
        apart = (asked.rows - self.centre) * self.scale
        norms = np.sqrt(np.einsum("nd,nd->n", apart, apart))
        shrink = 2.0 ** np.ceil(np.log2(np.maximum(norms / MAX_NORM, 1.0)))
        factor = np.empty((len(apart), self.matrix.shape[1]), self.matrix.dtype)
        factor[:, :-1] = apart / shrink[:, None]
        factor[:, -1] = 1.0 / shrink
        return Seen(self, asked, apart, factor, norms, shrink)

    def candidates(
        self, asked: Asked, count: int, margin: Margin, *, held: Held, most: int
    ) -> tuple[Candidates, Flags]:
        """Return all rows that may be among the nearest ``count``, or tied with them, for few rows [n, d].

        Rows with more than ``most`` candidates are marked [n].
        """
        n_rows, n_asked = len(self.matrix), len(asked.rows)
        seen = self.seen_from(asked)
        n_parts = min(max(n_rows // max(MIN_PART_ROWS, GROUPS_A_NEIGHBOUR * count), 1), MAX_PARTS)
        size = -(-n_rows // n_parts)
        values = held.array((n_parts, size, n_asked), self.matrix.dtype)
        least = np.empty((size, n_asked), self.matrix.dtype)
        for part, value in enumerate(values):
            start, stop = part * size, min((part + 1) * size, n_rows)
            with np.errstate(invalid="ignore"):  # all factors are finite; OpenBLAS may report its unused lanes
                np.matmul(self.matrix[start:stop], seen.factor.T, out=value[: stop - start])
            value[stop - start :] = np.inf
            if asked.far is not None:
                value[: stop - start][asked.far.T[start:stop]] = FAR
            np.minimum(least, value, out=least) if part else np.copyto(least, value)
        limit, _ = seen.limit(bound_of(least, count), margin)
        groups = np.flatnonzero(least <= limit)
        at, row = np.divmod(groups, n_asked)
        near = values.reshape(n_parts, -1)[:, groups].ravel()
        pairs = np.flatnonzero(near.reshape(n_parts, -1) <= limit[row])
        which, group = np.divmod(pairs, len(groups))
        found = seen.nearer(near[pairs], row[group], which * size + at[group], count, margin)
        return found, np.bincount(found.row, minlength=n_asked) > most


@dataclass(frozen=True)
class Seen:
    """Rows as a factor of products with remembered rows.

    Attributes
    ----------
    apart : float64 [n, d], the scaled differences from the centre, a
    factor : [n, d + 1], a and 1, both divided by ``shrink``
    norms : float64 [n], the norms of a
    shrink : float64 [n], powers of 2 with which no product overflows
    """

    products: Products
    asked: Asked
    apart: Floats
    factor: npt.NDArray[np.floating]
    norms: Floats
    shrink: Floats

    def limit(self, bound: npt.NDArray[np.floating], margin: Margin) -> tuple[npt.NDArray[np.floating], Floats]:
        """Return the largest computed value [n] of a candidate, and its largest scaled distance [n].

        ``bound`` [n] is one of the computed values of ``count`` remembered rows.
        """
        norms, scale = self.norms, self.products.scale
        value = bound.astype(np.float64) * self.shrink
        norm = 1.25 * (norms + self._distance(value))
        value += self._error(norm)
        distance = self._distance(value) / scale
        last = np.sqrt(self.asked.squares) + distance  # the largest norm of the last neighbour
        value += 0.5 * scale**2 * margin(distance**2, self.asked.squares, last**2)
        distance = self._distance(value)
        value += self._error(np.maximum(norm, norms + distance))
        limit = np.minimum(value / self.shrink, LARGEST).astype(bound.dtype)
        return np.nextafter(limit, limit.dtype.type(np.inf)), distance

    def _distance(self, value: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(self.norms**2 + 2.0 * value, 0.0)))

    def _error(self, norm: Floats) -> Floats:
        """Return the largest error [n] of a computed value for remembered rows up to these norms [n]."""
        norm = np.minimum(norm, self.products.largest)
        underflow = TINY * self.factor.shape[1] * (self.norms + (1.0 + norm) * self.shrink)
        return np.asarray(self.products.error * norm * (self.norms + 0.5 * norm) + underflow)

    def nearer(
        self, value: npt.NDArray[np.floating], row: Places, place: Places, count: int, margin: Margin
    ) -> Candidates:
        """Return the candidates among pairs [k] that include them: those up to a limit that fits more closely.

        Each row has at least ``count`` pairs, or none.
        """
        if value.dtype == np.float32 and len(value) > count * len(self.norms):
            keys = (row << 32) + _ordered(value.view(np.int32))
            keys.sort()
            n_pairs = np.bincount(row, minlength=len(self.norms))
            last = np.minimum(np.cumsum(n_pairs) - n_pairs + count - 1, len(keys) - 1)
            bound = _ordered((keys[last] & 0xFFFFFFFF).astype(np.uint32).view(np.int32)).view(np.float32)
            limit, _ = self.limit(bound, margin)
            is_near = value <= limit[row]
            row, place = row[is_near], place[is_near]
        n_rows = len(self.products.matrix)
        pairs = row * n_rows + place
        pairs.sort()
        return Candidates(*np.divmod(pairs, n_rows))


def _ordered(bits: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return numbers in the order of the single-precision numbers with these bits, and the bits of such numbers."""
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def bound_of(values: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.floating]:
    """Return a number for each column of values [k, n], k >= count, that at least ``count`` of them do not exceed."""
    if count == 1:
        return np.asarray(values.min(axis=0))
    n_groups = max(len(values) // max(len(values) // (GROUPS_A_NEIGHBOUR * count), 1), count)
    fold = len(values) // n_groups
    least = values[: fold * n_groups].reshape(fold, n_groups, -1).min(axis=0)
    return np.asarray(np.partition(np.ascontiguousarray(least.T), count - 1, axis=1)[:, count - 1])

"""Nearest-neighbour search among remembered rows, as operations of an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.graph import FLOAT, INTEGER, GraphNamespace, Value
from oddrow.views._memory import Memory
from oddrow.views._surroundings import Surroundings

NOWHERE = -1
"""Index of no remembered row, for a row that excludes none from its neighbours."""


def nearest_places(xp: GraphNamespace, rows: Value, memory: Memory, count: int, own: Value | None) -> Value:
    """Return the indices int64 [n, count] of the nearest remembered rows, as :meth:`Memory.nearest` does.

    ``own`` int64 [n, 1] is the index that is excluded. TopK takes the first of equal numbers.
    """
    wide = memory.rows.astype(np.float64)
    half_squares = 0.5 * np.einsum("md,md->m", wide, wide)
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, and |a|^2 does not change the order of the distances
    distance = half_squares - rows @ _remembered(xp, memory.rows).T
    if own is not None:
        distance = xp.where(own.equals(np.arange(len(wide))), np.inf, distance)
    count = min(count, max(len(wide) - 1, 1))
    values, places = _least(xp, distance, count)
    border = values[:, count - 1 : count]
    furthest = places[:, count - 1 : count].taken_from(half_squares)
    margin = ((rows * rows).sum(axis=1, keepdims=True) * 0.5 + furthest) * memory.constants.tie_tolerance
    is_tied = xp.abs(distance - border) <= margin
    return _least(xp, xp.where(is_tied, border, distance), count)[1]


def _remembered(xp: GraphNamespace, rows: npt.NDArray[np.float32]) -> Value:
    """Return the remembered rows [m, d] in double precision; the file holds them in single precision."""
    return xp.graph.constant(rows, np.dtype(np.float32)).astype(FLOAT)


def _least(xp: GraphNamespace, values: Value, count: int) -> tuple[Value, Value]:
    """Return the smallest values of each row [n, count] and their indices."""
    many = xp.graph.constant([count], INTEGER)
    least, places = xp.graph.apply_all("TopK", values, many, dtypes=(FLOAT, INTEGER), axis=1, largest=0, sorted=1)
    return least, places


def differences(xp: GraphNamespace, rows: Value, memory: Memory, places: Value) -> Value:
    """Return the squared difference of each feature [n, count, d] of rows [n, d] to those at ``places`` [n, count]."""
    difference = rows[:, None] - places.taken_from(_remembered(xp, memory.rows))
    return difference * difference


@dataclass(frozen=True)
class NeighbourhoodValues:
    """The counterpart of :class:`Neighbourhood` in a graph.

    Attributes
    ----------
    nearest, apartness : float64 [n, d]
    distance, sparseness : float64 [n, 1]; the distance is that to the nearest row
    """

    nearest: Value
    apartness: Value
    distance: Value
    sparseness: Value


def neighbourhood(xp: GraphNamespace, rows: Value, around: Surroundings, own: Value | None) -> NeighbourhoodValues:
    """Return the neighbours of rows [n, d] in the memory's space, as :meth:`Surroundings.around` does."""
    neighbours = around.memory.constants.neighbours
    places = nearest_places(xp, rows, around.memory, neighbours, own)
    apart = differences(xp, rows, around.memory, places)
    squares = apart.sum(axis=2)
    distances = xp.sqrt(squares)
    count = min(neighbours, max(len(around.memory.rows) - 1, 1))
    nearer = xp.minimum(distances - places.taken_from(around.reach.furthest), 0.0) / float(count)
    if own is not None:
        nearer = xp.where(own >= 0, 0.0, nearer)
    reach = xp.maximum(places.taken_from(around.reach.mean) + nearer, 0.0)
    sparseness = xp.log(distances.mean(axis=1) + around.least) - xp.log(reach.mean(axis=1) + around.least)
    _, closest = _least(xp, squares, 1)
    nearest = xp.graph.apply("GatherElements", places, closest, dtype=INTEGER, axis=1)
    return NeighbourhoodValues(
        differences(xp, rows, around.memory, nearest).sum(axis=1),
        apart.mean(axis=1),
        distances.min(axis=1)[:, None],
        sparseness[:, None],
    )


def places_of_equals(
    xp: GraphNamespace, rows: Value, memory: npt.NDArray[np.float32], is_single: npt.NDArray[np.bool_], near: Value
) -> Value:
    """Return the index int64 [n, 1] of the single remembered row that equals a row [n, d], or ``NOWHERE``.

    Equal rows have distance 0, so this row is one of the near rows, whose indices are [n, count].
    """
    is_equal = near.taken_from(_remembered(xp, memory)).equals(rows[:, None]).astype(INTEGER).min(axis=2)
    found = is_equal * near.taken_from(is_single.astype(np.int64), INTEGER)
    return xp.where(found > 0, near, NOWHERE).max(axis=1, keepdims=True)

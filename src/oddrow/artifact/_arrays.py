"""The arrays of a file, each taken once and checked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.artifact._bounds import MOST_NATS, MOST_NUMBER
from oddrow.artifact._container import Arrays
from oddrow.exceptions import ModelFileError
from oddrow.scoring import MOST_BORDERS, Dependence, PiecewiseCurve, parts_of
from oddrow.table import FeatureLayout


class ArrayStore:
    """Arrays of a file, each taken once by name and checked for type, shape and finite values."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = dict(arrays)

    def take(self, name: str, dtype: Any, shape: tuple[int | None, ...], *, finite: bool = True) -> npt.NDArray[Any]:
        if name not in self._arrays:
            raise ModelFileError(f"array {name!r} is missing")
        array = self._arrays.pop(name)
        fits = array.ndim == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ModelFileError(f"array {name!r} is {array.dtype}{list(array.shape)}, which does not fit the model")
        if finite and not np.isfinite(array).all():
            raise ModelFileError(f"array {name!r} has values that are not finite")
        if array.dtype == np.float64 and array.size and max(-array.min(), array.max()) > MOST_NUMBER:
            raise ModelFileError(f"array {name!r} has values beyond {MOST_NUMBER:g}")
        return array

    def curves(self, name: str, count: int) -> tuple[PiecewiseCurve, ...]:
        """So many curves, which lie end to end."""
        starts = self.take(f"{name}.starts", np.int64, (count + 1,))
        knots = self.take(f"{name}.knots", np.float64, (None,))
        values = self.take(f"{name}.values", np.float64, knots.shape)
        if starts[0] != 0 or starts[-1] != len(knots) or np.any(starts[1:] <= starts[:-1]):
            raise ModelFileError(f"the curves of {name!r} do not lie end to end")
        rising = np.ones(len(knots), np.bool_)
        rising[1:] = knots[1:] > knots[:-1]
        rising[starts[:-1]] = True
        if not rising.all():
            raise ModelFileError(f"the knots of {name!r} are not ascending")
        return tuple(PiecewiseCurve(knots[start:stop], values[start:stop]) for start, stop in pairwise(starts))

    def dependence(self, layout: FeatureLayout) -> Dependence:
        """The tables of pairs, whose sizes follow from the borders between codes."""
        parts = parts_of(layout)
        telling = self.take("dependence.telling", np.int64, (len(parts),))
        starts = self.take("dependence.starts", np.int64, (len(parts) + 1,))
        borders = self.take("dependence.edges", np.float64, (None,))
        if starts[0] != 0 or starts[-1] != len(borders) or np.any(starts[1:] < starts[:-1]):
            raise ModelFileError("the borders of 'dependence' do not lie end to end")
        edges = tuple(borders[start:stop] for start, stop in pairwise(starts))
        if any(
            np.any(np.diff(own) <= 0) or (part.is_category and len(own)) for part, own in zip(parts, edges, strict=True)
        ):
            raise ModelFileError("the borders of 'dependence' are not ascending, or those of a category")
        if any(len(own) > MOST_BORDERS for own in edges):
            raise ModelFileError(f"a part of 'dependence' has more than {MOST_BORDERS} borders")
        if np.any(telling < -1) or np.any(telling >= len(parts)):
            raise ModelFileError("'dependence.telling' names a part that is none")
        shapes = Dependence.table_shapes(layout, edges, telling)
        total = sum(rows * columns for rows, columns in shapes)
        nats = self.take("dependence.nats", np.float32, (total,))
        if not (nats.min(initial=0.0) >= 0 and nats.max(initial=0.0) <= MOST_NATS):
            raise ModelFileError(f"'dependence.nats' has values below zero or beyond {MOST_NATS:g}")
        stops = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
        tables = (nats[start:stop].reshape(shape) for (start, stop), shape in zip(pairwise(stops), shapes, strict=True))
        return Dependence(layout, edges, telling, tuple(tables))

    def check_empty(self) -> None:
        if self._arrays:
            raise ModelFileError(f"array {next(iter(self._arrays))!r} is not part of any model")


def packed_curves(name: str, curves: Sequence[PiecewiseCurve]) -> Arrays:
    """The arrays that :meth:`ArrayStore.curves` reads."""
    starts = np.cumsum([0, *(len(curve.knots) for curve in curves)], dtype=np.int64)
    nothing = [np.empty(0)]  # where no column has a feature, there is no curve
    knots, values = (
        np.concatenate([*nothing, *(getattr(curve, part) for curve in curves)]) for part in ("knots", "values")
    )
    return {f"{name}.starts": starts, f"{name}.knots": knots, f"{name}.values": values}


def packed_dependence(dependence: Dependence) -> Arrays:
    """The arrays that :meth:`ArrayStore.dependence` reads."""
    return {
        "dependence.telling": dependence.telling,
        "dependence.starts": np.cumsum([0, *map(len, dependence.edges)], dtype=np.int64),
        "dependence.edges": np.concatenate([np.empty(0), *dependence.edges]),
        "dependence.nats": np.concatenate([np.empty(0, np.float32), *(table.ravel() for table in dependence.tables)]),
    }


def flags(name: str, values: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    if np.any((values != 0) & (values != 1)):
        raise ModelFileError(f"{name!r} has values that are neither 0 nor 1")
    return np.asarray(values == 1)


def ascending(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(values) == 0 or np.any(np.diff(values) < 0):
        raise ModelFileError(f"the scores of {name!r} are not ascending")
    return values

"""The arrays of a file, each taken once and checked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.artifact._bounds import MOST_NUMBER
from oddrow.artifact._container import Arrays
from oddrow.exceptions import ModelFileError
from oddrow.scoring import PiecewiseCurve


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

    def check_empty(self) -> None:
        if self._arrays:
            raise ModelFileError(f"array {next(iter(self._arrays))!r} is not part of any model")


def packed_curves(name: str, curves: Sequence[PiecewiseCurve]) -> Arrays:
    """The arrays that :meth:`ArrayStore.curves` reads."""
    starts = np.cumsum([0, *(len(curve.knots) for curve in curves)], dtype=np.int64)
    knots, values = (np.concatenate([getattr(curve, part) for curve in curves]) for part in ("knots", "values"))
    return {f"{name}.starts": starts, f"{name}.knots": knots, f"{name}.values": values}


def ascending(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(values) == 0 or np.any(np.diff(values) < 0):
        raise ModelFileError(f"the scores of {name!r} are not ascending")
    return values

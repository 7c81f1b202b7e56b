"""The arrays of a file, each taken once and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.container._container import Arrays
from oddrow.exceptions import ModelFileError

MOST_NUMBER = 1e100
"""Magnitude of any number in the arrays."""


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

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays that have not been taken."""
        return tuple(self._arrays)

    def check_empty(self) -> None:
        if self._arrays:
            raise ModelFileError(f"array {next(iter(self._arrays))!r} is not part of any model")

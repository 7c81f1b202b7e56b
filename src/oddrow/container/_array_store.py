"""The arrays of a file, each taken once and checked; components of a model pack and unpack themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from oddrow.container._arrays import Arrays
from oddrow.exceptions import ModelFileError

MAX_NUMBER = 1e100
"""Maximum magnitude of a float64 number that takes part in a score."""


class Packable(Protocol):
    """A component of a model that packs its state into named arrays.

    Its class has a class method ``unpacked(store, ...)`` that takes the same names from an :class:`ArrayStore` and
    checks what types and shapes do not ensure, above all the bounds that keep every score finite.
    """

    def packed(self) -> Arrays:
        """Return the arrays of the component by name."""
        ...


def packed_components(components: Mapping[str, Packable]) -> Arrays:
    """Return the arrays of several components; their names begin with the name of the component and a dot."""
    return {
        f"{component}.{name}": array
        for component, packable in components.items()
        for name, array in packable.packed().items()
    }


class ArrayStore:
    """The arrays of a file; each is taken once by name, and checked for type, shape and finite values.

    Examples
    --------
    >>> store = ArrayStore({"views.nearest.memory": np.zeros((2, 3))})
    >>> store.under("views").under("nearest").take("memory", np.float64, (None, 3)).shape
    (2, 3)
    >>> store.check_empty()
    """

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = dict(arrays)
        self._prefix = ""

    def under(self, component: str) -> ArrayStore:
        """Return a view of the arrays whose names begin with this component's name and a dot.

        An array that is taken from the view is also taken from this store.
        """
        store = ArrayStore({})
        store._arrays = self._arrays
        store._prefix = f"{self._prefix}{component}."
        return store

    def take(
        self,
        name: str,
        dtype: Any,
        shape: tuple[int | None, ...],
        *,
        finite: bool = True,
        is_bounded: bool = True,
    ) -> npt.NDArray[Any]:
        """Take the array of this name, after checking its type and shape; None in ``shape`` allows any length.

        With ``is_bounded``, which every array that takes part in a score needs, the magnitude of float64 numbers is at
        most ``MAX_NUMBER``.
        """
        full = self.name_of(name)
        if full not in self._arrays:
            raise ModelFileError(f"array {full!r} is missing")
        array = self._arrays.pop(full)
        fits = array.ndim == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ModelFileError(f"array {full!r} is {array.dtype}{list(array.shape)}, which does not fit the model")
        if finite and not np.isfinite(array).all():
            raise ModelFileError(f"array {full!r} has values that are not finite")
        if is_bounded and array.dtype == np.float64 and array.size and max(-array.min(), array.max()) > MAX_NUMBER:
            raise ModelFileError(f"array {full!r} has values beyond {MAX_NUMBER:g}")
        return array

    def take_flags(self, name: str, count: int) -> npt.NDArray[np.bool_]:
        """Take ``count`` integers that are 0 or 1, as bool [count]."""
        values = self.take(name, np.int64, (count,))
        if np.any((values != 0) & (values != 1)):
            raise ModelFileError(f"{self.name_of(name)!r} has values that are neither 0 nor 1")
        return np.asarray(values == 1)

    def take_ascending(self, name: str, shape: tuple[int | None]) -> npt.NDArray[np.float64]:
        """Take at least one number, in ascending order; equal numbers may follow each other."""
        values = self.take(name, np.float64, shape)
        if len(values) == 0 or np.any(np.diff(values) < 0):
            raise ModelFileError(f"the scores of {self.name_of(name)!r} are not ascending")
        return values

    def take_slices(self, name: str, count: int, total: int, *, may_be_empty: bool = False) -> list[slice]:
        """Take the :func:`piece_starts` of ``count`` pieces, as slices of an array with ``total`` entries."""
        starts = self.take(name, np.int64, (count + 1,))
        falls = starts[1:] < starts[:-1] if may_be_empty else starts[1:] <= starts[:-1]
        if starts[0] != 0 or starts[-1] != total or np.any(falls):
            raise ModelFileError(f"the pieces of {self.name_of(name)!r} do not lie end to end")
        return [slice(start, stop) for start, stop in pairwise(starts.tolist())]

    def name_of(self, name: str) -> str:
        """Return the full name of an array, for errors."""
        return self._prefix + name

    @property
    def component(self) -> str:
        """The name of the component whose arrays these are, for errors."""
        return self._prefix.removesuffix(".")

    @property
    def names(self) -> tuple[str, ...]:
        """The names, within this component, of the arrays that have not been taken."""
        start = len(self._prefix)
        return tuple(name[start:] for name in self._arrays if name.startswith(self._prefix))

    def check_empty(self) -> None:
        """Refuse arrays that have not been taken."""
        if self.names:
            raise ModelFileError(f"array {self.name_of(self.names[0])!r} is not part of any model")


def piece_starts(lengths: Iterable[int]) -> npt.NDArray[np.int64]:
    """Return the start of each of several pieces that lie end to end in one array, and last the length of that array.

    Examples
    --------
    >>> piece_starts([2, 3]).tolist()
    [0, 2, 5]
    """
    return np.cumsum([0, *lengths], dtype=np.int64)

"""What the parts of columns bring, summed into what the columns bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnSums:
    """Sums parts into the columns that own them, as a product with a matrix of zeros and ones would.

    Of a thousand columns that matrix has a million places, and nearly all of them are zero.

    Attributes
    ----------
    owners : of each part, its column
    n_columns : columns, also those that own nothing

    Examples
    --------
    >>> ColumnSums((0, 2, 0), 3)(np.array([[1.0, 2.0, 4.0]]))
    array([[5., 0., 2.]])
    """

    owners: tuple[int, ...]
    n_columns: int

    @cached_property
    def _order(self) -> Places | None:
        """The parts by column; None where they are so already."""
        order = np.argsort(np.asarray(self.owners, np.int64), kind="stable")
        return None if np.all(np.diff(order) == 1) else order

    @cached_property
    def _starts(self) -> tuple[Places, Places]:
        """The columns that own parts, and where the parts of each start among those by column."""
        return np.unique(np.sort(np.asarray(self.owners, np.int64)), return_index=True)

    def __call__(self, parts: Floats) -> Floats:
        """The sums float64 [n, n_columns] of parts [n, n_parts]."""
        if self._order is not None:
            parts = parts[:, self._order]
        columns, starts = self._starts
        if len(columns) == len(self.owners) == self.n_columns:
            return parts
        sums = np.zeros((len(parts), self.n_columns), parts.dtype)
        if len(columns):
            sums[:, columns] = np.add.reduceat(parts, starts, axis=1)
        return sums

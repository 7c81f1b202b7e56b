"""Sums over the parts of each column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnSums:
    """Sums the parts [n, n_parts] of each column into values by column [n, n_columns].

    A product with a matrix of zeros and ones would give the same, but for 1,000 columns that matrix has a million
    entries, nearly all of them zero.

    Attributes
    ----------
    owners : the column of each part, n_parts numbers
    n_columns : number of columns, including columns without a part

    Examples
    --------
    >>> ColumnSums((0, 2, 0), 3)(np.array([[1.0, 2.0, 4.0]]))
    array([[5., 0., 2.]])
    """

    owners: tuple[int, ...]
    n_columns: int

    @cached_property
    def _order(self) -> Places | None:
        """The order that sorts the parts by column; None if they are sorted already."""
        order = np.argsort(np.asarray(self.owners, np.int64), kind="stable")
        return None if np.all(np.diff(order) == 1) else order

    @cached_property
    def _starts(self) -> tuple[Places, Places]:
        """The columns that have parts, and the index of each one's first part among the sorted parts."""
        return np.unique(np.sort(np.asarray(self.owners, np.int64)), return_index=True)

    def __call__(self, parts: Floats) -> Floats:
        """Return the sums float64 [n, n_columns] of parts [n, n_parts]."""
        if self._order is not None:
            parts = parts[:, self._order]
        columns, starts = self._starts
        if len(columns) == len(self.owners) == self.n_columns:
            return parts
        sums = np.zeros((len(parts), self.n_columns), parts.dtype)
        if len(columns):
            sums[:, columns] = np.add.reduceat(parts, starts, axis=1)
        return sums

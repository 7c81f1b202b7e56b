"""The evidence that a row is odd, split over columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """The evidence that rows are odd: parts >= 0 whose sum is the raw score.

    Attributes
    ----------
    column : float64 [n, n_columns], the part of each column alone
    combination : float64 [n], the part that only the combination of columns explains
    """

    column: Floats
    combination: Floats

    @property
    def raw(self) -> Floats:
        """The raw score [n]: the sum of the parts."""
        return np.asarray(self.column.sum(axis=1) + self.combination)


def split_total(total: Floats, column: Floats, combination: Floats) -> tuple[Floats, Floats]:
    """Return totals [n] split in proportion to parts; where all parts are 0, the combination gets the whole total."""
    whole = column.sum(axis=1) + combination
    factor = np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)
    column_part = column * factor[:, None]
    return column_part, np.maximum(total - column_part.sum(axis=1), 0.0)

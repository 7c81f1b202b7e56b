"""What speaks for a row being odd, in parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What speaks for a row being odd, in parts >= 0 that add up to its raw score.

    Attributes
    ----------
    column : float64 [n, n_columns], what each column brings by itself
    combination : float64 [n], what only the columns together bring
    """

    column: Floats
    combination: Floats

    @property
    def raw(self) -> Floats:
        """The raw score [n]: the sum of the parts."""
        return np.asarray(self.column.sum(axis=1) + self.combination)


def split_total(total: Floats, column: Floats, combination: Floats) -> tuple[Floats, Floats]:
    """Split totals [n] in proportion to parts; where all parts are zero, no column carries anything."""
    whole = column.sum(axis=1) + combination
    factor = np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)
    column_part = column * factor[:, None]
    return column_part, np.maximum(total - column_part.sum(axis=1), 0.0)

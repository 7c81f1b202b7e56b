"""The range of some numbers: the smallest and the largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ValueRange:
    """The smallest and the largest of some numbers; ``low > high`` for no numbers."""

    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def of(cls, values: Floats) -> ValueRange:
        """Return the range of float64 [n]; NaN is left out."""
        present = values[~np.isnan(values)]
        return cls(float(present.min()), float(present.max())) if present.size else cls()

    def merged(self, other: ValueRange) -> ValueRange:
        """Return the range that covers both."""
        return ValueRange(min(self.low, other.low), max(self.high, other.high))

    @property
    def ends(self) -> Floats:
        """Both ends as an array [2], or an empty array for no numbers."""
        return np.array([self.low, self.high] if self.low <= self.high else [])

    def scaled(self, factor: float) -> ValueRange:
        """Return the range of the numbers times a factor > 0."""
        return ValueRange(self.low * factor, self.high * factor)


NO_RANGE = ValueRange()
"""The range of no numbers."""

"""The smallest and the largest of some numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ValueRange:
    """The smallest and the largest of some numbers; the wrong way round of none."""

    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def of(cls, values: Floats) -> ValueRange:
        """Of float64 [n]; NaN is left out."""
        present = values[~np.isnan(values)]
        return cls(float(present.min()), float(present.max())) if present.size else cls()

    def merged(self, other: ValueRange) -> ValueRange:
        """Of both."""
        return ValueRange(min(self.low, other.low), max(self.high, other.high))

    @property
    def ends(self) -> Floats:
        """Both, or nothing."""
        return np.array([self.low, self.high] if self.low <= self.high else [])

    def scaled(self, factor: float) -> ValueRange:
        """Of the numbers times a factor > 0."""
        return ValueRange(self.low * factor, self.high * factor)


NO_RANGE = ValueRange()
"""The range of no numbers."""

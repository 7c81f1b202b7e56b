"""Numbers of many columns at once: standardised, and what of them is evidence by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns._scaling import Scaling, Scalings
from oddrow.table import Floats

RANGE_MARGIN = 0.5
"""A number within so many widths of the range seen is no news: its neighbours tell how odd it is."""


def nats_of_never(n_rows: int) -> float:
    """Improbability of what n rows never showed, by the rule of succession."""
    return float(np.log(n_rows + 1.0))


@dataclass(frozen=True)
class EncodedNumbers:
    """Numbers of k columns, a row of each array a column.

    Attributes
    ----------
    features : float64 [k, n], standardised; 0 where missing
    missing : bool [k, n]
    novelty : float64 [k, n] >= 0, nats; None where there is none at all
    """

    features: Floats
    missing: npt.NDArray[np.bool_]
    novelty: Floats | None


@dataclass(frozen=True)
class Numbers:
    """How the numbers of k columns are encoded, a small table's in one go instead of k.

    ``has_missing`` tells in which columns training had values missing, so that a missing one is no evidence.
    """

    scalings: tuple[Scaling, ...]
    has_missing: tuple[bool, ...]

    @cached_property
    def _scalings(self) -> Scalings:
        return Scalings(self.scalings)

    def encode(self, values: Floats, n_rows: int) -> EncodedNumbers:
        """Encode values [k, n], NaN where missing, learned from so many rows."""
        features, excess = self._scalings.apply(values)
        missing = np.isnan(values)
        is_missing = bool(missing.any())
        if excess is None and not is_missing:
            return EncodedNumbers(features, missing, None)
        novelty = np.zeros(values.shape)
        if excess is not None:
            outside = excess > RANGE_MARGIN
            novelty[outside] = np.log1p(n_rows * (excess[outside] - RANGE_MARGIN))
        if is_missing:
            features[missing] = 0.0
            novelty[missing & ~np.array(self.has_missing)[:, None]] = nats_of_never(n_rows)
        return EncodedNumbers(features, missing, novelty)

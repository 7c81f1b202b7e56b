"""Values of a column in the reference of the training rows: counted values, and numbers with quantiles."""

from __future__ import annotations

import numpy as np

from oddrow.columns._sketch import ColumnSketch
from oddrow.columns.kinds._protocol import ColumnEncoding
from oddrow.table import Floats

FLAGS = ("false", "true")
NO_NUMBERS = (np.empty(0), np.empty(0))
"""The numbers of a column of names or flags, which has no quantiles."""


def listed_names(encoding: ColumnEncoding) -> tuple[str, ...]:
    """Return the names that an encoding lists, the most frequent first."""
    return tuple(name for name in encoding.known if isinstance(name, str))


def present_numbers(values: Floats, rest: ColumnSketch) -> tuple[Floats, Floats]:
    """Return the values that are not missing, and the smallest and largest value of rows outside the sample."""
    return values[~np.isnan(values)], rest.range.ends

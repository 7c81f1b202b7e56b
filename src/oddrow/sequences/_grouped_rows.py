"""Rows grouped by entity, with exact sums over the earlier rows of a group: no result depends on other rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LIMBS = 4
"""Number of whole numbers that represent one value, each of ``LIMB_BITS`` bits."""
LIMB_BITS = 32
_LARGEST_TOP = 2.0**30
"""Bound of the highest limb: 2**33 such values add up without overflow. Larger values enter sums as this bound."""
_FRACTION_BITS = 64
_MEDIANS_AT_ONCE = 8_192


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Rows sorted by group and, within a group, by time.

    Attributes
    ----------
    group : int64 [n], ascending
    time : float64 [n], ascending within a group
    """

    group: Whole
    time: Floats

    @cached_property
    def start(self) -> Whole:
        """int64 [n]: the index of the first row of the group of each row."""
        return np.asarray(np.searchsorted(self.group, self.group, side="left"), np.int64)

    def since(self, seconds: float) -> Whole:
        """int64 [n]: the index of the first row of the group whose time is at most ``seconds`` before that of a row."""
        moments = np.unique(self.time)
        # A pair of group and time is one whole number, so that one search finds the place within the group.
        own = self.group * (len(moments) + 1)
        earliest = own + np.searchsorted(moments, self.time - seconds, side="left")
        return np.asarray(np.searchsorted(own + np.searchsorted(moments, self.time), earliest, side="left"), np.int64)


def unit_exponent(values: Floats) -> int:
    """Return the exponent of two of the unit in which :func:`window_sums` counts numbers of this size.

    The unit is 2**-64 of the median magnitude of the values that are not 0 and not NaN.
    """
    present = np.abs(values[~np.isnan(values) & (values != 0)])
    typical = float(np.median(present / 2)) * 2 if len(present) else 1.0
    return max(math.frexp(typical)[1], -900) - _FRACTION_BITS


def window_sums(values: Floats, since: Whole, exponent: int) -> Floats:
    """float64 [n]: the sum of the values from row ``since`` up to the row before each row, NaN if none is present.

    The sum of no rows is 0. Values [n] are counted in units of ``2**exponent`` by whole numbers, whose sums are exact
    in any order; float64 sums would depend on the rows before the window. Values beyond 2**126 units count as that.
    """
    present = ~np.isnan(values)
    with np.errstate(over="ignore", under="ignore"):
        rest = np.ldexp(np.where(present, values, 0.0), -exponent)
    bound = _LARGEST_TOP * 2.0 ** (LIMB_BITS * (LIMBS - 1))
    rest = np.clip(rest, -bound, bound)
    total = np.zeros(len(values))
    for place in range(LIMBS - 1, -1, -1):
        weight = 2.0 ** (LIMB_BITS * place)
        limb = np.trunc(rest / weight) if place else np.rint(rest)
        rest = rest - limb * weight  # exact: the high bits of a number are removed
        total = total * 2.0**LIMB_BITS + _sums(limb.astype(np.int64), since)
    total = np.ldexp(total, exponent)
    n_rows = np.arange(len(values)) - since
    n_present = _sums(present.astype(np.int64), since)
    return np.where((n_present == 0) & (n_rows > 0), np.nan, total)


def _sums(counts: Whole, since: Whole) -> Whole:
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return np.asarray(before[:-1] - before[since])


def earlier_medians(values: Floats, start: Whole, rows: Whole, most: int, least: int) -> Floats:
    """float64 [k]: the median of at most ``most`` values before each of ``rows``; NaN if there are fewer than
    ``least``.

    ``start`` [n] is the index of the first value of the group of each value.
    """
    medians = np.full(len(rows), np.nan)
    for first in range(0, len(rows), _MEDIANS_AT_ONCE):
        some = rows[first : first + _MEDIANS_AT_ONCE]
        places = some[:, None] - np.arange(1, most + 1)
        ordered = np.where(places >= start[some][:, None], values[np.maximum(places, 0)], np.nan)
        ordered.sort(axis=1)  # NaN comes last
        count = np.minimum(some - start[some], most)
        middle = np.maximum(count, 1)
        each = np.arange(len(some))
        low, high = ordered[each, (middle - 1) // 2], ordered[each, middle // 2]
        medians[first : first + _MEDIANS_AT_ONCE] = np.where(count >= least, low / 2 + high / 2, np.nan)
    return medians

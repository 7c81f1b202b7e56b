"""Where the remembered rows occur in an ordered table, and which of them depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """The positions of rows [n] in an ordered table.

    Two rows depend on each other if their positions differ by at most the gap, or if they belong to the same group.

    Attributes
    ----------
    position : int64 [n]; rows of equal time have equal positions
    gap : the largest difference of positions at which two rows depend on each other; -1 if no rows do
    group : int64 [n], the number of the group of each row; None if groups do not matter
    """

    position: Places
    gap: int
    group: Places | None = None

    @property
    def cluster(self) -> Places:
        """The number of a stretch of time, or of the group, that holds most rows that depend on a row, int64 [n]."""
        return self.position // (2 * self.gap + 1) if self.group is None else self.group

    def take(self, rows: Places) -> Moments:
        """Return the moments of the rows with these indices."""
        return Moments(self.position[rows], self.gap, None if self.group is None else self.group[rows])


@dataclass(frozen=True)
class Occurrences:
    """The first and the last position of each remembered row, which may stand for several equal rows.

    Attributes
    ----------
    first, last : int64 [m], positions
    gap : as in :class:`Moments`
    lowest, highest : int64 [m], the smallest and the largest group number; None if groups do not matter
    """

    first: Places
    last: Places
    gap: int
    lowest: Places | None = None
    highest: Places | None = None

    @classmethod
    def of(cls, keys: Sequence[bytes], remembered: Sequence[bytes], moments: Moments) -> Occurrences:
        """Find all rows that equal each remembered row, by keys of the rows [n] and of the remembered ones [m]."""
        places = {key: place for place, key in enumerate(remembered)}
        own = np.array([places.get(key, -1) for key in keys], np.int64)
        found, chosen = np.flatnonzero(own >= 0), own[own >= 0]

        def ends(values: Places) -> tuple[Places, Places]:
            low = np.full(len(remembered), np.iinfo(np.int64).max)
            high = np.full(len(remembered), np.iinfo(np.int64).min)
            np.minimum.at(low, chosen, values[found])
            np.maximum.at(high, chosen, values[found])
            return low, high

        first, last = ends(moments.position)
        lowest, highest = (None, None) if moments.group is None else ends(moments.group)
        return cls(first, last, moments.gap, lowest, highest)

    def dependent_on(self, own: Places) -> npt.NDArray[np.bool_]:
        """Return bool [n, m]: which remembered rows depend on the remembered rows with the indices ``own`` [n].

        A remembered row depends on another one if all rows that equal it do; one that occurs elsewhere too is
        evidence like any other row.
        """
        first, last = self.first[own][:, None], self.last[own][:, None]
        dependent = (self.first >= last - self.gap) & (self.last <= first + self.gap)
        if self.lowest is not None and self.highest is not None:
            lowest, highest = self.lowest[own][:, None], self.highest[own][:, None]
            dependent |= (self.lowest == highest) & (self.highest == lowest)
        return np.asarray(dependent)

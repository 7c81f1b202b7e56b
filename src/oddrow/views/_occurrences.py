"""Where the remembered rows occur in an ordered table, and which of them depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """The positions of rows [n] in an ordered table, and their groups.

    Two rows depend on each other if their positions differ by at most the gap, or if they belong to the same group.

    Attributes
    ----------
    position : int64 [n]; rows of equal time have equal positions. None if the order does not matter
    gap : the largest difference of positions at which two rows depend on each other
    group : int64 [n], the number of the group of each row; None if groups do not matter
    """

    position: Places | None
    gap: int
    group: Places | None = None

    def take(self, rows: Places) -> Moments:
        """Return the moments of the rows with these indices."""
        position = None if self.position is None else self.position[rows]
        return Moments(position, self.gap, None if self.group is None else self.group[rows])


@dataclass(frozen=True)
class Ends:
    """The smallest and the largest value of the rows that equal each remembered row, int64 [m] each."""

    low: Places
    high: Places

    def depend(self, own: Places, gap: int) -> npt.NDArray[np.bool_]:
        """Return bool [n, m]: whether all values of a remembered row are within the gap of all those of row ``own``."""
        return np.asarray((self.low >= self.high[own][:, None] - gap) & (self.high <= self.low[own][:, None] + gap))


@dataclass(frozen=True)
class Occurrences:
    """Where each remembered row, which may stand for several equal rows, occurs in an ordered or grouped table.

    Attributes
    ----------
    positions, groups : None if positions, or groups, do not matter
    gap : as in :class:`Moments`
    """

    positions: Ends | None
    groups: Ends | None
    gap: int

    @classmethod
    def of(cls, keys: Sequence[bytes], remembered: Sequence[bytes], moments: Moments) -> Occurrences:
        """Find all rows that equal each remembered row, by keys of the rows [n] and of the remembered ones [m]."""
        places = {key: place for place, key in enumerate(remembered)}
        own = np.array([places.get(key, -1) for key in keys], np.int64)
        found, chosen = np.flatnonzero(own >= 0), own[own >= 0]

        def ends(values: Places | None) -> Ends | None:
            if values is None:
                return None
            low = np.full(len(remembered), np.iinfo(np.int64).max)
            high = np.full(len(remembered), np.iinfo(np.int64).min)
            np.minimum.at(low, chosen, values[found])
            np.maximum.at(high, chosen, values[found])
            return Ends(low, high)

        return cls(ends(moments.position), ends(moments.group), moments.gap)

    def dependent_on(self, own: Places) -> npt.NDArray[np.bool_]:
        """Return bool [n, m]: which remembered rows depend on the remembered rows with the indices ``own`` [n].

        A remembered row depends on another one if all rows that equal it do; one that occurs elsewhere too is
        evidence like any other row.
        """
        kinds = ((self.positions, self.gap), (self.groups, 0))
        found = [ends.depend(own, gap) for ends, gap in kinds if ends is not None]
        return np.asarray(np.logical_or.reduce(found))

"""Rows are compared with rows of their kind: a kind that makes up a few percent of a table and repeats is not odd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KindLevels:
    """How much higher the scores of each kind of row are than those of the typical kind.

    A kind is a value with a place of its own: a frequent category, a known text, a template. Rare values that share a
    place are no kind. A table of numbers alone has no kinds, and each of its rows has level 0.

    Attributes
    ----------
    groups : the places of each column of names
    levels : of each, float64 [places + 1] >= 0, the last 0 for what has no place
    """

    groups: tuple[tuple[int, ...], ...]
    levels: tuple[Floats, ...]

    @classmethod
    def learn(
        cls,
        layout: FeatureLayout,
        rows: npt.NDArray[np.float32],
        scores: Floats,
        constants: ScoringConstants = DEFAULT_CONSTANTS,
    ) -> KindLevels:
        """Learn from encoded rows [n, n_features] and their scores [n].

        The level of a kind is the difference between the 95 % quantile of its scores and that of the column's typical
        kind (the median over the rows), less a standard error of the first, and 0 where that is negative: a kind of few
        rows has a high level only if its scores are far higher.
        """
        levels = [np.zeros(len(group) + 1) for group in layout.groups]
        if not len(scores):
            return cls(layout.groups, tuple(levels))
        quantile = constants.kind_quantile
        # the standard error of that quantile of one row, in distances from there to the median, of an exponential tail
        unit_error = np.sqrt(quantile / (1.0 - quantile)) / np.log(0.5 / (1.0 - quantile))
        error = unit_error * float(np.subtract(*np.quantile(scores, [quantile, 0.5])))
        for group, own in zip(layout.groups, levels, strict=True):
            place = _places(group, rows)
            n_of = np.bincount(place, minlength=len(group) + 1)
            kinds = np.flatnonzero(n_of[: len(group) - 1])  # the last place is that of the rare
            if not len(kinds):
                continue
            high = np.array([np.quantile(scores[place == kind], quantile) for kind in kinds])
            order = np.argsort(high, kind="stable")
            passed = np.cumsum(n_of[kinds][order])
            typical = high[order][np.searchsorted(passed, passed[-1] / 2.0)]
            own[kinds] = np.maximum(high - typical - error / np.sqrt(n_of[kinds]), 0.0)
        return cls(layout.groups, tuple(levels))

    @classmethod
    def of_distances(
        cls,
        layout: FeatureLayout,
        rows: npt.NDArray[np.float32],
        distances: Floats,
        constants: ScoringConstants = DEFAULT_CONSTANTS,
    ) -> KindLevels:
        """The levels of the logarithms of distances [n]."""
        positive = distances[distances > 0]
        if not len(positive):
            return cls((), ())
        return cls.learn(layout, rows, np.log(np.maximum(distances, positive.min())), constants)

    def relative(self, rows: npt.NDArray[np.float32], distances: Floats) -> Floats:
        """Distances [n] of rows, each divided by how much larger it is for the kind of row."""
        return np.asarray(distances * np.exp(-self.of(rows)))

    def of(self, rows: npt.NDArray[np.float32]) -> Floats:
        """The level of each row [n]: the highest of those of its kinds."""
        highest = np.zeros(len(rows))
        for group, levels in zip(self.groups, self.levels, strict=True):
            np.maximum(highest, levels[_places(group, rows)], out=highest)
        return highest

    @property
    def highest(self) -> float:
        """The highest level of any kind; 0 where there is none."""
        return max((float(levels.max()) for levels in self.levels), default=0.0)


def _places(group: tuple[int, ...], rows: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The place that each row [n] takes in a group; one past the last where it takes none."""
    taken = rows[:, group[0] : group[-1] + 1]
    return np.where(taken.any(axis=1), np.argmax(taken, axis=1), len(group))

"""Compare rows with rows of their kind, so that a repeated kind of a few percent of a table is not odd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KindLevels:
    """The difference between the scores of each kind of row and those of the typical kind.

    A kind is a value with its own one-hot feature: a frequent category, a known text, a template. Rare values that
    share a feature are not a kind. A table with numbers only has no kinds, and all its rows have level 0.

    Attributes
    ----------
    groups : the feature indices of each categorical column
    levels : for each group, float64 [features + 1] >= 0; the last is 0, for values without a feature
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

        The level of a kind is the 95 % quantile of its scores, minus that of the column's typical kind (the median over
        the rows), minus one standard error of the first quantile; negative levels are set to 0. So a kind of few rows
        has a high level only if its scores are far higher.
        """
        levels = [np.zeros(len(group) + 1) for group in layout.groups]
        if not len(scores):
            return cls(layout.groups, tuple(levels))
        quantile = constants.kind_quantile
        # the standard error of that quantile for one row and an exponential tail, relative to quantile minus median
        unit_error = np.sqrt(quantile / (1.0 - quantile)) / np.log(0.5 / (1.0 - quantile))
        error = unit_error * float(np.subtract(*np.quantile(scores, [quantile, 0.5])))
        for group, own in zip(layout.groups, levels, strict=True):
            place = _places(group, rows)
            n_of = np.bincount(place, minlength=len(group) + 1)
            kinds = np.flatnonzero(n_of[: len(group) - 1])  # the last index is that of rare values
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
        """Learn the levels of the logarithms of distances [n]."""
        positive = distances[distances > 0]
        if not len(positive):
            return cls((), ())
        return cls.learn(layout, rows, np.log(np.maximum(distances, positive.min())), constants)

    def relative(self, rows: npt.NDArray[np.float32], distances: Floats) -> Floats:
        """Return distances [n], each divided by the factor by which the distances of the row's kind are larger."""
        return np.asarray(distances * np.exp(-self.of(rows)))

    def of(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return the level of each row [n]: the highest level of its kinds."""
        highest = np.zeros(len(rows))
        for group, levels in zip(self.groups, self.levels, strict=True):
            np.maximum(highest, levels[_places(group, rows)], out=highest)
        return highest

    @property
    def highest(self) -> float:
        """The highest level of any kind; 0 where there is none."""
        return max((float(levels.max()) for levels in self.levels), default=0.0)


def _places(group: tuple[int, ...], rows: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the index of each row's feature [n] within a group; the length of the group if it has none."""
    taken = rows[:, group[0] : group[-1] + 1]
    return np.where(taken.any(axis=1), np.argmax(taken, axis=1), len(group))

"""How the rows of a table are held out in turn, and which of them depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.calibration import Calibration, Source, effective_rows
from oddrow.columns import TableEncoding
from oddrow.fitting._dependence import RowOrder
from oddrow.fitting._folds import Fold, block_folds, group_folds, random_folds
from oddrow.fitting._gap import estimated_gap
from oddrow.scoring_constants import ScoringConstants
from oddrow.views import Moments

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

GAPS_PER_STRETCH = (1, 2, 5)
"""Lengths of stretches of time that count as independent of each other, in gaps. Short stretches leave a part of the
dependence out; of long ones there are few, so that the variance between them is estimated poorly. The length that shows
the most dependence counts."""
NUMBERS_OF_STRETCHES = (50, 20)
"""Other lengths, as numbers of equal stretches; no length gives more than the first. They also show dependence beyond
the gap, which is that of the values: a change of their variance that lasts, for example, need not correlate values."""


@dataclass(frozen=True)
class Folding:
    """The folds of a cross-calibration.

    Attributes
    ----------
    folds : the rows that are held out in turn
    source : how the scores of the calibration rows come about
    moments : positions and groups of the rows; None if the rows are independent
    clusters : int64 [n] each, rows of different clusters are about independent; the cut of the rows into clusters that
        shows the most dependence counts. Empty if all rows are independent
    """

    folds: Sequence[Fold]
    source: Source
    moments: Moments | None = None
    clusters: Sequence[Places] = ()

    @classmethod
    def random(cls, n_rows: int, rng: np.random.Generator) -> Folding:
        """Hold out independent rows at random."""
        return cls(random_folds(n_rows, rng), "cross-fitted")

    @classmethod
    def dependent(cls, order: RowOrder, table: pa.Table, encoding: TableEncoding, rng: np.random.Generator) -> Folding:
        """Hold out contiguous blocks of the rows of a table in time, or whole groups if no time is given.

        The encoding of the rows serves to estimate the gap, if it is not given.
        """
        position, group = order.position, order.group
        if position is None:
            assert group is not None  # noqa: S101 - a dependence has a time or a group
            return cls(group_folds(group, rng), "group cross-fitted", Moments(None, 0, group), [group])
        gap = order.gap
        if gap is None:
            gap = estimated_gap(encoding, encoding.encode(table), position, group)
        return cls(block_folds(position, gap), "block cross-fitted", Moments(position, gap), _stretches(position, gap))

    def calibration(self, seen: Sequence[Floats], constants: ScoringConstants) -> Calibration:
        """Learn the calibration from the raw scores of the rows of each fold."""
        scores = np.concatenate(seen)
        calibration = Calibration.learn(scores, self.source, constants)
        if not self.clusters:
            return calibration
        row = np.concatenate([fold.held_out for fold in self.folds])
        return calibration.worth(min(effective_rows(scores, cluster[row]) for cluster in self.clusters))


def _stretches(position: Places, gap: int) -> list[Places]:
    """Return the number of the stretch of time of each row, for stretches of several lengths."""
    times, own = np.unique(position, return_inverse=True)
    equal = [max(-(-len(times) // number), 1) for number in NUMBERS_OF_STRETCHES]
    lengths = {max(gaps * gap, equal[0]) for gaps in GAPS_PER_STRETCH} | set(equal)
    return [np.asarray(own // length) for length in sorted(lengths)]

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

GAPS_PER_CLUSTER = 5
"""Length of a stretch of time that counts as independent of the others, in gaps."""
MAX_CLUSTERS = 50
"""Largest number of such stretches; longer stretches also show dependence beyond the gap."""


@dataclass(frozen=True)
class Folding:
    """The folds of a cross-calibration.

    Attributes
    ----------
    folds : the rows that are held out in turn
    source : how the scores of the calibration rows come about
    moments : positions and groups of the rows; None if the rows are independent
    cluster : int64 [n], rows of different clusters are independent; None if all rows are
    """

    folds: Sequence[Fold]
    source: Source
    moments: Moments | None = None
    cluster: Places | None = None

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
            return cls(group_folds(group, rng), "group cross-fitted", Moments(group, -1, group), group)
        gap = order.gap
        if gap is None:
            gap = estimated_gap(encoding, encoding.encode(table), position, group)
        return cls(block_folds(position, gap), "block cross-fitted", Moments(position, gap), _stretches(position, gap))

    def calibration(self, seen: Sequence[Floats], constants: ScoringConstants) -> Calibration:
        """Learn the calibration from the raw scores of the rows of each fold."""
        scores = np.concatenate(seen)
        calibration = Calibration.learn(scores, self.source, constants)
        if self.cluster is None:
            return calibration
        cluster = self.cluster[np.concatenate([fold.held_out for fold in self.folds])]
        return calibration.worth(effective_rows(scores, cluster))


def _stretches(position: Places, gap: int) -> Places:
    """Return the number of the stretch of time of each row."""
    times, own = np.unique(position, return_inverse=True)
    length = max(GAPS_PER_CLUSTER * gap, -(-len(times) // MAX_CLUSTERS), 1)
    return np.asarray(own // length)

"""Distance of a row to the nearest remembered row within random subsets of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oddrow.container import Arrays, ArrayStore
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._row_context import RowContext
from oddrow.views._subset_neighbours import SubsetNeighbours, random_members
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore


@dataclass(frozen=True)
class RandomSubsetsView:
    """The distances to the nearest remembered row within random subsets of the columns, combined.

    A row that is odd in few of many columns can be far from all others in a subset, while in all columns together its
    difference is small beside the sum of the ordinary ones (feature bagging, Lazarevic and Kumar 2005). Numbers are
    normal scores of their ranks in every second subset, and in standard deviations in the others.
    """

    neighbours: SubsetNeighbours

    name: ClassVar[str] = "random_subsets"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> RandomSubsetsView:
        """Draw the subsets, and learn their curves.

        The subsets depend on nothing but the columns that have features, so that all fits of a cross-calibration have
        the same ones.
        """
        rng = np.random.default_rng(0)
        members = random_members(context, context.basis.constants.random_subsets, rng)
        is_ranked = np.arange(len(members)) % 2 == 0
        return cls(SubsetNeighbours.learn(context, members, is_ranked))

    def score(self, rows: RowContext) -> ViewScore:
        return self.neighbours.score(rows)

    def units(self, training: RowContext) -> None:  # noqa: ARG002 - every fit has the same subsets, in nats
        return None

    def packed(self) -> Arrays:
        return self.neighbours.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> RandomSubsetsView:
        return cls(SubsetNeighbours.unpacked(store, basis, basis.constants.random_subsets))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        return self.neighbours.graph(rows)

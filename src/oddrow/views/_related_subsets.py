"""Distance of a row to the nearest remembered row within subsets of columns that depend on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._pair_information import PairInformation
from oddrow.views._row_context import RowContext
from oddrow.views._subset_neighbours import (
    SubsetNeighbours,
    columns_with_features,
    different,
    random_members,
    subset_size,
)
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore


@dataclass(frozen=True)
class RelatedSubsetsView:
    """The distances to the nearest remembered row within subsets of related columns, combined.

    A subset is a random column with the columns that have the largest mutual information with it: a combination of
    values that these columns never show together is far from all remembered rows. Numbers are normal scores of their
    ranks.
    """

    neighbours: SubsetNeighbours

    name: ClassVar[str] = "related_subsets"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> RelatedSubsetsView:
        """Choose the subsets, and learn their curves.

        Between rows that depend on each other, columns depend on each other by chance; then the subsets are random.
        """
        rng = np.random.default_rng(1)  # the first columns and the sizes are the same in all fits
        if context.is_dependent:
            members = random_members(context, context.basis.constants.related_subsets, rng)
        else:
            members = _related_members(context, rng)
        return cls(SubsetNeighbours.learn(context, members, np.ones(len(members), np.bool_)))

    def score(self, rows: RowContext) -> ViewScore:
        return self.neighbours.score(rows)

    def units(self, training: RowContext) -> None:  # noqa: ARG002 - the curves give nats in every fit
        return None

    def packed(self) -> Arrays:
        return self.neighbours.packed()

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> RelatedSubsetsView:
        return cls(SubsetNeighbours.unpacked(store, basis, basis.constants.related_subsets))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        return self.neighbours.graph(rows)


def _related_members(context: LearningContext, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return subsets bool [k, n_columns] of a column and those most informative about it."""
    basis, constants = context.basis, context.basis.constants
    columns = columns_with_features(basis.layout)
    members = np.zeros((min(constants.related_subsets, len(columns)), basis.layout.n_columns), np.bool_)
    if not len(members):
        return members
    pairs = PairInformation.learn(basis.coding.variables, context.training, context.rng, constants)
    for subset, column in zip(members, rng.permutation(columns), strict=False):
        size = subset_size(len(columns), constants.min_subset_share, constants.max_subset_share, rng)
        if len(columns) == 2:
            size = 2  # one column alone would leave out the only combination of a table of two
        subset[column] = True
        subset[pairs.columns_related_to(int(column))[: size - 1]] = True
    return different(members)

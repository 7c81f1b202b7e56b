"""Sparseness of the remembered rows around a row, with numbers as normal scores of their ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oddrow.container import Arrays, ArrayStore
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore


@dataclass(frozen=True)
class RankSparsenessView:
    """How much further a row is from its neighbours than these are from their neighbours, in normal scores.

    The score is split over the columns in proportion to their mean squared difference to the neighbours.

    Where duplicates are common, the distances between remembered rows, which all differ, do not show how many training
    rows are around a row. The score of every row is 0 then.

    Attributes
    ----------
    is_used : whether duplicates are few among the training rows
    """

    is_used: bool = True

    name: ClassVar[str] = "rank_sparseness"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> RankSparsenessView:
        return cls(context.basis.normal_rows.has_few_duplicates)

    def score(self, rows: RowContext) -> ViewScore:
        if not self.is_used:
            return ViewScore(rows.no_column, total=np.zeros(len(rows.rows)))
        return ViewScore(rows.among_ranks.apartness, total=rows.among_ranks.sparseness)

    def units(self, training: RowContext) -> None:  # noqa: ARG002 - every fit measures the same distances
        return None

    def packed(self) -> Arrays:
        return {} if self.is_used else {"is_used": np.zeros(1, np.int64)}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> RankSparsenessView:  # noqa: ARG003 - it has no array of rows
        return cls("is_used" not in store.names or bool(store.take_flags("is_used", 1)[0]))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        if not self.is_used:
            return GraphScore(rows.no_column, total=rows.no_column.sum(axis=1, keepdims=True))
        return GraphScore(rows.among_ranks.apartness, total=rows.among_ranks.sparseness)

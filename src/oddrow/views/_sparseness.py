"""Sparseness of the remembered rows around a row, with numbers in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oddrow.container import Arrays, ArrayStore
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore


@dataclass(frozen=True)
class SparsenessView:
    """How much further a row is from its neighbours than these are from their neighbours, in standard deviations.

    The score is split over the columns in proportion to their mean squared difference to the neighbours.
    """

    name: ClassVar[str] = "sparseness"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> SparsenessView:  # noqa: ARG003 - the remembered rows are in the basis
        return cls()

    def score(self, rows: RowContext) -> ViewScore:
        return ViewScore(rows.among_values.apartness, total=rows.among_values.sparseness)

    def units(self, training: RowContext) -> None:  # noqa: ARG002 - every fit measures the same distances
        return None

    def packed(self) -> Arrays:
        return {}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> SparsenessView:  # noqa: ARG003 - it has no arrays
        return cls()

    def graph(self, rows: GraphRowContext) -> GraphScore:
        return GraphScore(rows.among_values.apartness, total=rows.among_values.sparseness)

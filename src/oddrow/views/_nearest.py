"""Distance of a row to the nearest remembered row, with numbers in standard deviations."""

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
class NearestView:
    """The distance to the nearest remembered row, with numbers in standard deviations.

    The squared distance is a sum over columns, and the score is split in proportion to its terms.
    """

    name: ClassVar[str] = "nearest"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> NearestView:  # noqa: ARG003 - the remembered rows are in the basis
        return cls()

    def score(self, rows: RowContext) -> ViewScore:
        squares = rows.among_values.nearest
        return ViewScore(squares, total=np.sqrt(squares.sum(axis=1)))

    def units(self, training: RowContext) -> None:  # noqa: ARG002 - every fit measures the same distances
        return None

    def packed(self) -> Arrays:
        return {}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> NearestView:  # noqa: ARG003 - it has no arrays
        return cls()

    def graph(self, rows: GraphRowContext) -> GraphScore:
        around = rows.among_values
        return GraphScore(around.nearest, total=around.distance)

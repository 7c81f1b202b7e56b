"""Rows in an ONNX graph as input of the views; operations that several views need are added once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.density import ReadValues, column_nats, read_values
from oddrow.graph import GraphNamespace, Value
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_neighbours import NeighbourhoodValues, nearest_places, neighbourhood, places_of_equals
from oddrow.views._spaces import Space
from oddrow.views._surroundings import Surroundings


@dataclass(frozen=True)
class GraphRowContext:
    """The counterpart of :class:`RowContext` in a graph, in double precision.

    Attributes
    ----------
    basis : the state that the views share
    xp : the operations of the graph
    rows : float64 [n, n_features], each rounded to float32 as an encoded table holds it
    presence : bool [n, n_columns]
    """

    basis: ViewBasis
    xp: GraphNamespace
    rows: Value
    presence: Value

    @property
    def layout(self) -> FeatureLayout:
        """The assignment of features to columns."""
        return self.basis.layout

    @property
    def constants(self) -> ScoringConstants:
        """The constants that define a score."""
        return self.basis.constants

    @property
    def no_column(self) -> Value:
        """Zeros [n, n_columns]."""
        return self.xp.zeros((*self.rows.shape, self.layout.n_columns))

    @cached_property
    def read(self) -> ReadValues:
        """Latent means, their KL divergence, and the decoder's outputs."""
        return read_values(self.xp, self.basis.density, self.rows)

    @cached_property
    def column_nats(self) -> Value:
        """Negative log-likelihood of each column [n, n_columns]."""
        return column_nats(self.xp, self.basis.density.likelihood, self.read.outputs, self.rows, self.presence)

    @cached_property
    def codes(self) -> Value:
        """The code of each variable, int64 [n, n_variables]."""
        return self.basis.coding.graph(self.xp, self.rows, self.presence)

    @cached_property
    def passed_over(self) -> Value | None:
        """The index of the single remembered row that equals a row, int64 [n, 1]; None if no row is excluded."""
        normal_rows = self.basis.normal_rows
        if not normal_rows.is_single.any():
            return None
        memory = normal_rows.surroundings.memory
        near = nearest_places(self.xp, self.standard, memory, memory.constants.neighbours, None)
        return places_of_equals(self.xp, self.rows, normal_rows.rows, normal_rows.is_single, near)

    @cached_property
    def among_values(self) -> NeighbourhoodValues:
        """The nearest neighbours with numbers in standard deviations; values by column."""
        return self._neighbourhood(self.standard, self.basis.normal_rows.surroundings)

    @cached_property
    def among_ranks(self) -> NeighbourhoodValues:
        """The nearest neighbours with numbers as normal scores of their ranks; values by column."""
        return self._neighbourhood(self.ranked, self.basis.normal_rows.rank_surroundings)

    @cached_property
    def ranked(self) -> Value:
        """The rows [n, n_features] with numbers as normal scores of their ranks."""
        return self._in_space(self.basis.normal_rows.ranks)

    @cached_property
    def standard(self) -> Value:
        """The rows [n, n_features] with numbers in standard deviations."""
        return self._in_space(self.basis.normal_rows.standard)

    def _in_space(self, space: Space) -> Value:
        return space.graph(self.xp, self.rows)

    def _neighbourhood(self, rows: Value, surroundings: Surroundings) -> NeighbourhoodValues:
        around = neighbourhood(self.xp, rows, surroundings, self.passed_over)
        to_columns = indicator(self.layout.feature_column, self.layout.n_columns)
        return NeighbourhoodValues(
            around.nearest @ to_columns, around.apartness @ to_columns, around.distance, around.sparseness
        )


def indicator(owners: Sequence[int], n_columns: int) -> npt.NDArray[np.float64]:
    """Return the matrix [len(owners), n_columns] that sums values into their columns."""
    matrix = np.zeros((len(owners), n_columns))
    matrix[np.arange(len(owners)), np.asarray(owners, np.int64)] = 1.0
    return matrix

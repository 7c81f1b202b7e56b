"""Rows as the views see them: what several views need is computed once, when the first of them asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.density import RowLikelihood, in_blocks
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._basis import ViewBasis
from oddrow.views._spaces import Space
from oddrow.views._surroundings import Neighbourhood, Surroundings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowContext:
    """Encoded rows, and what the network and their neighbours say of them.

    Attributes
    ----------
    basis : what the views share
    rows : float32 [n, n_features], encoded
    presence : bool [n, n_columns], whether a column has a value
    passed_over : int64 [n], the remembered row that is no neighbour of a row: its own place, or that of the only
        remembered row that equals it; -1 where there is none
    counted : bool [n], which rows are training rows: a view scores them as if it had not learned from them
    """

    basis: ViewBasis
    rows: npt.NDArray[np.float32]
    presence: npt.NDArray[np.bool_]
    passed_over: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]

    @property
    def layout(self) -> FeatureLayout:
        """Which features belong to which column."""
        return self.basis.layout

    @property
    def constants(self) -> ScoringConstants:
        """The constants that define a score."""
        return self.basis.constants

    @property
    def no_column(self) -> Floats:
        """Zeros [n, n_columns], for a view whose total no column carries."""
        return np.zeros(self.presence.shape)

    @cached_property
    def read(self) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of the rows."""
        return self.basis.density.read(self.rows, self.presence)

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """The code of each part of the rows [n, n_parts]."""
        return self.basis.coding.codes(self.rows, self.presence)

    @cached_property
    def among_values(self) -> Neighbourhood:
        """The neighbours of the rows where numbers are in standard deviations; by column."""
        normal_rows = self.basis.normal_rows
        return self._neighbourhood(normal_rows.standard, normal_rows.surroundings)

    @cached_property
    def among_ranks(self) -> Neighbourhood:
        """The neighbours of the rows where numbers are the normal scores of their ranks; by column."""
        normal_rows = self.basis.normal_rows
        return self._neighbourhood(normal_rows.ranks, normal_rows.rank_surroundings)

    def _neighbourhood(self, space: Space, surroundings: Surroundings) -> Neighbourhood:
        sums = self.basis.feature_sums

        def block(rows: npt.NDArray[np.float32], passed_over: npt.NDArray[np.int64]) -> tuple[Floats, ...]:
            around = surroundings.of(rows, passed_over)
            return sums(around.nearest), sums(around.apartness), around.sparseness

        return Neighbourhood(*in_blocks(block, space.apply(self.rows), self.passed_over))

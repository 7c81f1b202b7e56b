"""Rows as input of the views; values that several views need are computed once, when first used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.density import RowLikelihood, in_blocks
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._basis import ViewBasis
from oddrow.views._surroundings import Neighbourhood, Surroundings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowContext:
    """Encoded rows, with the network's outputs and the nearest neighbours of each row.

    Attributes
    ----------
    basis : the state that the views share
    rows : float32 [n, n_features], encoded
    presence : bool [n, n_columns], whether a column has a value
    passed_over : int64 [n], the index of the remembered row that is excluded from a row's neighbours: the row itself,
        or the only remembered row that equals it; -1 where there is none
    counted : bool [n], which rows are training rows: a view scores them as if it had not learned from them
    """

    basis: ViewBasis
    rows: npt.NDArray[np.float32]
    presence: npt.NDArray[np.bool_]
    passed_over: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]

    @property
    def layout(self) -> FeatureLayout:
        """The assignment of features to columns."""
        return self.basis.layout

    @property
    def constants(self) -> ScoringConstants:
        """The constants that define a score."""
        return self.basis.constants

    @property
    def no_column(self) -> Floats:
        """Zeros [n, n_columns], for a view whose total is not attributed to columns."""
        return np.zeros(self.presence.shape)

    @cached_property
    def read(self) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of the rows."""
        return self.basis.density.read(self.rows, self.presence)

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """The code of each variable of the rows [n, n_variables]."""
        return self.basis.coding.codes(self.rows, self.presence)

    @cached_property
    def standard(self) -> npt.NDArray[np.float32]:
        """The rows [n, n_features] with numbers in standard deviations."""
        return self.basis.normal_rows.standard.apply(self.rows)

    @cached_property
    def ranked(self) -> npt.NDArray[np.float32]:
        """The rows [n, n_features] with numbers as normal scores of their ranks."""
        return self.basis.normal_rows.ranks.apply(self.rows)

    @cached_property
    def among_values(self) -> Neighbourhood:
        """The nearest neighbours of the rows with numbers in standard deviations; values by column."""
        return self._neighbourhood(self.standard, self.basis.normal_rows.surroundings)

    @cached_property
    def among_ranks(self) -> Neighbourhood:
        """The nearest neighbours of the rows with numbers as normal scores of their ranks; values by column."""
        return self._neighbourhood(self.ranked, self.basis.normal_rows.rank_surroundings)

    def _neighbourhood(self, scaled: npt.NDArray[np.float32], surroundings: Surroundings) -> Neighbourhood:
        sums = self.basis.feature_sums

        def block(
            rows: npt.NDArray[np.float32], places: npt.NDArray[np.int64], passed_over: npt.NDArray[np.int64]
        ) -> tuple[Floats, ...]:
            around = surroundings.around(rows, places, passed_over)
            return sums(around.nearest), sums(around.apartness), around.sparseness

        places = surroundings.places(scaled, self.passed_over)
        return Neighbourhood(*in_blocks(block, scaled, places, self.passed_over))

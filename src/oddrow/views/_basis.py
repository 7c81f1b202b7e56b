"""Learned state that all views of one fit share: the density model, the codes and the remembered rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.density import ColumnSums, DensityModel, MixedLikelihood
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._coding import Coding, variables_of
from oddrow.views._normal_rows import NormalRows, Remembered
from oddrow.views._occurrences import Moments

Floats = npt.NDArray[np.float64]
Straightened: TypeAlias = Callable[[npt.NDArray[np.float32]], Floats]
"""Undoes the logarithm of encoded rows, see :meth:`oddrow.columns.TableEncoding.straightened`."""


@dataclass(frozen=True)
class ViewBasis:
    """The learned state of a fit that several views read.

    Attributes
    ----------
    density : the network, the likelihood of the columns, and the range of the features
    coding : the borders between the codes of each number
    normal_rows : remembered rows, and the distances to their nearest neighbours
    """

    density: DensityModel[MixedLikelihood]
    coding: Coding
    normal_rows: NormalRows

    @classmethod
    def learn(
        cls,
        density: DensityModel[MixedLikelihood],
        training: EncodedTable,
        held_out: EncodedTable,
        straightened: Straightened,
        rng: np.random.Generator,
        moments: Moments | None = None,
    ) -> tuple[ViewBasis, Remembered]:
        """Learn from the training rows; also return which rows are remembered."""
        layout, constants = density.layout, density.likelihood.constants
        normal_rows, remembered = NormalRows.learn(layout, training, held_out, straightened, rng, constants, moments)
        coding = Coding.learn(variables_of(layout), training.rows, constants.max_codes)
        return cls(density, coding, normal_rows), remembered

    @property
    def layout(self) -> FeatureLayout:
        """The assignment of features to columns."""
        return self.density.layout

    @property
    def constants(self) -> ScoringConstants:
        """The constants that define a score."""
        return self.density.likelihood.constants

    @property
    def feature_sums(self) -> ColumnSums:
        """Sums values of features into values of columns."""
        return feature_sums(self.layout)

    def packed(self) -> Arrays:
        """Return the arrays of the codes and the remembered rows; the density packs itself."""
        return packed_components({"coding": self.coding, "normal_rows": self.normal_rows})

    @classmethod
    def unpacked(cls, store: ArrayStore, density: DensityModel[MixedLikelihood]) -> ViewBasis:
        """Rebuild the basis of views that use this density model."""
        constants = density.likelihood.constants
        coding = Coding.unpacked(store.under("coding"), density.layout, constants)
        normal_rows = NormalRows.unpacked(store.under("normal_rows"), density.layout.n_features, constants)
        return cls(density, coding, normal_rows)


def feature_sums(layout: FeatureLayout) -> ColumnSums:
    """Return an operation that sums values of features into values of columns."""
    return ColumnSums(layout.feature_column, layout.n_columns)

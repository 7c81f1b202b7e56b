"""Distance of a row to the nearest remembered row in the latent space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.density import MAX_OUTPUT, in_blocks
from oddrow.exceptions import ModelFileError
from oddrow.graph import FLOAT
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_neighbours import differences, nearest_places
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._memory import Memory
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore, ViewUnits

Floats = npt.NDArray[np.float64]

MAX_WHITENING = 1e8
"""Upper bound of the whitening matrix: whitened latent means then stay within single precision."""


@dataclass(frozen=True)
class LatentNearestView:
    """The distance to the nearest remembered row in the whitened latent space, which is not attributed to columns.

    Attributes
    ----------
    whitening : float64 [n_latent, n_latent]; latent means times this matrix have equal variance in all directions
    memory : the remembered rows in the whitened space
    """

    whitening: Floats
    memory: Memory

    name: ClassVar[str] = "latent_nearest"
    judges: ClassVar[Judged] = Judged.ROW
    scores_training_rows: ClassVar[bool] = True

    @classmethod
    def learn(cls, context: LearningContext) -> LatentNearestView:
        basis = context.basis
        whitening = _whitening(basis.density.latent_means(context.training.rows), basis.constants)
        latent = basis.density.latent_means(basis.normal_rows.rows)
        return cls(whitening, Memory.of(_whitened(latent, whitening), basis.constants))

    def score(self, rows: RowContext) -> ViewScore:
        (whitened,) = in_blocks(lambda latent: (_whitened(latent, self.whitening),), rows.read.latent)
        squares = self.memory.squares(whitened, rows.passed_over).sum(axis=1)
        return ViewScore(rows.no_column, np.ones(len(squares)), np.sqrt(squares))

    def units(self, training: RowContext) -> ViewUnits:
        """Return the standard deviation of whitened latent means: two latent spaces differ by a factor."""
        deviation = float(np.sqrt(np.mean(np.var(training.read.latent @ self.whitening, axis=0))))
        return ViewUnits(np.zeros(1), np.array([deviation if deviation > training.constants.min_unit else 1.0]))

    def packed(self) -> Arrays:
        return {"whitening": self.whitening, "memory": self.memory.rows}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> LatentNearestView:
        n_rows, n_latent = len(basis.normal_rows.rows), basis.density.network.shape.n_latent
        whitening = store.take("whitening", np.float64, (n_latent, n_latent))
        if not np.abs(whitening).sum(axis=0).max() <= MAX_WHITENING:
            raise ModelFileError(f"{store.name_of('whitening')!r} is larger than {MAX_WHITENING:g}")
        memory = store.take("memory", np.float32, (n_rows, n_latent))
        if not np.abs(memory).max() <= MAX_OUTPUT * MAX_WHITENING:
            raise ModelFileError(f"{store.name_of('memory')!r} has values beyond {MAX_OUTPUT * MAX_WHITENING:g}")
        return cls(whitening, Memory.of(memory, basis.constants))

    def graph(self, rows: GraphRowContext) -> GraphScore:
        xp = rows.xp
        whitened = (rows.read.latent @ self.whitening).astype(np.float32).astype(FLOAT)
        place = nearest_places(xp, whitened, self.memory, 1, rows.passed_over)
        distance = xp.sqrt(differences(xp, whitened, self.memory, place).sum(axis=2))
        return GraphScore(rows.no_column, xp.zeros_like(distance) + 1.0, distance)


def _whitened(latent: Floats, whitening: Floats) -> npt.NDArray[np.float32]:
    """Return whitened latent means [n, n_latent], rounded like the memory, so that equal rows have distance 0."""
    return (latent @ whitening).astype(np.float32)


def _whitening(latent: Floats, constants: ScoringConstants) -> Floats:
    """Return the matrix [n_latent, n_latent] that gives latent means [n, n_latent] equal variance in all directions."""
    centred = latent - latent.mean(axis=0)
    variance, directions = np.linalg.eigh(centred.T @ centred / len(latent))
    largest = max(float(variance[-1]), constants.min_latent_variance)
    least = constants.min_whitened_variance * largest
    return np.asarray(directions / np.sqrt(np.maximum(variance, 0.0) + least))

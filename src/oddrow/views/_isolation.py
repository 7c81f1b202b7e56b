"""Distance of a row to small random samples of other rows; a few percent of odd rows hardly change it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density import in_blocks
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants
from oddrow.views._spaces import Space

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Small random samples of rows, in the space of encoded features.

    Odd rows come in groups, and in the whole table the nearest neighbour of an odd row is another row of its group. A
    sample of 16 rows seldom holds an odd row if these are a few percent (Sugiyama and Borgwardt 2013, *Rapid
    distance-based outlier detection via sampling*).

    Attributes
    ----------
    places : int64 [samples, size], the indices of the sampled rows in the table from which they were drawn
    rows : float64 [samples * size, n_features]
    """

    space: Space
    places: npt.NDArray[np.int64]
    rows: Floats

    @classmethod
    def draw(
        cls,
        layout: FeatureLayout,
        encoded: EncodedTable,
        rng: np.random.Generator,
        constants: ScoringConstants = DEFAULT_CONSTANTS,
    ) -> Samples:
        """Draw from encoded rows; a sample holds at most half of the rows."""
        space = Space.encoded(layout)
        n_rows = len(encoded.rows)
        size = min(constants.isolation_sample_rows, max(2, n_rows // 2))
        places = np.stack([rng.choice(n_rows, size, replace=False) for _ in range(constants.isolation_samples)])
        return cls(space, places, space.apply(encoded.rows[places.ravel()]).astype(np.float64))

    @cached_property
    def _half_squares(self) -> Floats:
        return np.asarray(0.5 * np.einsum("md,md->m", self.rows, self.rows))

    def distance(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None = None) -> Floats:
        """Return the distance to the nearest row of each sample, averaged over the samples [n].

        ``own`` [n] are the rows' indices in the table that was sampled: a row is never compared with itself.
        """
        rows = self.space.apply(encoded.rows)
        own = np.full(len(rows), -1) if own is None else own
        (distance,) = in_blocks(lambda block, number: (self._nearest(block, number)[0].mean(axis=1),), rows, own)
        return distance

    def squares(self, encoded: EncodedTable) -> Floats:
        """Return each feature's squared difference to the nearest row, averaged over samples [n, n_features]."""

        def of_block(block: npt.NDArray[np.float32]) -> tuple[Floats]:
            wide = block.astype(np.float64)
            _, nearest = self._nearest(block, np.full(len(block), -1))
            total = np.zeros(wide.shape)
            for place in nearest.T:
                total += (wide - self.rows[place]) ** 2
            return (total / len(self.places),)

        return in_blocks(of_block, self.space.apply(encoded.rows))[0]

    def _nearest(
        self, rows: npt.NDArray[np.float32], own: npt.NDArray[np.int64]
    ) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Return the distance to the nearest row of each sample, and that row's index among all, each [n, samples]."""
        wide = rows.astype(np.float64)
        half = 0.5 * np.einsum("nd,nd->n", wide, wide)[:, None] + self._half_squares - wide @ self.rows.T
        half[own[:, None] == self.places.ravel()] = np.inf
        half = half.reshape(len(rows), *self.places.shape)
        distance = np.sqrt(2.0 * np.maximum(half.min(axis=2), 0.0))
        return distance, half.argmin(axis=2) + np.arange(len(self.places)) * self.places.shape[1]

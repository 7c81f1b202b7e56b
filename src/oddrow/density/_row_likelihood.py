"""How improbable the model finds each column of a row, and the range of features that its encoder sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from oddrow.container import Arrays, ArrayStore
from oddrow.exceptions import ModelFileError


@dataclass(frozen=True)
class FeatureRange:
    """The range of each encoded feature in training, float32 [n_features] each.

    The encoder sees rows clipped to it: one value far outside must not change what is expected of all other columns.
    """

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    @classmethod
    def learn(cls, rows: npt.NDArray[np.float32]) -> FeatureRange:
        return cls(rows.min(axis=0), rows.max(axis=0))

    @classmethod
    def unbounded(cls, n_features: int) -> FeatureRange:
        """No clipping, as in the article."""
        return cls(np.full(n_features, -np.inf, np.float32), np.full(n_features, np.inf, np.float32))

    @cached_property
    def _is_bounded(self) -> bool:
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def clip(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.clip(rows, self.low, self.high) if self._is_bounded else rows

    def packed(self) -> Arrays:
        """Both ends."""
        return {"low": self.low, "high": self.high}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_features: int, *, may_be_infinite: bool) -> FeatureRange:
        """A range of each feature; clipping to one whose ends are the wrong way round would change every row."""
        ends = [store.take(end, np.float32, (n_features,), finite=not may_be_infinite) for end in ("low", "high")]
        low, high = ends
        if not (np.all(low <= high) and np.all(low < np.inf) and np.all(high > -np.inf)):
            raise ModelFileError("the range of a feature has its low end above its high end")
        return cls(low, high)


@dataclass(frozen=True)
class RowLikelihood:
    """Nats of each row, with the latent at its mean.

    Attributes
    ----------
    column_nats : float64 [n, n_columns], negative log-likelihood of each column given the latent mean
    kl_nats : float64 [n], what the latent itself costs: how unusual the combination is
    latent : float64 [n, n_latent], latent means
    outputs : float64 [n, n_outputs], what the decoder gives for the latent mean
    """

    column_nats: npt.NDArray[np.float64]
    kl_nats: npt.NDArray[np.float64]
    latent: npt.NDArray[np.float64]
    outputs: npt.NDArray[np.float64]

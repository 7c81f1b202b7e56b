"""Rows get surprise: each view's evidence, split over the columns, combined and calibrated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration, TailCurve
from oddrow.columns import EncodedTable
from oddrow.container import Arrays, ArrayStore, packed_parts
from oddrow.density import DensityModel, MixedLikelihood, RowLikelihood, SquaredError, in_blocks, in_slabs
from oddrow.views import (
    MOST_NATS,
    POWER,
    Evidence,
    KindLevels,
    Samples,
    Views,
    ViewScales,
    feature_sums,
    power_mean,
    scale_of,
    split_total,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Surprise:
    """Surprise of rows, in parts that add up to it.

    Attributes
    ----------
    surprise : float64 [n], nats, higher is stranger
    p_value : float64 [n], conformal p-value from the held-out rows
    column_part : float64 [n, n_columns] >= 0, nats
    combination_part : float64 [n] >= 0, nats; with the column parts it sums to ``surprise``
    """

    surprise: Floats
    p_value: Floats
    column_part: Floats
    combination_part: Floats

    def __repr__(self) -> str:
        n_rows, n_columns = self.column_part.shape if self.column_part.ndim == 2 else (len(self.surprise), 0)
        strangest = f", at most {self.surprise.max():.4g} nats" if n_rows else ""
        return f"<Surprise of {n_rows:,} rows in parts of {n_columns:,} columns{strangest}>"


@dataclass(frozen=True)
class ReconstructionEvidence:
    """The article's score: the mean absolute error of the reconstruction, split over the columns."""

    density: DensityModel[SquaredError]

    def evidence(self, encoded: EncodedTable) -> Evidence:
        """Parts of the mean absolute error."""

        def block(rows: npt.NDArray[np.float32]) -> tuple[Floats]:
            latent, _ = self.density.encode(rows)
            return (self.density.likelihood.mean_absolute_error(self.density.decode(latent), rows),)

        (column,) = in_blocks(block, encoded.rows)
        return Evidence(column, np.zeros(len(column)))

    def packed(self) -> Arrays:
        """The density of rows, and nothing else."""
        return self.density.packed()


@dataclass(frozen=True)
class ViewEvidence:
    """Eight views of a row, each put on the scale of surprise by held-out rows, and the novelty of its values.

    - *likelihood*: the negative log-likelihood of each column, and the latent's own cost (its KL), each calibrated to
      nats of surprise ``s_j`` by itself (a column that is always noisy must be noisier than that to count), then
      combined by the power mean of the tail probabilities with exponent -1/4, ``4 ln mean exp(s_j / 4)`` (Vovk and
      Wang 2020; between Fisher's sum, which drowns one odd column among many, and the maximum, which sees no second);
    - *marginal*: how rare each column's value is by itself, combined in the same way with exponent -1/2;
    - *dependence*: how rare it is beside the value of the one other column that tells most about it, likewise;
    - *nearest*: distance to the nearest remembered row, its square split column by column, with numbers in standard
      deviations;
    - *sparseness*: how much further apart the row and its neighbours are than these and theirs;
    - both again among the ranks of numbers, as normal scores;
    - *latent*: distance to the nearest remembered row in the whitened latent space, which no column carries alone.

    Each view's score becomes nats by a tail calibration (a view that says "one normal row in a hundred" counts 4.6
    whatever its own unit). The views combine by the same power mean with exponent -1/4, which is split over them by
    what each brings, and over the columns in proportion to the view's parts. Novelty is evidence beside them all.
    """

    views: Views
    scales: ViewScales

    @property
    def density(self) -> DensityModel[MixedLikelihood]:
        """The network, the likelihood of the columns, and the range of the features."""
        return self.views.density

    def evidence(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None = None) -> Evidence:
        """Parts of the combined score; ``own`` [n] are the rows' own places in the memory, if any."""
        return self.scales.evidence(self.views.of(encoded, own))

    def packed(self) -> Arrays:
        """The density of rows, the views and their scales."""
        return self.density.packed() | packed_parts({"views": self.views, "scales": self.scales})

    @classmethod
    def unpacked(cls, store: ArrayStore, density: DensityModel[MixedLikelihood], weights: Floats) -> ViewEvidence:
        """The evidence of views of such weights, of rows that have this density."""
        views = Views.unpacked(store.under("views"), density)
        return cls(views, ViewScales.unpacked(store.under("scales"), weights, density.layout.n_columns))


ISOLATION_WEIGHT = 3
"""Of isolation in a table of numbers, where all views together have 1."""


@dataclass(frozen=True)
class IsolationEvidence:
    """The eight views, and with more weight how far a row lies from small samples of the others.

    For a table that holds odd rows itself: these spoil memories and counts, and the samples hardly ever. As small
    samples seldom hold a row of a rare kind either, a row is judged by how much stranger it is than rows of its kind.

    Attributes
    ----------
    apart : how much further apart the rows of each kind are than those of the typical kind, as logarithms
    isolation : nats of a distance, once that is divided by the level of its kind
    weight : of isolation, where all views together have 1: 3 in a table of numbers, less where columns hold names
    kinds : by how much the combined nats of each kind of row are higher than those of the typical kind
    """

    base: ViewEvidence
    samples: Samples
    apart: KindLevels
    isolation: TailCurve
    weight: float
    kinds: KindLevels

    @classmethod
    def learn(cls, base: ViewEvidence, training: EncodedTable, rng: np.random.Generator) -> IsolationEvidence:
        """Draw the samples from the training rows, and learn how isolated these are from the others."""
        layout = base.density.layout
        samples = Samples.draw(layout, training, rng)
        distance = samples.distance(training, np.arange(len(training.rows)))
        apart = KindLevels.of_distances(layout, training.rows, distance)
        isolation = scale_of(apart.relative(training.rows, distance))
        # two different names are always equally far apart: of columns of names distances tell little
        weight = ISOLATION_WEIGHT * (1.0 - len(layout.groups) / max(layout.n_columns, 1))
        return cls(base, samples, apart, isolation, weight, KindLevels((), ()))

    def comparing_kinds(self, rows: EncodedTable, own: npt.NDArray[np.int64]) -> IsolationEvidence:
        """The same with the levels of kinds, learned from rows and their own places [n] in the memory.

        They may be training rows. Those that were drawn into a sample are at distance 0 from it: too few to move a
        quantile.
        """
        nats, _ = self._nats(rows, own)
        combined = power_mean(nats, POWER, self._weights)
        return replace(self, kinds=KindLevels.learn(self.density.layout, rows.rows, combined))

    @property
    def density(self) -> DensityModel[MixedLikelihood]:
        """The network, the likelihood of the columns, and the range of the features."""
        return self.base.density

    def evidence(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None = None) -> Evidence:
        """Parts of the combined score; ``own`` as in :meth:`ViewEvidence.evidence`."""
        none = np.zeros(len(encoded.rows))
        nats, seen = self._nats(encoded, own)
        combined = power_mean(nats, POWER, self._weights)
        total = combined + (self.kinds.highest - self.kinds.of(encoded.rows))  # so that none is below 0
        shares, _ = split_total(total, self._weights * np.expm1(nats * POWER), none)
        column, combination = split_total(shares[:, 0], seen.column, seen.combination)
        apart, rest = split_total(shares[:, 1], feature_sums(self.density.layout)(self.samples.squares(encoded)), none)
        return Evidence(column + apart + encoded.novelty, combination + rest)

    @property
    def _weights(self) -> Floats:
        return np.array([1.0, self.weight])

    def _nats(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None) -> tuple[Floats, Evidence]:
        """Nats [n, 2] of all views together and of isolation; and the evidence of the views."""
        views = self.base.views.of(encoded, own)
        seen = self.base.scales.evidence(replace(views, novelty=np.zeros_like(views.novelty)))
        distance = self.apart.relative(encoded.rows, self.samples.distance(encoded))
        return np.stack([seen.raw, np.minimum(self.isolation(distance), MOST_NATS)], axis=1), seen


EvidenceModel: TypeAlias = ViewEvidence | IsolationEvidence | ReconstructionEvidence


@dataclass(frozen=True)
class SurpriseModel:
    """An evidence model and the calibration of its raw score: all that scoring needs."""

    evidence_model: EvidenceModel
    calibration: Calibration

    def score(self, encoded: EncodedTable) -> Surprise:
        """Surprise of encoded rows in their order; the same row always gets the same bits."""
        scored = in_slabs(self._score, encoded.rows, encoded.presence, encoded.novelty)
        return Surprise(*scored)

    def _score(
        self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_], novelty: Floats
    ) -> tuple[Floats, ...]:
        """In the order of :class:`Surprise`."""
        evidence = self.evidence_model.evidence(EncodedTable(rows, presence, novelty))
        raw = evidence.raw
        surprise = self.calibration.surprise(raw)
        column, combination = split_total(surprise, evidence.column, evidence.combination)
        return surprise, self.calibration.p_value(raw), column, combination

    def read(self, encoded: EncodedTable) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of encoded rows."""
        return self.evidence_model.density.read(encoded)

    def latent(self, encoded: EncodedTable) -> Floats:
        """Latent means [n, n_latent] of encoded rows."""
        return self.evidence_model.density.latent_means(encoded)

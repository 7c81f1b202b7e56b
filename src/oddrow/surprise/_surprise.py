"""Surprise of rows: the evidence of the views, split over the columns, combined and calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.calibration import Calibration, TailCurve
from oddrow.columns import EncodedTable
from oddrow.container import Arrays, ArrayStore, packed_components
from oddrow.density import DensityModel, MixedLikelihood, RowLikelihood, SquaredError, in_blocks, in_slabs
from oddrow.exceptions import SettingError
from oddrow.scoring_constants import ScoringConstants
from oddrow.surprise._reweighting import Reweighting, ScoreParts
from oddrow.views import (
    Evidence,
    KindLevels,
    NearestNormalRows,
    RowViews,
    Samples,
    ScaledViews,
    Views,
    ViewScales,
    checked_view_weights,
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
        """Return the mean absolute error, split over the columns."""

        def block(rows: npt.NDArray[np.float32]) -> tuple[Floats]:
            latent, _ = self.density.encode(rows)
            return (self.density.likelihood.mean_absolute_error(self.density.decode(latent), rows),)

        (column,) = in_blocks(block, encoded.rows)
        return Evidence(column, np.zeros(len(column)))

    def nearest(self, encoded: EncodedTable, count: int) -> None:
        """Return None: this evidence remembers no rows."""

    def packed(self) -> Arrays:
        """Return the arrays of the density model; there are no others."""
        return self.density.packed()


@dataclass(frozen=True)
class ViewEvidence:
    """The combined evidence of all views, each calibrated to nats by held-out rows, plus the novelty of values.

    - *likelihood*: the negative log-likelihood of each column, and the KL divergence of the latent, each calibrated
      separately to nats of surprise ``s_j`` (so a noisy column counts only if it is noisier than usual), then combined
      by the power mean of the tail probabilities with exponent -1/4, ``4 ln mean exp(s_j / 4)`` (Vovk and Wang 2020; a
      compromise between Fisher's sum, in which one odd column among many is lost, and the maximum, which ignores a
      second odd column);
    - *marginal*: the rarity of each column's value, independent of the other columns, combined in the same way with
      exponent -1/2;
    - *dependence*: the rarity given the value of the one other column that is most informative about it, if that
      predicts training rows better than the column's own frequencies (otherwise 0), combined in the same way;
    - *sparseness*: how much further the row is from its neighbours than these are from their neighbours, with numbers
      in standard deviations; 0 where duplicates are common;
    - *rank_sparseness*: the same with numbers as normal scores of their ranks;
    - *latent_nearest*: distance to the nearest remembered row in the whitened latent space, which is not attributed to
      columns;
    - *random_subsets*: distance to the nearest remembered row within random subsets of the columns, with numbers as
      normal scores of their ranks or in standard deviations, each subset calibrated separately, then combined with
      exponent -1/4; the square is split column by column;
    - *related_subsets*: the same within subsets of a column with those most informative about it, with normal scores;
    - *nearest*, *rank_nearest*: distance to the nearest remembered row over all
      columns, with numbers in standard deviations or as normal scores, its square split column by column.

    Each view's score is calibrated to nats by the tail of its distribution (a score that one normal row in a hundred
    reaches counts 4.6 nats, whatever the view's unit). The views are combined by the same power mean with exponent
    -1/4. The result is split over the views by their shares of the mean, and over the columns in proportion to the
    view's parts. The novelty of values is added to the combined views.
    """

    views: Views
    scales: ViewScales
    reweighting: Reweighting | None = None
    """Factors of the weights of views and columns that were learned from verdicts; None if there are none."""

    @property
    def density(self) -> DensityModel[MixedLikelihood]:
        """The network, the likelihood of the columns, and the range of the features."""
        return self.views.density

    def evidence(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None = None) -> Evidence:
        """Return the combined evidence; ``own`` [n] are the rows' indices among the remembered rows, if any."""
        scaled, plain = self._plain(self.views.of(encoded, own))
        if self.reweighting is None or self.reweighting.is_neutral:
            return plain
        return self.reweighting.evidence(scaled, ScoreParts.of(scaled, plain), self.scales.weights)

    def parts(self, rows: RowViews) -> tuple[Floats, ScoreParts]:
        """Return the raw scores [n] of rows with the default weights, and the parts that learned weights apply to."""
        scaled, plain = self._plain(rows)
        return plain.raw, ScoreParts.of(scaled, plain)

    def _plain(self, rows: RowViews) -> tuple[ScaledViews, Evidence]:
        """Return the views in nats, and the evidence with the default weights."""
        scaled = self.scales.scaled(rows)
        return scaled, scaled.combined(self.scales.weights)

    def packed(self) -> Arrays:
        """Return the density model, the views and their scales."""
        return self.density.packed() | packed_components({"views": self.views, "scales": self.scales})

    def nearest(self, encoded: EncodedTable, count: int) -> NearestNormalRows:
        """Return the remembered rows nearest to encoded rows."""
        return self.views.nearest(encoded, count)

    @classmethod
    def unpacked(
        cls,
        store: ArrayStore,
        density: DensityModel[MixedLikelihood],
        names: Sequence[str],
        view_weights: Mapping[str, float] | None,
    ) -> ViewEvidence:
        """Rebuild the evidence of the views of these names, with these weights, which use this density model."""
        views = Views.unpacked(store.under("views"), density, names)
        weights = checked_view_weights(view_weights, names)
        return cls(views, ViewScales.unpacked(store.under("scales"), weights, views))


@dataclass(frozen=True)
class IsolationEvidence:
    """The views, combined with a larger weight on a row's distance to small random samples of other rows.

    Use it for a table that may hold odd rows: these are among the remembered and counted rows, but seldom in a small
    sample. As small samples seldom hold a row of a rare kind either, a row is compared with rows of its kind.

    Attributes
    ----------
    apart : for each kind of row, the log of the factor by which its distances are larger than the typical kind's
    isolation : the curve from a distance, divided by the level of its kind, to nats
    weight : the weight of isolation, if all views together have 1: 3 in a table of numbers, less if columns hold names
    kinds : for each kind of row, by how much its combined nats are higher than those of the typical kind
    """

    base: ViewEvidence
    samples: Samples
    apart: KindLevels
    isolation: TailCurve
    weight: float
    kinds: KindLevels

    @classmethod
    def learn(cls, base: ViewEvidence, training: EncodedTable, rng: np.random.Generator) -> IsolationEvidence:
        """Draw the samples from the training rows, and learn the isolation of these rows."""
        layout = base.density.layout
        constants = base.views.basis.constants
        samples = Samples.draw(layout, training, rng, constants)
        distance = samples.distance(training, np.arange(len(training.rows)))
        apart = KindLevels.of_distances(layout, training.rows, distance, constants)
        isolation = scale_of(apart.relative(training.rows, distance), constants)
        # two different names always have the same distance, so distances carry little information on columns of names
        weight = constants.isolation_weight * (1.0 - len(layout.groups) / max(layout.n_columns, 1))
        return cls(base, samples, apart, isolation, weight, KindLevels((), ()))

    def comparing_kinds(self, rows: EncodedTable, own: npt.NDArray[np.int64]) -> IsolationEvidence:
        """Return this evidence with levels of kinds, learned from rows and their indices [n] in the memory.

        They may be training rows. Those drawn into a sample have distance 0 to it, and are too few to change a
        quantile.
        """
        nats, _ = self._nats(rows, own)
        combined = power_mean(nats, self._constants.power, self._weights)
        return replace(self, kinds=KindLevels.learn(self.density.layout, rows.rows, combined, self._constants))

    @property
    def density(self) -> DensityModel[MixedLikelihood]:
        """The network, the likelihood of the columns, and the range of the features."""
        return self.base.density

    def evidence(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None = None) -> Evidence:
        """Return the combined evidence; ``own`` as in :meth:`ViewEvidence.evidence`."""
        none = np.zeros(len(encoded.rows))
        nats, seen = self._nats(encoded, own)
        power = self._constants.power
        combined = power_mean(nats, power, self._weights)
        total = combined + (self.kinds.highest - self.kinds.of(encoded.rows))  # keeps all totals >= 0
        shares, _ = split_total(total, self._weights * np.expm1(nats * power), none)
        column, combination = split_total(shares[:, 0], seen.column, seen.combination)
        apart, rest = split_total(shares[:, 1], feature_sums(self.density.layout)(self.samples.squares(encoded)), none)
        return Evidence(column + apart + encoded.novelty, combination + rest)

    def nearest(self, encoded: EncodedTable, count: int) -> NearestNormalRows:
        """Return the remembered rows nearest to encoded rows."""
        return self.base.nearest(encoded, count)

    @property
    def _constants(self) -> ScoringConstants:
        return self.base.views.basis.constants

    @property
    def _weights(self) -> Floats:
        return np.array([1.0, self.weight])

    def _nats(self, encoded: EncodedTable, own: npt.NDArray[np.int64] | None) -> tuple[Floats, Evidence]:
        """Return nats [n, 2] of all views together and of isolation, and the evidence of the views."""
        views = self.base.views.of(encoded, own)
        seen = self.base.scales.evidence(replace(views, novelty=np.zeros_like(views.novelty)))
        distance = self.apart.relative(encoded.rows, self.samples.distance(encoded))
        return np.stack([seen.raw, np.minimum(self.isolation(distance), self._constants.max_nats)], axis=1), seen


EvidenceModel: TypeAlias = ViewEvidence | IsolationEvidence | ReconstructionEvidence


@dataclass(frozen=True)
class SurpriseModel:
    """An evidence model and the calibration of its raw score: the state that scoring needs.

    Attributes
    ----------
    parts : the parts of the scores of calibration rows, of at most 10,000, evenly spread; None if they are not known
    default_calibration : the calibration of the scores with the default weights; None if these are in use
    """

    evidence_model: EvidenceModel
    calibration: Calibration
    parts: ScoreParts | None = None
    default_calibration: Calibration | None = None

    @property
    def reweighting(self) -> Reweighting | None:
        """The factors of the weights that were learned from verdicts; None if there are none."""
        return self.evidence_model.reweighting if isinstance(self.evidence_model, ViewEvidence) else None

    def reweighted(self, reweighting: Reweighting | None) -> SurpriseModel:
        """Return the model with learned weights, calibrated anew with them; None returns to the default weights.

        Raises
        ------
        SettingError
            If the model has no views, or does not hold the parts of its calibration scores.
        """
        judge, default = self.evidence_model, self.default_calibration or self.calibration
        if not isinstance(judge, ViewEvidence):
            raise SettingError("weights of views and columns need a model with views")
        judge = replace(judge, reweighting=reweighting)
        if reweighting is None:
            return replace(self, evidence_model=judge, calibration=default, default_calibration=None)
        if self.parts is None:
            raise SettingError("the model does not hold the parts of its calibration scores, which new weights need")
        if reweighting.is_neutral:
            return replace(self, evidence_model=judge, calibration=default, default_calibration=default)
        raw = reweighting.raw(self.parts, judge.scales.weights, judge.scales.constants.power)
        n_effective = None if default.n_effective is None else default.n_effective * len(raw) / default.n_rows
        calibration = replace(default, scores=np.sort(raw), n_effective=n_effective and max(n_effective, 1.0))
        return replace(self, evidence_model=judge, calibration=calibration, default_calibration=default)

    def score(self, encoded: EncodedTable) -> Surprise:
        """Return the surprise of encoded rows in their order; the same row always has the same bits."""
        scored = in_slabs(self._score, encoded.rows, encoded.presence, encoded.novelty)
        return Surprise(*scored)

    def _score(
        self, rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_], novelty: Floats
    ) -> tuple[Floats, ...]:
        """Return the arrays in the order of the fields of :class:`Surprise`."""
        found = self.calibrated(self.evidence_model.evidence(EncodedTable(rows, presence, novelty)))
        return found.surprise, found.p_value, found.column_part, found.combination_part

    def evidence(self, encoded: EncodedTable) -> Evidence:
        """Return the evidence of encoded rows in their order; the same row always has the same bits."""

        def part(
            rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_], novelty: Floats
        ) -> tuple[Floats, Floats]:
            found = self.evidence_model.evidence(EncodedTable(rows, presence, novelty))
            return found.column, found.combination

        column, combination = in_slabs(part, encoded.rows, encoded.presence, encoded.novelty)
        return Evidence(column, combination)

    def calibrated(self, evidence: Evidence) -> Surprise:
        """Return the surprise of rows with this evidence, in parts in proportion to those of the evidence."""
        raw = evidence.raw
        surprise = self.calibration.surprise(raw)
        column, combination = split_total(surprise, evidence.column, evidence.combination)
        return Surprise(surprise, self.calibration.p_value(raw), column, combination)

    def read(self, encoded: EncodedTable) -> RowLikelihood:
        """Return likelihoods, latent means and decoder outputs of encoded rows."""
        return self.evidence_model.density.read(encoded.rows, encoded.presence)

    def latent(self, encoded: EncodedTable) -> Floats:
        """Return the latent means [n, n_latent] of encoded rows."""
        return self.evidence_model.density.latent_means(encoded.rows)

    def nearest(self, encoded: EncodedTable, count: int) -> NearestNormalRows | None:
        """Return the remembered normal rows nearest to encoded rows; None if the model remembers none.

        A row that equals a remembered row is compared as in scoring: without it, unless duplicates are common.
        """
        return self.evidence_model.nearest(encoded, count)

"""Rows get surprise: each view's evidence, split over the columns, combined and calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.model import FittedNetwork, MixedLikelihood, SquaredError
from oddrow.scoring._blocks import in_blocks
from oddrow.scoring._calibration import Calibration, TailCurve
from oddrow.scoring._likelihood import FeatureRange, RowLikelihood, read_rows, row_likelihood
from oddrow.scoring._memory import Memory, common_rows, covering_rows, distinct_rows
from oddrow.table import EncodedTable, FeatureLayout

Floats = npt.NDArray[np.float64]

N_VIEWS = 3
POWER = 0.25
"""Exponent, of opposite sign, of the power mean that combines the columns' tail probabilities."""
MOST_COLUMN_NATS = 600.0
"""Bound of one column's surprise, so that its exponential is finite."""
MOST_KNOTS = 256
"""Knots of each view's and each column's curve at most: they travel with the model."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a row being odd, in parts >= 0 that add up to its raw score.

    Attributes
    ----------
    column : float64 [n, n_columns], what each column brings by itself
    combination : float64 [n], what only the columns together bring
    """

    column: Floats
    combination: Floats

    @property
    def raw(self) -> Floats:
        """The raw score [n]: the sum of the parts."""
        return np.asarray(self.column.sum(axis=1) + self.combination)


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


@dataclass(frozen=True)
class ReconstructionEvidence:
    """The article's score: the mean absolute error of the reconstruction, split over the columns."""

    network: FittedNetwork
    likelihood: SquaredError
    feature_range: FeatureRange

    def evidence(self, encoded: EncodedTable) -> Evidence:
        """Parts of the mean absolute error."""
        outputs = read_rows(self.network, self.likelihood, self.feature_range, encoded).outputs
        (column,) = in_blocks(
            lambda out, rows: (self.likelihood.mean_absolute_error(out, rows.astype(np.float64)),),
            outputs,
            encoded.rows,
        )
        return Evidence(column, np.zeros(len(column)))


@dataclass(frozen=True)
class ViewEvidence:
    """Three views of a row, each put on the scale of surprise by held-out rows, and the novelty of its values.

    - *likelihood*: the negative log-likelihood of each column, and the latent's own cost (its KL), each calibrated to
      nats of surprise ``s_j`` by itself (a column that is always noisy must be noisier than that to count), then
      combined by the power mean of the tail probabilities with exponent -1/4, ``4 ln mean exp(s_j / 4)`` (Vovk and
      Wang 2020; between Fisher's sum, which drowns one odd column among many, and the maximum, which sees no second);
    - *neighbour*: distance to the nearest row of a memory that covers rare kinds of normal rows too, its square split
      column by column;
    - *latent neighbour*: distance to the nearest of a plain sample in the latent space, which no column carries alone.

    Each view's score becomes nats by a tail calibration (a view that says "one normal row in a hundred" counts 4.6
    whatever its own unit), and these are split in proportion to the view's parts. The raw score is the mean of the
    views plus the novelty: the views see the same oddness from three sides, novelty is evidence beside them all.
    """

    network: FittedNetwork
    likelihood: MixedLikelihood
    feature_range: FeatureRange
    memory: Memory
    latent_memory: Memory
    column_tails: tuple[TailCurve, ...]
    """Of the nats of each column, and last of the latent."""
    likelihood_tail: TailCurve
    neighbour_tail: TailCurve
    latent_tail: TailCurve

    @classmethod
    def learn(
        cls,
        network: FittedNetwork,
        likelihood: MixedLikelihood,
        training: EncodedTable,
        scale_rows: EncodedTable,
        rng: np.random.Generator,
    ) -> ViewEvidence:
        """Choose the memory from the training rows and learn each view's scale from rows that are not among them."""
        feature_range = FeatureRange.learn(training.rows)
        metric = metric_rows(likelihood.layout, training.rows)
        distinct = distinct_rows(metric, rng)
        memory = Memory.of(metric[covering_rows(metric, distinct, rng)])
        sample = training.take(common_rows(distinct, rng))
        latent_memory = Memory.of(read_rows(network, likelihood, feature_range, sample).latent)
        views = _view_parts(network, likelihood, feature_range, memory, latent_memory, scale_rows)
        column_tails = tuple(TailCurve.learn(nats, MOST_KNOTS) for nats in views.nats.T)
        return cls(
            network,
            likelihood,
            feature_range,
            memory,
            latent_memory,
            column_tails,
            TailCurve.learn(_power_mean(_calibrated(column_tails, views.nats)), MOST_KNOTS),
            TailCurve.learn(np.sqrt(views.neighbour.sum(axis=1)), MOST_KNOTS),
            TailCurve.learn(np.sqrt(views.latent_neighbour), MOST_KNOTS),
        )

    def evidence(self, encoded: EncodedTable) -> Evidence:
        """Parts of the combined score."""
        views = _view_parts(self.network, self.likelihood, self.feature_range, self.memory, self.latent_memory, encoded)
        nats = _calibrated(self.column_tails, views.nats)
        weight = np.expm1(nats * POWER)
        likelihood_nats = self.likelihood_tail(_power_mean(nats))
        column, combination = _split(likelihood_nats, weight[:, :-1], weight[:, -1])
        neighbour_nats = self.neighbour_tail(np.sqrt(views.neighbour.sum(axis=1)))
        neighbour_column, neighbour_rest = _split(neighbour_nats, views.neighbour, np.zeros(len(nats)))
        latent_nats = self.latent_tail(np.sqrt(views.latent_neighbour))
        return Evidence(
            (column + neighbour_column) / N_VIEWS + encoded.novelty,
            (combination + neighbour_rest + latent_nats) / N_VIEWS,
        )


@dataclass(frozen=True)
class _ViewParts:
    """Raw parts of each view: nats of the columns and last of the latent [n, n_columns + 1], squared distances."""

    nats: Floats
    neighbour: Floats
    latent_neighbour: Floats


def _view_parts(
    network: FittedNetwork,
    likelihood: MixedLikelihood,
    feature_range: FeatureRange,
    memory: Memory,
    latent_memory: Memory,
    encoded: EncodedTable,
) -> _ViewParts:
    layout = likelihood.layout
    to_column = np.eye(layout.n_columns)[np.asarray(layout.feature_column, np.int32)]

    def block(rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
        read = row_likelihood(network, likelihood, feature_range, rows, presence)
        nats = np.concatenate([read.column_nats, read.kl_nats[:, None]], axis=1)
        neighbour = memory.nearest(metric_rows(layout, rows)) @ to_column
        return nats, neighbour, latent_memory.nearest(read.latent).sum(axis=1)

    return _ViewParts(*in_blocks(block, encoded.rows, encoded.presence))


def _calibrated(tails: tuple[TailCurve, ...], nats: Floats) -> Floats:
    """Each column's own surprise [n, n_columns + 1], at most ``MOST_COLUMN_NATS``."""
    surprises = [tail(column) for tail, column in zip(tails, nats.T, strict=True)]
    return np.minimum(np.stack(surprises, axis=1), MOST_COLUMN_NATS)


def _power_mean(nats: Floats) -> Floats:
    """-ln of the power mean of tail probabilities [n] from their nats [n, k]."""
    return np.asarray(np.log(np.mean(np.exp(nats * POWER), axis=1)) / POWER)


EvidenceModel: TypeAlias = ViewEvidence | ReconstructionEvidence


@dataclass(frozen=True)
class SurpriseModel:
    """An evidence model and the calibration of its raw score: all that scoring needs."""

    evidence_model: EvidenceModel
    calibration: Calibration

    def score(self, encoded: EncodedTable) -> Surprise:
        """Surprise of encoded rows in their order; the same row always gets the same bits."""
        evidence = self.evidence_model.evidence(encoded)
        raw = evidence.raw
        surprise = self.calibration.surprise(raw)
        column, combination = _split(surprise, evidence.column, evidence.combination)
        return Surprise(surprise, self.calibration.p_value(raw), column, combination)

    def read(self, encoded: EncodedTable) -> RowLikelihood:
        """Likelihoods, latent means and decoder outputs of encoded rows."""
        model = self.evidence_model
        return read_rows(model.network, model.likelihood, model.feature_range, encoded)


def metric_rows(layout: FeatureLayout, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Encoded rows in the space where neighbours are sought: two different categories are 1 apart, as two flags are."""
    scaled = rows.copy()
    for group in layout.groups:
        # the place of the never seen stands behind the group's last
        scaled[:, group[0] : group[-1] + 2] *= np.float32(np.sqrt(0.5))
    return scaled


def _split(total: Floats, column: Floats, combination: Floats) -> tuple[Floats, Floats]:
    """Split totals [n] in proportion to parts; where all parts are zero, no column carries anything."""
    whole = column.sum(axis=1) + combination
    factor = np.divide(total, whole, out=np.zeros_like(total), where=whole > 0)
    column_part = column * factor[:, None]
    return column_part, np.maximum(total - column_part.sum(axis=1), 0.0)

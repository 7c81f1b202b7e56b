"""Three views of a row, each put on the scale of surprise by rows that the fit did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from oddrow.model import FittedNetwork, MixedLikelihood
from oddrow.scoring._blocks import in_blocks
from oddrow.scoring._calibration import TailCurve
from oddrow.scoring._evidence import Evidence, split_total
from oddrow.scoring._likelihood import FeatureRange, RowLikelihood, read_rows, row_likelihood
from oddrow.scoring._memory import Memory, common_rows, covering_rows, distinct_rows
from oddrow.table import EncodedTable, FeatureLayout

Floats = npt.NDArray[np.float64]

N_VIEWS = 3
POWER = 0.25
"""Exponent, of opposite sign, of the power mean that combines the columns' tail probabilities."""
MOST_COLUMN_NATS = 600.0
"""Bound of one column's surprise, so that its exponential is finite."""
LEAST_UNIT = 1e-6
"""Nats, or a distance, that is no unit any more: where all rows are alike, 1 stands in."""
MOST_KNOTS = 256
"""Knots of each view's and each column's curve at most: they travel with the model."""


@dataclass(frozen=True)
class ViewUnits:
    """The units of one network's views, for views of several networks to be compared.

    Two fits of the same rows may explain one column by another, or not: its nats then differ by a shift and a factor,
    and distances in the latent space by a factor. Learned from the training rows, which are many.

    Attributes
    ----------
    center, spread : float64 [n_columns + 1], median of the nats, and from there to their ninth decile
    latent : standard deviation of the latent means
    """

    center: Floats
    spread: Floats
    latent: float

    @classmethod
    def learn(cls, read: RowLikelihood) -> ViewUnits:
        """Learn from what the network makes of its training rows."""
        nats = _with_latent_cost(read)
        center, upper = np.quantile(nats, [0.5, 0.9], axis=0)
        spread = upper - center
        latent = float(np.sqrt(np.mean(np.var(read.latent, axis=0))))
        return cls(center, np.where(spread > LEAST_UNIT, spread, 1.0), latent if latent > LEAST_UNIT else 1.0)


@dataclass(frozen=True)
class RowViews:
    """What the views see of rows, before any scale.

    Attributes
    ----------
    nats : float64 [n, n_columns + 1], of each column given the latent mean, and last of the latent
    neighbour : float64 [n, n_columns], squared distance to the nearest row of the memory, by column
    latent_neighbour : float64 [n], squared distance to the nearest of a sample in the latent space
    novelty : float64 [n, n_columns], nats
    """

    nats: Floats
    neighbour: Floats
    latent_neighbour: Floats
    novelty: Floats

    @classmethod
    def joined(cls, parts: Sequence[RowViews]) -> RowViews:
        """The rows of several, one after another."""
        names = ("nats", "neighbour", "latent_neighbour", "novelty")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def in_units(self, units: ViewUnits) -> RowViews:
        """The same in the units of the network that saw the rows."""
        nats = (self.nats - units.center) / units.spread
        return replace(self, nats=nats, latent_neighbour=self.latent_neighbour / units.latent**2)


@dataclass(frozen=True)
class Views:
    """A network and what it remembers of normal rows: all that looks at a row."""

    network: FittedNetwork
    likelihood: MixedLikelihood
    feature_range: FeatureRange
    memory: Memory
    latent_memory: Memory

    @classmethod
    def learn(
        cls, network: FittedNetwork, likelihood: MixedLikelihood, training: EncodedTable, rng: np.random.Generator
    ) -> Views:
        """Choose the memories from the training rows."""
        feature_range = FeatureRange.learn(training.rows)
        metric = metric_rows(likelihood.layout, training.rows)
        distinct = distinct_rows(metric, rng)
        memory = Memory.of(metric[covering_rows(metric, distinct, rng)])
        sample = training.take(common_rows(distinct, rng))
        latent_memory = Memory.of(read_rows(network, likelihood, feature_range, sample).latent)
        return cls(network, likelihood, feature_range, memory, latent_memory)

    def units(self, training: EncodedTable) -> ViewUnits:
        """The units of this network's views, from its training rows."""
        return ViewUnits.learn(read_rows(self.network, self.likelihood, self.feature_range, training))

    def of(self, encoded: EncodedTable) -> RowViews:
        """What the views see of encoded rows."""
        layout = self.likelihood.layout
        to_column = np.zeros((layout.n_features, layout.n_columns))
        to_column[np.arange(layout.n_features), np.asarray(layout.feature_column, np.int32)] = 1.0

        def block(rows: npt.NDArray[np.float32], presence: npt.NDArray[np.bool_]) -> tuple[Floats, ...]:
            read = row_likelihood(self.network, self.likelihood, self.feature_range, rows, presence)
            nats = _with_latent_cost(read)
            neighbour = self.memory.nearest(metric_rows(layout, rows)) @ to_column
            return nats, neighbour, self.latent_memory.nearest(read.latent).sum(axis=1)

        nats, neighbour, latent_neighbour = in_blocks(block, encoded.rows, encoded.presence)
        return RowViews(nats, neighbour, latent_neighbour, encoded.novelty)


@dataclass(frozen=True)
class ViewScales:
    """How many nats of surprise each view's score is, learned from rows that the views did not learn from."""

    column_tails: tuple[TailCurve, ...]
    """Of the nats of each column, and last of the latent."""
    likelihood_tail: TailCurve
    neighbour_tail: TailCurve
    latent_tail: TailCurve

    @classmethod
    def learn(cls, rows: RowViews) -> ViewScales:
        """Learn from what the views see of held-out rows."""
        column_tails = tuple(TailCurve.learn(nats, MOST_KNOTS) for nats in rows.nats.T)
        return cls(
            column_tails,
            TailCurve.learn(_power_mean(_calibrated(column_tails, rows.nats)), MOST_KNOTS),
            TailCurve.learn(np.sqrt(rows.neighbour.sum(axis=1)), MOST_KNOTS),
            TailCurve.learn(np.sqrt(rows.latent_neighbour), MOST_KNOTS),
        )

    def from_units(self, units: ViewUnits) -> ViewScales:
        """The scales that were learned in units, for what a network of such units sees."""
        moves = zip(self.column_tails, units.spread, units.center, strict=True)
        column_tails = tuple(tail.moved(float(spread), float(center)) for tail, spread, center in moves)
        return replace(self, column_tails=column_tails, latent_tail=self.latent_tail.moved(units.latent, 0.0))

    def evidence(self, rows: RowViews) -> Evidence:
        """The views' parts on one scale, and combined."""
        nats = _calibrated(self.column_tails, rows.nats)
        weight = np.expm1(nats * POWER)
        likelihood_nats = self.likelihood_tail(_power_mean(nats))
        column, combination = split_total(likelihood_nats, weight[:, :-1], weight[:, -1])
        neighbour_nats = self.neighbour_tail(np.sqrt(rows.neighbour.sum(axis=1)))
        neighbour_column, neighbour_rest = split_total(neighbour_nats, rows.neighbour, np.zeros(len(nats)))
        latent_nats = self.latent_tail(np.sqrt(rows.latent_neighbour))
        return Evidence(
            (column + neighbour_column) / N_VIEWS + rows.novelty,
            (combination + neighbour_rest + latent_nats) / N_VIEWS,
        )


def _with_latent_cost(read: RowLikelihood) -> Floats:
    """Nats of each column, and last of the latent [n, n_columns + 1]."""
    return np.concatenate([read.column_nats, read.kl_nats[:, None]], axis=1)


def _calibrated(tails: tuple[TailCurve, ...], nats: Floats) -> Floats:
    """Each column's own surprise [n, n_columns + 1], at most ``MOST_COLUMN_NATS``."""
    surprises = [tail(column) for tail, column in zip(tails, nats.T, strict=True)]
    return np.minimum(np.stack(surprises, axis=1), MOST_COLUMN_NATS)


def _power_mean(nats: Floats) -> Floats:
    """-ln of the power mean of tail probabilities [n] from their nats [n, k]."""
    return np.asarray(np.log(np.mean(np.exp(nats * POWER), axis=1)) / POWER)


def metric_rows(layout: FeatureLayout, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Encoded rows in the space where neighbours are sought: two different categories are 1 apart, as two flags are."""
    scaled = rows.copy()
    for group in layout.groups:
        # the place of the never seen stands behind the group's last
        scaled[:, group[0] : group[-1] + 2] *= np.float32(np.sqrt(0.5))
    return scaled

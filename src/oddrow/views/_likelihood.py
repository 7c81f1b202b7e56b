"""Negative log-likelihood of each column under the network, and the KL divergence of the latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oddrow.container import Arrays, ArrayStore
from oddrow.views._basis import ViewBasis
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._row_context import RowContext
from oddrow.views._view import GraphScore, Judged, LearningContext, ViewScore, ViewUnits


@dataclass(frozen=True)
class LikelihoodView:
    """The negative log-likelihood of each column given the latent mean, and the KL divergence of the latent.

    Each column is calibrated separately, so a noisy column counts only if it is noisier than usual.
    """

    name: ClassVar[str] = "likelihood"
    judges: ClassVar[Judged] = Judged.COLUMNS_AND_REST
    scores_training_rows: ClassVar[bool] = False
    """The network was fitted to the training rows, so their likelihood is too high to set a scale."""

    @classmethod
    def learn(cls, context: LearningContext) -> LikelihoodView:  # noqa: ARG003 - the network is the basis
        return cls()

    def score(self, rows: RowContext) -> ViewScore:
        return ViewScore(rows.read.column_nats, rows.read.kl_nats, power=rows.constants.power)

    def units(self, training: RowContext) -> ViewUnits:
        """Return units: two networks may explain a column by different other columns, which changes its nats."""
        return ViewUnits.of_quantiles(self.score(training).values, training.constants.min_unit)

    def packed(self) -> Arrays:
        return {}

    @classmethod
    def unpacked(cls, store: ArrayStore, basis: ViewBasis) -> LikelihoodView:  # noqa: ARG003 - it has no arrays
        return cls()

    def graph(self, rows: GraphRowContext) -> GraphScore:
        return GraphScore(rows.column_nats, rows.read.kl_nats, power=rows.constants.power)

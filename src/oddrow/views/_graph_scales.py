"""Calibration and combination of the views' scores, as operations of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.calibration import tail_nats
from oddrow.graph import GraphNamespace, Value
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._scales import ViewScale, ViewScales
from oddrow.views._view import GraphScore
from oddrow.views._views import Views


@dataclass(frozen=True)
class GraphEvidence:
    """The counterpart of :class:`Evidence` in a graph.

    Attributes
    ----------
    raw : float64 [n, 1], the sum of the parts, computed before they are split
    column : float64 [n, n_columns]
    combination : float64 [n, 1]
    """

    raw: Value
    column: Value
    combination: Value


def split_total_values(xp: GraphNamespace, total: Value, column: Value, combination: Value) -> tuple[Value, Value]:
    """Return totals [n, 1] split as :func:`split_total` does."""
    whole = column.sum(axis=1, keepdims=True) + combination
    is_split = whole > 0.0
    column_part = column * xp.where(is_split, total / xp.where(is_split, whole, 1.0), 0.0)
    return column_part, xp.maximum(total - column_part.sum(axis=1, keepdims=True), 0.0)


@dataclass(frozen=True)
class GraphViews:
    """The counterpart of :class:`ScaledViews` in a graph.

    Attributes
    ----------
    nats : float64 [n, n_views], at most ``max_nats``
    splits : for each view, the weights by which it is split over columns [n, n_columns] and the rest [n, 1], or None
    novelty : float64 [n, n_columns], nats
    power : exponent, of opposite sign, of the power mean that combines the views
    """

    nats: Value
    splits: Sequence[tuple[Value, Value | None]]
    novelty: Value
    power: float

    def combined(self, xp: GraphNamespace, weights: npt.NDArray[np.float64]) -> GraphEvidence:
        """Return the evidence of all views together, with these weights [n_views]."""
        power = self.power
        raised = xp.exp(self.nats * power) * (weights / weights.sum())
        together = xp.log(raised.sum(axis=1, keepdims=True)) / power
        none = xp.zeros_like(together)
        shares, _ = split_total_values(xp, together, xp.expm1(self.nats * power) * weights, none)
        column, combination = self.novelty, none
        for place, (by_column, by_none) in enumerate(self.splits):
            share = shares[:, place : place + 1]
            own_column, own_combination = split_total_values(xp, share, by_column, none if by_none is None else by_none)
            column, combination = column + own_column, combination + own_combination
        return GraphEvidence(together + self.novelty.sum(axis=1, keepdims=True), column, combination)


def graph_views(
    xp: GraphNamespace, views: Views, scales: ViewScales, rows: Value, presence: Value, novelty: Value
) -> GraphViews:
    """Return the scores of encoded rows by all views, in nats."""
    constants = scales.constants
    context = GraphRowContext(views.basis, xp, rows, presence)
    scores = [_score(xp, view.graph(context), scales.scales[view.name], constants) for view in views.views]
    totals = [scales.scales[view.name].total for view in views.views]
    nats = xp.minimum(
        tail_nats(xp, xp.concatenate([score for score, *_ in scores], axis=1), totals), constants.max_nats
    )
    return GraphViews(nats, [split for _, *split in scores], novelty, constants.power)  # type: ignore[misc]


def _score(
    xp: GraphNamespace, score: GraphScore, scale: ViewScale, constants: ScoringConstants
) -> tuple[Value, Value, Value | None]:
    """Return a view's score [n, 1] before its scale, and the weights by which it is split over columns and the rest."""
    if score.total is not None:
        return score.total, score.by_column, score.by_none
    power = constants.power if score.power is None else score.power
    n_columns = len(scale.columns.tails) - (score.by_none is not None)
    values = score.by_column if score.by_none is None else xp.concatenate([score.by_column, score.by_none], axis=1)
    nats = xp.minimum(tail_nats(xp, values, scale.columns.tails), constants.max_nats)
    total = xp.log(xp.exp(nats * power).mean(axis=1)[:, None]) / power
    split = xp.expm1(nats * power)
    return total, split[:, :n_columns], None if score.by_none is None else split[:, n_columns:]

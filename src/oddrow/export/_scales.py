"""The views on one scale, and combined, as operations of a graph; see :class:`oddrow.views.ViewScales`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oddrow.calibration import TailCurve
from oddrow.export._tail_curves import tail_nats
from oddrow.export._views import ViewValues
from oddrow.graph import GraphNamespace, Value
from oddrow.views import MARGINAL_POWER, MOST_NATS, POWER, ViewScales


@dataclass(frozen=True)
class EvidenceValues:
    """As :class:`oddrow.views.Evidence`, in a graph.

    Attributes
    ----------
    raw : float64 [n, 1], the sum of the parts, without a detour over them
    column : float64 [n, n_columns]
    combination : float64 [n, 1]
    """

    raw: Value
    column: Value
    combination: Value


def split_total(xp: GraphNamespace, total: Value, column: Value, combination: Value) -> tuple[Value, Value]:
    """Split totals [n, 1] in proportion to parts; where all parts are zero, no column carries anything."""
    whole = column.sum(axis=1, keepdims=True) + combination
    is_split = whole > 0.0
    column_part = column * xp.where(is_split, total / xp.where(is_split, whole, 1.0), 0.0)
    return column_part, xp.maximum(total - column_part.sum(axis=1, keepdims=True), 0.0)


def combined(xp: GraphNamespace, scales: ViewScales, seen: ViewValues) -> EvidenceValues:
    """The views' parts on one scale, and combined."""
    none = xp.zeros_like(seen.distance)
    nats = _calibrated(xp, seen.nats, scales.column_tails)
    marginal = _calibrated(xp, seen.marginal, scales.marginal_tails)
    dependence = _calibrated(xp, seen.dependence, scales.dependence_tails)
    weight = xp.expm1(nats * POWER)
    n_columns = len(scales.marginal_tails)
    views = (  # the score of each, its scale, and in proportion to what it is split: columns, and what none carries
        (_power_mean(xp, nats, POWER), scales.likelihood, weight[:, :n_columns], weight[:, n_columns:]),
        (
            _power_mean(xp, marginal, MARGINAL_POWER),
            scales.marginal,
            xp.expm1(marginal * MARGINAL_POWER),
            none,
        ),
        (
            _power_mean(xp, dependence, MARGINAL_POWER),
            scales.dependence,
            xp.expm1(dependence * MARGINAL_POWER),
            none,
        ),
        (seen.distance, scales.nearest, seen.nearest, none),
        (seen.sparseness, scales.sparseness, seen.apartness, none),
        (seen.rank_distance, scales.rank_nearest, seen.rank_nearest, none),
        (seen.rank_sparseness, scales.rank_sparseness, seen.rank_apartness, none),
        (seen.latent_distance, scales.latent_nearest, xp.zeros_like(seen.novelty), none + 1.0),
    )
    scores = xp.concatenate([score for score, *_ in views], axis=1)
    view_nats = _calibrated(xp, scores, [scale for _, scale, *_ in views])
    weights = scales.weights / scales.weights.sum()
    together = xp.log((xp.exp(view_nats * POWER) * weights).sum(axis=1, keepdims=True)) / POWER
    shares, _ = split_total(xp, together, xp.expm1(view_nats * POWER) * weights, none)
    column, combination = seen.novelty, none
    for place, (_, _, *split) in enumerate(views):
        own_column, own_combination = split_total(xp, shares[:, place : place + 1], *split)
        column, combination = column + own_column, combination + own_combination
    return EvidenceValues(together + seen.novelty.sum(axis=1, keepdims=True), column, combination)


def _calibrated(xp: GraphNamespace, scores: Value, tails: Sequence[TailCurve]) -> Value:
    return xp.minimum(tail_nats(xp, scores, tails), MOST_NATS)


def _power_mean(xp: GraphNamespace, nats: Value, power: float) -> Value:
    """-ln of the power mean of tail probabilities [n, 1] from their nats [n, k]."""
    return xp.log(xp.exp(nats * power).mean(axis=1)[:, None]) / power

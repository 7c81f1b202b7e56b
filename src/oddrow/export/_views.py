"""The views of a row, on one scale and combined, as operations of a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from oddrow.export._columns import EncodedValues
from oddrow.export._curves import borders_reached, going_on, interpolated, tail_nats
from oddrow.export._graph import FLOAT, INTEGER, Value
from oddrow.export._memory import nearest_places, places_of_copies, squares_to, surroundings
from oddrow.export._namespace import GraphNamespace
from oddrow.export._network import column_nats, read_values
from oddrow.scoring import (
    MARGINAL_POWER,
    MOST_NATS,
    NEIGHBOURS,
    POWER,
    Dependence,
    Marginals,
    Memory,
    Space,
    Surroundings,
    TailCurve,
    ViewEvidence,
    Views,
    parts_of,
)
from oddrow.table import FeatureLayout


def views_score(xp: GraphNamespace, model: ViewEvidence, encoded: EncodedValues) -> Value:
    """The raw score [n] of the views together, and the novelty beside them."""
    views, scales, layout = model.views, model.scales, model.likelihood.layout
    read = read_values(xp, views.network, views.feature_range, encoded)
    nats = column_nats(views.likelihood, xp, read.outputs, encoded)
    by_column = (
        (xp.concatenate([nats, read.kl_nats], axis=1), scales.column_tails, POWER),
        (_marginal_nats(xp, views.marginals, layout, encoded), scales.marginal_tails, MARGINAL_POWER),
        (_dependence_nats(xp, views.dependence, encoded), scales.dependence_tails, MARGINAL_POWER),
    )
    scores = [_power_mean(xp, _calibrated(xp, nats, tails), power) for nats, tails, power in by_column]
    scores += _distances(xp, views, encoded, read.latent)
    tails = (
        scales.likelihood,
        scales.marginal,
        scales.dependence,
        scales.nearest,
        scales.sparseness,
        scales.rank_nearest,
        scales.rank_sparseness,
        scales.latent_nearest,
    )
    together = _power_mean(xp, _calibrated(xp, xp.concatenate(scores, axis=1), tails), POWER)
    return (together + encoded.novelty.sum(axis=1, keepdims=True))[:, 0]


def _distances(xp: GraphNamespace, views: Views, encoded: EncodedValues, latent: Value) -> list[Value]:
    """Distance and sparseness, each [n, 1], in both spaces of the rows, and the distance in the latent space."""
    standard, ranks = _in_space(xp, views.standard, encoded.rows), _in_space(xp, views.ranks, encoded.rows)
    around = Surroundings(Memory.of(views.standard.apply(views.memory)), views.reach)
    among_ranks = Surroundings(Memory.of(views.ranks.apply(views.memory)), views.rank_reach)
    own = None
    if views.is_single.any():
        near = nearest_places(xp, standard, around.memory, NEIGHBOURS, None)
        own = places_of_copies(xp, encoded.rows, views.memory, views.is_single, near)
    seen = [surroundings(xp, standard, around, own), surroundings(xp, ranks, among_ranks, own)]
    whitened = (latent @ views.whitening).astype(np.float32).astype(FLOAT)
    place = nearest_places(xp, whitened, views.latent_memory, 1, own)
    nearest = xp.sqrt(squares_to(xp, whitened, views.latent_memory, place))
    return [*(value for each in seen for value in (each.nearest, each.sparseness)), nearest]


def _in_space(xp: GraphNamespace, space: Space, rows: Value) -> Value:
    """Encoded rows [n, d] in a space, rounded as there."""
    scaled = (going_on if space.goes_on else interpolated)(xp, rows, space.curves)
    return scaled.astype(np.float32).astype(FLOAT)


def _marginal_nats(xp: GraphNamespace, marginals: Marginals, layout: FeatureLayout, encoded: EncodedValues) -> Value:
    """As :meth:`oddrow.scoring.Marginals.nats`."""
    flags = {feature for feature, is_flag in zip(layout.binary, layout.is_presence_flag, strict=True) if is_flag}
    places = {place for group in layout.groups for place in range(group[0], group[-1] + 2)}
    is_flag = np.array([feature in flags for feature in range(layout.n_features)], np.bool_)
    is_place = np.array([feature in places for feature in range(layout.n_features)], np.bool_)
    is_taken, has_value = encoded.rows > 0.0, encoded.presence[:, layout.feature_column]
    # of a category, the one place that is taken; of what has no value, its flag alone
    counts = (is_taken | ~is_place) & (has_value | (is_place | is_flag)) | is_flag
    nats = interpolated(xp, encoded.rows, marginals.curves) * counts.astype(FLOAT)
    return nats @ _indicator(layout.feature_column, layout.n_columns)


def _dependence_nats(xp: GraphNamespace, dependence: Dependence, encoded: EncodedValues) -> Value:
    """As :meth:`oddrow.scoring.Dependence.nats`."""
    layout = dependence.layout
    parts = parts_of(layout)
    if not parts:  # constants alone
        return xp.zeros((*encoded.rows.shape, layout.n_columns))
    columns = [part.column for part in parts]
    codes = _codes(xp, dependence, encoded)
    sizes = np.array([table.shape[1] for table in dependence.tables])
    firsts = np.cumsum([0, *(table.size for table in dependence.tables)])[:-1]
    is_told = (dependence.telling >= 0).astype(np.int64)
    given = codes[:, np.maximum(dependence.telling, 0)] * is_told
    found = (given * sizes + codes + firsts).taken_from(np.concatenate([each.ravel() for each in dependence.tables]))
    is_flag = np.array([part.is_flag for part in parts], np.bool_)
    there = encoded.presence[:, columns] | is_flag
    return (found * there.astype(FLOAT)) @ _indicator(columns, layout.n_columns)


def _codes(xp: GraphNamespace, dependence: Dependence, encoded: EncodedValues) -> Value:
    """The code of each part, int64 [n, n_parts]; the last is that of no value."""
    parts = parts_of(dependence.layout)
    singles = [place for place, part in enumerate(parts) if not part.is_category]
    groups = [place for place, part in enumerate(parts) if part.is_category]
    codes = []
    if singles:
        borders = [dependence.edges[place] for place in singles]
        reached = borders_reached(xp, encoded.rows[:, [parts[place].features[0] for place in singles]], borders)
        is_flag = np.array([parts[place].is_flag for place in singles], np.bool_)
        is_judged = encoded.presence[:, [parts[place].column for place in singles]] | is_flag
        nothing = xp.broadcast_to([len(each) + 1 for each in borders], reached, INTEGER)
        codes.append(xp.where(is_judged, reached, nothing))
    if groups:
        # one place at most is 1: the code is its number, or that of none
        last = np.array([len(parts[place].features) for place in groups])
        number = np.zeros((dependence.layout.n_features, len(groups)))
        for index, place in enumerate(groups):
            features = np.array(parts[place].features)
            number[features, index] = np.arange(len(features)) - len(features)
        codes.append((encoded.rows @ number + last).astype(INTEGER))
    return xp.concatenate(codes, axis=1)[:, np.argsort(singles + groups)]


def _indicator(owners: Sequence[int], n_columns: int) -> npt.NDArray[np.float64]:
    """The matrix [len(owners), n_columns] that sums parts into their columns."""
    indicator = np.zeros((len(owners), n_columns))
    indicator[np.arange(len(owners)), np.asarray(owners, np.int64)] = 1.0
    return indicator


def _calibrated(xp: GraphNamespace, scores: Value, tails: Sequence[TailCurve]) -> Value:
    return xp.minimum(tail_nats(xp, scores, tails), MOST_NATS)


def _power_mean(xp: GraphNamespace, nats: Value, power: float) -> Value:
    """-ln of the power mean of tail probabilities [n, 1] from their nats [n, k]."""
    return xp.log(xp.exp(nats * power).mean(axis=1)[:, None]) / power

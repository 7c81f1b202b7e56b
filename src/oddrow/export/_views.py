"""The views of a row, as operations of a graph; see :class:`oddrow.views.Views`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedValues, FeatureLayout
from oddrow.export._memory import differences, nearest_places, neighbourhood, places_of_copies
from oddrow.export._network import column_nats, read_values
from oddrow.graph import FLOAT, INTEGER, GraphNamespace, Value, borders_reached, extrapolated, interpolated
from oddrow.views import NEIGHBOURS, Dependence, Marginals, Memory, Space, Surroundings, Views, parts_of


@dataclass(frozen=True)
class ViewValues:
    """As :class:`oddrow.views.RowViews`, in a graph; what is [n] there is [n, 1] here.

    ``distance`` and ``rank_distance`` are those to the nearest row, as is ``latent_distance``.
    """

    nats: Value
    marginal: Value
    dependence: Value
    nearest: Value
    distance: Value
    apartness: Value
    sparseness: Value
    rank_nearest: Value
    rank_distance: Value
    rank_apartness: Value
    rank_sparseness: Value
    latent_distance: Value
    novelty: Value


def view_values(xp: GraphNamespace, views: Views, encoded: EncodedValues) -> ViewValues:
    """What the views see of encoded rows."""
    layout = views.density.layout
    read = read_values(xp, views.density, encoded)
    nats = column_nats(views.density.likelihood, xp, read.outputs, encoded)
    standard, ranks = _in_space(xp, views.standard, encoded.rows), _in_space(xp, views.ranks, encoded.rows)
    surroundings = Surroundings(Memory.of(views.standard.apply(views.memory)), views.reach)
    rank_surroundings = Surroundings(Memory.of(views.ranks.apply(views.memory)), views.rank_reach)
    own = None
    if views.is_single.any():
        near = nearest_places(xp, standard, surroundings.memory, NEIGHBOURS, None)
        own = places_of_copies(xp, encoded.rows, views.memory, views.is_single, near)
    around = neighbourhood(xp, standard, surroundings, own)
    among_ranks = neighbourhood(xp, ranks, rank_surroundings, own)
    to_columns = indicator(layout.feature_column, layout.n_columns)
    return ViewValues(
        xp.concatenate([nats, read.kl_nats], axis=1),
        _marginal_nats(xp, views.marginals, layout, encoded),
        _dependence_nats(xp, views.dependence, encoded),
        around.nearest @ to_columns,
        around.distance,
        around.apartness @ to_columns,
        around.sparseness,
        among_ranks.nearest @ to_columns,
        among_ranks.distance,
        among_ranks.apartness @ to_columns,
        among_ranks.sparseness,
        _latent_distance(xp, views, read.latent, own),
        encoded.novelty,
    )


def _latent_distance(xp: GraphNamespace, views: Views, latent: Value, own: Value | None) -> Value:
    whitened = (latent @ views.whitening).astype(np.float32).astype(FLOAT)
    place = nearest_places(xp, whitened, views.latent_memory, 1, own)
    return xp.sqrt(differences(xp, whitened, views.latent_memory, place).sum(axis=2))


def _in_space(xp: GraphNamespace, space: Space, rows: Value) -> Value:
    """Encoded rows [n, d] in a space, rounded as there."""
    knots, values = [curve.knots for curve in space.curves], [curve.values for curve in space.curves]
    scaled = (extrapolated if space.goes_on else interpolated)(xp, rows, knots, values)
    return scaled.astype(np.float32).astype(FLOAT)


def _marginal_nats(xp: GraphNamespace, marginals: Marginals, layout: FeatureLayout, encoded: EncodedValues) -> Value:
    """As :meth:`oddrow.views.Marginals.nats`."""
    flags = {feature for feature, is_flag in zip(layout.binary, layout.is_presence_flag, strict=True) if is_flag}
    places = {place for group in layout.groups for place in range(group[0], group[-1] + 2)}
    is_flag = np.array([feature in flags for feature in range(layout.n_features)], np.bool_)
    is_place = np.array([feature in places for feature in range(layout.n_features)], np.bool_)
    is_taken, has_value = encoded.rows > 0.0, encoded.presence[:, layout.feature_column]
    # of a category, the one place that is taken; of what has no value, its flag alone
    counts = (is_taken | ~is_place) & (has_value | (is_place | is_flag)) | is_flag
    nats = interpolated(
        xp,
        encoded.rows,
        [curve.knots for curve in marginals.curves],
        [curve.values for curve in marginals.curves],
    ) * counts.astype(FLOAT)
    return nats @ indicator(layout.feature_column, layout.n_columns)


def _dependence_nats(xp: GraphNamespace, dependence: Dependence, encoded: EncodedValues) -> Value:
    """As :meth:`oddrow.views.Dependence.nats`."""
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
    return (found * there.astype(FLOAT)) @ indicator(columns, layout.n_columns)


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


def indicator(owners: Sequence[int], n_columns: int) -> npt.NDArray[np.float64]:
    """The matrix [len(owners), n_columns] that sums parts into their columns."""
    indicator = np.zeros((len(owners), n_columns))
    indicator[np.arange(len(owners)), np.asarray(owners, np.int64)] = 1.0
    return indicator

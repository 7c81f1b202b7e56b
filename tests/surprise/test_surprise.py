"""The surprise of a row is a sum over its columns; tests compute every part of it a second way."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from oddrow.density import BLOCK_ROWS, decode, encode
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.table import as_table
from oddrow.views import Evidence, Space, checked_view_weights, variables_of

POWER, MARGINAL_POWER = DEFAULT_CONSTANTS.power, DEFAULT_CONSTANTS.marginal_power
MIN_REACH, NEIGHBOURS = DEFAULT_CONSTANTS.min_reach, DEFAULT_CONSTANTS.neighbours


@pytest.fixture
def encoded(scored):
    detector, table = scored
    return detector.model_.encoding.encode(as_table(table))


@pytest.fixture
def model(scored):
    return scored[0].model_.surprise_model


def with_column(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def in_space(space, rows):
    """Each feature on its curve, which goes on beyond its ends or is flat there."""
    moved = np.empty(rows.shape)
    for feature, curve in enumerate(space.curves):
        for row, x in enumerate(rows[:, feature].astype(float)):
            value = np.interp(x, curve.knots, curve.values)
            if space.goes_on and len(curve.knots) > 1:
                piece = slice(0, 2) if x < curve.knots[0] else slice(-2, None)
                slope = np.diff(curve.values[piece])[0] / np.diff(curve.knots[piece])[0]
                value += slope * (x - np.clip(x, curve.knots[0], curve.knots[-1]))
            moved[row, feature] = value
    return moved.astype(np.float32).astype(float)


def nats_by_itself(model, encoded):
    """Of each column [n, n_columns]: its features' curves, of a category only the place that is taken."""
    layout = model.density.layout
    flags = {feature for feature, is_flag in zip(layout.binary, layout.is_presence_flag, strict=True) if is_flag}
    places = {place for group in layout.groups for place in [*group, group[-1] + 1]}
    nats = np.zeros((len(encoded.rows), layout.n_columns))
    for row, feature in np.ndindex(encoded.rows.shape):
        value, column = float(encoded.rows[row, feature]), layout.feature_column[feature]
        counts = value > 0 if feature in places else feature in flags or encoded.presence[row, column]
        if counts:
            curve = model.views.named("marginal").curves[feature]
            nats[row, column] += np.interp(value, curve.knots, curve.values)
    return nats


def nats_beside_another(model, encoded):
    """Of each column [n, n_columns]: its parts' tables, at their codes and the codes of the informative parts."""
    layout, dependence = model.density.layout, model.views.named("dependence")
    parts = variables_of(layout)

    def code(row, place):
        part, edges = parts[place], dependence.coding.edges[place]
        values = encoded.rows[row, list(part.features)].astype(float)
        if part.is_category:
            return int(np.flatnonzero(values)[0]) if values.any() else len(values)
        is_missing = not part.is_flag and not encoded.presence[row, part.column]
        return len(edges) + 1 if is_missing else int(np.sum(values[0] >= edges))

    nats = np.zeros((len(encoded.rows), layout.n_columns))
    for row, place in np.ndindex(len(encoded.rows), len(parts)):
        part, other = parts[place], dependence.informative[place]
        if part.is_flag or encoded.presence[row, part.column]:
            given = code(row, other) if other >= 0 else 0
            nats[row, part.column] += dependence.tables[place][given, code(row, place)]
    return nats


def power_mean(nats, power):
    """Of tail probabilities, in nats."""
    return -np.log(np.mean(np.exp(-np.asarray(nats)) ** -power) ** (-1 / power))


def within_subsets(neighbours, asked, remembered, columns, n_columns):
    """Of one row, by space: the nats of all subsets combined, and its split over the columns [n_columns]."""
    nats, share = [], np.zeros(n_columns)
    for subset, is_ranked, tail in zip(neighbours.members, neighbours.is_ranked, neighbours.tails.tails, strict=True):
        space = "rank_" if is_ranked else ""
        features = [feature for feature, column in enumerate(columns) if subset[column]]
        squares = (asked[space][features] - remembered[space][:, features]) ** 2
        nearest = squares[np.argmin(squares.sum(axis=1))]
        nats.append(float(tail(np.sqrt([nearest.sum()]))[0]))
        if nearest.any():
            own = np.zeros(n_columns)
            np.add.at(own, columns[features], nearest / nearest.sum())
            share += own * (np.exp(nats[-1] * POWER) - 1)
    return power_mean(nats, POWER), share


def views(model, encoded):
    """The evidence of :class:`ViewEvidence` once more, row by row and from its description.

    Returns nats by view [n, n_views], and each view's split over the columns and the rest [n, n_views, n_columns + 1].
    """
    layout, seen, scales = model.density.layout, model.views.basis.normal_rows, model.scales.scales
    latent_view = model.views.named("latent_nearest")
    read = model.density.read_block(encoded.rows, encoded.presence)
    parts = np.concatenate([read.column_nats, read.kl_nats[:, None]], axis=1)
    alone, beside = nats_by_itself(model, encoded), nats_beside_another(model, encoded)
    columns = np.asarray(layout.feature_column)
    spaces = {"": (seen.standard, seen.reach), "rank_": (seen.ranks, seen.rank_reach)}
    remembered = {name: in_space(space, seen.rows) for name, (space, _) in spaces.items()}
    asked = {name: in_space(space, encoded.rows) for name, (space, _) in spaces.items()}
    latent = (read.latent @ latent_view.whitening).astype(np.float32).astype(float)
    place = {name: index for index, name in enumerate(model.views.names)}
    nats = np.zeros((len(encoded.rows), len(place)))
    share = np.zeros((len(encoded.rows), len(place), layout.n_columns + 1))
    for row in range(len(encoded.rows)):
        own = [float(tail(parts[row, [j]])[0]) for j, tail in enumerate(scales["likelihood"].columns.tails)]
        nats[row, 0] = scales["likelihood"].total(np.array([power_mean(own, POWER)]))[0]
        share[row, 0] = np.exp(np.array(own) * POWER) - 1
        own = [float(tail(alone[row, [j]])[0]) for j, tail in enumerate(scales["marginal"].columns.tails)]
        nats[row, 1] = scales["marginal"].total(np.array([power_mean(own, MARGINAL_POWER)]))[0]
        share[row, 1, :-1] = np.exp(np.array(own) * MARGINAL_POWER) - 1
        own = [float(tail(beside[row, [j]])[0]) for j, tail in enumerate(scales["dependence"].columns.tails)]
        nats[row, 2] = scales["dependence"].total(np.array([power_mean(own, MARGINAL_POWER)]))[0]
        share[row, 2, :-1] = np.exp(np.array(own) * MARGINAL_POWER) - 1
        for name, (_, reach) in spaces.items():
            squares = (asked[name][row] - remembered[name]) ** 2
            order = np.argsort(squares.sum(axis=1))
            if f"{name}nearest" in place:
                view = place[f"{name}nearest"]
                nats[row, view] = scales[f"{name}nearest"].total(np.sqrt([squares[order[0]].sum()]))[0]
                np.add.at(share[row, view], columns, squares[order[0]])
            view = place[f"{name}sparseness"]
            near = order[:NEIGHBOURS]
            least = MIN_REACH * np.median(reach.mean)
            distance = np.sqrt(squares[near].sum(axis=1))
            # the reach of each neighbour with the row itself among its own neighbours
            theirs = reach.mean[near] - np.maximum(reach.furthest[near] - distance, 0.0) / NEIGHBOURS
            further = (distance.mean() + least) / (theirs.mean() + least)
            nats[row, view] = scales[f"{name}sparseness"].total(np.log([further]))[0]
            np.add.at(share[row, view], columns, squares[near].sum(axis=0))
        apart = ((latent[row] - latent_view.memory.rows.astype(float)) ** 2).sum(axis=1).min()
        nats[row, place["latent_nearest"]] = scales["latent_nearest"].total(np.sqrt([apart]))[0]
        share[row, place["latent_nearest"], -1] = 1.0
        for name in ("random_subsets", "related_subsets"):
            total, share[row, place[name], :-1] = within_subsets(
                model.views.named(name).neighbours,
                {space: rows[row] for space, rows in asked.items()},
                remembered,
                columns,
                layout.n_columns,
            )
            nats[row, place[name]] = scales[name].total(np.array([total]))[0]
    return nats, share / np.maximum(share.sum(axis=2, keepdims=True), 1e-300)


def test_the_raw_score_is_the_sum_of_its_parts():
    evidence = Evidence(np.array([[1.0, 2.0], [0.0, 0.5]]), np.array([4.0, 0.25]))
    np.testing.assert_array_equal(evidence.raw, [7.0, 0.75])


def test_surprise_is_the_calibrated_raw_score_split_in_proportion(model, encoded):
    evidence, found = model.evidence_model.evidence(encoded), model.score(encoded)
    np.testing.assert_array_equal(found.surprise, model.calibration.surprise(evidence.raw))
    np.testing.assert_array_equal(found.p_value, model.calibration.p_value(evidence.raw))
    in_proportion = found.surprise / evidence.raw
    np.testing.assert_allclose(found.column_part, evidence.column * in_proportion[:, None], atol=1e-12)
    np.testing.assert_allclose(found.combination_part, evidence.combination * in_proportion, atol=1e-9)
    assert (found.column_part >= 0).all()
    assert (found.combination_part >= 0).all()
    np.testing.assert_allclose(
        found.column_part.sum(axis=1) + found.combination_part, found.surprise, rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("given", [None, {"marginal": 3, "nearest": 0, "latent_nearest": 0.5}])
def test_the_evidence_is_that_of_ten_views_computed_a_second_way(detector, fresh, given):
    model = detector.model_.surprise_model.evidence_model
    assert len(model.views.names) == 10
    weights = checked_view_weights(given, model.views.names)
    check_a_second_way(replace(model, scales=replace(model.scales, weights=weights)), detector, fresh)


def check_a_second_way(model, detector, fresh):
    weights = model.scales.weights
    encoded = detector.model_.encoding.encode(fresh.slice(0, 30))
    nats, share = views(model, encoded)
    whole = np.log((np.exp(nats * POWER) * weights).sum(axis=1) / weights.sum()) / POWER
    brought = (np.exp(nats * POWER) - 1) * weights
    expected = (whole[:, None] * brought / brought.sum(axis=1, keepdims=True))[:, :, None] * share
    found = model.evidence(encoded)
    np.testing.assert_allclose(found.raw, whole + encoded.novelty.sum(axis=1), rtol=1e-8)
    beside = expected.sum(axis=1)[:, :-1] + encoded.novelty
    np.testing.assert_allclose(found.column, beside, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.combination, expected.sum(axis=1)[:, -1], rtol=1e-5, atol=1e-8)


def test_novelty_is_added_to_the_column_that_holds_it(detector, fresh):
    model = detector.model_
    table = with_column(fresh.slice(0, 20), "service", ["telnet"] * 20)
    encoded = model.encoding.encode(table)
    evidence = model.surprise_model.evidence_model.evidence
    without = evidence(replace(encoded, novelty=np.zeros_like(encoded.novelty)))
    assert (encoded.novelty[:, model.encoding.names.index("service")] > 1).all()
    np.testing.assert_allclose(evidence(encoded).column - without.column, encoded.novelty, atol=1e-9)


def test_the_latent_has_a_kl_cost_in_a_variational_detector_and_none_in_an_autoencoder(vae, autoencoder, fresh):
    def kl(detector):
        return detector.model_.surprise_model.read(detector.model_.encoding.encode(fresh)).kl_nats

    assert (kl(vae) > 0).all()
    assert not kl(autoencoder).any()


def test_rows_are_read_in_double_precision(scored):
    """Single-precision products round a row by its place in the block, which not every processor shows."""
    detector, table = scored
    model = detector.model_
    encoded = model.encoding.encode(as_table(table))
    found = model.surprise_model.read(encoded)
    exact = {name: value.astype(np.longdouble) for name, value in model.network.parameters.items()}
    shown = model.surprise_model.evidence_model.density.feature_range.clip(encoded.rows).astype(np.longdouble)
    latent, _ = encode(np, model.network.shape, exact, shown)
    np.testing.assert_allclose(found.latent, latent.astype(float), rtol=1e-10, atol=1e-12)
    outputs = decode(np, model.network.shape, exact, latent)
    np.testing.assert_allclose(found.outputs, outputs.astype(float), rtol=1e-10, atol=1e-12)


def test_novelty_adds_to_the_evidence_of_its_column(detector, fresh):
    encoded = detector.model_.encoding.encode(with_column(fresh, "service", ["gopher"] * len(fresh)))
    model = detector.model_.surprise_model.evidence_model
    novel, otherwise = model.evidence(encoded), model.evidence(replace(encoded, novelty=0 * encoded.novelty))
    column = detector.model_.encoding.names.index("service")
    assert (encoded.novelty[:, column] > 4).all()
    np.testing.assert_allclose(novel.column - otherwise.column, encoded.novelty, atol=1e-9)
    np.testing.assert_array_equal(novel.combination, otherwise.combination)


@pytest.mark.parametrize("name", ["bytes_sent", "duration_s", "round_trip_ms", "country", "interface_version"])
def test_a_strange_value_is_evidence_of_the_column_that_holds_it(detector, fresh, name):
    strange = "Atlantis" if pa.types.is_string(fresh.column(name).type) else 1e300
    index = detector.model_.encoding.names.index(name)

    def column(table):
        model = detector.model_
        return model.surprise_model.evidence_model.evidence(model.encoding.encode(table)).column

    gained = column(with_column(fresh, name, [strange] * len(fresh))) - column(fresh)
    # bytes_sent beyond all bounds also makes the packets that go with it look too few, in some rows even more so
    place = (gained > gained[:, [index]]).sum(axis=1)
    assert place.max() <= 1
    assert np.mean(place == 0) > 0.9


def test_the_articles_evidence_is_the_mean_absolute_error(article):
    rows = np.random.default_rng(8).normal(size=(2 * BLOCK_ROWS + 1, 4)) * 3
    model = article.model_
    encoded = model.encoding.encode(as_table(rows))
    logits = model.surprise_model.read(encoded).outputs
    error = np.abs(encoded.rows.astype(float) - 1 / (1 + np.exp(-logits)))
    evidence = model.surprise_model.evidence_model.evidence(encoded)
    np.testing.assert_allclose(evidence.raw, error.mean(axis=1))
    np.testing.assert_allclose(evidence.column, error / 4)
    assert not evidence.combination.any()


def test_two_different_categories_are_as_far_apart_as_two_different_flags(vae):
    encoding = vae.model_.encoding
    layout = encoding.layout
    for group, column in zip(layout.groups, layout.group_column, strict=True):
        places = [*group, group[-1] + 1]  # and the place of the never seen
        assert {layout.feature_column[place] for place in places} == {column}
        one_hot = np.zeros((len(places), layout.n_features), np.float32)
        one_hot[np.arange(len(places)), places] = 1.0
        apart = Space.encoded(layout).apply(one_hot)
        distance = np.linalg.norm(apart[:, None] - apart[None], axis=2)
        np.testing.assert_allclose(distance, 1 - np.eye(len(places)), atol=1e-6)


def test_features_that_are_not_categories_keep_their_scale(vae):
    layout = vae.model_.encoding.layout
    rows = np.random.default_rng(0).normal(size=(5, layout.n_features)).astype(np.float32)
    before = rows.copy()
    others = [*layout.gaussian, *layout.binary]
    np.testing.assert_array_equal(Space.encoded(layout).apply(rows)[:, others], rows[:, others])
    np.testing.assert_array_equal(rows, before)


def test_a_column_with_boundless_likelihood_leaves_the_score_finite(detector, fresh):
    encoded = detector.model_.encoding.encode(fresh.slice(0, 20))
    far = replace(encoded, rows=encoded.rows.copy())
    far.rows[:, list(detector.model_.encoding.layout.gaussian)] = 1e15
    found = detector.model_.surprise_model.score(far)
    assert np.isfinite(found.surprise).all()
    assert (found.surprise > detector.surprise(fresh).max()).all()

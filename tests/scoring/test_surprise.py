"""A row's surprise is a sum over its columns, and every part of it can be computed a second way."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from oddrow.model import decode, encode
from oddrow.scoring import BLOCK_ROWS, Evidence
from oddrow.scoring._likelihood import row_likelihood
from oddrow.scoring._views import POWER, metric_rows
from oddrow.table import as_table

LIKELIHOOD, NEIGHBOUR, LATENT = range(3)


@pytest.fixture
def encoded(scored):
    detector, table = scored
    return detector.model_.encoding.encode(as_table(table))


@pytest.fixture
def model(scored):
    return scored[0].model_.surprise_model


def with_column(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def views(model, encoded):
    """The evidence of :class:`ViewEvidence` once more, row by row and from its description.

    Returns nats by view [n, 3], and each view's split over the columns and the rest [n, 3, n_columns + 1].
    """
    layout = model.likelihood.layout
    read = row_likelihood(model.network, model.likelihood, model.feature_range, encoded.rows, encoded.presence)
    parts = np.concatenate([read.column_nats, read.kl_nats[:, None]], axis=1)
    columns = np.asarray(layout.feature_column)
    remembered, asked = model.views.memory.rows.astype(float), metric_rows(layout, encoded.rows).astype(float)
    nats = np.zeros((len(asked), 3))
    share = np.zeros((len(asked), 3, layout.n_columns + 1))
    for row in range(len(asked)):
        own = np.array([float(tail(parts[row, [j]])[0]) for j, tail in enumerate(model.scales.column_tails)])
        tail_probability = np.exp(-own)
        mean = np.mean(tail_probability**-POWER) ** (-1 / POWER)
        nats[row, LIKELIHOOD] = model.scales.likelihood_tail(-np.log([mean]))[0]
        share[row, LIKELIHOOD] = tail_probability**-POWER - 1
        squares = (asked[row] - remembered) ** 2
        nearest = squares[np.argmin(squares.sum(axis=1))]
        nats[row, NEIGHBOUR] = model.scales.neighbour_tail(np.sqrt([nearest.sum()]))[0]
        np.add.at(share[row, NEIGHBOUR], columns, nearest)
        latent = ((read.latent[row] - model.views.latent_memory.rows.astype(float)) ** 2).sum(axis=1).min()
        nats[row, LATENT] = model.scales.latent_tail(np.sqrt([latent]))[0]
        share[row, LATENT, -1] = 1.0
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


def test_the_evidence_is_that_of_three_views_computed_a_second_way(detector, fresh):
    model = detector.model_.surprise_model.evidence_model
    encoded = detector.model_.encoding.encode(fresh.slice(0, 100))
    nats, share = views(model, encoded)
    expected = (nats[:, :, None] * share).mean(axis=1)
    found = model.evidence(encoded)
    np.testing.assert_allclose(found.raw, nats.mean(axis=1) + encoded.novelty.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.column, expected[:, :-1] + encoded.novelty, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.combination, expected[:, -1], rtol=1e-6, atol=1e-9)


def test_the_latent_costs_a_variational_detector_something_and_an_autoencoder_nothing(vae, autoencoder, fresh):
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
    shown = model.surprise_model.evidence_model.feature_range.clip(encoded.rows).astype(np.longdouble)
    latent, _ = encode(np, model.network.shape, exact, shown)
    np.testing.assert_allclose(found.latent, latent.astype(float), rtol=1e-10, atol=1e-12)
    outputs = decode(np, model.network.shape, exact, latent)
    np.testing.assert_allclose(found.outputs, outputs.astype(float), rtol=1e-10, atol=1e-12)


def test_novelty_is_evidence_of_its_column_beside_the_views(detector, fresh):
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
    assert (np.argmax(gained, axis=1) == index).all()


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
        apart = metric_rows(layout, one_hot)
        distance = np.linalg.norm(apart[:, None] - apart[None], axis=2)
        np.testing.assert_allclose(distance, 1 - np.eye(len(places)), atol=1e-6)


def test_what_is_no_category_keeps_its_scale(vae):
    layout = vae.model_.encoding.layout
    rows = np.random.default_rng(0).normal(size=(5, layout.n_features)).astype(np.float32)
    before = rows.copy()
    others = [*layout.gaussian, *layout.binary]
    np.testing.assert_array_equal(metric_rows(layout, rows)[:, others], rows[:, others])
    np.testing.assert_array_equal(rows, before)


def test_a_column_with_boundless_likelihood_leaves_the_score_finite(detector, fresh):
    encoded = detector.model_.encoding.encode(fresh.slice(0, 20))
    far = replace(encoded, rows=encoded.rows.copy())
    far.rows[:, list(detector.model_.encoding.layout.gaussian)] = 1e15
    found = detector.model_.surprise_model.score(far)
    assert np.isfinite(found.surprise).all()
    assert (found.surprise > detector.surprise(fresh).max()).all()

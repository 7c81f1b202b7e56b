"""Isolation is measured against small samples, which seldom hold odd rows; it is split over the columns."""

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.surprise import IsolationEvidence
from oddrow.table import as_table
from oddrow.views import Samples

POWER = DEFAULT_CONSTANTS.power
SAMPLES = DEFAULT_CONSTANTS.isolation_samples


def encoded(rows):
    table = pa.table({f"x{index}": column for index, column in enumerate(rows.T)})
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    return encoding, encoding.encode(table)


@pytest.fixture
def evidence(vae, connections):
    model = vae.model_
    training = model.encoding.encode(as_table(connections))
    return IsolationEvidence.learn(model.surprise_model.evidence_model, training, np.random.default_rng(0))


def test_distances_equal_those_of_an_exhaustive_search():
    encoding, rows = encoded(np.random.default_rng(1).normal(size=(80, 3)))
    samples = Samples.draw(encoding.layout, rows, np.random.default_rng(2))
    assert samples.places.shape == (SAMPLES, 16)
    asked = rows.rows.astype(float)
    nearest = np.array(
        [
            [
                min(np.linalg.norm(row - asked[place]) for place in sample if place != number)
                for sample in samples.places
            ]
            for number, row in enumerate(asked)
        ]
    )
    np.testing.assert_allclose(samples.distance(rows, np.arange(80)), nearest.mean(axis=1), atol=1e-6)
    # without its own number a sampled row is no distance from its sample
    assert (samples.distance(rows) <= samples.distance(rows, np.arange(80)) + 1e-9).all()
    assert samples.distance(rows).sum() < samples.distance(rows, np.arange(80)).sum()


def test_squares_are_the_mean_over_the_samples_feature_by_feature():
    encoding, rows = encoded(np.random.default_rng(3).normal(size=(40, 2)))
    samples = Samples.draw(encoding.layout, rows, np.random.default_rng(4))
    asked = rows.rows.astype(float)
    expected = np.zeros((40, 2))
    for sample in samples.rows.reshape(*samples.places.shape, 2):
        apart = (asked[:, None] - sample[None]) ** 2
        expected += apart[np.arange(40), apart.sum(axis=2).argmin(axis=1)] / SAMPLES
    np.testing.assert_allclose(samples.squares(rows), expected, atol=1e-9)


def test_isolation_has_three_times_the_weight_of_all_views_and_less_if_columns_hold_names(evidence, vae, fresh):
    asked = vae.model_.encoding.encode(as_table(fresh))
    views = evidence.base.evidence(asked).raw - asked.novelty.sum(axis=1)
    isolated = evidence.isolation(evidence.apart.relative(asked.rows, evidence.samples.distance(asked)))
    layout = vae.model_.encoding.layout
    weight = 3 * (1 - len(layout.groups) / layout.n_columns)
    assert 1 < weight < 3
    expected = np.log((np.exp(views * POWER) + weight * np.exp(isolated * POWER)) / (1 + weight)) / POWER
    np.testing.assert_allclose(evidence.evidence(asked).raw, expected + asked.novelty.sum(axis=1), rtol=1e-9)


def test_a_kind_of_row_with_higher_scores_is_compared_with_rows_of_its_kind(evidence, vae, connections):
    asked = vae.model_.encoding.encode(as_table(connections))
    levelled = evidence.comparing_kinds(asked, np.full(len(connections), -1))
    levels = levelled.kinds.of(asked.rows)
    assert levels.max() > 0
    before, after = evidence.evidence(asked).raw, levelled.evidence(asked).raw
    np.testing.assert_allclose(after, before + levels.max() - levels, rtol=1e-9, atol=1e-9)


def test_the_parts_are_the_sum_of_those_of_the_views_and_of_the_distance(evidence, vae, fresh):
    asked = vae.model_.encoding.encode(as_table(fresh))
    found = evidence.evidence(asked)
    assert (found.column >= 0).all()
    assert (found.combination >= 0).all()
    table = fresh.set_column(fresh.column_names.index("round_trip_ms"), "round_trip_ms", pa.array([1e6] * len(fresh)))
    far = evidence.evidence(vae.model_.encoding.encode(as_table(table)))
    gained = far.column - found.column
    assert (np.argmax(gained, axis=1) == vae.model_.encoding.names.index("round_trip_ms")).mean() > 0.95


def test_a_group_of_odd_rows_is_more_isolated_by_samples_than_by_nearest_neighbours():
    rng = np.random.default_rng(5)
    rows = np.concatenate([rng.normal(size=(950, 3)), 6.0 + 0.01 * rng.normal(size=(50, 3))])
    encoding, asked = encoded(rows)
    distance = Samples.draw(encoding.layout, asked, rng).distance(asked, np.arange(1000))
    assert set(np.argsort(-distance)[:50]) == set(range(950, 1000))

"""How rare a column's value is by itself: counted where values are few, measured where they are many."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import MarginalView
from oddrow.views._marginal import rarity_curve
from tests.support.view_rows import basis_of, context_of, rows_of


def test_few_distinct_values_have_their_smoothed_frequencies():
    curve = rarity_curve(np.repeat([0.0, 1.0, 5.0], [60, 30, 9]), DEFAULT_CONSTANTS)
    np.testing.assert_allclose(curve(np.array([0.0, 1.0, 5.0])), -np.log([0.6, 0.3, 0.09]))
    np.testing.assert_allclose(curve(np.array([0.5, 3.0, -4.0, 77.0])), np.log(100))


@pytest.mark.parametrize("drawn", [stats.norm(), stats.expon(), stats.norm(1e4, 1e-2)])
def test_many_values_have_about_the_log_of_their_density(drawn):
    values = drawn.rvs(20_000, random_state=np.random.default_rng(0))
    assert len(np.unique(values)) > DEFAULT_CONSTANTS.max_counted_values
    asked = drawn.ppf(np.linspace(0.005, 0.995, 199))
    found, expected = rarity_curve(values, DEFAULT_CONSTANTS)(asked), -drawn.logpdf(asked)
    assert np.corrcoef(found, expected)[0, 1] > 0.85
    assert np.std(found - expected) < 0.4


def test_a_gap_in_the_middle_is_rare():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(-5, 0.5, 500), rng.normal(5, 0.5, 500)])
    curve = rarity_curve(values, DEFAULT_CONSTANTS)
    assert curve(np.array([0.0]))[0] > curve(np.array([-5.0, 5.0])).max() + 3


def test_nats_grow_up_to_one_width_outside_the_training_range():
    curve = rarity_curve(np.linspace(0.0, 1.0, 500), DEFAULT_CONSTANTS)
    nats = curve(np.array([1.0, 1.1, 1.5, 2.0, 9.0]))
    assert (np.diff(nats)[:3] > 0).all()
    assert nats[4] == nats[3]


def test_each_column_has_the_nats_of_its_own_value():
    n = 200
    table = pa.table(
        {
            "colour": ["red"] * 150 + ["blue"] * 40 + ["green"] * 10,
            "size": [None if row % 10 == 0 else float(row % 7) for row in range(n)],
        }
    )
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded = encoding.encode(table)
    basis = basis_of(encoding, encoded)
    view = MarginalView.learn(context_of(basis, encoded))
    nats = view.score(rows_of(basis, encoded)).by_column
    colour = np.array(table["colour"].to_pylist())
    for name, count in (("red", 150), ("blue", 40), ("green", 10)):
        np.testing.assert_allclose(nats[colour == name, 0], -np.log(count / (n + 1)), rtol=1e-9)
    missing = np.arange(n) % 10 == 0
    np.testing.assert_allclose(nats[missing, 1], -np.log(20 / (n + 1)), rtol=1e-9)
    assert (nats[~missing, 1] > -np.log(180 / (n + 1))).all()

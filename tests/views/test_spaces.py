"""The spaces of distance: increasing scales of each feature, learned from training rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import PiecewiseCurve, Space
from oddrow.views._spaces import FeatureCurves

columns = arrays(np.float64, st.integers(3, 60), elements=st.floats(-1e6, 1e6))


def learned(values, style="standard"):
    table = pa.table({"x": values, "y": np.arange(len(values)) % 2 == 0})
    encoding = TableEncoding.learn(TableSchema.infer(table), table, style)
    return encoding, encoding.encode(table).rows


def of_first(space, rows):
    return space.apply(rows)[:, 0].astype(float)


@given(columns)
def test_both_spaces_keep_the_order_of_values(values):
    encoding, rows = learned(values)
    if encoding.names[0] != "x" or not encoding.layout.gaussian:  # constant, or a flag
        return
    order = np.argsort(rows[:, 0], kind="stable")
    for space in (
        Space.standardised(encoding.layout, rows, encoding.straightened, DEFAULT_CONSTANTS),
        Space.normal_scores(encoding.layout, rows, DEFAULT_CONSTANTS),
    ):
        assert (np.diff(of_first(space, rows)[order]) >= 0).all()


def test_standard_deviations_are_those_of_the_values_and_not_of_their_logarithms():
    values = np.random.default_rng(0).lognormal(3, 2.5, 4_000)
    encoding, rows = learned(values)
    assert encoding.columns[0].scaling.heavy
    found = of_first(Space.standardised(encoding.layout, rows, encoding.straightened, DEFAULT_CONSTANTS), rows)
    expected = values / values.std()
    np.testing.assert_allclose(found - found.min(), expected - expected.min(), rtol=2e-3, atol=2e-3)


def test_the_curve_is_linear_where_the_encoding_is_linear():
    encoding, rows = learned(np.random.default_rng(0).normal(size=500))
    space = Space.standardised(encoding.layout, rows, encoding.straightened, DEFAULT_CONSTANTS)
    assert len(space.curves[0].knots) == 2
    assert np.std(of_first(space, rows)) == pytest.approx(1, rel=1e-5)
    beyond = rows[:2].copy()
    beyond[:, 0] = 50.0, -50.0
    apart = -np.diff(of_first(space, beyond)) * np.std(rows[:, 0].astype(float))
    np.testing.assert_allclose(apart, 100.0, rtol=1e-5)


def test_normal_scores_are_the_normal_quantiles_of_middle_ranks():
    values = np.random.default_rng(1).integers(0, 40, 300).astype(float)
    encoding, rows = learned(values)
    found = of_first(Space.normal_scores(encoding.layout, rows, DEFAULT_CONSTANTS), rows)
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_few_knots_approximate_the_scores_of_many_values():
    encoding, rows = learned(np.random.default_rng(2).gamma(2.0, size=20_000))
    space = Space.normal_scores(encoding.layout, rows, DEFAULT_CONSTANTS)
    assert len(space.curves[0].knots) <= DEFAULT_CONSTANTS.max_curve_knots
    expected = stats.norm.ppf((stats.rankdata(rows[:, 0]) - 0.5) / len(rows))
    assert np.abs(of_first(space, rows) - expected).max() < 0.05


def test_normal_scores_are_constant_beyond_the_training_range():
    encoding, rows = learned(np.random.default_rng(3).normal(size=200))
    beyond = rows[:2].copy()
    beyond[:, 0] = rows[:, 0].max(), 1e9
    found = of_first(Space.normal_scores(encoding.layout, rows, DEFAULT_CONSTANTS), beyond)
    assert found[0] == found[1]


@pytest.mark.parametrize("values", [[1e300, -1e300, 0.0, 1.0], [5e-324, 0.0, 1e-320, 0.0], [1.0, 1.0, 2.0, 1e200]])
def test_the_largest_floats_have_finite_positions(values):
    encoding, rows = learned(np.array(values * 5))
    for space in (
        Space.standardised(encoding.layout, rows, encoding.straightened, DEFAULT_CONSTANTS),
        Space.normal_scores(encoding.layout, rows, DEFAULT_CONSTANTS),
    ):
        assert np.isfinite(space.apply(rows)).all()


def test_a_curve_of_one_knot_is_flat():
    curve = PiecewiseCurve(np.array([2.0]), np.array([7.0]))
    np.testing.assert_array_equal(curve.going_on(np.array([-1.0, 2.0, 9.0])), 7.0)


@pytest.mark.parametrize("goes_on", [True, False])
def test_curves_applied_together_equal_curves_applied_separately(goes_on):
    rng = np.random.default_rng(0)
    lengths = [2, 1, 7, 2, 2, 256, 3]
    curves = tuple(PiecewiseCurve(np.sort(rng.normal(size=k)), rng.normal(size=k)) for k in lengths)
    rows = (3 * rng.normal(size=(50, len(curves)))).astype(np.float32)
    rows[0], rows[1] = -1e30, 1e30
    found = FeatureCurves(curves, goes_on)(rows)
    for feature, curve in enumerate(curves):
        x = rows[:, feature].astype(float)
        np.testing.assert_allclose(found[:, feature], curve.going_on(x) if goes_on else curve(x), rtol=1e-12)

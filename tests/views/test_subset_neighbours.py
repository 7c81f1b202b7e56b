"""The nearest remembered row within subsets of the columns: exact, without the row itself, and split honestly."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.calibration import TailCurve, TailCurves
from oddrow.columns import TableEncoding, TableSchema
from oddrow.container import ArrayStore
from oddrow.density import ColumnSums
from oddrow.exceptions import ModelFileError
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import Memory, scale_of
from oddrow.views._subset_neighbours import (
    SubsetNeighbours,
    SubsetPart,
    columns_with_features,
    different,
    random_members,
    subset_size,
)
from tests.support.view_rows import basis_of, context_of, rows_of

RNG = np.random.default_rng(0)
TABLE = pa.table(
    {
        "a": RNG.normal(size=300),
        "b": RNG.exponential(size=300),
        "zone": RNG.choice(["x", "y", "z"], 300),
        "site": ["home"] * 300,
        "d": pa.array(RNG.normal(size=300), mask=RNG.random(300) < 0.1),
    }
)
MEMBERS = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1]], np.bool_)
IS_RANKED = np.array([True, False, True])


def encoded_of(table, constants=DEFAULT_CONSTANTS):
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded = encoding.encode(table)
    return encoding, encoded, basis_of(encoding, encoded, constants)


@pytest.fixture(scope="module")
def learned():
    encoding, encoded, basis = encoded_of(TABLE)
    return encoding, encoded, basis, SubsetNeighbours.learn(context_of(basis, encoded), MEMBERS, IS_RANKED)


def squares_to_all(basis, rows, subset, is_ranked):
    """The squared difference [n, m, n_columns] of each column of a subset to each remembered row, by loops."""
    normal_rows, owners = basis.normal_rows, basis.layout.feature_column
    space = normal_rows.ranks if is_ranked else normal_rows.standard
    asked, remembered = (space.apply(each).astype(float) for each in (rows, basis.normal_rows.rows))
    squares = np.zeros((len(asked), len(remembered), len(subset)))
    for feature, column in enumerate(owners):
        if subset[column]:
            squares[:, :, column] += (asked[:, None, feature] - remembered[None, :, feature]) ** 2
    return squares


def test_a_distance_is_that_to_the_nearest_row_within_the_columns_of_the_subset(learned):
    encoding, _, basis, found = learned
    new = encoding.encode(TABLE.slice(0, 40).set_column(0, "a", pa.array(RNG.normal(size=40))))
    rows = rows_of(basis, new)
    distances = found.distances(rows.standard, rows.ranked, np.full(40, -1))
    for place, subset in enumerate(MEMBERS):
        expected = np.sqrt(squares_to_all(basis, new.rows, subset, IS_RANKED[place]).sum(axis=2).min(axis=1))
        np.testing.assert_allclose(distances[:, place], expected, rtol=1e-9, atol=1e-9)


def test_the_curve_of_a_subset_is_that_of_training_rows_each_without_itself(learned):
    _, encoded, basis, found = learned
    for subset, is_ranked, tail in zip(MEMBERS, IS_RANKED, found.tails.tails, strict=True):
        squares = squares_to_all(basis, encoded.rows, subset, is_ranked).sum(axis=2)
        itself = (encoded.rows[:, None] == basis.normal_rows.rows).all(axis=2)
        expected = scale_of(np.sqrt(np.where(itself, np.inf, squares).min(axis=1)), DEFAULT_CONSTANTS)
        np.testing.assert_allclose(tail.knots, expected.knots, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(tail.nats, expected.nats, rtol=1e-9)


def test_a_training_row_with_few_duplicates_is_scored_without_itself(learned):
    _, encoded, basis, found = learned
    itself = rows_of(basis, encoded)
    without = replace(itself, passed_over=basis.normal_rows.passed_over(encoded.rows, np.full(300, -1)))
    assert (found.distances(itself.standard, itself.ranked, itself.passed_over) == 0).all()
    assert (found.distances(without.standard, without.ranked, without.passed_over)[:, 0] > 0).all()
    assert (found.score(without).total > found.score(itself).total).all()


def test_the_score_is_the_power_mean_of_the_subsets_and_is_split_by_their_shares(learned):
    encoding, _, basis, found = learned
    new = encoding.encode(TABLE.slice(0, 30).set_column(1, "b", pa.array(RNG.exponential(size=30))))
    score, power = found.score(rows_of(basis, new)), DEFAULT_CONSTANTS.power
    means, expected = np.zeros(30), np.zeros((30, 5))
    for subset, is_ranked, tail in zip(MEMBERS, IS_RANKED, found.tails.tails, strict=True):
        squares = squares_to_all(basis, new.rows, subset, is_ranked)
        nearest = squares[np.arange(30), squares.sum(axis=2).argmin(axis=1)]
        tail_probability = np.exp(-tail(np.sqrt(nearest.sum(axis=1))))
        means += tail_probability**-power / len(MEMBERS)
        is_apart = nearest.sum(axis=1) > 0
        shares = nearest[is_apart] / nearest[is_apart].sum(axis=1, keepdims=True)
        expected[is_apart] += shares * (tail_probability[is_apart] ** -power - 1)[:, None]
    np.testing.assert_allclose(score.total, np.log(means) / power, rtol=1e-9)
    np.testing.assert_allclose(score.by_column, expected, rtol=1e-6, atol=1e-9)
    assert (score.by_column >= 0).all()
    assert not score.by_column[:, 3].any()  # a constant column has no feature


def test_a_row_alone_has_the_bits_that_it_has_among_others(learned):
    _, encoded, basis, found = learned
    among = found.score(rows_of(basis, encoded))
    for row in (0, 17, 299):
        alone = found.score(rows_of(basis, encoded.take(np.array([row]))))
        assert alone.total.tobytes() == among.total[[row]].tobytes()
        assert alone.by_column.tobytes() == among.by_column[[row]].tobytes()


def test_the_same_seed_gives_the_same_curves_and_few_rows_are_drawn():
    constants = replace(DEFAULT_CONSTANTS, subset_rows=50)
    _, encoded, basis = encoded_of(TABLE, constants)

    def curves(seed):
        return SubsetNeighbours.learn(context_of(basis, encoded, seed=seed), MEMBERS, IS_RANKED).tails.packed()

    one, again, other = curves(0), curves(0), curves(1)
    assert all(one[name].tobytes() == again[name].tobytes() for name in one)
    assert any(one[name].tobytes() != other[name].tobytes() for name in one)
    assert np.diff(one["starts"]).max() <= 50


def test_a_tiny_difference_of_a_row_with_many_nats_keeps_finite_shares():
    """Within the bounds of the constants: a share of e^600 over a square of 1e-90 would overflow."""
    _, encoded, basis = encoded_of(pa.table({"a": np.arange(101.0)}))
    likelihood = replace(basis.density.likelihood, constants=replace(DEFAULT_CONSTANTS, power=1.0, max_nats=600.0))
    basis = replace(basis, density=replace(basis.density, likelihood=likelihood))
    steep = TailCurve(np.array([0.0, 1e-60]), np.array([1e-9, 600.0]), 1.0, 1.0)
    found = SubsetNeighbours(basis, np.ones((1, 1), np.bool_), np.ones(1, np.bool_), TailCurves((steep,)))
    rows = rows_of(basis, encoded.take(np.arange(1)))
    only = np.zeros(1, np.int64)
    found.__dict__["parts"] = (SubsetPart(True, only, only, ColumnSums((0,), 1), Memory.of(np.zeros((1, 1)))),)
    rows.__dict__["ranked"] = np.full((1, 1), 1e-45, np.float32)
    score = found.score(rows)
    assert np.isfinite(score.total).all()
    assert np.isfinite(score.by_column).all()
    assert score.by_column[0, 0] > 1e200


@pytest.mark.parametrize("columns", [{}, {"site": ["home"] * 20, "owner": [1] * 20}])
def test_a_table_without_features_has_no_subsets_and_no_nats(columns):
    table = pa.table(columns or {"only": ["x"] * 20})
    _, encoded, basis = encoded_of(table)
    context = context_of(basis, encoded)
    members = random_members(context, 8, np.random.default_rng(0))
    assert members.shape == (0, table.num_columns)
    found = SubsetNeighbours.learn(context, members, np.ones(0, np.bool_))
    score = found.score(rows_of(basis, encoded))
    assert not score.total.any() and not score.by_column.any()
    again = SubsetNeighbours.unpacked(ArrayStore(found.packed()), basis, 8)
    assert again.members.shape == members.shape and again.tails.tails == ()


def test_packed_subsets_score_the_same_bits(learned):
    _, encoded, basis, found = learned
    again = SubsetNeighbours.unpacked(ArrayStore(found.packed()), basis, len(MEMBERS))
    np.testing.assert_array_equal(again.members, MEMBERS)
    np.testing.assert_array_equal(again.is_ranked, IS_RANKED)
    one, other = (each.score(rows_of(basis, encoded)) for each in (found, again))
    assert one.total.tobytes() == other.total.tobytes()
    assert one.by_column.tobytes() == other.by_column.tobytes()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (MEMBERS * 2, "neither 0 nor 1"),
        (-1 * MEMBERS, "neither 0 nor 1"),
        (np.array([[0, 0, 0, 1, 0]] * 3), "a subset without a feature"),
        (np.ones((4, 5)), "4 subsets; at most 3"),
        (np.ones((3, 4)), r"int64\[3, 4\], which does not fit"),
        (MEMBERS[:2], r"'is_ranked' is int64\[3\], which does not fit"),
    ],
)
def test_wrong_members_are_refused(learned, members, message):
    _, _, basis, found = learned
    with pytest.raises(ModelFileError, match=message):
        SubsetNeighbours.unpacked(ArrayStore(found.packed() | {"members": np.int64(members)}), basis, 3)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_a_subset_has_a_share_of_the_columns_and_at_least_one(n_columns, seed):
    size = subset_size(n_columns, 0.3, 0.7, np.random.default_rng(seed))
    assert max(1, np.floor(0.3 * n_columns)) <= size <= max(1, np.ceil(0.7 * n_columns))


def test_random_subsets_differ_and_hold_only_columns_with_features():
    _, encoded, basis = encoded_of(TABLE)
    columns = columns_with_features(basis.layout)
    assert columns.tolist() == [0, 1, 2, 4]
    members = random_members(context_of(basis, encoded), 50, np.random.default_rng(0))
    assert len({row.tobytes() for row in members}) == len(members) <= 14
    assert not members[:, 3].any()
    assert set(members.sum(axis=1)) <= {1, 2, 3}


def test_of_equal_subsets_the_first_stays():
    members = np.array([[0, 1], [1, 1], [0, 1], [1, 0], [1, 1]], np.bool_)
    np.testing.assert_array_equal(different(members), members[[0, 1, 3]])

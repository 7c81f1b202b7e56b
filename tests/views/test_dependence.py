"""A value is judged given the value of the most informative other column."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import Coding, DependenceView, Variable, variables_of
from oddrow.views._coding import code_edges
from oddrow.views._dependence import _tables
from tests.support.view_rows import basis_of, context_of, rows_of

MAX_CODES = DEFAULT_CONSTANTS.max_codes


def learned(columns, kinds=None, constants=DEFAULT_CONSTANTS):
    table = pa.table(columns)
    encoding = TableEncoding.learn(TableSchema.infer(table, kinds), table)
    encoded = encoding.encode(table)
    basis = basis_of(encoding, encoded, constants)
    return DependenceView.learn(context_of(basis, encoded)), encoding


def nats(dependence, encoding, columns, counted=None):
    encoded = encoding.encode(pa.table(columns))
    basis = replace(basis_of(encoding, encoded), coding=dependence.coding)
    return dependence.score(rows_of(basis, encoded, counted)).by_column


RNG = np.random.default_rng(0)
HEIGHT = RNG.normal(size=2_000)
TABLE = {
    "noise": RNG.normal(size=2_000),
    "height": HEIGHT,
    "shadow": 2.0 * HEIGHT + 0.01 * RNG.normal(size=2_000),
    "size": np.where(HEIGHT > 0, "large", "small"),
}


def test_the_most_informative_column_has_the_largest_mutual_information():
    dependence, encoding = learned(TABLE)
    names = [encoding.names[variable.column] for variable in variables_of(encoding.layout)]
    informative = {name: names[place] for name, place in zip(names, dependence.informative, strict=True) if place >= 0}
    assert (informative["height"], informative["shadow"]) == ("shadow", "height")
    assert informative["size"] in ("height", "shadow")


def test_a_rare_combination_of_common_values_is_rare_and_names_its_columns():
    dependence, encoding = learned(TABLE)
    ordinary, broken = (
        nats(dependence, encoding, {"noise": [0.1], "height": [1.0], "shadow": [shadow], "size": [size]})[0]
        for shadow, size in ((2.0, "large"), (-2.0, "small"))
    )
    assert broken[0] == pytest.approx(ordinary[0], abs=1.0)  # noise has no part in it
    assert (broken[1:] > ordinary[1:] + 2.0).all()


def test_nats_are_the_smoothed_frequencies_of_training_rows():
    """Two flags: the table of counts is known, and each share is drawn to the flag's own by the weight of one row."""
    dependence, encoding = learned({"a": [0, 0, 0, 0, 1, 1], "b": [0, 0, 0, 0, 1, 1]})
    # the codes are below, 0, 1, above and no value; a flag is 0 in 4 and 1 in 2 of 6 rows, and each code has half a row
    alone = np.array([4.5, 2.5]) / 8.5
    expected = -np.log([(4 + alone[0]) / 5, (0 + alone[1]) / 5, (2 + alone[1]) / 3])
    found = nats(dependence, encoding, {"a": [0, 0, 1], "b": [0, 1, 1]})[:, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_probabilities_of_a_table_sum_to_one_over_the_codes_of_its_variable():
    dependence, _ = learned(TABLE)
    counts = 0
    for table, other in zip(dependence.tables, dependence.informative, strict=True):
        if other >= 0:
            np.testing.assert_allclose(np.exp(-table.astype(np.float64)).sum(axis=1), 1.0, rtol=1e-5)
            counts += 1
    assert counts >= 3


def test_independent_columns_have_no_informative_column():
    # every pair of values is there four times
    dependence, encoding = learned({"a": np.repeat([0, 1], 8), "b": np.tile([0, 1], 8)})
    assert (dependence.informative == -1).all()
    assert not nats(dependence, encoding, {"a": [0, 1], "b": [0, 1]}).any()


def mixed_columns(n_rows, rng, *, is_dependent):
    """Ten columns of numbers, flags and names; the last number goes with the first if they depend."""
    first = rng.normal(size=n_rows)
    columns = {f"number {place}": rng.normal(size=n_rows) for place in range(4)}
    columns |= {f"flag {place}": rng.random(n_rows) < 0.3 for place in range(3)}
    columns |= {f"name {place}": rng.choice(list("abcd"), n_rows) for place in range(2)}
    last = first + 0.3 * rng.normal(size=n_rows) if is_dependent else rng.normal(size=n_rows)
    return {"first": first, **columns, "last": last}


@pytest.mark.parametrize("seed", range(4))
def test_a_table_without_dependence_has_no_nats_and_a_dependence_is_kept(seed):
    """Most of ten independent columns have some mutual information with another by chance; few tables predict rows."""
    rng = np.random.default_rng(seed)
    none, encoding = learned(mixed_columns(250, rng, is_dependent=False))
    assert (none.informative >= 0).sum() <= 3
    found = nats(none, encoding, mixed_columns(40, rng, is_dependent=False))
    assert (found != 0).any(axis=0).sum() <= 3
    assert not found[:, [0, 1, 2, 3, 4, 10]].any()  # the numbers
    kept, encoding = learned(mixed_columns(250, rng, is_dependent=True))
    ends = [encoding.names.index(name) for name in ("first", "last")]
    columns = [variable.column for variable in variables_of(encoding.layout)]
    informative = {columns[place]: columns[other] for place, other in enumerate(kept.informative) if other >= 0}
    assert (informative[ends[0]], informative[ends[1]]) == (ends[1], ends[0])
    found = nats(kept, encoding, mixed_columns(40, rng, is_dependent=True))
    assert (found[:, ends] > 0).all()
    assert (np.delete(found, ends, axis=1) != 0).any(axis=0).sum() <= 3


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.6))
def test_a_table_of_pairs_counts_only_if_it_predicts_rows_left_out(seed, share):
    """By loops: each row is judged by the counts of the other rows, given its partner's code and by itself."""
    rng = np.random.default_rng(seed)
    given = rng.integers(0, 3, 25)
    codes = np.where(rng.random(25) < share, given, rng.integers(0, 3, 25))
    alone = (np.bincount(codes, minlength=4) + 0.5) / (25 + 2.0)
    beside, by_itself = 0.0, 0.0
    for row in range(25):
        others = np.delete(np.arange(25), row)
        same = others[given[others] == given[row]]
        beside -= np.log((np.sum(codes[same] == codes[row]) + alone[codes[row]]) / (len(same) + 1.0))
        by_itself -= np.log((np.sum(codes[others] == codes[row]) + 0.5) / (24 + 2.0))
    assert abs(beside - by_itself) < 1e-9 or (_tables(codes, given, (3, 4)) is not None) == (beside < by_itself)


def test_a_missing_value_has_no_nats_but_is_informative():
    size = [None if height > 1.5 else size for height, size in zip(TABLE["height"], TABLE["size"], strict=True)]
    columns = {"height": TABLE["height"], "size": size}
    dependence, encoding = learned(columns)
    tall, short = nats(dependence, encoding, {"height": [2.0, -2.0], "size": [None, None]})
    place = encoding.names.index("height")
    assert tall[place] < short[place] - 2.0
    gone = nats(dependence, encoding, {"height": pa.array([None, None], pa.float64()), "size": ["large", "small"]})
    assert not gone[:, place].any()


@pytest.mark.parametrize("n_columns", [0, 1])
def test_a_column_without_others_has_no_informative_column(n_columns):
    dependence, encoding = learned({"c": ["x"] * 5, **{f"n{i}": [1.0, 2.0, 3.0, 4.0, 9.0] for i in range(n_columns)}})
    assert (dependence.informative == -1).all()
    columns = {"c": ["x"], **{f"n{i}": [2.0] for i in range(n_columns)}}
    assert nats(dependence, encoding, columns).shape == (1, 1 + n_columns)


def test_codes_of_few_values_are_the_values_and_of_many_hold_equal_shares():
    np.testing.assert_array_equal(code_edges(np.array([3.0, 1.0, 7.0, 1.0]), MAX_CODES), [-2.0, 2.0, 5.0, 10.0])
    values = np.random.default_rng(1).normal(size=10_000)
    counts = np.bincount(np.searchsorted(code_edges(values, MAX_CODES), values, side="right"))[1:]
    assert len(counts) == MAX_CODES
    assert counts.min() > 490 and counts.max() < 510


def test_a_sample_of_variables_is_searched_if_there_are_too_many(monkeypatch):
    monkeypatch.setattr("oddrow.views._pair_information.VARIABLES_AT_ONCE", 7)
    rng = np.random.default_rng(2)
    first = rng.normal(size=500)
    columns = {f"c{i}": first + 0.1 * rng.normal(size=500) for i in range(40)}
    dependence, _ = learned(columns, constants=replace(DEFAULT_CONSTANTS, search_parts=20))
    assert (dependence.informative >= 0).all()
    assert len(set(dependence.informative.tolist())) <= 20


def test_an_unseen_number_is_rare_and_does_not_make_other_columns_rare():
    dependence, encoding = learned(TABLE)
    rows = {"noise": [0.0] * 2, "height": [1.0, 1e9], "shadow": [2.0] * 2, "size": ["large"] * 2}
    usual, far = nats(dependence, encoding, rows)
    height, shadow = encoding.names.index("height"), encoding.names.index("shadow")
    assert far[height] > usual[height] + 5.0
    assert far[shadow] == pytest.approx(np.log(MAX_CODES), abs=0.1)  # as rare as it is by itself


def test_a_counted_row_is_scored_as_if_it_had_not_been_counted():
    """By tables of the same borders and informative variables, counted again without it; its own spread stays."""
    dependence, encoding = learned({"a": [0, 0, 0, 0, 1, 1], "b": [0, 0, 0, 1, 1, 1]})
    counted = np.array([True, True, False])
    found = nats(dependence, encoding, {"a": [0, 0, 1], "b": [0, 1, 1]}, counted)[:, 1]
    alone = 3.5 / 8.5
    np.testing.assert_allclose(found, -np.log([(2 + alone) / 4, (0 + alone) / 4, (2 + alone) / 3]), rtol=1e-6)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_a_code_is_how_many_borders_a_value_has_passed(n_borders, seed):
    rng = np.random.default_rng(seed)
    edges = tuple(np.sort(rng.integers(-3, 4, n).astype(float)) for n in n_borders)
    variables = tuple(Variable(column, (column,)) for column in range(len(edges)))
    rows = rng.integers(-4, 5, (20, len(edges))).astype(np.float32)
    presence = rng.random(rows.shape) < 0.8
    codes = Coding(variables, edges).codes(rows, presence)
    for column, own in enumerate(edges):
        expected = np.searchsorted(own, rows[:, column].astype(float), side="right")
        np.testing.assert_array_equal(codes[:, column], np.where(presence[:, column], expected, len(own) + 1))


def test_between_dependent_rows_the_view_has_no_nats():
    """Ten clusters of equal rows: 500 rows show all columns as dependent, by chance."""
    rows = np.repeat(np.random.default_rng(0).normal(size=(10, 4)), 50, axis=0)
    table = pa.table({name: rows[:, column] for column, name in enumerate("abcd")})
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded, basis = encoding.encode(table), basis_of(encoding, encoding.encode(table))
    independent = DependenceView.learn(context_of(basis, encoded))
    clustered = DependenceView.learn(context_of(basis, encoded, is_dependent=True))
    assert (independent.informative >= 0).all()
    assert not any(one.any() for one in clustered.tables)

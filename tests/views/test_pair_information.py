"""Mutual information between variables, counted from few codes of each."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableEncoding, TableSchema
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import variables_of
from oddrow.views._pair_information import PairInformation

RNG = np.random.default_rng(0)
FIRST = RNG.normal(size=700)
TABLE = {
    "first": FIRST,
    "noise": RNG.normal(size=700),
    "near": pa.array(FIRST + 0.3 * RNG.normal(size=700), mask=RNG.random(700) < 0.2),
    "sign": np.where(FIRST > 0, "plus", "minus"),
    "many": RNG.choice([f"n{place}" for place in range(15)], 700),
}


def learned(columns, seed=0, **constants):
    table = pa.table(columns)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    variables = variables_of(encoding.layout)
    constants = replace(DEFAULT_CONSTANTS, **constants)
    return encoding, PairInformation.learn(variables, encoding.encode(table), np.random.default_rng(seed), constants)


def test_the_information_is_that_of_the_counted_pairs_less_its_bias():
    _, pairs = learned(TABLE)
    n_variables = len(pairs.columns)
    found = pairs.about(np.arange(n_variables))
    codes = pairs.taken.argmax(axis=2)
    for one, other in np.ndindex(n_variables, n_variables):
        expected = 0.0
        if pairs.columns[one] != pairs.columns[other]:
            seen = [np.unique(codes[:, place]) for place in (one, other)]
            for a in seen[0]:
                for b in seen[1]:
                    is_a, is_b = codes[:, one] == a, codes[:, other] == b
                    joint = np.mean(is_a & is_b)
                    expected += joint * np.log(joint / (is_a.mean() * is_b.mean())) if joint else 0.0
            expected -= (len(seen[0]) - 1) * (len(seen[1]) - 1) / (2 * len(codes))
        assert found[one, other] == pytest.approx(expected, abs=1e-6)


def test_each_row_has_one_code_and_rare_names_share_one():
    _, pairs = learned(TABLE)
    assert (pairs.taken.sum(axis=2) == 1).all()
    assert pairs.taken.shape == (700, len(pairs.columns), DEFAULT_CONSTANTS.search_codes + 1)
    many = pairs.taken[:, np.flatnonzero(pairs.columns == 4)[0]].mean(axis=0)
    assert many[-1] > many[:-1].max()


def test_columns_are_in_the_order_of_their_information_without_the_column_itself():
    encoding, pairs = learned(TABLE)
    names = [[encoding.names[place] for place in pairs.columns_related_to(column)] for column in range(5)]
    assert names[0][:2] in (["near", "sign"], ["sign", "near"])
    assert names[2][0] == "first" and names[3][0] == "first"
    for column, own in enumerate(names):
        assert sorted([*own, encoding.names[column]]) == sorted(encoding.names)


def test_the_information_about_a_column_is_the_largest_of_its_variables():
    """Whether a value is missing may say more than the value."""
    is_missing = RNG.random(400) < 0.5
    columns = {
        "value": pa.array(RNG.normal(size=400), mask=is_missing),
        "other": RNG.normal(size=400),
        "why": np.where(is_missing, "gone", "there"),
    }
    encoding, pairs = learned(columns)
    assert encoding.names[pairs.columns_related_to(0)[0]] == "why"
    assert encoding.names[pairs.columns_related_to(2)[0]] == "value"


def test_the_most_informative_variable_is_that_of_the_largest_information():
    _, pairs = learned(TABLE)
    nats = pairs.about(np.arange(len(pairs.columns)))
    for place, best in enumerate(pairs.most_informative()):
        assert best == (nats[place].argmax() if nats[place].max() > 0 else -1)


def test_independent_variables_have_no_most_informative_one():
    _, pairs = learned({"a": np.repeat([0, 1], 8), "b": np.tile([0, 1], 8)})
    assert (pairs.most_informative() == -1).all()


def test_the_variables_at_once_do_not_change_the_information(monkeypatch):
    _, pairs = learned(TABLE)
    whole = pairs.about(np.arange(len(pairs.columns)))
    monkeypatch.setattr("oddrow.views._pair_information.VARIABLES_AT_ONCE", 2)
    np.testing.assert_allclose(pairs.about(np.arange(len(pairs.columns))), whole, atol=1e-12)


def test_rows_and_candidates_are_drawn_if_there_are_too_many():
    _, pairs = learned(TABLE, search_rows=50, search_parts=3)
    assert len(pairs.taken) == 50 and len(pairs.candidates) == 3
    assert pairs.about(np.arange(2)).shape == (2, 3)
    assert set(pairs.most_informative().tolist()) <= {-1, *pairs.candidates.tolist()}
    _, again = learned(TABLE, search_rows=50, search_parts=3)
    np.testing.assert_array_equal(pairs.taken, again.taken)
    _, other = learned(TABLE, seed=1, search_rows=50, search_parts=3)
    assert (pairs.taken != other.taken).any()


def test_a_table_without_variables_has_no_information():
    _, pairs = learned({"site": ["home"] * 30})
    assert pairs.most_informative().shape == (0,)
    assert pairs.columns_related_to(0).shape == (0,)

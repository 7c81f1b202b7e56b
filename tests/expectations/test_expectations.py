"""What is usual for a column is counted from training rows, by the values of other columns alone."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableEncoding, TableSchema
from oddrow.expectations import Expectations, Statistic
from oddrow.scoring_constants import DEFAULT_CONSTANTS
from oddrow.views import Coding, variables_of

CENTER = {"grocery": 30.0, "electronics": 400.0, "fuel": 60.0}
HOUR = {"grocery": 10, "electronics": 15, "fuel": 23}
MONDAY = dt.datetime(2024, 1, 1)


def payments(n, rng):
    category = rng.choice(["grocery", "electronics", "fuel"], n, p=[0.6, 0.2, 0.2])
    amount = np.array([CENTER[name] for name in category]) * np.exp(0.3 * rng.normal(size=n))
    cash = np.where(category == "electronics", False, rng.random(n) < 0.5)
    days = rng.integers(0, 365, n)
    days -= np.maximum(days % 7 - 4, 0)  # no weekends
    minutes = [HOUR[name] * 60 + int(more) for name, more in zip(category, rng.integers(0, 120, n), strict=True)]
    paid = [
        MONDAY + dt.timedelta(days=int(day), minutes=int(minute)) for day, minute in zip(days, minutes, strict=True)
    ]
    tip = np.where(category == "fuel", np.nan, amount / 10)
    return {"category": category.tolist(), "amount": amount, "cash": cash.tolist(), "paid": paid, "tip": tip}


def learned(table):
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded = encoding.encode(table)
    coding = Coding.learn(variables_of(encoding.layout), encoded.rows, DEFAULT_CONSTANTS.max_codes)
    return Expectations.learn(encoding, coding.edges, encoded), encoding


def as_table(columns):
    tip = pa.array(columns["tip"], from_pandas=True)
    return pa.table({**columns, "tip": tip})


TRAINING = as_table(payments(4_000, np.random.default_rng(1)))
FRESH = as_table(payments(2_000, np.random.default_rng(2)))


@pytest.fixture(scope="module")
def known():
    return learned(TRAINING)


def cells(expectations, encoding, table):
    return expectations.look_up(encoding.encode(table))


def test_expectations_do_not_depend_on_the_columns_own_value(known):
    expectations, encoding = known
    before = cells(expectations, encoding, FRESH)
    strange = {"category": "casino", "amount": 1e12, "cash": True, "paid": dt.datetime(1999, 1, 2, 3), "tip": -5.0}
    for column, name in enumerate(encoding.names):
        for value in (strange[name], None):
            values = pa.array([value] * len(FRESH), FRESH.column(name).type)
            after = cells(expectations, encoding, FRESH.set_column(FRESH.column_names.index(name), name, values))
            np.testing.assert_array_equal(after[:, column], before[:, column])
            assert (after != before).any() or name not in {encoding.names[other] for other in expectations.given.flat}


def test_a_row_is_looked_up_alike_alone_and_among_others_in_any_order(known):
    expectations, encoding = known
    whole = cells(expectations, encoding, FRESH)
    order = np.random.default_rng(0).permutation(len(FRESH))
    np.testing.assert_array_equal(cells(expectations, encoding, FRESH.take(order)), whole[order])
    for row in (0, 7, 1999):
        np.testing.assert_array_equal(cells(expectations, encoding, FRESH.slice(row, 1)), whole[row : row + 1])


def test_learning_twice_gives_the_same(known):
    again, _ = learned(TRAINING)
    for name in ("cells", "missing", "values"):
        for one, other in zip(getattr(known[0], name), getattr(again, name), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_range_of_numbers_covers_90_percent_of_new_values(known):
    expectations, encoding = known
    encoded = encoding.encode(FRESH)
    found = expectations.look_up(encoded)
    for column in (encoding.names.index("amount"), encoding.names.index("tip")):
        subject = expectations.subjects[column]
        assert subject.statistic is Statistic.RANGE
        usual = expectations.values[column][found[:, column]]
        value = encoded.rows[:, subject.features[0]]
        there = encoded.presence[:, column]
        inside = ((value >= usual[:, 0]) & (value <= usual[:, 2]))[there].mean()
        assert 0.87 < inside < 0.93


def test_the_quantiles_are_those_of_conformal_ranks():
    """Of 99 values the 5th and the 95th enclose 90 of the 100 places where a new one may fall."""
    rng = np.random.default_rng(0)
    table = pa.table({"kind": ["a"] * 99 + ["b"] * 99, "x": np.r_[rng.permutation(99), 1000 + rng.permutation(99)]})
    expectations, encoding = learned(table)
    column = encoding.names.index("x")
    found = cells(expectations, encoding, table)[:, column]
    decoded = [
        encoding.columns[column].decode(expectations.values[column][cell][:, None]) for cell in (found[0], found[-1])
    ]
    assert decoded == [[4, 49, 94], [1004, 1049, 1094]]


def test_an_unknown_given_value_is_looked_up_among_all_rows(known):
    expectations, encoding = known
    column = encoding.names.index("tip")
    given = {encoding.names[other] for other in expectations.given[column] if other >= 0}
    assert given
    unseen = FRESH
    for name, value in (("category", "casino"), ("amount", None), ("paid", None), ("cash", None)):
        values = pa.array([value] * len(FRESH), FRESH.column(name).type)
        unseen = unseen.set_column(FRESH.column_names.index(name), name, values)
    assert (cells(expectations, encoding, unseen)[:, column] == 0).all()
    assert expectations.given_columns(column, 0) == ()


def test_a_cell_needs_forty_rows(known):
    expectations, encoding = known
    encoded = encoding.encode(TRAINING)
    found = expectations.look_up(encoded)
    for column, own in enumerate(expectations.cells):
        pairs = [tuple(pair) for pair in own.tolist()]
        assert len(set(pairs)) == len(pairs)
        assert pairs[0] == (-1, -1)
        finest = [cell for cell, pair in enumerate(pairs) if min(pair) >= 0]
        counts = np.bincount(found[:, column], minlength=len(own))
        assert (counts[finest] >= 40).all()


def test_few_rows_are_one_cell():
    rng = np.random.default_rng(0)
    few = as_table(payments(39, rng))
    expectations, encoding = learned(few)
    assert all(len(own) == 1 for own in expectations.cells)
    assert (cells(expectations, encoding, FRESH) == 0).all()


def test_a_missing_value_is_expected_from_other_columns(known):
    expectations, encoding = known
    column = encoding.names.index("tip")
    found = cells(expectations, encoding, FRESH)[:, column]
    missing = expectations.missing[column][found]
    is_fuel = np.array(FRESH.column("category").to_pylist()) == "fuel"
    assert missing[is_fuel].mean() > 0.8
    assert missing[~is_fuel].mean() < 0.1


def test_a_usual_time_of_day_may_pass_midnight_and_has_its_weekdays(known):
    expectations, encoding = known
    column = encoding.names.index("paid")
    found = cells(expectations, encoding, FRESH)[:, column]
    usual = expectations.values[column][found]
    is_fuel = np.array(FRESH.column("category").to_pylist()) == "fuel"
    start, stop, days = np.median(usual[is_fuel], axis=0)
    assert 23 * 3600 <= start <= 23.5 * 3600
    assert 0.5 * 3600 <= stop <= 1 * 3600
    grocery = usual[np.array(FRESH.column("category").to_pylist()) == "grocery"]
    start, stop, _ = np.median(grocery, axis=0)
    assert 10 * 3600 <= start < stop <= 12 * 3600
    assert (grocery[:, 2] == 0b0011111).mean() > 0.9
    assert int(days) & 0b1100000 == 0b0100000  # what is paid half an hour after Friday is paid on a Saturday


def test_the_last_half_second_of_a_day_is_a_time_and_not_a_missing_one():
    late = [MONDAY + dt.timedelta(days=day, hours=23, minutes=59, seconds=59, milliseconds=900) for day in range(200)]
    early = [MONDAY + dt.timedelta(days=day, hours=9) for day in range(200)]
    levels = np.random.default_rng(0).normal(100, 50, 400) + np.repeat([0.0, 1_000.0], 200)
    table = pa.table({"paid": early + late, "x": levels})
    expectations, encoding = learned(table)
    column = encoding.names.index("x")
    encoded = encoding.encode(table)
    assert expectations.given[column].tolist() == [encoding.names.index("paid"), -1]
    found = expectations.look_up(encoded)[:, column]
    codes = expectations.cells[column][found][:, 0]
    assert codes.tolist() == [9] * 200 + [0] * 200  # whole seconds: the last half second is midnight


def test_a_cell_with_few_values_takes_the_range_of_the_rows_around_it():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(size=200), np.where(np.arange(60) < 10, 50.0, np.nan)]
    table = pa.table({"kind": ["a"] * 200 + ["b"] * 60, "x": pa.array(values, from_pandas=True)})
    expectations, encoding = learned(table)
    column = encoding.names.index("x")
    found = cells(expectations, encoding, table)[:, column]
    assert expectations.given_columns(column, found[-1]) == (encoding.names.index("kind"),)
    assert expectations.missing[column][found[-1]] == pytest.approx(50 / 60)
    np.testing.assert_array_equal(expectations.values[column][found[-1]], expectations.values[column][0])


def test_tables_without_rows_or_columns_can_be_learned(known):
    expectations, encoding = known
    assert cells(expectations, encoding, FRESH.slice(0, 0)).shape == (0, 5)
    constant, encoding = learned(pa.table({"a": ["x"] * 60}))
    assert constant.subjects[0].statistic is Statistic.NOTHING
    assert cells(constant, encoding, pa.table({"a": ["y"]})).tolist() == [[0]]

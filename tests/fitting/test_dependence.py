"""Which rows depend on each other: the parameters, and the columns that they name."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow.exceptions import DataError, SettingError
from oddrow.fitting import Dependence, checked_dependence
from oddrow.fitting._dependence import RowOrder

TABLE = pa.table(
    {
        "at": pa.array([dt.datetime(2024, 5, day) for day in (3, 1, 2, 1)]),
        "turn": [30, 10, 20, 10],
        "machine": ["b", "a", None, "a"],
        "name": ["x", "y", "z", "w"],
    }
)


@pytest.mark.parametrize("time", ["at", "turn"])
def test_rows_are_ordered_by_times_or_numbers_and_equal_ones_have_equal_positions(time):
    assert RowOrder.of(TABLE, Dependence(time)).position.tolist() == [2, 0, 1, 0]


def test_the_order_of_the_table_needs_no_column():
    assert RowOrder.of(TABLE, Dependence("order")).position.tolist() == [0, 1, 2, 3]


def test_a_column_named_order_is_taken_before_the_order_of_the_table():
    table = TABLE.append_column("order", pa.array([9, 7, 8, 6]))
    assert RowOrder.of(table, Dependence("order")).position.tolist() == [3, 1, 2, 0]


def test_rows_without_a_group_form_one():
    group = RowOrder.of(TABLE, Dependence(group="machine")).group.tolist()
    assert group[1] == group[3]
    assert len(set(group)) == 3


@pytest.mark.parametrize(
    ("dependence", "message"),
    [
        (Dependence("when"), "no column 'when' to order its rows by; it has 'at', 'turn'"),
        (Dependence("name"), "holds 'x', which is neither a time nor a number"),
        (Dependence(group="plant"), "no column 'plant' of groups"),
    ],
)
def test_a_column_that_cannot_order_or_group_is_an_error_that_names_it(dependence, message):
    with pytest.raises(DataError, match=message):
        RowOrder.of(TABLE, dependence)


def test_a_row_without_a_time_is_an_error_that_names_the_row():
    table = pa.table({"at": [1.0, np.nan, 3.0]})
    with pytest.raises(DataError, match=r"has no value in 1 rows \(the first is row 2, counted from 1"):
        RowOrder.of(table, Dependence("at"))


def test_one_group_cannot_be_held_out():
    with pytest.raises(DataError, match="all rows have the same value of 'machine'"):
        RowOrder.of(pa.table({"machine": ["a", "a"]}), Dependence(group="machine"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("blocks", None, None, None), 'calibration="blocks" needs to know which rows depend on each other'),
        (("split", "at", None, None), "time is 'at', which has no effect with calibration='split'"),
        (("cross", None, "machine", None), "group is 'machine', which has no effect with calibration='cross'"),
        (("blocks", None, "machine", 3), "gap is 3, which is a number of steps in time; give time too"),
        (("blocks", "at", None, -1), "gap is -1; give a number of steps in time, 0 or more"),
        (("blocks", 7, None, None), "time is 7; give the name of a column"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        checked_dependence(*arguments)


def test_independent_rows_have_no_dependence():
    assert checked_dependence("split", None, None, None) is None

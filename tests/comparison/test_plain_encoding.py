"""The encoding of the rival methods: standardised columns, and nothing that a test row can break."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import TableSchema
from oddrow.comparison import PlainEncoding
from oddrow.exceptions import SchemaMismatchError
from oddrow.table import as_table


def encoded(training, later=None, kinds=None):
    training = as_table(training)
    encoding = PlainEncoding.learn(TableSchema.infer(training, kinds), training)
    return encoding.encode(training if later is None else as_table(later))


def test_numbers_of_few_values_are_standardised_by_the_training_rows_too():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(3, 7, 200), rng.integers(0, 2, 200), 2 + rng.integers(0, 2, 200)])
    training, later = rows[:150], rows[150:] + 0.25
    expected = (later - training.mean(axis=0)) / training.std(axis=0)
    np.testing.assert_allclose(encoded(training, later), expected, atol=1e-12)


def test_booleans_are_encoded_as_numbers():
    flags = np.array([True, False, False, False])
    np.testing.assert_allclose(encoded({"flag": flags})[:, 0], (flags - 0.25) / np.std(flags))


@pytest.mark.parametrize("value", [0.1, 7, 1e300])
def test_a_constant_column_is_divided_by_one(value):
    later = encoded({"x": [value] * 5, "y": range(5)}, {"x": [value, value + 2, value - 3], "y": [0, 0, 0]})
    expected = np.array([value, value + 2, value - 3]) - value
    np.testing.assert_allclose(later[:, 0], expected)


def test_a_missing_value_is_the_mean_with_a_flag_if_training_had_missing_values():
    training, later = {"x": [1.0, None, 3.0], "y": [1.0, 2.0, 3.0]}, {"x": [None, 2.0], "y": [None, 5.0]}
    np.testing.assert_allclose(encoded(training, later), [[0, 1, 0], [0, 0, 3 / np.std([1, 2, 3])]])


def test_frequent_names_have_a_feature_each_and_all_others_share_one():
    names = [f"n{index:02}" for index in range(80) for _ in range(80 - index)]
    later = encoded({"name": names}, {"name": ["n00", "n79", "new", None]})
    assert later.shape == (4, 65)
    assert later.sum(axis=1).tolist() == [1, 1, 1, 0]
    np.testing.assert_array_equal(later[1], later[2])
    assert later[0, 0] == 1


def test_a_missing_name_has_a_flag_if_training_had_missing_names():
    np.testing.assert_array_equal(encoded({"name": ["a", None, "a", "b"]})[:, -1], [0, 1, 0, 0])


def test_timestamps_are_encoded_as_numbers():
    moments = [dt.datetime(2026, 1, 1) + dt.timedelta(hours=hour) for hour in (0, 1, 2)]
    np.testing.assert_allclose(encoded({"at": moments})[:, 0], np.array([-1, 0, 1]) / np.std([-1, 0, 1]))


def test_a_counter_is_left_out_unless_it_is_the_only_column():
    rows = np.arange(60)
    level = rows * 7 % 11 / 2
    np.testing.assert_array_equal(encoded({"number": rows, "level": level}), encoded({"level": level}))
    np.testing.assert_allclose(encoded({"number": rows})[:, 0], (rows - rows.mean()) / rows.std())


def test_a_clock_is_encoded_as_seconds():
    rows = np.arange(60)
    at = pa.array(1_704_067_200 + 7_200 * rows, pa.timestamp("s"))
    np.testing.assert_allclose(encoded({"at": at})[:, 0], (rows - rows.mean()) / rows.std())


def test_a_category_of_numbers_made_by_hand_is_one_hot():
    assert encoded({"port": [22, 80, 443, 22]}, kinds={"port": "category"}).shape == (4, 4)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_no_number_is_too_large(kind):
    most = float(np.finfo(kind).max)
    training = {"x": np.array([-most, most, 1.0, 2.0], kind), "tiny": [0.0, 1e-300, 2e-300, 3e-300]}
    later = {"x": np.array([np.inf, -np.inf, most, 0.0], kind), "tiny": [1e300, -1e300, np.inf, 0.0]}
    for rows in (encoded(training), encoded(training, later)):
        assert np.isfinite(rows).all()
        assert np.isfinite((rows**2).sum(axis=1)).all()
    bounded = encoded(training, later)
    assert bounded[0, 0] > 0 > bounded[1, 0]
    assert bounded[0, 1] > bounded[3, 1] > bounded[1, 1]


def test_the_order_of_columns_and_further_columns_do_not_matter():
    training = pa.table({"a": [1.0, 2.0, 4.0], "b": ["x", "y", "x"]})
    encoding = PlainEncoding.learn(TableSchema.infer(training), training)
    later = training.select(["b", "a"]).append_column("c", pa.array([1, 2, 3]))
    np.testing.assert_array_equal(encoding.encode(training), encoding.encode(later))


def test_a_missing_column_is_named():
    training = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    encoding = PlainEncoding.learn(TableSchema.infer(training), training)
    with pytest.raises(SchemaMismatchError, match="'b'"):
        encoding.encode(training.select(["a"]))

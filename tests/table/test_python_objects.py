"""Columns of Python objects are read by the type their values share, in any order and from any container."""

import datetime as dt
import decimal
import fractions
import itertools
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from oddrow.exceptions import DataError
from oddrow.table._frame import as_table

NAN = float("nan")
DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12)
UTC_NOON = NOON.replace(tzinfo=dt.UTC)


def column(values: list) -> pa.ChunkedArray:
    return as_table({"c": values})["c"]


def objects(*values: object) -> np.ndarray:
    return np.fromiter(values, dtype=object, count=len(values))


@pytest.mark.parametrize(
    ("values", "expected", "kind"),
    [
        ((1, None, NAN), [1, None, None], pa.int64()),
        ((1, 2.5), [1.0, 2.5], pa.float64()),
        ((True, 2), [1.0, 2.0], pa.float64()),
        ((2**70, 1), [2.0**70, 1.0], pa.float64()),
        ((decimal.Decimal("1.5"), decimal.Decimal("NaN"), 2), [1.5, None, 2.0], pa.float64()),
        ((np.bool_(True), None), [True, None], pa.bool_()),
        ((True, pd.NA), [True, None], pa.bool_()),
        (("a", 1, 2.5, pd.NA, NAN), ["a", "1", "2.5", None, None], pa.string()),
        (("a", True, NOON), ["a", "True", "2024-02-29 12:00:00"], pa.string()),
        ((10**400, 1), [str(10**400), "1"], pa.string()),
        (("\ud800", "a"), ["?", "a"], pa.string()),
        ((uuid.UUID(int=1),), [str(uuid.UUID(int=1))], pa.string()),
        ((DAY, None), [DAY, None], pa.date32()),
        ((NOON, pd.NaT), [NOON, None], pa.timestamp("us")),
        ((DAY, NOON), [dt.datetime(2024, 2, 29), NOON], pa.timestamp("us")),
        ((NOON, DAY), [NOON, dt.datetime(2024, 2, 29)], pa.timestamp("us")),
        ((DAY, UTC_NOON), [str(DAY), str(UTC_NOON)], pa.string()),
        ((dt.time(1, 2), None), [dt.time(1, 2), None], pa.time64("us")),
        ((None, NAN), [None, None], pa.null()),
    ],
)
@pytest.mark.parametrize("container", ["mapping", "numpy", "pandas", "polars"])
def test_objects_keep_the_type_they_share_else_numbers_else_text(values, expected, kind, container):
    array = objects(*values)
    X = {
        "mapping": {"x0": list(values)},
        "numpy": array.reshape(-1, 1),
        "pandas": pd.DataFrame({"x0": pd.Series(array, dtype=object)}),
        "polars": pl.DataFrame({"x0": pl.Series(values, dtype=pl.Object)}),
    }[container]
    found = as_table(X)["x0"]
    assert found.to_pylist() == expected
    assert found.type == kind


MIXED = {
    "moments": [np.datetime64("2024-02-29"), np.int8(1)],
    "NumPy durations": [np.timedelta64(1, "s"), np.float32(0.5)],
    "durations": [dt.timedelta(days=1), 5],
    "times": [dt.time(1), 5],
    "datetimes": [NOON, 5],
    "words": ["a", np.datetime64("2024-02-29")],
    "flags": [np.bool_(True), np.datetime64("2024-02-29"), np.float16(0.5)],
}


@pytest.mark.parametrize("values", MIXED.values(), ids=MIXED)
def test_times_beside_other_values_are_text_in_any_order(values: list) -> None:
    """Arrow 26 ends the process on the first, and reads the number of the third as a duration."""
    for ordered in itertools.permutations(values):
        read = column([*ordered])
        assert read.type == pa.string()
        assert read.to_pylist() == [str(value) for value in ordered]


@pytest.mark.parametrize(
    ("values", "expected", "kind"),
    [
        ([np.datetime64("2024-02-29"), None], [DAY, None], pa.date32()),
        ([np.datetime64(NOON, "s"), np.datetime64("NaT")], [NOON, None], pa.timestamp("s")),
        ([np.datetime64("2024-02-29"), np.datetime64(NOON, "s")], [dt.datetime(2024, 2, 29), NOON], pa.timestamp("us")),
        ([np.timedelta64(1, "D"), np.timedelta64(2, "s")], [86_400.0, 2.0], pa.float64()),
        ([np.datetime64("NaT"), None], [None, None], pa.null()),
    ],
)
def test_numpys_moments_and_durations_are_read_as_numpy_reads_them(values: list, expected: list, kind: object) -> None:
    assert column(values).to_pylist() == expected
    assert column(values).type == kind


def test_pandas_moments_and_durations_keep_their_nanoseconds() -> None:
    moments = column([pd.Timestamp(NOON), pd.Timestamp(1, unit="ns"), pd.NaT])
    assert moments.type == pa.timestamp("ns")
    assert moments.cast(pa.int64()).to_pylist() == [pd.Timestamp(NOON).as_unit("ns").value, 1, None]
    assert column([pd.Timedelta(1, "ns"), None]).to_pylist() == [1e-9, None]
    zoned = column([pd.Timestamp(1, unit="ns", tz="Asia/Tokyo")])
    assert zoned.type == pa.timestamp("ns", "Asia/Tokyo")


def test_nanoseconds_give_way_where_they_cannot_reach() -> None:
    read = column([pd.Timestamp(1, unit="ns"), dt.datetime(9999, 1, 1)])
    assert read.to_pylist() == [dt.datetime(1970, 1, 1), dt.datetime(9999, 1, 1)]


def test_whole_numbers_that_fill_64_bits_stay_exact() -> None:
    assert column([2**64 - 1, 0, None]).type == pa.uint64()
    assert column([2**64 - 1, 0, None]).to_pylist() == [2**64 - 1, 0, None]
    assert column([2**64 - 1, -1]).to_pylist() == [2.0**64, -1.0]


def test_a_number_too_long_for_python_to_write_is_text_all_the_same() -> None:
    assert column([10**5000, 1]).to_pylist() == [hex(10**5000), "1"]


def test_a_signalling_nan_is_missing() -> None:
    values = [decimal.Decimal("sNaN"), fractions.Fraction(1, 2)]
    assert column(values).to_pylist() == [None, 0.5]


def test_a_type_that_arrow_lacks_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        DataError, match=r"column 'c' cannot be read: its NumPy type is .+; convert it to numbers, text"
    ):
        as_table({"c": np.array([(1, 2)], dtype=[("a", int), ("b", int)])})

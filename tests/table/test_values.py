"""Values take the form of their kind, each row by itself, and the first that cannot is named."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.table._values import as_booleans, as_numbers, as_seconds, as_texts, python_values

NAN = float("nan")
FINITE = st.floats(allow_nan=False, allow_infinity=False)
few = settings(max_examples=40, deadline=None)


def column(values: object, arrow_type: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, arrow_type)])


def listed(converted: np.ndarray | pa.ChunkedArray) -> list:
    """Plain values, None where missing."""
    values = converted.to_pylist() if isinstance(converted, pa.ChunkedArray) else converted.tolist()
    return [None if value is None or value != value else value for value in values]


def test_numbers_of_every_type_are_floats_and_missing_is_nan() -> None:
    for arrow_type in (pa.int8(), pa.uint64(), pa.int64(), pa.float32(), pa.float64()):
        np.testing.assert_array_equal(as_numbers(column([1, None, 3], arrow_type)), [1.0, NAN, 3.0])
    np.testing.assert_array_equal(as_numbers(column([True, None, False])), [1.0, NAN, 0.0])
    np.testing.assert_array_equal(as_numbers(column([None, None])), [NAN, NAN])
    assert as_numbers(column([2**53 + 1])).dtype == np.float64  # rounds, and does not refuse


@few
@given(st.lists(FINITE, min_size=1, max_size=5))
def test_numbers_written_as_text_are_read_back(values: list[float]) -> None:
    np.testing.assert_array_equal(as_numbers(column([f" {value!r}" for value in values])), values)


@pytest.mark.parametrize(("text", "number"), [("+1", 1.0), ("5.", 5.0), (".5", 0.5), ("-.5E+1", -5.0), ("\t7 ", 7.0)])
def test_numbers_may_be_written_in_many_ways(text: str, number: float) -> None:
    assert as_numbers(column([text])).tolist() == [number]


@pytest.mark.parametrize("text", ["1,5", "1e", "0x1F", "-.", "1 2", "--1", "1_000", "1e999", "e5", "-1-", "nan5"])
def test_a_text_that_is_no_number_is_named_with_its_row(text: str) -> None:
    with pytest.raises(ValueError, match=f"row 2, counted from 0, holds {text!r}, expected a number"):
        as_numbers(column(["1", None, text, "also not"]))


@pytest.mark.parametrize("mark", ["", " ", "nan", "-inf", "inf", ".", "NA", "-", r"\N", "#DIV/0!", " n/a "])
def test_a_mark_of_a_missing_value_is_missing_whatever_the_kind(mark: str) -> None:
    np.testing.assert_array_equal(as_numbers(column(["1", mark])), [1.0, NAN])
    np.testing.assert_array_equal(as_booleans(column(["yes", mark])), [1.0, NAN])
    np.testing.assert_array_equal(as_seconds(column(["1970-01-01", mark])), [0.0, NAN])


def test_a_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"row 0, counted from 0, holds 'x{36}\.\.\., expected a number"):
        as_numbers(column(["x" * 1000]))


def test_a_date_is_no_number() -> None:
    with pytest.raises(ValueError, match=r"found date32\[day\], expected a number"):
        as_numbers(column([dt.date(2024, 1, 1)]))


@pytest.mark.parametrize(
    "values",
    [
        [True, False, None],
        [1, 0, None],
        [1.0, 0.0, None],
        ["true", "false", None],
        ["Yes", "NO", None],
        ["T", "f", None],
        ["y", "n", None],
        ["1", "0", None],
        ["1.0", "0.0", None],
    ],
)
def test_flags_of_every_container_are_read_alike(values: list) -> None:
    np.testing.assert_array_equal(as_booleans(column(values)), [1.0, 0.0, NAN])


def test_a_flag_that_is_neither_is_two() -> None:
    np.testing.assert_array_equal(as_booleans(column([2, -1, 0, 1, None])), [2.0, 2.0, 0.0, 1.0, NAN])
    np.testing.assert_array_equal(as_booleans(column([0.5, 1.0])), [2.0, 1.0])
    np.testing.assert_array_equal(as_booleans(column(["ja", "maybe", "yes"])), [2.0, 2.0, 1.0])


@few
@given(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_moment_has_the_same_seconds_in_every_container(moment: dt.datetime, minutes: int) -> None:
    zoned = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes)))
    utc = zoned.astimezone(dt.UTC).replace(tzinfo=None)
    epoch = dt.datetime(1970, 1, 1)
    expected = (utc - epoch) / dt.timedelta(seconds=1)
    containers = [
        column([utc], pa.timestamp("us")),
        column([zoned], pa.timestamp("us", "Europe/Paris")),
        column([utc.isoformat()]),
        column([utc.isoformat(" ")]),
        column([utc.isoformat() + "Z"]),
        column([zoned.isoformat()]),
    ]
    for container in containers:
        assert as_seconds(container).tolist() == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize(("unit", "ticks"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_the_unit_of_a_timestamp_does_not_matter(unit: str, ticks: int) -> None:
    times = column([1_700_000_000 * ticks, None, -ticks], pa.timestamp(unit))
    np.testing.assert_array_equal(as_seconds(times), [1_700_000_000.0, NAN, -1.0])


def test_days_and_times_of_day_are_seconds_too() -> None:
    days = [dt.date(1970, 1, 2), None, dt.date(1969, 12, 31)]
    np.testing.assert_array_equal(as_seconds(column(days, pa.date32())), [86_400.0, NAN, -86_400.0])
    np.testing.assert_array_equal(as_seconds(column(days, pa.date64())), [86_400.0, NAN, -86_400.0])
    clock = [dt.time(1, 0, 1), None]
    for arrow_type in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")):
        np.testing.assert_array_equal(as_seconds(column(clock, arrow_type)), [3601.0, NAN])


def test_each_row_of_texts_has_its_own_zone() -> None:
    texts = ["1970-01-01T00:00:01", "1970-01-01T00:00:01Z", None, "1970-01-01T02:00:01+02:00", "1970-01-01"]
    np.testing.assert_array_equal(as_seconds(column(texts)), [1.0, 1.0, NAN, 1.0, 0.0])


@pytest.mark.parametrize(
    "text", ["soon", "1970-13-01", "1970-01-01T25:00:00", "1970-01-01 at noon", "70-01-01", "1970-01-01T00:00:60"]
)
@pytest.mark.parametrize("row", [0, 3, 6])
def test_a_text_that_is_no_time_is_named_with_its_row(text: str, row: int) -> None:
    texts = ["1970-01-01", "1970-01-01T00:00:01Z", None, "1970-01-01", "1970-01-02", "1970-01-03"]
    with pytest.raises(
        ValueError, match=f"row {row}, counted from 0, holds {text!r}, expected an ISO 8601 date or time"
    ):
        as_seconds(column([*texts[:row], text, *texts[row:]]))


@pytest.mark.parametrize("values", [[1.0], [1], [True]])
def test_a_number_is_no_time(values: list) -> None:
    with pytest.raises(ValueError, match="expected a date or time"):
        as_seconds(column(values))


@few
@given(st.lists(st.none() | st.integers(-(2**53) + 1, 2**53 - 1), max_size=5))
def test_a_whole_number_reads_the_same_as_integer_and_as_float(values: list[int | None]) -> None:
    floats = [None if value is None else float(value) for value in values]
    integers = as_texts(column(values, pa.int64())).to_pylist()
    assert as_texts(column(floats, pa.float64())).to_pylist() == integers
    assert integers == [None if value is None else str(value) for value in values]


@few
@given(st.lists(st.none() | FINITE | st.sampled_from([1e10, 123456789012.0, -0.0, 2.5]), min_size=1, max_size=5))
def test_a_text_does_not_depend_on_the_rows_beside_it(values: list[float | None]) -> None:
    together = as_texts(column(values, pa.float64())).to_pylist()
    alone = [as_texts(column([value], pa.float64()))[0].as_py() for value in values]
    assert together == alone
    assert [None if text is None else float(text) for text in together] == values


@pytest.mark.parametrize("convert", [as_numbers, as_booleans, as_seconds, as_texts])
@pytest.mark.parametrize("arrow_type", [pa.string(), pa.null()])
def test_no_rows_and_nothing_but_missing_values_are_fine(convert: object, arrow_type: pa.DataType) -> None:
    assert len(convert(column([], arrow_type))) == 0
    assert len(convert(pa.chunked_array([], arrow_type))) == 0
    assert listed(convert(column([None, None], arrow_type))) == [None, None]


@pytest.mark.parametrize(
    ("convert", "values"),
    [
        (as_numbers, ["1", None, "3", "4"]),
        (as_booleans, ["1", None, "no", "x"]),
        (as_seconds, ["1970-01-01", None, "1970-01-01T00:00:01Z", "1970-01-03"]),
        (as_texts, [1.0, None, 2.5, 1e10]),
    ],
)
def test_how_a_column_is_cut_into_chunks_does_not_matter(convert: object, values: list) -> None:
    whole = column(values)
    pieces = pa.chunked_array([whole.chunk(0).slice(0, 1), whole.chunk(0).slice(1, 0), whole.chunk(0).slice(1)])
    assert listed(convert(pieces)) == listed(convert(whole))


UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@few
@given(st.integers(-(2**63) // 10**9 + 1, 2**63 // 10**9 - 1), st.integers(0, 999))
def test_a_moment_has_the_same_bits_in_every_unit(seconds: int, thousandths: int) -> None:
    bits = {
        as_seconds(column([seconds * ticks + thousandths * ticks // 1000]).cast(pa.timestamp(unit))).tobytes()
        for unit, ticks in UNITS.items()
        if unit != "s"
    }
    assert len(bits) == 1


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris", "Mars/Olympus"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_moment_reads_the_same_in_every_unit_and_zone(unit: str, zone: str | None) -> None:
    ticks = [seconds * UNITS[unit] for seconds in (0, 1_709_208_000, 1_709_164_800)]
    moments = column([*ticks, None]).cast(pa.timestamp(unit, zone))
    assert as_texts(moments).to_pylist() == ["1970-01-01", "2024-02-29 12:00:00", "2024-02-29", None]


def test_a_part_of_a_second_reads_without_zeros_behind_it() -> None:
    for unit in ("us", "ns"):
        moments = column([1_500_000_120_000 * (UNITS[unit] // 10**6)]).cast(pa.timestamp(unit))
        assert as_texts(moments).to_pylist() == ["1970-01-18 08:40:00.12"]
    times = [column([5_040]).cast(pa.int32()).cast(pa.time32("ms")), column([5_040_000]).cast(pa.time64("us"))]
    assert [as_texts(time).to_pylist() for time in times] == [["00:00:05.04"]] * 2
    assert as_texts(column([0]).cast(pa.time64("ns"))).to_pylist() == ["00:00:00"]


def test_a_day_reads_the_same_as_a_day_and_as_a_moment() -> None:
    day = dt.date(2024, 2, 29)
    for kind in (pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ns")):
        assert as_texts(column([day]).cast(kind)).to_pylist() == ["2024-02-29"]


def test_a_day_that_is_stored_with_a_time_is_that_day() -> None:
    """Arrow's own cast refuses it, and the rows around it with it."""
    days = pa.chunked_array([pa.array([86_400_000 + 5, -1]).view(pa.date64())])
    assert as_seconds(days).tolist() == [86_400.0, -86_400.0]


@pytest.mark.parametrize("number", [2**53, 2**60, -(2**63), 2**63, 2**64 - 2**11])
def test_a_large_whole_number_reads_the_same_as_a_float(number: int) -> None:
    assert as_texts(column([float(number), 0.5])).to_pylist() == [str(number), "0.5"]


def test_a_number_reads_the_same_in_single_and_in_double_precision() -> None:
    single = column([0.1, 3.0, None], pa.float32())
    assert as_texts(single).to_pylist() == as_texts(single.cast(pa.float64())).to_pylist()


@pytest.mark.parametrize(
    ("far", "text"),
    [
        (pa.array([2**31 - 1], pa.int32()).view(pa.date32()), "<value out of range: 2147483647>"),
        (pa.array([2**62]).view(pa.timestamp("s")), f"<value out of range: {2**62}>"),
        (pa.array([253_402_300_800]).view(pa.timestamp("s")), "10000-01-01"),
        (pa.array([0]).view(pa.timestamp("s", "Mars/Olympus")), "1970-01-01"),
    ],
    ids=["day", "moment", "the year 10,000", "unknown zone"],
)
def test_what_python_cannot_hold_is_shown_as_text_and_the_rows_around_it_as_they_are(far: pa.Array, text: str) -> None:
    near = pa.nulls(1, far.type)
    assert python_values(pa.chunked_array([near, far])) == [None, text]


def test_values_that_python_can_hold_are_returned_unchanged() -> None:
    days = pa.chunked_array([pa.array([0, 2**31 - 1], pa.int32()).view(pa.date32())])
    assert python_values(days)[0] == dt.date(1970, 1, 1)


@few
@given(st.lists(st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0]), FINITE), min_size=1, max_size=6))
def test_a_number_is_the_flag_that_its_text_is(values: list[float | None]) -> None:
    numbers = column(values, pa.float64())
    np.testing.assert_array_equal(as_booleans(numbers), as_booleans(as_texts(numbers)))

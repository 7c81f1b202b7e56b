"""Running columns and identifiers are detected; jumps in running columns have novelty."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import ColumnSchema, Kind, TableEncoding, TableSchema
from oddrow.columns._encoding_checks import MAX_ROWS
from oddrow.columns.kinds._running import MAX_AHEAD, MAX_BACK
from oddrow.columns.kinds.clock import ClockEncoding
from oddrow.columns.kinds.counter import CounterEncoding
from oddrow.table import as_table

N = 300
START = dt.datetime(2024, 3, 1)
RNG = np.random.default_rng(0)


def judged(**columns: object) -> dict[str, ColumnSchema]:
    return {column.name: column for column in TableSchema.infer(pa.table(columns)).columns}


def hours(order: np.ndarray) -> pa.Array:
    return pa.array([START + dt.timedelta(hours=float(hour)) for hour in order], pa.timestamp("us"))


ROWS = np.arange(N)
COUNTERS = {
    "whole numbers": ROWS,
    "from a far number on": ROWS + 10**14,
    "downwards": ROWS[::-1],
    "with gaps": np.cumsum(RNG.integers(1, 9, N)),
    "with equal values": ROWS // 4,
    "with fractions": ROWS * 0.25 + RNG.uniform(0, 0.1, N),
    "with missing values": [None if row % 7 == 0 else row for row in ROWS.tolist()],
    "with one step back": [*range(150), 140, *range(151, 300)],
    "single precision": ROWS.astype(np.float32),
    "text": [f"{row:,}" for row in ROWS + 10_000],
}


@pytest.mark.parametrize("values", COUNTERS.values(), ids=COUNTERS)
def test_a_number_that_rises_or_falls_with_the_rows_is_a_counter(values: object) -> None:
    (column,) = judged(c=values).values()
    assert (column.kind, column.runs_on) == (Kind.COUNTER, True)
    assert column.note.startswith("'c' runs on from row to row")


NO_COUNTERS = {
    "measurements": RNG.normal(size=N),
    "sorted measurements": np.sort(RNG.normal(size=N)),
    "sorted heavy measurements": np.sort(np.exp(3 * RNG.normal(size=N))),
    "sorted, of few values": np.sort(RNG.integers(0, 6, N)),
    "too few rows": np.arange(29),
    "often back": ROWS + RNG.normal(0, 3, N),
    "a trend in noise": ROWS / N + RNG.normal(size=N),
}


@pytest.mark.parametrize("values", NO_COUNTERS.values(), ids=NO_COUNTERS)
def test_other_numbers_are_no_counters(values: np.ndarray) -> None:
    (column,) = judged(c=values).values()
    assert (column.kind, column.runs_on) == (Kind.NUMBER, False)


def epochs(unit: int) -> np.ndarray:
    return (1_709_251_200 + 60 * ROWS) * unit


CLOCKS = {
    "moments": (hours(ROWS), ""),
    "downwards": (hours(ROWS[::-1]), ""),
    "a little out of order": (hours(ROWS + RNG.normal(0, 5, N)), ""),
    "text": ([f"{START + dt.timedelta(hours=int(row)):%Y-%m-%d %H:%M}" for row in ROWS], ""),
    "days": ([START.date() + dt.timedelta(days=int(row)) for row in ROWS], ""),
    "days of months that cannot be told apart but by order": (
        [f"{day:02d}/{month:02d}/2024" for month in range(1, 6) for day in range(1, 13)],
        "dmy",
    ),
    "eight digits": ([f"{START + dt.timedelta(days=int(row)):%Y%m%d}" for row in ROWS], "compact"),
    "eight digits as numbers": ([int(f"{START + dt.timedelta(days=int(row)):%Y%m%d}") for row in ROWS], "compact"),
    "seconds since 1970": (epochs(1), "epoch s"),
    "milliseconds since 1970": (epochs(10**3), "epoch ms"),
    "nanoseconds since 1970": (epochs(10**9), "epoch ns"),
}


@pytest.mark.parametrize(("values", "dates"), CLOCKS.values(), ids=CLOCKS)
def test_times_that_rise_or_fall_with_the_rows_are_a_clock(values: object, dates: str) -> None:
    (column,) = judged(c=values).values()
    assert (column.kind, column.runs_on, column.form.dates) == (Kind.TIMESTAMP, True, dates)


def test_a_shuffled_table_is_put_in_order_by_its_clock() -> None:
    order = np.random.default_rng(1).permutation(N)
    found = judged(at=hours(order), total=order * 2 + 5, size=RNG.normal(size=N))
    assert found["at"].runs_on
    assert found["total"].kind == Kind.COUNTER
    assert "in order of 'at'" in found["total"].why
    assert found["size"].kind == Kind.NUMBER


def test_times_of_one_day_in_order_are_left_out_and_others_are_not() -> None:
    seconds = pa.array(ROWS * 60, pa.int32())
    of_many_days = pa.array(RNG.permutation(ROWS) * 60, pa.int32())
    found = judged(c=seconds.cast(pa.time32("s")), d=of_many_days.cast(pa.time32("s")))
    assert found["c"].kind == Kind.IGNORE
    assert "runs on from row to row within a day" in found["c"].note
    assert (found["d"].kind, found["d"].runs_on) == (Kind.TIMESTAMP, False)


def test_a_date_that_all_rows_share_is_a_clock() -> None:
    found = judged(c=["9/25/2017"] * N, d=["2024-01-05"] * N, x=RNG.normal(size=N))
    assert [(found[name].kind, found[name].runs_on) for name in "cd"] == [(Kind.TIMESTAMP, True)] * 2


def test_dense_whole_numbers_in_no_order_are_identifiers() -> None:
    rng = np.random.default_rng(2)
    order = rng.permutation(N)
    found = judged(c=order, x=RNG.normal(size=N), few=rng.permutation(N) // 2, sparse=rng.permutation(N) * 1000)
    assert found["c"].kind == Kind.IGNORE
    assert found["c"].note.startswith("'c' looks like an identifier")
    assert {found[name].kind for name in ("x", "few", "sparse")} == {Kind.NUMBER}
    assert judged(customer_id=order * 1000, x=RNG.normal(size=N))["customer_id"].kind == Kind.IGNORE


@pytest.mark.parametrize("values", [ROWS, np.random.default_rng(2).permutation(N), hours(ROWS)])
@pytest.mark.parametrize(("said", "kind"), [("auto", None), ("number", Kind.NUMBER), ("timestamp", Kind.TIMESTAMP)])
def test_a_given_kind_overrides_the_order_of_the_rows(values: object, said: str, kind: str | None) -> None:
    table = pa.table({"c": values})
    is_time = pa.types.is_temporal(table["c"].type)
    if kind is not None and is_time != (kind == Kind.TIMESTAMP):
        return
    (column,) = TableSchema.infer(table, {"c": said}).columns
    assert (column.kind, column.runs_on) == (Kind.TIMESTAMP if is_time else Kind.NUMBER, False)


# Encodings ------------------------------------------------------------------------------------------------------------


def novelty(training: object, later: object) -> np.ndarray:
    table = as_table({"c": training, "x": [0.5, 1.5, 3.5] * (len(training) // 3)})
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    assert isinstance(encoding.columns[0], CounterEncoding | ClockEncoding)
    rows = as_table({"c": later, "x": [0.5] * len(later)})
    return encoding.encode(rows).novelty[:, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.floats(-0.4, 1.9), st.booleans())
def test_next_rows_have_no_novelty_and_a_far_jump_has(start: int, step: int, widths: float, is_clock: bool) -> None:
    width = step * (N - 1)
    near = start + round(widths * width) + (width if widths > 0 else 0)
    values = [*(start + step * ROWS).tolist(), near, start + width * 4, start - width * 3]
    column = pa.array(values, pa.timestamp("s")) if is_clock else pa.array(values)
    found = novelty(column[:N], column)
    np.testing.assert_array_equal(found[: N + 1], 0.0)
    assert found[N + 1] == pytest.approx(np.log1p(N * (3 - MAX_AHEAD)), rel=1e-6)
    assert found[N + 2] == pytest.approx(np.log1p(N * (3 - MAX_BACK)), rel=1e-6)


@pytest.mark.parametrize("encoding", [CounterEncoding(5.0, 5.0, False), ClockEncoding(5.0, 5.0, False, False, False)])
def test_the_novelty_of_a_jump_is_finite_for_any_number_of_training_rows(
    encoding: CounterEncoding | ClockEncoding,
) -> None:
    far = np.array([5.0, 6.0, np.finfo(float).max, -np.finfo(float).max])
    _, news = encoding.encode(far, np.zeros((4, 0), np.float32), MAX_ROWS)
    assert news[0] == 0.0
    assert np.isfinite(news).all()
    assert (news[1:] > 500).all()


def test_a_counter_has_only_a_presence_flag_as_feature() -> None:
    full, holed = CounterEncoding.learn(np.array([1.0, 2.0])), CounterEncoding.learn(np.array([1.0, np.nan]))
    assert (full.n_features, holed.n_features) == (0, 1)
    out = np.zeros((2, 1), np.float32)
    presence, news = holed.encode(np.array([np.nan, 1.0]), out, 2)
    assert (presence.tolist(), news.tolist(), out[:, 0].tolist()) == ([False, True], [0.0, 0.0], [0.0, 1.0])


@pytest.mark.parametrize(("days", "periods"), [(1.5, 0), (3, 1), (15, 2)])
def test_a_clock_has_features_for_the_cycles_that_training_rows_cover(days: float, periods: int) -> None:
    clock = ClockEncoding.learn(np.linspace(0, days * 86_400, 100))
    assert len(clock.periods) == periods
    assert clock.n_features == 2 * periods


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(-1000, 1000))
def test_equal_hours_of_equal_weekdays_have_equal_features_in_every_week(second: int, weeks: int) -> None:
    clock = ClockEncoding.learn(np.arange(0.0, 10**7, 10**4))
    out = np.zeros((2, 4), np.float32)
    clock.encode(np.array([second, second + weeks * 7 * 86_400.0]), out, 1000)
    np.testing.assert_array_equal(out[0], out[1])


def test_a_clock_is_decoded_as_the_time_of_day() -> None:
    clock = ClockEncoding.learn(np.arange(0.0, 10**7, 10**4))
    out = np.zeros((1, 4), np.float32)
    clock.encode(np.array([5 * 86_400.0 + 13 * 3_600 + 1_800]), out, 1000)
    assert clock.decode(out) == [dt.time(13, 30)]

"""Windows: known answers of a plain reference, and the laws of entities, time, batches and states."""

import itertools
import math
import statistics

import numpy as np
import pyarrow as pa
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.sequences import Prepared, SequenceState, WindowPlan, Windows
from oddrow.table import AS_WRITTEN, as_table

SECONDS = {"s": 1, "min": 60}

SPECS = {
    "length": {"length": 4},
    "length, every third row": {"length": 3, "step": 3, "lags": (1, 2)},
    "length of two rows": {"length": 2},
    "length with a gap": {"length": 4, "max_gap": "90s"},
    "span": {"span": "2min"},
    "span, every second row": {"span": "3min", "step": 2},
    "span, at least a minute apart": {"span": "2min", "step": "1min"},
    "span with a gap": {"span": "2min", "step": "45s", "max_gap": "2min"},
}


def duration(text):
    """Seconds of the durations in this file."""
    number, unit = (text[:-3], "min") if text.endswith("min") else (text[:-1], "s")
    return int(number) * SECONDS[unit]


def make_rows(seed, n_rows=80, n_entities=3):
    """Unevenly spaced rows with equal times, gaps, missing values, and an entity without a name, sorted by time."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 1, 7, 20, 40], n_rows, p=[0.1, 0.2, 0.3, 0.3, 0.1])
    steps[rng.random(n_rows) < 0.05] = 400
    names = [None, "a", "b", "c"][:n_entities]
    return pa.table(
        {
            "at": np.cumsum(steps),
            "machine": pa.array([names[place] for place in rng.integers(0, n_entities, n_rows)], pa.string()),
            "pressure": pa.array(
                np.where(rng.random(n_rows) < 0.15, np.nan, rng.normal(50, 2, n_rows)), from_pandas=True
            ),
            "load": rng.normal(0, 1, n_rows),
            "state": rng.choice(["ok", "warm", "hot", "off"], n_rows, p=[0.6, 0.2, 0.15, 0.05]),
            "open": pa.array(rng.random(n_rows) < 0.3),
        }
    )


def fed(plan, table, cuts=(), state=None):
    """The derived rows of a table that comes in parts, their numbers in the table, and the run."""
    run = plan.begin(state)
    parts, numbers = [], []
    for start, stop in zip([0, *cuts], [*cuts, table.num_rows], strict=True):
        prepared = run.feed(table.slice(start, stop - start))
        parts.append(prepared.table)
        numbers.append(prepared.row + start)
    return Prepared(pa.concat_tables(parts), np.concatenate(numbers)), run


def bits(table):
    """The columns of a table as bytes; two tables with the same bits are equal in every digit."""
    return {
        name: (
            str(column.type),
            column.is_null().to_pylist(),
            [value.hex() if isinstance(value, float) else value for value in column.to_pylist()],
        )
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


# A plain reference --------------------------------------------------------------------------------------------------


def reference(table, length=None, span=None, step=1, max_gap=None, lags=(1,)):
    """The windows by definition: a list of the number of the end row and the rows of the window."""
    rows = table.to_pylist()
    windows = []
    for entity in {row["machine"] for row in rows}:
        run = []
        n_full, last_end = 0, None
        numbers = [number for number, row in enumerate(rows) if row["machine"] == entity]
        for number in numbers:
            now = rows[number]["at"]
            if run and max_gap is not None and now - rows[run[-1]]["at"] > duration(max_gap):
                run, n_full, last_end = [], 0, None
            run.append(number)
            is_full = len(run) >= length if length else now - rows[run[0]]["at"] >= duration(span)
            if not is_full:
                continue
            if isinstance(step, str):
                ends = last_end is None or now - last_end >= duration(step)
                last_end = now if ends else last_end
            else:
                ends = n_full % step == 0
            n_full += 1
            if ends:
                inside = [one for one in run if rows[one]["at"] > now - duration(span)] if span else run[-length:]
                windows.append((number, inside))
    return sorted(windows)


def slope(places, values):
    """The least-squares slope; None where it is not defined."""
    if len(values) < 2 or len(set(places)) < 2:
        return None
    x, y = statistics.fmean(places), statistics.fmean(values)
    return sum((a - x) * (b - y) for a, b in zip(places, values, strict=True)) / sum((a - x) ** 2 for a in places)


def numbers_of(rows, inside, name, is_span):
    """The statistics of one column in one window."""
    values = [(place, rows[number][name]) for place, number in enumerate(inside)]
    found = [value for _, value in values if value is not None]
    places = [rows[inside[place]]["at"] if is_span else place for place, value in values if value is not None]
    return {
        "last": values[-1][1],
        "mean": statistics.fmean(found) if found else None,
        "std": statistics.pstdev(found) if found else None,
        "min": min(found, default=None),
        "max": max(found, default=None),
        "trend": slope(places, found),
        "step": statistics.fmean(abs(b - a) for a, b in itertools.pairwise(found)) if len(found) > 1 else None,
        "missing": 1 - len(found) / len(values),
    } | {f"lag{lag}": values[-1 - lag][1] if lag < len(values) else None for lag in (1, 2)}


def expected(table, spec):
    """All derived columns by the reference."""
    rows = table.to_pylist()
    derived = []
    for end, inside in reference(table, **spec):
        one = {"at": rows[end]["at"], "machine": rows[end]["machine"]}
        for name in ("pressure", "load"):
            one |= {f"{name}.{key}": value for key, value in numbers_of(rows, inside, name, "span" in spec).items()}
        states = [rows[number]["state"] for number in inside]
        one |= {f"state={name}": states.count(name) for name in ("ok", "warm", "hot", "off")}
        one |= {"state.other": 0, "state.distinct": len(set(states)), "open.other": 0}
        one["open=true"] = sum(rows[number]["open"] for number in inside)
        before = max(number for number in range(end) if rows[number]["machine"] == rows[end]["machine"])
        one["at.since"] = rows[end]["at"] - rows[before]["at"]
        one["at.duration"] = rows[end]["at"] - rows[inside[0]]["at"]
        one["at.rows"] = len(inside)
        derived.append(one)
    return [end for end, _ in reference(table, **spec)], derived


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("seed", range(3))
def test_the_windows_are_those_of_a_plain_reference(spec, seed):
    check_against_reference(make_rows(seed), spec)


@pytest.mark.parametrize("spec", [{"length": 150, "step": 5}, {"span": "70min", "step": 3}], ids=["length", "span"])
def test_windows_of_many_rows_are_those_of_a_plain_reference(spec):
    check_against_reference(make_rows(3, n_rows=600, n_entities=2), spec)


def check_against_reference(table, spec):
    """Compare all derived columns of all windows."""
    plan = Windows("at", "machine", **spec).learn(table)
    found, _ = fed(plan, table)
    ends, derived = expected(table, spec)
    assert found.row.tolist() == ends
    assert len(ends) > 5
    for one, other in zip(found.table.to_pylist(), derived, strict=True):
        for name, value in one.items():
            if isinstance(value, float):
                assert value == pytest.approx(other[name], rel=1e-9, abs=1e-9), name
            else:
                assert value == other[name], name


def test_the_derived_columns_are_these():
    table = make_rows(0)
    names = {name: Windows("at", "machine", **spec).learn(table).columns.names for name, spec in SPECS.items()}
    assert names["length"] == (
        *(f"pressure.{name}" for name in ("last", "mean", "std", "min", "max", "trend", "step", "missing", "lag1")),
        *(f"load.{name}" for name in ("last", "mean", "std", "min", "max", "trend", "step", "lag1")),
        *("state=ok", "state=warm", "state=hot", "state=off", "state.other", "state.distinct"),
        *("open=true", "open.other", "at.since", "at.duration"),
    )
    assert names["span"] == (*names["length"][:-1], "at.rows")
    of_numbers = [name for name in names["length of two rows"] if name.startswith(("pressure", "load"))]
    assert of_numbers == ["pressure.last", "pressure.trend", "pressure.missing", "load.last", "load.trend"]


# Laws ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(sorted(SPECS)), st.lists(st.integers(0, 80), max_size=12))
def test_the_cuts_of_a_stream_change_no_bit_of_a_window(seed, name, cuts):
    table = make_rows(seed)
    plan = Windows("at", "machine", **SPECS[name]).learn(table)
    (whole, one), (parts, other) = fed(plan, table), fed(plan, table, sorted(cuts))
    assert bits(whole.table) == bits(parts.table)
    assert whole.row.tolist() == parts.row.tolist()
    assert one.notes == other.notes
    assert {key: bits(part) for key, part in one.state.tables.items()} == {
        key: bits(part) for key, part in other.state.tables.items()
    }


@pytest.mark.parametrize("spec", [{"length": 150}, {"span": "50min"}], ids=["length", "span"])
def test_the_cuts_of_a_stream_change_no_bit_of_a_window_of_many_rows(spec):
    table = make_rows(11, n_rows=600, n_entities=2)
    plan = Windows("at", "machine", **spec).learn(table)
    whole, parts = fed(plan, table)[0], fed(plan, table, range(50, 600, 37))[0]
    assert whole.table.num_rows > 200
    assert bits(whole.table) == bits(parts.table)


@pytest.mark.parametrize("spec", [{"length": 4}, {"span": "30min"}], ids=["length", "span"])
def test_the_cuts_of_a_stream_of_many_entities_change_no_bit(spec):
    """So many that the kept rows are moved several times."""
    rng = np.random.default_rng(0)
    machines = rng.permutation(np.repeat(np.arange(1_500), 6))
    rows = as_table({"at": np.arange(9_000), "machine": machines, "x": rng.normal(size=9_000)})
    plan = Windows("at", "machine", **spec).learn(rows)
    (whole, one), (parts, other) = fed(plan, rows), fed(plan, rows, range(500, 9_000, 500))
    assert whole.table.num_rows > 1_500
    assert bits(whole.table) == bits(parts.table)
    assert bits(one.state.tables["rows"]) == bits(other.state.tables["rows"])


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("cut", [1, 33, 79])
def test_a_state_continues_as_if_the_files_were_one(spec, cut):
    table = make_rows(4)
    plan = Windows("at", "machine", **spec).learn(table)
    whole, _ = fed(plan, table)
    first, run = fed(plan, table.slice(0, cut))
    second, _ = fed(plan, table.slice(cut), state=run.state)
    assert bits(whole.table) == bits(pa.concat_tables([first.table, second.table]))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_later_rows_change_no_earlier_window(spec):
    table = make_rows(5)
    plan = Windows("at", "machine", **spec).learn(table)
    rows = 50
    later = make_rows(6).slice(rows)
    later = later.set_column(0, "at", pa.array(later["at"].to_numpy() + table["at"][-1].as_py()))
    whole, changed = (fed(plan, pa.concat_tables([table.slice(0, rows), end]))[0] for end in (table.slice(rows), later))
    n_before = int((whole.row < rows).sum())
    assert n_before == int((changed.row < rows).sum()) > 0
    assert bits(whole.table.slice(0, n_before)) == bits(changed.table.slice(0, n_before))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_no_window_contains_a_row_of_another_entity(spec):
    """An entity's windows among others have the bits of its windows alone."""
    table = make_rows(7)
    plan = Windows("at", "machine", **spec).learn(table)
    together, _ = fed(plan, table)
    of_one = table["machine"].to_numpy(zero_copy_only=False) == "a"
    alone, _ = fed(plan, table.filter(pa.array(of_one)))
    assert alone.table.num_rows > 0
    assert bits(alone.table) == bits(together.table.filter(pa.array(of_one[together.row])))


@pytest.mark.parametrize("spec", [SPECS["length with a gap"], SPECS["span with a gap"]], ids=["length", "span"])
def test_no_window_contains_a_gap(spec):
    """The rows after a gap give the windows that they give alone."""
    table = make_rows(8, n_entities=1)
    at = table["at"].to_numpy()
    begins = [0, *(np.flatnonzero(np.diff(at) > duration(spec["max_gap"])) + 1).tolist(), table.num_rows]
    plan = Windows("at", **spec).learn(table)
    assert len(begins) > 3
    parts = [fed(plan, table.slice(a, b - a))[0].table for a, b in itertools.pairwise(begins)]
    names = [name for name in parts[0].column_names if name != "at.since"]
    assert bits(fed(plan, table)[0].table.select(names)) == bits(pa.concat_tables(parts).select(names))


def test_a_table_in_memory_is_sorted_by_time_and_equal_times_keep_their_order():
    table = make_rows(9)
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(table.num_rows)))
    order = np.argsort(shuffled["at"].to_numpy(), kind="stable")
    spec = Windows("at", "machine", length=4)
    assert bits(spec.table(shuffled)) == bits(fed(spec.learn(shuffled), shuffled.take(pa.array(order)))[0].table)


def test_columns_of_equal_values_have_no_spread_however_large_they_are():
    at = np.arange(40)
    table = pa.table({"at": at, "x": np.where(at < 20, 0.1, 1e15 / 3), "y": at * 1.0})
    derived = Windows("at", length=7).table(table).to_pylist()
    assert len(derived) == 34
    for row in [*derived[:14], *derived[20:]]:
        assert (row["x.std"], row["x.trend"], row["x.step"]) == (0, 0, 0)
        assert row["x.mean"] == row["x.min"] == row["x.max"] == row["x.last"]


def test_a_span_measures_time_and_not_rows():
    """Rows on a line have its slope per second, whatever their spacing; a length gives it per row."""
    at = np.array([0, 1, 5, 6, 30, 31, 70, 75, 90, 140])
    table = pa.table({"at": at, "x": 2.5 * at})
    trend = Windows("at", span="1min").table(table)["x.trend"].to_pylist()
    assert trend == pytest.approx([2.5] * 4)  # the window of the last row holds two rows
    even = pa.table({"at": np.arange(10) * 60, "x": 2.5 * np.arange(10)})
    assert Windows("at", length=4).table(even)["x.trend"].to_pylist() == [2.5] * 7


def test_long_windows_are_those_of_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(10, 3, 3_000)
    derived = Windows("at", length=1_000, step=500).table({"at": np.arange(3_000), "x": x})
    for row, end in zip(derived.to_pylist(), range(999, 3_000, 500), strict=True):
        window = x[end - 999 : end + 1]
        assert row["x.mean"] == pytest.approx(window.mean(), rel=1e-12)
        assert row["x.std"] == pytest.approx(window.std(), rel=1e-12)
        assert row["x.trend"] == pytest.approx(np.polyfit(np.arange(1_000), window, 1)[0], rel=1e-9)


# Columns of every kind ----------------------------------------------------------------------------------------------


def test_times_of_every_type_give_the_same_windows():
    seconds = 1_700_000_000 + np.cumsum(np.random.default_rng(0).integers(1, 90, 60))
    stamps = pa.array(seconds, pa.timestamp("s"))
    x = pa.array(np.random.default_rng(1).normal(size=60))
    written = pa.table({"at": stamps.cast(pa.string()), "x": x.cast(pa.string())}).replace_schema_metadata(AS_WRITTEN)
    tables = [
        pa.table({"at": seconds, "x": x}),
        pa.table({"at": stamps, "x": x}),
        pa.table({"at": stamps.cast(pa.timestamp("ns")), "x": x}),
        pa.table({"at": stamps.cast(pa.string()), "x": x}),
        written,
    ]
    found = [Windows("at", span="3min", step="1min").table(table).drop_columns(["at"]) for table in tables]
    assert found[0].num_rows > 10
    assert all(bits(one) == bits(found[0]) for one in found[1:])


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_counts_since_1970_are_times_also_where_the_rows_of_one_entity_come_after_those_of_another(unit):
    seconds = 1_700_000_000 + np.tile(np.arange(150) * 20, 2)
    counts = seconds * {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
    rows = as_table(
        {"at": counts, "machine": np.repeat(["a", "b"], 150), "x": np.random.default_rng(0).normal(size=300)}
    )
    written = pa.table({name: rows[name].cast(pa.string()) for name in rows.column_names})
    for table in (rows, written.replace_schema_metadata(AS_WRITTEN)):
        found = fed(Windows("at", "machine", span="1min").learn(table), table)[0].table
        assert set(found["at.since"].to_pylist()) == {20.0}
        assert found.num_rows == 2 * 147


def test_whole_numbers_in_any_order_are_times_and_no_identifiers():
    order = np.random.default_rng(0).permutation(500)
    derived = Windows("at", length=3).table({"at": order, "x": order * 1.0})
    assert derived["at"].to_pylist() == list(range(2, 500))


@pytest.mark.parametrize("at", ["2024-01-01", "2024-01-01T10:00:00Z", "7"])
def test_all_rows_may_have_one_time(at):
    written = pa.table({"at": [at] * 6, "x": ["1", "2", "4", "3", "5", "2"]}).replace_schema_metadata(AS_WRITTEN)
    derived = Windows("at", length=3).table(written)
    assert derived["x.last"].to_pylist() == [4, 3, 5, 2]
    assert derived["at"].to_pylist() == [at] * 4
    assert derived["at.since"].to_pylist() == [0] * 4


def test_dates_whose_day_and_month_cannot_be_told_apart_are_refused_with_the_way_out():
    rows = {"at": ["03/04/2024", "05/06/2024", "03/04/2024", "05/06/2024"] * 3, "x": np.arange(12.0)}
    spec = Windows("at", length=3)
    with pytest.raises(DataError, match=r"the day or the month comes first in '03/04/2024' .* columns=\{'at'"):
        spec.learn(pa.table(rows))
    with pytest.raises(DataError, match="the day or the month comes first in '03/04/2024'"):
        spec.learn({"at": ["03/04/2024"] * 6, "x": np.arange(6.0)})
    plan = spec.learn(pa.table(rows), {"at": "timestamp; dates=dmy"})
    assert plan.usual_step == 63 * 86_400 * 10**6


def test_a_span_of_tenths_of_a_second_holds_the_same_number_of_rows_in_every_window():
    """The differences of such times, as floating-point seconds, are a little more or a little less than .3."""
    for origin in (0.0, 1_700_000_000.0):
        at = origin + np.arange(300) / 10
        derived = Windows("at", span="300ms").table({"at": at, "x": np.arange(300) % 150})
        found = derived.filter(pa.array(derived["x.last"].to_numpy() >= 2))
        assert found.num_rows > 270
        assert set((found["x.last"].to_numpy() - found["x.min"].to_numpy()).tolist()) == {2}


def test_days_are_times_too():
    table = pa.table({"day": pa.array(np.arange(20, dtype=np.int32)).cast(pa.date32()), "x": np.arange(20.0) ** 2})
    derived = Windows("day", span="7d").table(table)
    assert derived["day"].to_pylist() == table["day"].to_pylist()[7:]
    assert derived["day.since"].to_pylist() == [86_400.0] * 13


def test_a_later_file_of_another_format_is_read_with_the_kinds_of_training():
    table = make_rows(10)
    plan = Windows("at", "machine", length=3).learn(table)
    texts = {name: table[name].cast(pa.string()) for name in table.column_names}
    written = pa.table(texts).replace_schema_metadata(AS_WRITTEN)
    names = [name for name in plan.table(table).column_names if name not in ("at", "machine")]
    assert bits(plan.table(written).select(names)) == bits(plan.table(table).select(names))


def test_types_that_training_rows_do_not_have_are_counted_as_other():
    rows = {"at": np.arange(60), "state": ["ok", "ok", "hot"] * 20}
    plan = Windows("at", length=5).learn(rows)
    later = {"at": np.arange(6), "state": ["ok", "new", None, "hot", "newer", "new"]}
    assert plan.columns.names == ("state=hot", "state.other", "at.since")
    assert plan.table(later)["state.other"].to_pylist() == [2, 3]


def test_a_flag_that_is_neither_true_nor_false_is_counted_as_other():
    plan = Windows("at", length=5).learn({"at": np.arange(60), "open": [0, 0, 1] * 20})
    derived = plan.table({"at": np.arange(6), "open": [0, 7, 1, 0, 0, 0]})
    assert derived["open.other"].to_pylist() == [1, 1]
    assert derived["open=true"].to_pylist() == [1, 1]


def test_the_twenty_most_frequent_types_are_counted_each_and_the_others_together():
    names = [f"t{place:02}" for place in range(25) for _ in range(30 - place)]
    rows = {"at": np.arange(len(names)), "event": np.random.default_rng(0).permutation(names)}
    derived = Windows("at", length=10).table(rows)
    counted = [name for name in derived.column_names if name.startswith("event=")]
    assert counted == [f"event=t{place:02}" for place in range(20)]
    total = sum(derived[name].to_numpy() for name in (*counted, "event.other"))
    assert total.tolist() == [10] * derived.num_rows
    distinct = [len(set(rows["event"][end - 9 : end + 1])) for end in range(9, len(names))]
    assert derived["event.distinct"].to_pylist() == distinct


def test_a_constant_gives_the_number_of_rows_with_another_value():
    plan = Windows("at", length=3).learn(
        {"at": np.arange(30), "site": [7] * 30, "x": np.random.default_rng(0).random(30)}
    )
    derived = plan.table({"at": np.arange(4), "site": [7, 8, 7, 7], "x": [0.0, 1.0, 0.5, 0.2]})
    assert derived["site.other"].to_pylist() == [1, 1]
    assert not [name for name in plan.columns.names if name.startswith("site=")]


def test_a_running_number_gives_its_trend_and_its_step_alone():
    counter = np.cumsum(np.random.default_rng(0).integers(1, 9, 300))
    rows = {"at": np.arange(300), "meter": counter, "x": np.random.default_rng(1).normal(size=300)}
    names = Windows("at", length=4).learn(rows).columns.names
    assert [name for name in names if name.startswith("meter")] == ["meter.trend", "meter.step"]


def test_a_window_without_any_value_has_null_and_no_made_up_number():
    rows = {"at": np.arange(8), "x": [1.0, 2.0, 4.0, None, None, None, 3.0, 1.0]}
    derived = Windows("at", length=3).table(rows).to_pylist()[3]
    assert derived.pop("x.missing") == 1
    assert {derived[f"x.{name}"] for name in ("last", "mean", "std", "min", "max", "trend", "step", "lag1")} == {None}


def test_the_words_name_the_raw_column_and_the_window():
    table = make_rows(0)
    plan = Windows("at", "machine", length=16).learn(table)
    assert plan.words("pressure.trend") == "pressure: trend over the last 16 rows"
    assert plan.words("pressure.lag1") == "pressure: value 1 row before"
    assert plan.words("state=hot") == "state: rows of type hot over the last 16 rows"
    assert plan.words("machine") == plan.original("machine") == "machine"
    assert plan.original("pressure.trend") == "pressure"
    assert Windows("at", span="90s").learn(table).words("load.std") == (
        "load: standard deviation over the last 1.5 min"
    )
    assert {plan.original(name) for name in plan.columns.names} == {*table.column_names} - {"machine"}
    assert plan.sources == ("at", "machine", "pressure", "load", "state", "open")


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_plan_is_json_and_comes_back_equal(spec):
    plan = Windows("at", "machine", **spec).learn(make_rows(0))
    adapter = pydantic.TypeAdapter(WindowPlan)
    again = adapter.validate_json(adapter.dump_json(plan))
    assert again == plan
    assert bits(again.table(make_rows(1))) == bits(plan.table(make_rows(1)))


# Notes --------------------------------------------------------------------------------------------------------------


def test_the_notes_count_windows_rows_without_one_and_gaps():
    at = np.r_[np.arange(20), 100 + np.arange(20), 5_000 + np.arange(20)]
    rows = as_table({"at": at, "x": np.random.default_rng(0).normal(size=60)})
    assert fed(Windows("at", length=4).learn(rows), rows)[1].notes == (
        "57 windows over the last 4 rows, from 60 rows",
        "3 rows without a window, as they come before the first full window",
        "2 gaps longer than 10 times the usual 1 s between rows, the longest 1.356 h: windows contain them; "
        "windows begin anew after such gaps with max_gap='10s'",
    )
    assert fed(Windows("at", length=4, max_gap="1h").learn(rows), rows)[1].notes == (
        "54 windows over the last 4 rows, from 60 rows",
        "6 rows without a window, as they come before the first full window or after a gap",
        "2 gaps longer than 10 times the usual 1 s between rows, the longest 1.356 h: windows begin anew after 1 of "
        "them, and contain the others",
    )
    split = fed(Windows("at", length=4, max_gap="10s").learn(rows), rows)[1].notes
    assert split[2].endswith("windows begin anew after each")


def test_the_notes_after_a_state_count_new_entities():
    table = make_rows(0)
    plan = Windows("at", "machine", length=3).learn(table)
    old = table.filter(pa.array(table["machine"].to_numpy(zero_copy_only=False) != "b"))
    _, run = fed(plan, old)
    later = table.set_column(0, "at", pa.array(table["at"].to_numpy() + 10_000))
    _, run = fed(plan, later, state=run.state)
    assert "1 entity seen for the first time" in run.notes


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, "neither is given of length"),
        ({"length": 3, "span": "1h"}, "both are given of length"),
        ({"length": 1}, "length=1 is not a whole number from 2 to 1,000,000 rows"),
        ({"length": True}, "length=True is not a whole number"),
        ({"length": 2.5}, "length=2.5 is not a whole number"),
        ({"span": "10"}, "span='10' is not a duration; write a number and a unit"),
        ({"span": 600}, "span=600 is not a duration"),
        ({"span": "0s"}, "span='0s' is not between 1us"),
        ({"span": "10 fortnights"}, "is not a duration"),
        ({"length": 3, "step": 0}, "step=0 is not a whole number of at least 1 row"),
        ({"length": 3, "step": "1min"}, "step='1min' is a duration, which needs a span"),
        ({"span": "1h", "step": "often"}, "step='often' is not a duration"),
        ({"length": 3, "max_gap": "-1s"}, "max_gap='-1s' is not a duration"),
        ({"length": 3, "lags": (0,)}, "are not whole numbers of at least 1 row"),
        ({"length": 3, "lags": (3,)}, "a window of 3 rows has no row 3 rows before its end"),
        ({"length": 3, "lags": (1, 1)}, "names a number of rows twice"),
        ({"length": 3, "lags": 1}, "are not whole numbers"),
        ({"length": 3, "time": "when"}, "time='when': the table has no such column; it has 'at', 'machine'"),
        ({"length": 3, "entity": "who"}, "entity='who': the table has no such column"),
        ({"length": 3, "entity": "at"}, "time and entity are both the column 'at'"),
    ],
)
def test_a_specification_that_is_not_valid_is_refused_when_it_learns(spec, text):
    spec = Windows(**{"time": "at", **spec})
    with pytest.raises(SettingError, match=text.replace("(", r"\(")):
        spec.learn(make_rows(0))


def test_a_derived_name_that_a_raw_column_has_is_refused():
    with pytest.raises(SettingError, match=r"the derived column 'x\.mean' has the name of another column"):
        Windows("at", length=3).learn({"at": np.arange(9), "x": np.arange(9.0) % 4, "x.mean": np.arange(9.0) % 5})


def test_a_row_before_its_predecessor_is_refused_with_its_number_and_the_way_out():
    table = make_rows(0, n_entities=1).drop_columns(["machine"])
    plan = Windows("at", length=3).learn(table)
    run = plan.begin()
    run.feed(table.slice(0, 10))
    later = table.slice(10).set_column(0, "at", pa.array(np.r_[table["at"][9].as_py() - 60, np.arange(69) + 10_000]))
    with pytest.raises(
        DataError, match=r"column 'at', row 0, counted from 0: .* is 1 min before .*; sort the rows"
    ) as e:
        run.feed(later)
    assert e.value.row == 0


def test_the_order_counts_within_an_entity_alone():
    rows = as_table({"at": [100, 5, 101, 6, 102, 7], "machine": list("ababab"), "x": [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]})
    plan = Windows("at", "machine", length=3).learn(rows)
    assert fed(plan, rows)[0].table["x.last"].to_pylist() == [5.0, 7.0]
    swapped = rows.take(pa.array([0, 3, 2, 1, 4, 5]))
    with pytest.raises(
        DataError, match="row 3, counted from 0: '5' is 1 s before the row before it of the same machine"
    ):
        fed(plan, swapped)


def test_a_row_without_a_time_is_refused_with_its_number():
    rows = {"at": ["2024-01-01", "2024-01-02", None, "2024-01-04"], "x": [1.0, 2.0, 3.0, 5.0]}
    with pytest.raises(DataError, match="column 'at', row 2, counted from 0: the time is missing") as error:
        Windows("at", length=2).table(rows)
    assert error.value.row == 2


def test_a_column_that_holds_no_times_is_refused():
    with pytest.raises(DataError, match=r"column 'at' cannot be the time: 'a' is neither a date or time nor a number"):
        Windows("at", length=2).learn({"at": ["a", "b", "a", "c"], "x": [1.0, 2.0, 3.0, 4.0]})


def test_a_missing_column_is_refused():
    plan = Windows("at", "machine", length=3).learn(make_rows(0))
    with pytest.raises(SchemaMismatchError, match="column 'load' is missing"):
        fed(plan, make_rows(1).drop_columns(["load"]))


def test_a_refused_batch_changes_nothing():
    table = make_rows(0)
    plan = Windows("at", "machine", length=3).learn(table)
    run = plan.begin()
    run.feed(table.slice(0, 30))
    before = {name: bits(part) for name, part in run.state.tables.items()}
    with pytest.raises(DataError):
        run.feed(table.slice(0, 30))
    assert {name: bits(part) for name, part in run.state.tables.items()} == before


def test_a_state_of_others_is_refused():
    table = make_rows(0)
    plan = Windows("at", "machine", length=3).learn(table)
    other = Windows("at", "machine", length=3).learn(table.drop_columns(["load"]))
    with pytest.raises(DataError, match="the state is not one of these windows"):
        plan.begin(fed(other, table)[1].state)
    with pytest.raises(DataError, match="the state is not one of these windows"):
        plan.begin(SequenceState({}))
    assert plan.begin(plan.begin().state).feed(table).table.num_rows == plan.table(table).num_rows
    state = fed(plan, table)[1].state
    damaged = SequenceState({**state.tables, "rows": state.tables["rows"].slice(1)})
    with pytest.raises(DataError, match="the state is damaged"):
        plan.begin(damaged)


def test_an_empty_batch_has_no_window_and_the_same_columns():
    table = make_rows(0)
    plan = Windows("at", "machine", length=3).learn(table)
    run = plan.begin()
    nothing = run.feed(table.slice(0, 0))
    assert nothing.table.num_rows == len(nothing.row) == 0
    assert nothing.table.schema == run.feed(table).table.schema
    assert math.isclose(run.feed(table.slice(80)).table.num_rows, 0)

"""Alerts merge into events: within an entity, up to a gap, and the same however the rows are cut into batches."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from oddrow.exceptions import DataError, SettingError
from oddrow.sequences import EventMerging, merge_events, strongest_events


def drawn(seed, n_rows=200):
    rng = np.random.default_rng(seed)
    surprise = np.round(rng.exponential(size=n_rows), 1)
    odd = surprise > rng.uniform(0.5, 2)
    entity = np.array(["a", "b", None], dtype=object)[rng.integers(0, 3, n_rows)]
    time = np.sort(rng.integers(0, n_rows, n_rows))  # with equal times
    return time, surprise, odd, entity, int(rng.integers(1, 6))


def by_definition(time, surprise, odd, entity, max_gap):
    """The rows of each event, found by comparing each alert with the one before of its entity."""
    events = []
    for name in ("a", "b", None):
        last = None
        own = [row for row in range(len(time)) if entity[row] == name]
        for place, row in enumerate(own):
            if odd[row]:
                if last is None or place - last > max_gap:
                    events.append([])
                events[-1].append(row)
                last = place
    return sorted(events)


@pytest.mark.parametrize("seed", range(20))
def test_alerts_of_an_entity_within_the_gap_are_one_event(seed):
    time, surprise, odd, entity, max_gap = drawn(seed)
    events = merge_events(time, surprise, odd, entity, max_gap)
    assert [list(event.rows) for event in events] == by_definition(time, surprise, odd, entity, max_gap)
    for event in events:
        rows = list(event.rows)
        assert event.n_alerts == len(rows)
        assert {entity[row] for row in rows} == {event.entity}
        assert (event.start, event.end) == (time[rows[0]], time[rows[-1]])
        assert event.peak_surprise == surprise[rows].max()
        assert event.peak_row == rows[int(np.argmax(surprise[rows]))]
        assert event.peak == time[event.peak_row]
    assert sum(event.n_alerts for event in events) == odd.sum()


@pytest.mark.parametrize("seed", range(20))
def test_any_cut_into_batches_gives_the_same_events(seed):
    time, surprise, odd, entity, max_gap = drawn(seed)
    cuts = np.sort(np.random.default_rng(seed).integers(0, 201, 9))
    merging, events = EventMerging(max_gap), []
    for rows in np.split(np.arange(200), cuts):
        ended = merging.feed(time[rows], surprise[rows], odd[rows], entity[rows])
        assert list(ended) == sorted(ended, key=lambda event: event.rows)
        events += ended
    events += merging.close()
    assert tuple(sorted(events, key=lambda event: event.rows)) == merge_events(time, surprise, odd, entity, max_gap)


def test_an_event_is_given_out_as_soon_as_no_later_row_can_join_it():
    merging = EventMerging(max_gap=2)
    assert merging.feed([1, 2], [9.0, 0.0], [True, False]) == ()
    (event,) = merging.feed([3], [0.0], [False])
    assert event.rows == (0,)


def test_a_larger_gap_gives_no_more_events():
    time, surprise, odd, entity, _ = drawn(3)
    counts = [len(merge_events(time, surprise, odd, entity, gap)) for gap in range(1, 30)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.parametrize(
    "convert",
    [
        lambda times: times.astype(float) / 4,
        lambda times: times.astype("datetime64[s]"),
        lambda times: [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=int(time)) for time in times],
        lambda times: pa.array(times.astype("datetime64[ns]")),
        lambda times: pa.chunked_array([pa.array(times[:9]), pa.array(times[9:])]),
    ],
    ids=["seconds", "datetime64", "datetime", "Arrow", "chunks"],
)
def test_times_are_any_values_with_an_order(convert):
    time, surprise, odd, entity, max_gap = drawn(5)
    plain = merge_events(time, surprise, odd, entity, max_gap)
    found = merge_events(convert(time), surprise, odd, entity, max_gap)
    assert [event.rows for event in found] == [event.rows for event in plain]
    values = convert(time)
    values = values.to_numpy() if isinstance(values, pa.Array | pa.ChunkedArray) else values
    assert [event.peak for event in found] == [values[event.peak_row] for event in found]


@pytest.mark.parametrize(
    "convert",
    [list, pa.array, lambda names: pa.array(names).dictionary_encode(), lambda names: pa.chunked_array([names])],
    ids=["list", "Arrow", "dictionary", "chunks"],
)
def test_entities_come_in_any_column(convert):
    time, surprise, odd, entity, max_gap = drawn(6)
    given = convert(entity.tolist())
    assert merge_events(time, surprise, odd, given, max_gap) == merge_events(time, surprise, odd, entity, max_gap)


def test_without_alerts_or_rows_there_is_no_event():
    assert merge_events([1, 2], [0.0, 1.0], [False, False]) == ()
    assert merge_events([], [], []) == ()
    assert merge_events([], [], [], []) == ()


def test_the_strongest_events_come_first_and_equal_ones_in_order():
    events = merge_events(range(9), [3.0, 0, 5, 0, 3, 0, 9, 0, 1], [True, False] * 4 + [True])
    strongest = strongest_events(events, 4)
    assert [(event.peak_surprise, event.rows) for event in strongest] == [(9, (6,)), (5, (2,)), (3, (0,)), (3, (4,))]
    assert strongest_events(events, 100)[-1].peak_surprise == 1
    with pytest.raises(SettingError, match="n_events is 0; give 1 or more events"):
        strongest_events(events, 0)


def test_a_wrong_input_is_named():
    with pytest.raises(SettingError, match="max_gap is 0; give 1 or more rows"):
        merge_events([1], [1.0], [True], max_gap=0)
    with pytest.raises(DataError, match="time, surprise, is_odd and entity have 2, 1, 1 and 2 rows"):
        merge_events([1, 2], [1.0], [True])
    with pytest.raises(DataError, match="row 1 is odd without a score"):
        merge_events([1, 2], [1.0, np.nan], [False, True])
    for missing in (np.nan, None, np.datetime64("NaT")):
        with pytest.raises(DataError, match="the time of row 1 is missing; give each row a time"):
            merge_events(
                np.array([np.datetime64(1, "s") if missing is not None else 1, missing]), [1.0, 1], [True, True]
            )


def test_a_row_before_its_predecessor_is_named_in_one_batch_and_across_batches():
    with pytest.raises(DataError, match="row 2 has the time 1, before 2 of an earlier row of entity 'a'; sort"):
        merge_events([2, 1, 1], [0.0] * 3, [False] * 3, ["a", "b", "a"])
    merging = EventMerging()
    merging.feed([5], [0.0], [False])
    with pytest.raises(DataError, match="row 1 has the time 4, before 5 of an earlier row; sort the rows by time"):
        merging.feed([4], [0.0], [False])

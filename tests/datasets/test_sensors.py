"""The log of a machine: ordinary minutes are one stationary process, an event changes one sensor within its range."""

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from oddrow.datasets import SENSOR_EVENT_KINDS, make_sensors
from oddrow.exceptions import SettingError

MINUTES = {"drift": (30, 60), "stuck": (15, 45), "uncoupled": (20, 60), "noisy": (10, 30)}


@cache
def with_events():
    return make_sensors(10, events_per_day=8, random_state=5)


@cache
def without_events():
    return make_sensors(10, random_state=5)


def changed(kind):
    """Return the readings of each event of a kind: with it, and as they would be without."""
    for event in with_events().events:
        if event.kind == kind:
            rows = slice(event.start, event.stop)
            yield event, *(made.table[event.column].to_numpy()[rows] for made in (with_events(), without_events()))


def test_the_same_seed_gives_the_same_log_and_another_seed_another_log():
    one, same, other = (make_sensors(1, 4, random_state=seed) for seed in (3, 3, 4))
    assert one.table.equals(same.table)
    assert one.events == same.events and one.kinds == same.kinds and (one.is_odd == same.is_odd).all()
    assert not one.table.equals(other.table)


def test_a_row_a_minute_from_the_first_day_on():
    made = make_sensors(2, random_state=0, start="2024-12-31")
    times = made.table["at"].to_numpy()
    assert str(times[0]) == "2024-12-31T00:00:00" and made.table.num_rows == 2 * 1440
    assert (np.diff(times) == np.timedelta64(60, "s")).all()


@pytest.mark.parametrize("events_per_day", [0, 0.5, 4, 8])
def test_the_number_of_events_is_exact_and_the_labels_are_their_rows(events_per_day):
    made = make_sensors(3, events_per_day, random_state=1)
    assert len(made.events) == round(3 * events_per_day)
    kinds = np.array([kind or "" for kind in made.kinds])
    for event in made.events:
        assert set(kinds[event.start : event.stop]) == {event.kind}
        assert event.column in made.table.column_names
    assert made.is_odd.sum() == sum(event.stop - event.start for event in made.events)
    assert (made.is_odd == (kinds != "")).all() and not made.is_odd.flags.writeable
    counts = Counter(event.kind for event in made.events)
    assert max(counts.values(), default=0) - min((counts[kind] for kind in SENSOR_EVENT_KINDS), default=0) <= 1


def test_events_are_45_minutes_apart_and_as_long_as_their_kind_allows():
    events = with_events().events
    assert all(later.start - event.stop >= 2 * 45 for event, later in pairwise(events))
    assert events[0].start >= 45 and with_events().table.num_rows - events[-1].stop >= 45
    for event in events:
        shortest, longest = MINUTES[event.kind]
        assert shortest <= event.stop - event.start <= longest


def test_outside_of_events_the_log_is_that_of_the_same_seed_without_events():
    one, other = with_events(), without_events()
    assert not other.is_odd.any() and other.events == ()
    expected = {name: np.zeros(one.table.num_rows, bool) for name in one.table.column_names}
    for event in one.events:
        expected[event.column][event.start : event.stop] = True
    for name, is_changed in expected.items():
        differs = one.table[name].to_numpy() != other.table[name].to_numpy()
        assert not (differs & ~is_changed).any(), name


def test_a_changed_value_stays_in_the_usual_range_of_its_sensor():
    for kind in ("drift", "stuck", "uncoupled"):
        for event, values, _ in changed(kind):
            usual = without_events().table[event.column].to_numpy()
            margin = 0.1 * np.ptp(usual)
            assert usual.min() - margin <= values.min() and values.max() <= usual.max() + margin, event


def test_a_stuck_sensor_repeats_its_first_value():
    for event, values, true in changed("stuck"):
        assert set(values) == {true[0]}, event


def test_a_drift_grows_from_nothing_in_one_direction():
    for event, values, true in changed("drift"):
        moved = np.abs(values - true)
        assert moved[0] == 0, event
        assert (np.diff(moved) >= -0.11).all(), event  # readings are rounded
        assert moved[-1] == pytest.approx(moved.max(), abs=0.11), event


def test_an_uncoupled_sensor_moves_as_usual_and_not_with_its_true_values():
    correlations = []
    for _, values, true in changed("uncoupled"):
        assert np.std(np.diff(values)) < 2.5 * np.std(np.diff(true)) + 0.1
        correlations.append(np.corrcoef(np.diff(values), np.diff(true))[0, 1])
    assert abs(np.mean(correlations)) < 0.2


def test_a_noisy_sensor_keeps_its_mean_and_moves_more():
    for event, values, true in changed("noisy"):
        assert np.std(np.diff(values)) > 1.2 * np.std(np.diff(true)), event
        assert abs(np.mean(values) - np.mean(true)) < 2 * np.std(true), event


def test_ordinary_days_are_alike_for_every_seed():
    numbers = [make_sensors(10, random_state=seed).table.drop_columns(["at", "state"]) for seed in (1, 2)]
    one, other = (np.column_stack([table[name].to_numpy() for name in table.column_names]) for table in numbers)
    spread = one.std(axis=0)
    assert np.all(np.abs(one.mean(axis=0) - other.mean(axis=0)) < 0.35 * spread)
    assert np.all(np.abs(np.corrcoef(one.T) - np.corrcoef(other.T)) < 0.25)


def test_sensors_follow_the_load_and_the_bearings_each_other():
    table = without_events().table
    read = {name: table[name].to_numpy() for name in table.column_names}
    assert np.corrcoef(read["load"], read["current"])[0, 1] > 0.9
    assert np.corrcoef(read["bearing_drive"], read["bearing_free"])[0, 1] > 0.95
    assert set(read["state"]) == {"ok", "warm", "drain"}
    is_warm = read["state"] == "warm"
    assert read["oil_temperature"][is_warm].min() >= 55.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_days": 0}, "n_days is 0: give a whole number of at least 1"),
        ({"n_days": 1.5}, "n_days is 1.5"),
        ({"events_per_day": 9}, "events_per_day is 9: give a number from 0 to 8"),
        ({"events_per_day": -1}, "events_per_day is -1"),
        ({"events_per_day": True}, "events_per_day is True"),
        ({"events_per_day": float("nan")}, "events_per_day is nan"),
        ({"kinds": ["shift"]}, "kinds contains 'shift', which is no kind of oddness: choose from drift, "),
        ({"random_state": "a"}, "random_state is 'a'"),
        ({"start": "2024-05"}, "start is '2024-05': give a day as '2024-05-01'"),
        ({"start": "2024-13-01"}, "start is '2024-13-01'"),
    ],
)
def test_an_invalid_argument_is_refused_with_the_valid_values(wrong, message):
    with pytest.raises(SettingError, match=message):
        make_sensors(**{"n_days": 1, **wrong})


def test_columns_have_the_types_of_a_file_that_was_read():
    schema = make_sensors(1, random_state=0).table.schema
    assert schema.field("at").type == pa.timestamp("s")
    assert schema.field("state").type == pa.string()
    assert {schema.field(name).type for name in schema.names[1:-1]} == {pa.float64()}

"""Generator of the log of one machine: ten sensors, a reading a minute, with planted events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.datasets._draws import Array, generator, is_whole, truncated_normal, valid_kinds
from oddrow.exceptions import SettingError

SENSOR_EVENT_KINDS = ("drift", "stuck", "uncoupled", "noisy")
"""Every kind of event that :func:`make_sensors` can plant."""


@dataclass(frozen=True)
class SensorEvent:
    """A planted event: the rows of the table from ``start`` to before ``stop``."""

    start: int
    stop: int
    kind: str
    """One of ``SENSOR_EVENT_KINDS``."""
    column: str
    """The column that is changed."""


@dataclass(frozen=True, eq=False)
class Sensors:
    """The log of a machine, with labels for its rows and the events that were planted."""

    table: pa.Table
    """The readings, one row a minute, in the order of time."""
    is_odd: npt.NDArray[np.bool_]
    """bool [n], read-only: True where a row lies in an event."""
    events: tuple[SensorEvent, ...]
    """The planted events in the order of time; they never touch."""
    kinds: tuple[str | None, ...]
    """For each row the kind of the event that it lies in, or None for an ordinary row."""


_DAY = 1440
_SLOT = 180
"""Minutes that each event has for itself, at least, so that at most 8 events fit into a day."""
_APART = 45
"""Fewest ordinary minutes before and after an event."""

_OWN = {  # of each sensor: deviation and minutes of its slow own variation, deviation of its noise, decimals shown
    "load": (1.5, 20.0, 0.8, 1),
    "speed": (6.0, 10.0, 4.0, 0),
    "current": (0.5, 15.0, 0.4, 1),
    "pressure": (0.04, 12.0, 0.03, 2),
    "flow": (1.5, 8.0, 1.5, 1),
    "oil_temperature": (0.35, 40.0, 0.08, 1),
    "bearing_drive": (0.30, 40.0, 0.10, 1),
    "bearing_free": (0.30, 40.0, 0.10, 1),
    "vibration": (0.15, 6.0, 0.10, 2),
    "ambient": (0.25, 60.0, 0.06, 1),
}
_CHANGED = {
    "drift": ("current", "pressure", "flow", "oil_temperature", "bearing_drive", "bearing_free"),
    "stuck": ("load", "current", "pressure", "oil_temperature", "bearing_drive", "bearing_free", "ambient"),
    "uncoupled": ("load", "current", "flow", "oil_temperature", "bearing_drive", "bearing_free"),
    "noisy": ("load", "speed", "current", "pressure", "flow", "vibration"),
}
_MINUTES = {"drift": (30, 60), "stuck": (15, 45), "uncoupled": (20, 60), "noisy": (10, 30)}
"""Fewest and most minutes of an event of each kind."""


def _smoothed(values: Array, minutes: Array) -> Array:
    """Smooth each column of ``values`` [n, k] exponentially, with time constants ``minutes`` [k] of at least 1."""
    smoothed, weight = np.empty_like(values), 1.0 / minutes
    level = values[0]
    for row, value in enumerate(values):
        level = level + weight * (value - level)
        smoothed[row] = level
    return smoothed


def _variation(n_rows: int, minutes: tuple[float, ...], rng: np.random.Generator) -> Array:
    """Draw stationary noise [n, k] of variance 1 whose correlation falls by a factor e in about ``minutes`` [k]."""
    constants = np.array(minutes)
    drawn = rng.standard_normal((n_rows, len(minutes)))
    weight = 1.0 / constants
    return _smoothed(drawn, constants) * np.sqrt((2.0 - weight) / weight)


def _readings(n_rows: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draw ordinary values of every sensor, and the state, of the minutes from midnight on."""
    n_rows += _DAY  # a day before the log, after which the smoothing does not depend on its first value
    minute = np.arange(n_rows)
    slow, fast, network, lubrication, weather = _variation(n_rows, (120.0, 10.0, 25.0, 90.0, 240.0), rng).T
    angle = 2.0 * np.pi * minute / _DAY
    demand = -0.8 * np.cos(angle - 0.5) - 0.25 * np.cos(2.0 * angle - 0.3) + 0.45 * slow + 0.25 * fast
    weather = -3.5 * np.cos(angle - 0.8) + 1.2 * weather
    warm, warmer, outside = _smoothed(np.column_stack([demand, demand, weather]), np.array([45.0, 70.0, 120.0])).T
    draining = _draining(n_rows, rng)
    values = {
        "load": 62.0 + 12.0 * demand,
        "speed": 1470.0 + 40.0 * demand - 12.0 * network,
        "current": 41.0 + 6.0 * demand + 0.8 * network,
        "pressure": 6.3 - 0.10 * demand + 0.12 * network - 0.15 * draining,
        "flow": 118.0 + 16.0 * demand - 5.0 * network,
        "oil_temperature": 52.0 + 4.5 * warmer + 0.5 * outside + 0.8 * lubrication,
        "bearing_drive": 61.0 + 4.0 * warm + 0.4 * outside + 0.7 * lubrication,
        "bearing_free": 57.0 + 3.2 * warm + 0.4 * outside + 0.7 * lubrication,
        "vibration": 1.8 + 0.2 * demand,
        "ambient": 19.0 + weather,
    }
    own = _variation(n_rows, tuple(minutes for _, minutes, _, _ in _OWN.values()), rng)
    noise = rng.standard_normal(own.shape)
    for place, (name, (deviation, _, noise_deviation, _)) in enumerate(_OWN.items()):
        values[name] = values[name] + deviation * own[:, place] + noise_deviation * noise[:, place]
    values["state"] = np.where(draining, "drain", np.where(values["oil_temperature"] > 55.0, "warm", "ok"))
    return {name: of[_DAY:] for name, of in values.items()}


def _draining(n_rows: int, rng: np.random.Generator) -> Array:
    """Return bool [n]: minutes in which water is drained, 3 to 6 of them about every three hours."""
    draining = np.zeros(n_rows, dtype=np.bool_)
    for start in np.flatnonzero(rng.random(n_rows) < 1 / 180):
        draining[start : start + int(rng.integers(3, 7))] = True
    return draining


@dataclass(frozen=True)
class _Part:
    """The part of a sensor's readings that an event changes."""

    values: Array
    """float64 [m], the readings as they would be without the event."""
    others: Array
    """float64 [m], readings of the same sensor in another draw of the same minutes."""
    deviation: float
    """Standard deviation of what the other sensors do not determine."""
    middle: float
    """Median of the sensor's ordinary readings."""


def _drift(part: _Part, rng: np.random.Generator) -> Array:
    towards = 1.0 if part.values[0] < part.middle else -1.0  # the usual range is not left
    return part.values + towards * part.deviation * rng.uniform(3.0, 6.0) * np.linspace(0.0, 1.0, len(part.values))


def _stuck(part: _Part, _: np.random.Generator) -> Array:
    return np.full(len(part.values), part.values[0])


def _uncoupled(part: _Part, _: np.random.Generator) -> Array:
    share = np.minimum(np.arange(1, len(part.values) + 1) / 4.0, 1.0)  # without a jump
    return share * part.others + (1.0 - share) * part.values


def _noisy(part: _Part, rng: np.random.Generator) -> Array:
    return part.values + part.deviation * rng.uniform(1.5, 3.0) * truncated_normal(len(part.values), rng)


_CHANGES = {"drift": _drift, "stuck": _stuck, "uncoupled": _uncoupled, "noisy": _noisy}


def make_sensors(
    n_days: int = 7,
    events_per_day: float = 0.0,
    kinds: Iterable[str] | None = None,
    random_state: int | np.random.Generator | None = None,
    start: str = "2024-05-01",
) -> Sensors:
    """Generate the log of a machine: ten sensors and a state, a row a minute, in which every event is known.

    Ordinary rows are one stationary process. Demand follows a daily cycle with slow and fast random variation; load,
    speed, current, flow and vibration follow demand at once, the temperatures with a lag of about an hour, and an
    ambient temperature has a daily cycle of its own. Pressure, flow and current share the pressure of the network, the
    temperatures share lubrication. Each sensor adds its own autocorrelated variation and noise. The state is "drain"
    in 3 to 6 minutes about every three hours, "warm" while the oil is warm, and "ok" otherwise.

    An event changes one sensor for 10 to 60 minutes, so that its values by themselves are usual; noise may leave the
    usual range for a minute:

    - ``drift``: within 30 to 60 minutes the values move away, up to 3 to 6 standard deviations of what the other
      sensors do not determine, towards the middle of the usual range.
    - ``stuck``: the first value is repeated for 15 to 45 minutes.
    - ``uncoupled``: for 20 to 60 minutes the values are those of another draw of the same minutes of the day, so that
      they no longer agree with the other sensors.
    - ``noisy``: for 10 to 30 minutes noise of 1.5 to 3 of these standard deviations is added.

    At least 45 ordinary minutes lie before and after each event. Outside of events the rows are those that the same
    seed gives without events.

    Parameters
    ----------
    n_days
        Number of days, at least 1; the table has 1,440 rows a day.
    events_per_day
        Number of events a day, from 0 to 8; exactly ``round(n_days * events_per_day)`` events are planted.
    kinds
        Which of ``SENSOR_EVENT_KINDS`` occur, in any order; None means all. Their numbers differ by one at most.
    random_state
        A seed (the same seed gives the same log), a generator to draw from, or None for a new random log.
    start
        First day, such as "2024-05-01".

    Raises
    ------
    SettingError
        If an argument has no meaning; the message says which values have.

    Examples
    --------
    >>> made = make_sensors(2, events_per_day=4, random_state=0)
    >>> made.table.num_rows, len(made.events), int(made.is_odd.sum())
    (2880, 8, 221)
    >>> event = made.events[0]
    >>> made.kinds[event.start] == event.kind, event.column in made.table.column_names
    (True, True)

    """
    n_rows = _valid_days(n_days) * _DAY
    n_events = round(int(n_days) * _valid_events(events_per_day))
    names = valid_kinds(kinds, SENSOR_EVENT_KINDS)
    first = _valid_day(start)
    rng = generator(random_state)

    values = _readings(n_rows, rng)
    events = _placed(n_rows, n_events, names, rng)
    _change(values, events, n_rows, rng)
    is_odd = np.zeros(n_rows, dtype=np.bool_)
    kind_names: list[str | None] = [None] * n_rows
    for event in events:
        is_odd[event.start : event.stop] = True
        kind_names[event.start : event.stop] = [event.kind] * (event.stop - event.start)
    is_odd.flags.writeable = False
    at = first.astype("datetime64[s]") + 60 * np.arange(n_rows)
    shown = {name: np.round(values[name], decimals) for name, (_, _, _, decimals) in _OWN.items()}
    table = pa.table({"at": at, **shown, "state": values["state"]})
    return Sensors(table, is_odd, tuple(events), tuple(kind_names))


def _placed(n_rows: int, n_events: int, names: tuple[str, ...], rng: np.random.Generator) -> list[SensorEvent]:
    """Draw the events, each within its own part of the log."""
    events = []
    bounds = np.linspace(0, n_rows, n_events + 1).astype(int).tolist()
    for place, code in enumerate(rng.permutation(n_events) % len(names) if n_events else []):
        kind = names[code]
        shortest, longest = _MINUTES[kind]
        minutes = int(rng.integers(shortest, longest + 1))
        first = int(rng.integers(bounds[place] + _APART, bounds[place + 1] - _APART - minutes + 1))
        events.append(SensorEvent(first, first + minutes, kind, str(rng.choice(_CHANGED[kind]))))
    return events


def _change(values: dict[str, Array], events: list[SensorEvent], n_rows: int, rng: np.random.Generator) -> None:
    """Write the events into the readings."""
    if not events:
        return
    others = _readings(n_rows, rng)
    middles = {name: float(np.median(values[name])) for name in _OWN}
    for event in events:
        rows, name = slice(event.start, event.stop), event.column
        slow, _, noise, _ = _OWN[name]
        part = _Part(values[name][rows], others[name][rows], float(np.hypot(slow, noise)), middles[name])
        values[name][rows] = _CHANGES[event.kind](part, rng)


def _valid_days(n_days: int) -> int:
    if not is_whole(n_days, smallest=1):
        raise SettingError(f"n_days is {n_days!r}: give a whole number of at least 1")
    return int(n_days)


def _valid_events(events_per_day: float) -> float:
    most = _DAY // _SLOT
    is_number = isinstance(events_per_day, Real) and not isinstance(events_per_day, bool)
    if not is_number or not 0 <= float(events_per_day) <= most:
        raise SettingError(f"events_per_day is {events_per_day!r}: give a number from 0 to {most}, such as 4")
    return float(events_per_day)


def _valid_day(start: str) -> np.datetime64:
    try:
        if isinstance(start, str) and len(start) == len("2024-05-01"):
            return np.datetime64(start, "D")
    except ValueError:
        pass
    raise SettingError(f"start is {start!r}: give a day as '2024-05-01'")

"""Columns that run on become features: what their position says is left out, but for a jump.

Later rows have later values there, so their position among the training values says nothing about them. Evidence is
what repeats (the hour, the weekday), and a value further ahead, or further back, than the next rows can be.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from oddrow.columns._columns import Evidence, Features, _evidence
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.table import Floats

AHEAD, BACK = 2.0, 0.5
"""A value so many widths of the range of training beyond its last value, or before its first, is no evidence: the next
rows reach about one width further, and rows do not run back."""
MOST_EXCESS = 1e290
"""Times any number of training rows this is finite."""
CYCLES = {"day": 86_400.0, "week": 7 * 86_400.0}
"""Periods in seconds. The day of 1970-01-01 is a Thursday; which angle a weekday has does not matter."""
CIRCLE_GRID = 2.0**20
"""Steps of a circle's coordinates from 0 to 1: for a day, a tenth of a second."""
MIN_PERIODS = 2.0
"""A cycle counts where training rows cover so many of its periods: else the next rows come at hours never seen."""


def jump(values: Floats, low: float, high: float, step: float = 0.0) -> Floats:
    """float64 [n] >= 0: how far values lie outside what the next rows can reach, in widths of the range [low, high].

    ``step`` is what one value covers, as a date covers a day: the width is so much more.

    Examples
    --------
    >>> jump(np.array([150.0, 300.0, 400.0, -100.0]), 0.0, 100.0)
    array([0. , 0. , 1. , 0.5])
    """
    # halves: what is huge must not overflow
    width = max(high / 2 - low / 2 + step / 2, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        ahead, back = (values / 2 - high / 2) / width - AHEAD, (low / 2 - values / 2) / width - BACK
    return np.asarray(np.clip(np.maximum(ahead, back), 0.0, MOST_EXCESS))


def on_grid(points: Floats) -> Floats:
    """Coordinates on a circle without the noise of rounding: the cosines of 6:00 and 18:00 are the same 0."""
    return np.asarray(np.rint(points * CIRCLE_GRID) / CIRCLE_GRID)


@dataclass(frozen=True)
class CounterEncoding:
    """A number that runs on: no feature, only evidence where it jumps."""

    low: float
    high: float
    has_missing: bool
    is_whole: bool = True
    kind: Literal["counter"] = "counter"

    gaussian: ClassVar[tuple[int, ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> CounterEncoding:
        present = np.concatenate([values[~np.isnan(values)], rest.range.ends])
        is_whole = rest.is_whole and bool(np.all(present == np.floor(present)))
        low, high = (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)
        return cls(low, high, bool(np.isnan(values).any() or rest.n_missing), is_whole)

    @property
    def n_features(self) -> int:
        return int(self.has_missing)

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((0, True),) if self.has_missing else ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> Evidence:
        missing = np.isnan(values)
        presence, novelty = _evidence(missing, out[:, 0] if self.has_missing else None, n_rows)
        novelty[presence] = np.log1p(n_rows * jump(values[presence], self.low, self.high))
        return presence, novelty

    def decode(self, features: Features) -> list[object]:
        """The last value of training, from which later ones run on."""
        last = int(self.high) if self.is_whole and abs(self.high) < 2**63 else self.high
        return [last] * len(features)


@dataclass(frozen=True)
class ClockEncoding:
    """A time that runs on: the hour and the weekday as points on two circles, and evidence where it jumps.

    ``has_day``, ``has_week`` tell which of the two cycles training covers often enough.
    """

    low: float
    high: float
    has_missing: bool
    has_day: bool
    has_week: bool
    kind: Literal["clock"] = "clock"

    group: ClassVar[tuple[int, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> ClockEncoding:
        present = np.concatenate([values[~np.isnan(values)], rest.range.ends])
        low, high = (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)
        covers = {name: high - low >= MIN_PERIODS * period for name, period in CYCLES.items()}
        has_missing = bool(np.isnan(values).any() or rest.n_missing)
        return cls(low, high, has_missing, has_day=covers["day"], has_week=covers["week"])

    @property
    def periods(self) -> tuple[float, ...]:
        """Of the cycles that count, in seconds."""
        return tuple(
            period for period, counts in zip(CYCLES.values(), (self.has_day, self.has_week), strict=True) if counts
        )

    @property
    def n_features(self) -> int:
        return 2 * len(self.periods) + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return tuple(range(2 * len(self.periods)))

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((2 * len(self.periods), True),) if self.has_missing else ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> Evidence:
        missing = np.isnan(values)
        seconds = np.where(missing, 0.0, values)
        n_circles = len(self.periods)
        for place, period in enumerate(self.periods):
            angle = 2 * np.pi * (seconds % period) / period
            out[:, 2 * place], out[:, 2 * place + 1] = on_grid(np.sin(angle)), on_grid(np.cos(angle))
        out[missing, : 2 * n_circles] = 0.0
        presence, novelty = _evidence(missing, out[:, 2 * n_circles] if self.has_missing else None, n_rows)
        novelty[presence] = np.log1p(n_rows * jump(values[presence], self.low, self.high, self.step))
        return presence, novelty

    @property
    def step(self) -> float:
        """Seconds that one value covers: a day where values are days, else none."""
        day = CYCLES["day"]
        return day if self.low % day == 0 and self.high % day == 0 else 0.0

    def decode(self, features: Features) -> list[object]:
        """The time of day that the day's circle shows; without one, the last moment of training."""
        if not self.has_day:
            return [_moment(self.high)] * len(features)
        share = np.arctan2(features[:, 0], features[:, 1]) / (2 * np.pi) % 1.0
        minutes = np.round(share.astype(np.float64) * 24 * 60).astype(np.int64) % (24 * 60)
        return [dt.time(minute // 60, minute % 60) for minute in minutes.tolist()]


def _moment(seconds: float) -> dt.datetime | None:
    """A UTC time without a zone; None beyond the calendar."""
    try:
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=round(seconds))
    except OverflowError:
        return None

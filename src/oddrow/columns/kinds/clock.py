"""The encoding of running times: the hour and the weekday are features, and a jump has novelty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np

from oddrow.columns._scaling import Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch
from oddrow.columns.kinds._graph_columns import GraphBlock, GraphColumns
from oddrow.columns.kinds._novelty import presence_and_novelty
from oddrow.columns.kinds._protocol import Features, PresenceAndNovelty
from oddrow.columns.kinds._running import DAY, WEEK, jump, jump_nats, moment
from oddrow.columns.kinds.range import UNSOUND_RANGE, is_range, learned_range
from oddrow.table import Floats

CIRCLE_GRID = 2.0**20
"""Number of steps of a circle's coordinates from 0 to 1; one step is of the order of 0.1 seconds for a day."""
CALENDAR = 1e12
"""Seconds before and after 1970 within which all times of a calendar lie."""
MIN_PERIODS = 2.0
"""Smallest number of periods of a cycle in training rows: with fewer, the next rows have hours that are unseen."""


def on_grid(points: Floats) -> Floats:
    """Return coordinates on a circle without rounding errors: the cosines of 6:00 and 18:00 are both 0."""
    return np.asarray(np.rint(points * CIRCLE_GRID) / CIRCLE_GRID)


@dataclass(frozen=True)
class ClockEncoding:
    """The encoding of a running time: the hour and the weekday as points on two circles; a jump has novelty.

    ``has_day`` and ``has_week`` are true if training rows cover at least two periods of the cycle.
    """

    low: float
    high: float
    has_missing: bool
    has_day: bool
    has_week: bool
    kind: Literal["clock"] = "clock"

    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values: Floats, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from seconds float64 [n] and the sketch of training rows outside the sample."""
        low, high = learned_range(values, rest)
        has_missing = bool(np.isnan(values).any() or rest.n_missing)
        has_day, has_week = (high - low >= MIN_PERIODS * period for period in (DAY, WEEK))
        return cls(low, high, has_missing, has_day=has_day, has_week=has_week)

    def ordering(self) -> ClockEncoding:
        """Return the clock of a column that orders the rows: every later time is expected, so no time is a jump."""
        return replace(self, low=-CALENDAR, high=CALENDAR)

    @property
    def periods(self) -> tuple[float, ...]:
        """The periods of the encoded cycles, in seconds."""
        return (DAY,) * self.has_day + (WEEK,) * self.has_week

    @property
    def n_features(self) -> int:
        return 2 * len(self.periods) + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return tuple(range(2 * len(self.periods)))

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((2 * len(self.periods), True),) if self.has_missing else ()

    def encode(self, values: Floats, out: Features, n_rows: int) -> PresenceAndNovelty:
        missing = np.isnan(values)
        seconds = np.where(missing, 0.0, values)
        n_circles = len(self.periods)
        for place, period in enumerate(self.periods):
            angle = 2 * np.pi * (seconds % period) / period
            out[:, 2 * place], out[:, 2 * place + 1] = on_grid(np.sin(angle)), on_grid(np.cos(angle))
        out[missing, : 2 * n_circles] = 0.0
        flag = out[:, 2 * n_circles] if self.has_missing else None
        presence, novelty = presence_and_novelty(missing, flag, n_rows)
        novelty[presence] = np.log1p(n_rows * jump(values[presence], self.low, self.high, self.step))
        return presence, novelty

    @property
    def step(self) -> float:
        """The length of one value in seconds: a day if the values are dates, else 0."""
        return DAY if self.low % DAY == 0 and self.high % DAY == 0 else 0.0

    def decode(self, features: Features) -> list[object]:
        """Return the time of day, or without the cycle of a day the last moment of the training rows."""
        if not self.has_day:
            return [moment(self.high)] * len(features)
        share = np.arctan2(features[:, 0], features[:, 1]) / (2 * np.pi) % 1.0
        minutes = np.round(share.astype(np.float64) * 24 * 60).astype(np.int64) % (24 * 60)
        return [dt.time(minute // 60, minute % 60) for minute in minutes.tolist()]

    def check(self, n_rows: int) -> str:
        return "" if is_range(self.low, self.high) else UNSOUND_RANGE

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        seconds = xp.where(missing, 0.0, values)
        points, features = [], []
        for place, each in enumerate(encodings):
            for circle, period in enumerate(each.periods):
                angle = xp.mod(seconds[:, [place]], period) * (2 * np.pi) / period
                for offset, turned in enumerate((xp.sin(angle), xp.cos(angle))):
                    points.append(xp.where(missing[:, [place]], 0.0, xp.rint(turned * CIRCLE_GRID) / CIRCLE_GRID))
                    features.append(columns.starts[place] + 2 * circle + offset)
        ranges = [(each.low, each.high, each.step) for each in encodings]
        return GraphBlock(
            missing,
            xp.concatenate(points, axis=1) if points else None,
            np.array(features, np.int64) if points else None,
            novelty=xp.where(missing, 0.0, jump_nats(columns, seconds, ranges)),
            never_missing=[not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None

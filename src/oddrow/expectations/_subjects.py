"""How each column is described by what is usual for it, and the code that each of its values has."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout, TableEncoding
from oddrow.views import Coding, variables_of

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MAX_USUAL = 5
"""Maximum number of usual categories that are kept by name."""
COARSE_CODES = 6
"""Codes of each column while the given columns are sought."""
HOURS = 24
DAY = 86_400.0


class Statistic(Enum):
    """The statistic of a column in each cell; the second value is its width, the count of its numbers.

    - RANGE: the 5 %, 50 % and 95 % quantiles of the column's first feature
    - PLACES: the most frequent places (categories), padded with -1, and the number of places that cover 90 %
    - CLOCK: the shortest arc of the day with 90 % of the times, as seconds of the day, and the usual weekdays as bits
    - NOTHING: none, for a column without features
    """

    NOTHING = 0, 0
    RANGE = 1, 3
    CLOCK = 2, 3
    PLACES = 3, MAX_USUAL + 1

    @property
    def width(self) -> int:
        return int(self.value[1])


class Subject(NamedTuple):
    """How a column is described: its statistic, and the features that it is computed from.

    ``part`` is the index of its part among :func:`variables_of`, -1 for a clock, whose ``features`` are sine and
    cosine of the hour and of the weekday. ``is_given`` says whether the column may be given for other columns.
    """

    statistic: Statistic
    part: int
    features: tuple[int, ...]
    n_codes: int
    is_given: bool

    @property
    def n_coarse(self) -> int:
        """Number of codes of the column as the second given column, see :meth:`coarse`."""
        outside, _, n_groups = self._grouping
        return self.n_codes if self.statistic is Statistic.PLACES else n_groups + 2 * outside + 1

    @property
    def _grouping(self) -> tuple[int, int, int]:
        """The numbers of codes outside the range on each side, within the range, and of groups within it."""
        outside = 1 if self.statistic is Statistic.RANGE else 0
        n_inner = self.n_codes - 1 - 2 * outside
        return outside, n_inner, min(COARSE_CODES, n_inner)

    def coarse(self, codes: Codes) -> Codes:
        """Return coarser codes [n]: neighbouring codes of a number or an hour are merged into six within the range.

        Values outside the range, missing values and each place keep a code of their own.
        """
        if self.statistic is Statistic.PLACES:
            return codes
        outside, n_inner, n_groups = self._grouping
        inner = np.clip(codes - outside, -1, n_inner)
        grouped = np.where(inner < 0, -1, np.where(inner == n_inner, n_groups, inner * n_groups // max(n_inner, 1)))
        missing = codes == self.n_codes - 1
        return np.where(missing, n_groups + 2 * outside, grouped + outside)


def subjects_of(encoding: TableEncoding, edges: tuple[Floats, ...]) -> tuple[Subject, ...]:
    """Return the subject of each encoded column; ``edges`` are those of :class:`Dependence`."""
    parts = variables_of(encoding.layout)
    owned: dict[int, list[int]] = {}
    for place, part in enumerate(parts):
        if not part.is_flag:
            owned.setdefault(part.column, []).append(place)
    return tuple(
        _subject(encoding.columns[column].kind, owned.get(column, []), encoding.layout, edges)
        for column in range(len(encoding.columns))
    )


def _subject(kind: str, own: list[int], layout: FeatureLayout, edges: tuple[Floats, ...]) -> Subject:
    if not own:
        return Subject(Statistic.NOTHING, -1, (), 1, False)
    parts = variables_of(layout)
    if kind == "clock" and len(own) < 4:  # training covers too little to tell usual hours and weekdays
        return Subject(Statistic.NOTHING, -1, (), 1, False)
    if kind in ("timestamp", "clock") and len(own) >= 4:
        return Subject(Statistic.CLOCK, -1, tuple(parts[place].features[0] for place in own[-4:]), HOURS + 1, True)
    groups = [place for place in own if parts[place].is_category]
    place = (groups or own)[0]
    if groups or kind == "boolean":
        n_codes = len(parts[place].features) + 1 if groups else len(edges[place]) + 2
        return Subject(Statistic.PLACES, place, parts[place].features, n_codes, True)
    # a length of a text says little to a reader who is told that it is given
    return Subject(Statistic.RANGE, place, parts[place].features, len(edges[place]) + 2, kind != "text")


def n_given_codes(subjects: tuple[Subject, ...], given: Sequence[int]) -> tuple[int, int]:
    """Return the number of codes of the first given column, and of coarse codes of the second; 1 for no column."""
    first, second = given
    return subjects[first].n_codes if first >= 0 else 1, subjects[second].n_coarse if second >= 0 else 1


def column_codes(subjects: tuple[Subject, ...], coding: Coding, encoded: EncodedTable) -> Codes:
    """Return the code of each column [n, n_columns]: that of its part, the hour of a clock, or 0 without features."""
    of_parts = coding.codes(encoded.rows, encoded.presence)
    codes = np.zeros((len(encoded.rows), len(subjects)), np.int64)
    for column, subject in enumerate(subjects):
        if subject.part >= 0:
            codes[:, column] = of_parts[:, subject.part]
        elif subject.statistic is Statistic.CLOCK:
            hours = (seconds_of_day(encoded.rows, subject) // 3_600).astype(np.int64)
            codes[:, column] = np.where(encoded.presence[:, column], hours, HOURS)
    return codes


def _turn(rows: npt.NDArray[np.float32], sine: int, cosine: int) -> Floats:
    """Return the angle [n] in turns, from 0 to less than 1."""
    angle = np.arctan2(rows[:, sine].astype(np.float64), rows[:, cosine].astype(np.float64))
    return angle / (2 * np.pi) % 1.0


def seconds_of_day(rows: npt.NDArray[np.float32], subject: Subject) -> Floats:
    # a float32 tells the angle to some 0.01 s; whole seconds are what was written
    return np.round(_turn(rows, *subject.features[:2]) * DAY) % DAY


def weekdays_of(rows: npt.NDArray[np.float32], subject: Subject) -> Codes:
    """Return the weekday [n], Monday 0; at angle 0 it is a Thursday, as on 1970-01-01."""
    seconds = np.round(_turn(rows, *subject.features[2:]) * 7 * DAY)
    return np.asarray((seconds // DAY + 3) % 7, np.int64)


def evenly(n_rows: int, most: int) -> Codes:
    """The places of at most so many rows, evenly spread."""
    return np.linspace(0, n_rows - 1, min(n_rows, most)).astype(np.int64)

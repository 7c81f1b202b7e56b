"""The usual values of each column, given the values of up to two other columns, counted from training rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable, FeatureLayout, TableEncoding
from oddrow.views import BLOCK_PARTS, COARSE_CODES, Coding, frequent_codes, mutual_information, parts_of

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CELL_ROWS = 40
"""Minimum number of training rows of a cell; with fewer, the 5 % and 95 % quantiles are single rows."""
RANGE_ROWS = 19
"""Minimum number of rows with a value for a range: no two of fewer rows enclose 90 % of new rows."""
COVERED = 0.9
"""Share of new ordinary rows that a usual range or set covers."""
MAX_CELLS = 256
"""Maximum number of cells of both given columns; those with the most rows are kept."""
LEARNED_ROWS = 50_000
"""Maximum number of training rows that are counted."""
SEARCH_ROWS = 4_096
"""Maximum number of training rows with which the given columns are chosen."""
CANDIDATES = 8
"""Number of columns that are tried as the second given column."""
MAX_GIVEN = 300
"""Maximum number of columns that may be given; of more columns, evenly spaced ones are taken."""
MAX_TWICE_GIVEN = 1_000
"""Maximum number of columns of a table in which a second given column is chosen: the search takes 0.2 ms a column."""
NUMBER_WEIGHT = 0.85
"""Weight of the information from a number or a time, relative to a name: a reader understands a name more easily, and
its codes have more rows."""
MIN_GAIN = 0.01
"""Minimum information in nats that the second given column must add."""
MAX_USUAL = 5
"""Maximum number of usual categories that are kept by name."""
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

    ``part`` is the index of its part among :func:`parts_of`, -1 for a clock, whose ``features`` are sine and cosine of
    the hour and of the weekday. ``is_given`` says whether the column may be given for other columns.
    """

    statistic: Statistic
    part: int
    features: tuple[int, ...]
    n_codes: int
    is_given: bool

    @property
    def n_coarse(self) -> int:
        """Number of codes of the column as the second given column, see :meth:`coarse`."""
        return int(self.coarse(np.array([self.n_codes - 1]))[0]) + 1

    def coarse(self, codes: Codes) -> Codes:
        """Return coarser codes [n]: neighbouring codes of a number or an hour are merged into six within the range.

        Values outside the range, missing values and each place keep a code of their own.
        """
        if self.statistic is Statistic.PLACES:
            return codes
        outside = 1 if self.statistic is Statistic.RANGE else 0
        n_inner = self.n_codes - 1 - 2 * outside
        n_groups = min(COARSE_CODES, n_inner)
        inner = np.clip(codes - outside, -1, n_inner)
        grouped = np.where(inner < 0, -1, np.where(inner == n_inner, n_groups, inner * n_groups // max(n_inner, 1)))
        missing = codes == self.n_codes - 1
        return np.where(missing, n_groups + 2 * outside, grouped + outside)


def subjects_of(encoding: TableEncoding, edges: tuple[Floats, ...]) -> tuple[Subject, ...]:
    """Return the subject of each encoded column; ``edges`` are those of :class:`Dependence`."""
    parts = parts_of(encoding.layout)
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
    parts = parts_of(layout)
    if kind == "clock" and len(own) < 4:  # the training rows cover too short a time for usual hours and weekdays
        return Subject(Statistic.NOTHING, -1, (), 1, False)
    if kind in ("timestamp", "clock") and len(own) >= 4:
        return Subject(Statistic.CLOCK, -1, tuple(parts[place].features[0] for place in own[-4:]), HOURS + 1, True)
    groups = [place for place in own if parts[place].is_category]
    place = (groups or own)[0]
    if groups or kind == "boolean":
        n_codes = len(parts[place].features) + 1 if groups else len(edges[place]) + 2
        return Subject(Statistic.PLACES, place, parts[place].features, n_codes, True)
    # the length of a text is a condition that helps no reader, so a text is never given
    return Subject(Statistic.RANGE, place, parts[place].features, len(edges[place]) + 2, kind != "text")


@dataclass(frozen=True)
class Expectations:
    """The usual values of each column, by the codes of the two columns with the most information about it.

    A row is looked up in the cell of both given codes if that has at least 40 training rows, else in the cell of the
    first code, else in that of the second, else in the cell of all rows. The column's own value is not used.

    Attributes
    ----------
    given : int64 [n_columns, 2], the two columns given for each column; -1 for none
    cells : for each column int64 [n_cells, 2], codes of the given columns, -1 for any code; cell 0 is that of all rows
    missing : for each column float32 [n_cells], the share of rows without a value
    values : for each column float32 [n_cells, width], see :class:`Statistic`
    """

    layout: FeatureLayout
    subjects: tuple[Subject, ...]
    edges: tuple[Floats, ...]
    given: Codes
    cells: tuple[Codes, ...]
    missing: tuple[npt.NDArray[np.float32], ...]
    values: tuple[npt.NDArray[np.float32], ...]
    described: dict[tuple[int, int], Any] = field(default_factory=dict, compare=False, repr=False)
    """Cache of the descriptions in words, by column and cell."""

    @classmethod
    def learn(cls, encoding: TableEncoding, edges: tuple[Floats, ...], training: EncodedTable) -> Expectations:
        """Learn from encoded training rows; ``edges`` are those of :class:`Dependence`."""
        subjects = subjects_of(encoding, edges)
        if len(training.rows) > LEARNED_ROWS:
            training = training.take(_evenly(len(training.rows), LEARNED_ROWS))
        codes = column_codes(subjects, Coding(parts_of(encoding.layout), edges), training)
        sample = _evenly(len(codes), SEARCH_ROWS)
        given = _given_columns(subjects, codes[sample])
        kept = [_counted(column, subjects, given[column], codes, training) for column in range(len(subjects))]
        cells, missing, values = zip(*kept, strict=True) if kept else ((), (), ())
        return cls(encoding.layout, subjects, edges, given, cells, missing, values)

    def look_up(self, encoded: EncodedTable) -> Codes:
        """Return the cell int64 [n, n_columns] of each column in each row."""
        codes = column_codes(self.subjects, self._coding, encoded)
        found = np.zeros(codes.shape, np.int64)
        for column, (place, (first, second)) in enumerate(zip(self._places, self.given, strict=True)):
            if first >= 0:
                beside = self.subjects[second].coarse(codes[:, second]) if second >= 0 else 0
                found[:, column] = place[codes[:, first], beside]
        return found

    def given_columns(self, column: int, cell: int) -> tuple[int, ...]:
        """Return the columns whose codes define a cell: none, one or two."""
        codes = zip(self.given[column].tolist(), self.cells[column][cell].tolist(), strict=True)
        return tuple(other for other, code in codes if code >= 0)

    @cached_property
    def _coding(self) -> Coding:
        return Coding(parts_of(self.layout), self.edges)

    @cached_property
    def _places(self) -> tuple[Codes, ...]:
        """For each column, the cell by [first code, second code]."""
        return tuple(
            _cell_table(cells, *n_given_codes(self.subjects, given))
            for cells, given in zip(self.cells, self.given.tolist(), strict=True)
        )


def n_given_codes(subjects: tuple[Subject, ...], given: Sequence[int]) -> tuple[int, int]:
    """Return the number of codes of the first given column, and of coarse codes of the second; 1 for no column."""
    first, second = given
    return subjects[first].n_codes if first >= 0 else 1, subjects[second].n_coarse if second >= 0 else 1


def _cell_table(cells: Codes, n_first: int, n_second: int) -> Codes:
    table = np.zeros((n_first, n_second), np.int64)
    # cells of the second code alone, then of the first alone, then of both, so that more exact cells overwrite others
    for cell in np.lexsort((cells[:, 1], cells[:, 1] >= 0, cells[:, 0] >= 0))[1:].tolist():
        first, second = cells[cell].tolist()
        table[first if first >= 0 else slice(None), second if second >= 0 else slice(None)] = cell
    return table


def column_codes(subjects: tuple[Subject, ...], coding: Coding, encoded: EncodedTable) -> Codes:
    """Return the code of each column [n, n_columns]: that of its part, the hour of a clock, or 0 without features."""
    of_parts = coding.codes(encoded.rows, encoded.presence)
    codes = np.zeros((len(encoded.rows), len(subjects)), np.int64)
    for column, subject in enumerate(subjects):
        if subject.part >= 0:
            codes[:, column] = of_parts[:, subject.part]
        elif subject.statistic is Statistic.CLOCK:
            hours = (_seconds_of_day(encoded.rows, subject) // 3_600).astype(np.int64)
            codes[:, column] = np.where(encoded.presence[:, column], hours, HOURS)
    return codes


def _turn(rows: npt.NDArray[np.float32], sine: int, cosine: int) -> Floats:
    """Return the angle [n] in turns, from 0 to less than 1."""
    angle = np.arctan2(rows[:, sine].astype(np.float64), rows[:, cosine].astype(np.float64))
    return angle / (2 * np.pi) % 1.0


def _seconds_of_day(rows: npt.NDArray[np.float32], subject: Subject) -> Floats:
    # the angle in float32 is exact to about 0.01 s, and times are written in whole seconds
    return np.round(_turn(rows, *subject.features[:2]) * DAY) % DAY


def _weekdays(rows: npt.NDArray[np.float32], subject: Subject) -> Codes:
    """Return the weekday [n], Monday 0; at angle 0 it is a Thursday, as on 1970-01-01."""
    seconds = np.round(_turn(rows, *subject.features[2:]) * 7 * DAY)
    return np.asarray((seconds // DAY + 3) % 7, np.int64)


def _evenly(n_rows: int, most: int) -> Codes:
    return np.linspace(0, n_rows - 1, min(n_rows, most)).astype(np.int64)


# Which columns are given ---------------------------------------------------------------------------------------------


def _given_columns(subjects: tuple[Subject, ...], codes: Codes) -> Codes:
    """Choose the given columns [n_columns, 2].

    The first has the most mutual information with the column, the second adds the most to it; -1 means none.
    """
    n_rows, n_columns = codes.shape
    given = np.full((n_columns, 2), -1, np.int64)
    may = np.flatnonzero([subject.is_given for subject in subjects])
    may = may[_evenly(len(may), MAX_GIVEN)]
    if n_rows < CELL_ROWS or len(may) == 0:
        return given
    coarse = np.stack([_coarse(code, subject) for code, subject in zip(codes.T, subjects, strict=True)], axis=1)
    is_places = np.array([subjects[column].statistic is Statistic.PLACES for column in may])
    weight = np.where(is_places, 1.0, NUMBER_WEIGHT)
    for column, information in enumerate(_information(coarse, may)):
        if subjects[column].statistic is Statistic.NOTHING:
            continue
        order = np.argsort(-information * weight, kind="stable")[: CANDIDATES + 1]
        if not information[order[0]] > 0:
            continue
        given[column, 0] = first = may[order[0]]
        candidates = may[order[1:]]
        candidates = candidates[candidates != column]
        if len(candidates) and n_columns <= MAX_TWICE_GIVEN:
            gain = _information_of_both(coarse, column, first, candidates) - information[order[0]]
            if gain.max() > MIN_GAIN:
                given[column, 1] = candidates[np.argmax(gain * weight[np.searchsorted(may, candidates)])]
    return given


def _information(coarse: Codes, may: Codes) -> Iterator[Floats]:
    """Yield for each column its mutual information in nats with each column of ``may``; 0 with itself."""
    n_rows, n_codes = len(coarse), COARSE_CODES + 1
    taken = (coarse[:, may, None] == np.arange(n_codes)).astype(np.float32).reshape(n_rows, -1)
    for start in range(0, coarse.shape[1], BLOCK_PARTS):
        block = (coarse[:, start : start + BLOCK_PARTS, None] == np.arange(n_codes)).astype(np.float32)
        joint = (block.reshape(n_rows, -1).T @ taken).reshape(block.shape[1], n_codes, len(may), n_codes)
        found = mutual_information(joint.transpose(0, 2, 1, 3).astype(np.float64) / n_rows, n_rows)
        found[np.arange(start, start + block.shape[1])[:, None] == may] = 0.0
        yield from found


def _information_of_both(coarse: Codes, column: int, first: int, candidates: Codes) -> Floats:
    """Return the mutual information in nats of a column with the pair of the first given column and each candidate."""
    n_rows, n_codes = len(coarse), COARSE_CODES + 1
    both = coarse[:, first, None] * n_codes + coarse[:, candidates]
    places = (np.arange(len(candidates)) * n_codes**2 + both) * n_codes + coarse[:, column, None]
    counts = np.bincount(places.ravel(), minlength=len(candidates) * n_codes**3)
    found: Floats = mutual_information(counts.reshape(1, len(candidates), n_codes**2, n_codes) / n_rows, n_rows)[0]
    return found


def _coarse(codes: Codes, subject: Subject) -> Codes:
    """Return codes [n] from 0 to 6: neighbouring codes of a number or clock are merged, and rare places."""
    if subject.statistic is Statistic.PLACES:
        return frequent_codes(codes)
    missing = subject.n_codes - 1
    ranked = np.searchsorted(np.unique(codes), codes)
    n_ranks = int(ranked.max()) + 1 if len(ranked) else 1
    # a missing value keeps a code of its own, the last one
    return np.where(codes == missing, COARSE_CODES, ranked * COARSE_CODES // max(n_ranks, COARSE_CODES))


# What is usual in each cell ------------------------------------------------------------------------------------------


class _Observed(NamedTuple):
    """The rows of one column: the key of their cell, whether their value is present, the value, the weekday."""

    key: Codes
    is_present: npt.NDArray[np.bool_]
    value: Floats
    weekday: Codes

    def of(self, chosen: npt.NDArray[np.bool_]) -> _Observed:
        return _Observed(self.key[chosen], self.is_present[chosen], self.value[chosen], self.weekday[chosen])


def _observed(column: int, subject: Subject, codes: Codes, training: EncodedTable) -> _Observed:
    is_present = training.presence[:, column]
    value, weekday = np.zeros(len(codes)), np.zeros(len(codes), np.int64)
    if subject.statistic is Statistic.CLOCK:
        value, weekday = _seconds_of_day(training.rows, subject), _weekdays(training.rows, subject)
    elif subject.statistic is Statistic.PLACES and len(subject.features) > 1:
        value = codes[:, column].astype(np.float64)
    elif subject.features:
        value = training.rows[:, subject.features[0]].astype(np.float64)
    return _Observed(np.zeros(len(codes), np.int64), is_present, value, weekday)


def _counted(
    column: int, subjects: tuple[Subject, ...], given: Codes, codes: Codes, training: EncodedTable
) -> tuple[Codes, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the cells of one column, the share of missing values in each, and its statistic in each."""
    subject = subjects[column]
    rows = _observed(column, subject, codes, training)
    cells = [(-1, -1)]
    missing = [1.0 - float(rows.is_present.mean()) if len(codes) else 1.0]
    values = list(_usual(subject.statistic, rows.of(rows.is_present), 1))
    for key, pairs in _levels(subjects, given, codes) if subject.statistic is not Statistic.NOTHING else ():
        counts = np.bincount(key, minlength=len(pairs))
        chosen = np.flatnonzero(counts >= _min_rows(counts))
        place = np.full(len(pairs), -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        within = rows._replace(key=place[key])
        within = within.of((within.key >= 0) & rows.is_present)
        n_present = np.bincount(within.key, minlength=len(chosen))
        above = {pair: cell for cell, pair in enumerate(cells)}
        usual = _usual(subject.statistic, within, len(chosen))
        for index, pair in enumerate(pairs[chosen].tolist()):
            parent = above.get((pair[0], -1), above.get((-1, pair[1]), 0))
            cells.append((pair[0], pair[1]))
            missing.append(1.0 - n_present[index] / counts[chosen[index]])
            values.append(usual[index] if n_present[index] >= RANGE_ROWS else values[parent])
    return (
        np.array(cells, np.int64),
        np.array(missing, np.float32),
        np.array(values, np.float32).reshape(len(cells), subject.statistic.width),
    )


def _levels(subjects: tuple[Subject, ...], given: Codes, codes: Codes) -> Iterator[tuple[Codes, Codes]]:
    """Yield the key [n] of each row and the codes [n_keys, 2] of each key, for each given column and for both."""
    if given[0] < 0:
        return
    n_first, n_second = n_given_codes(subjects, given.tolist())
    first = codes[:, given[0]]
    yield first, np.stack([np.arange(n_first), np.full(n_first, -1)], axis=1)
    if given[1] < 0:
        return
    places = np.arange(n_first * n_second)
    beside = subjects[given[1]].coarse(codes[:, given[1]])
    yield beside, np.stack([np.full(n_second, -1), np.arange(n_second)], axis=1)
    yield first * n_second + beside, np.stack([places // n_second, places % n_second], axis=1)


def _min_rows(counts: Codes) -> int:
    """Return the minimum number of rows of a cell, such that at most ``MAX_CELLS`` cells are kept."""
    if len(counts) <= MAX_CELLS:
        return CELL_ROWS
    return max(CELL_ROWS, int(np.sort(counts)[-MAX_CELLS - 1]) + 1)


def _usual(statistic: Statistic, rows: _Observed, n_keys: int) -> Floats:
    """Return the statistic [n_keys, width] of the rows of each key; the rows have a value."""
    usual = np.zeros((n_keys, statistic.width))
    counts = np.bincount(rows.key, minlength=n_keys)
    used = np.flatnonzero(counts)
    if statistic is Statistic.RANGE:
        values = rows.value[np.lexsort((rows.value, rows.key))]
        starts = np.cumsum(counts) - counts
        tail = (1.0 - COVERED) / 2
        low = np.floor(tail * (counts + 1) + 1e-9).astype(np.int64) - 1
        high = np.ceil((1.0 - tail) * (counts + 1) - 1e-9).astype(np.int64) - 1
        for place, rank in enumerate((low, (counts - 1) // 2, high)):
            usual[used, place] = values[(starts + np.clip(rank, 0, np.maximum(counts - 1, 0)))[used]]
    elif statistic is Statistic.PLACES:
        places = rows.value.astype(np.int64)
        n_places = int(places.max(initial=0)) + 1
        table = np.bincount(rows.key * n_places + places, minlength=n_keys * n_places).reshape(n_keys, n_places)
        order = np.argsort(-table, axis=1, kind="stable")
        ranked = np.take_along_axis(table, order, axis=1)
        covered = np.cumsum(ranked, axis=1) < COVERED * (counts[:, None] + 1)
        n_usual = np.minimum(covered.sum(axis=1) + 1, np.maximum((table > 0).sum(axis=1), 1))
        kept = np.full((n_keys, MAX_USUAL), -1)
        width = min(MAX_USUAL, n_places)
        kept[:, :width] = order[:, :width]
        kept[np.arange(MAX_USUAL) >= n_usual[:, None]] = -1
        usual[:, :MAX_USUAL], usual[:, MAX_USUAL] = kept, n_usual
    elif statistic is Statistic.CLOCK:
        for key in used.tolist():
            own = rows.key == key
            usual[key] = (*_shortest_arc(rows.value[own]), _usual_weekdays(rows.weekday[own]))
    return usual


def _shortest_arc(seconds: Floats) -> tuple[float, float]:
    """Return the start and the end, in seconds, of the shortest part of the day with 90 % of new times.

    It may pass midnight.
    """
    ordered = np.sort(seconds)
    n = len(ordered)
    enclosed = min(int(np.ceil(COVERED * (n + 1))), n)
    last = (np.arange(n) + enclosed - 1) % n
    length = (ordered[last] - ordered) % DAY
    start = int(np.argmin(length))
    return float(ordered[start]), float(ordered[last[start]])


def _usual_weekdays(weekdays: Codes) -> float:
    """Return the smallest set of weekdays with 90 % of the rows, as bits, Monday the lowest."""
    counts = np.bincount(weekdays, minlength=7)
    order = np.argsort(-counts, kind="stable")
    n_days = int(np.sum(np.cumsum(counts[order]) < COVERED * len(weekdays))) + 1
    return float(np.sum(1 << order[:n_days]))

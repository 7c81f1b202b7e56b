"""One pass over rows in batches, which derives the entity features of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import Kind
from oddrow.exceptions import DataError, OddrowError, SchemaMismatchError
from oddrow.sequences._entity_memory import DAY, MAX_SEEN, MAX_VALUES, EntityMemory, Memories, packed_memories
from oddrow.sequences._grouped_rows import Floats, GroupedRows, Whole, earlier_medians, window_sums
from oddrow.sequences._history_columns import (
    SECONDS_SINCE_LAST,
    WINDOWS,
    HistoryColumns,
    NumberHistory,
    count_over,
    is_first,
)
from oddrow.sequences._preparation import Prepared, SequenceState
from oddrow.table import shortened

MIN_VALUES = 3
"""Smallest number of earlier values of an entity with a median."""
Features = dict[str, pa.Array]


@dataclass(frozen=True, eq=False)
class ReadRows:
    """The columns of a batch from which features are computed.

    Attributes
    ----------
    time : float64 [n], seconds
    entity : int64 [n], indices of ``entities``
    entities : the entities of the batch; None is that of rows without one
    numbers : for each number column float64 [n], NaN where missing
    categories : for each category column texts [n]
    """

    time: Floats
    entity: Whole
    entities: list[str | None]
    numbers: list[Floats]
    categories: list[pa.ChunkedArray]


def read_rows(columns: HistoryColumns, batch: pa.Table) -> ReadRows:
    """Read the columns of a batch.

    Raises
    ------
    SchemaMismatchError
        If a column is missing, or holds a value that its kind does not allow.
    DataError
        If the time of a row is missing.
    """
    values = columns.schema.values(batch)
    time = np.asarray(values[columns.time], np.float64)
    missing = np.flatnonzero(np.isnan(time))
    if len(missing):
        raise _of_row(
            int(missing[0]),
            f"the time in column {shortened(columns.time)} is missing; a row without a time has no place among the "
            "rows of its entity: remove it, or fill in its time",
        )
    entity, entities = _coded(values[columns.entity])
    numbers = [np.asarray(values[number.name], np.float64) for number in columns.numbers]
    return ReadRows(time, entity, entities, numbers, [values[name] for name in columns.categories])


def check_features(columns: HistoryColumns, names: Sequence[str], error: type[OddrowError]) -> None:
    """Refuse a table with a column that has the name of a feature."""
    clashes = columns.features.keys() & set(names)
    if clashes:
        raise error(f"column {shortened(min(clashes))} has the name of an entity feature; rename it in the table")


@dataclass(eq=False)
class HistoryRun:
    """One pass over rows in batches; each row sees the earlier rows of its entity, of whatever batch or file."""

    columns: HistoryColumns
    memories: Memories
    _n_rows: int = 0
    _new_rows: dict[str | None, int] = field(default_factory=dict)

    def feed(self, batch: pa.Table) -> Prepared:
        """Return one derived row for each row of the batch: its own columns, and features of the rows before it.

        An error leaves the run as it was before the batch.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, holds a value that its kind does not allow, or has the name of a feature.
        DataError
            If the time of a row is missing, or is before that of an earlier row of its entity.
        """
        check_features(self.columns, batch.column_names, SchemaMismatchError)
        rows = read_rows(self.columns, batch)
        n_numbers, n_categories = len(self.columns.numbers), len(self.columns.categories)
        memories = [self.memories.get(name) or EntityMemory.empty(n_numbers, n_categories) for name in rows.entities]
        placed = _PlacedRows.of(rows, memories)
        placed.check_order(self.columns, rows)
        features = _time_features(placed)
        for place, number in enumerate(self.columns.numbers):
            features |= _sum_features(placed, number, place)
            features[number.own_median] = _own_median(rows, number, place, memories)
        for place, name in enumerate(self.columns.categories):
            features[is_first(name)] = _first_times(rows, place, memories)
        placed.remember(memories)
        self._count(rows)
        self.memories.update(zip(rows.entities, memories, strict=True))
        table = batch
        for name in self.columns.features:
            table = table.append_column(name, features[name])
        return Prepared(table, np.arange(batch.num_rows))

    @property
    def state(self) -> SequenceState:
        """What is remembered of each entity, for the next pass."""
        return packed_memories(self.memories, len(self.columns.numbers))

    @property
    def notes(self) -> tuple[str, ...]:
        """How many rows are of entities that were seen for the first time in this pass."""
        new = sum(self._new_rows.values())
        if not new:
            return ()
        entities = f"{len(self._new_rows):,} values of {shortened(self.columns.entity)}"
        seen = "that were seen for the first time: their history begins empty"
        return (f"{new:,} of {self._n_rows:,} rows are of {entities} {seen}",)

    def _count(self, rows: ReadRows) -> None:
        """Count the rows of entities that were not there when the pass began."""
        self._n_rows += len(rows.time)
        for name, count in zip(rows.entities, np.bincount(rows.entity, minlength=len(rows.entities)), strict=True):
            if name in self._new_rows or name not in self.memories:
                self._new_rows[name] = self._new_rows.get(name, 0) + int(count)


def _coded(texts: pa.ChunkedArray) -> tuple[Whole, list[str | None]]:
    """Return int64 [n]: indices of the distinct texts, and those; None for missing ones."""
    coded = pc.dictionary_encode(texts.cast(pa.string()), null_encoding="encode").combine_chunks()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    return np.asarray(coded.indices, np.int64), coded.dictionary.to_pylist()


def _of_row(row: int, what: str) -> DataError:
    error = DataError(f"row {row:,}, counted from 0: {what}")
    error.row = row
    return error


@dataclass(frozen=True, eq=False)
class _PlacedRows:
    """The remembered rows of the entities of a batch, and the rows of the batch, by entity and time.

    Attributes
    ----------
    grouped : all these rows
    numbers : float64 [n, m]
    new : int64 [k], the indices of the rows of the batch
    row : int64 [k], their indices in the batch
    """

    grouped: GroupedRows
    numbers: Floats
    new: Whole
    row: Whole

    @classmethod
    def of(cls, rows: ReadRows, memories: list[EntityMemory]) -> _PlacedRows:
        lengths = [len(one.rows) for one in memories]
        own = np.column_stack([rows.time, *rows.numbers])
        everything = np.concatenate([*(one.rows for one in memories), own])
        group = np.concatenate([np.repeat(np.arange(len(memories)), lengths), rows.entity])
        order = np.argsort(group, kind="stable")
        is_new = order >= sum(lengths)
        sorted_rows = everything[order]
        return cls(
            GroupedRows(group[order], np.ascontiguousarray(sorted_rows[:, 0])),
            sorted_rows[:, 1:],
            np.flatnonzero(is_new),
            order[is_new] - sum(lengths),
        )

    def check_order(self, columns: HistoryColumns, rows: ReadRows) -> None:
        """Refuse a row whose time is before that of the row before it of its entity."""
        group, time = self.grouped.group, self.grouped.time
        falls = np.zeros(len(time), np.bool_)
        falls[1:] = (group[1:] == group[:-1]) & (time[1:] < time[:-1])
        wrong = np.flatnonzero(falls[self.new])
        if not len(wrong):
            return
        first = wrong[np.argmin(self.row[wrong])]
        place, row = self.new[first], int(self.row[first])
        is_number = next(one for one in columns.schema.columns if one.name == columns.time).kind != Kind.TIMESTAMP
        own, last = (_shown(time[at], is_number=is_number) for at in (place, place - 1))
        raise _of_row(
            row,
            f"its time {own} is before that of an earlier row of {shortened(columns.entity)} "
            f"{shortened(rows.entities[rows.entity[row]])}, {last}; sort the rows by {shortened(columns.time)}, "
            "or leave them out if they have been read before",
        )

    @cached_property
    def since(self) -> Mapping[str, Whole]:
        """For each window of time int64 [n]: the index of the first row of the entity in the window before each row."""
        return {window: self.grouped.since(seconds) for window, (seconds, _) in WINDOWS.items()}

    def in_batch(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values [n] of all rows as values [k] in the order of the batch."""
        found = np.empty(len(self.row), values.dtype)
        found[self.row] = values[self.new]
        return found

    def remember(self, memories: list[EntityMemory]) -> None:
        """Keep the rows of the last day of each entity."""
        group, since = self.grouped.group, self.grouped.since(DAY)
        ends = np.searchsorted(group, np.arange(len(memories)), side="right").tolist()
        rows = np.column_stack([self.grouped.time, self.numbers])
        for memory, end in zip(memories, ends, strict=True):
            memory.rows = rows[since[end - 1] : end].copy()


def _shown(seconds: float, *, is_number: bool) -> str:
    if is_number or not -62e9 < seconds < 253e9:  # beyond the years that a datetime writes
        return f"{seconds:g}"
    return str(np.datetime64(round(seconds * 1e6), "us")).replace("T", " ").removesuffix(".000000")


def _array(values: Floats) -> pa.Array:
    """Return numbers with NaN as null."""
    return pa.array(values, from_pandas=True)


def _time_features(placed: _PlacedRows) -> Features:
    grouped = placed.grouped
    places = np.arange(len(grouped.time))
    since_last = np.full(len(places), np.nan)
    since_last[1:] = grouped.time[1:] - grouped.time[:-1]
    since_last[places == grouped.start] = np.nan
    features = {SECONDS_SINCE_LAST: _array(placed.in_batch(since_last))}
    for window, since in placed.since.items():
        features[count_over(window)] = pa.array(placed.in_batch(places - since))
    return features


def _sum_features(placed: _PlacedRows, number: NumberHistory, place: int) -> Features:
    values = placed.numbers[:, place]
    return {
        number.sum_over(window): _array(placed.in_batch(window_sums(values, since, number.unit)))
        for window, since in placed.since.items()
    }


def _own_median(rows: ReadRows, number: NumberHistory, place: int, memories: list[EntityMemory]) -> pa.Array:
    """Compare each value with the median of the values before it, and remember the last values of each entity."""
    present = np.flatnonzero(~np.isnan(rows.numbers[place]))
    before = [one.values[place] for one in memories]
    lengths = [len(one) for one in before]
    group = np.concatenate([np.repeat(np.arange(len(memories)), lengths), rows.entity[present]])
    order = np.argsort(group, kind="stable")
    group, values = group[order], np.concatenate([*before, rows.numbers[place][present]])[order]
    is_new = order >= sum(lengths)
    new = np.flatnonzero(is_new)
    medians = earlier_medians(values, np.searchsorted(group, group), new, MAX_VALUES, MIN_VALUES)
    ends = np.searchsorted(group, np.arange(len(memories)), side="right").tolist()
    starts = np.searchsorted(group, np.arange(len(memories)), side="left").tolist()
    for memory, start, end in zip(memories, starts, ends, strict=True):
        memory.values[place] = values[max(start, end - MAX_VALUES) : end].copy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        compared = values[new] / medians if number.is_ratio else values[new] - medians
    compared[~np.isfinite(compared)] = np.nan
    found = np.full(len(rows.time), np.nan)
    found[present[order[is_new] - sum(lengths)]] = compared
    return _array(found)


def _first_times(rows: ReadRows, place: int, memories: list[EntityMemory]) -> pa.Array:
    """Say whether a category is new to its entity, and remember it.

    The result is null for a missing category, and where no category has been seen before.
    """
    code, names = _coded(rows.categories[place])
    seen = [one.seen[place] for one in memories]
    present = np.flatnonzero(np.array([name is not None for name in names], np.bool_)[code])
    flags = np.full(len(code), np.nan)
    flags[present] = 0.0
    entities, first = np.unique(rows.entity[present], return_index=True)
    pairs = _Pairs.of(rows.entity[present] * len(names) + code[present], len(names))
    n_pairs = np.bincount(pairs.entity, minlength=len(memories))
    crowded = {entity for entity in entities.tolist() if len(seen[entity]) + n_pairs[entity] > MAX_SEEN}
    without = [row for entity, row in zip(entities.tolist(), present[first].tolist(), strict=True) if not seen[entity]]
    for pair in np.argsort(pairs.last, kind="stable").tolist():
        entity, name = int(pairs.entity[pair]), names[pairs.name[pair]]
        if entity not in crowded and name is not None:
            flags[present[pairs.first[pair]]] = name not in seen[entity]
            seen[entity].pop(name, None)
            seen[entity][name] = None
    for row in present[np.isin(rows.entity[present], list(crowded))].tolist():
        flags[row] = _is_new(seen[rows.entity[row]], names[code[row]])
    flags[without] = np.nan
    return pa.array(flags == 1, mask=np.isnan(flags)).cast(pa.int64())


def _is_new(seen: dict[str, None], name: str | None) -> bool:
    """Say whether a category is not among those seen, and put it at their end; the oldest of too many is forgotten."""
    if name is None:
        return False
    is_new = name not in seen
    seen.pop(name, None)
    seen[name] = None
    if len(seen) > MAX_SEEN:
        del seen[next(iter(seen))]
    return is_new


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The distinct pairs of entity and category, int64 [k] each.

    Attributes
    ----------
    entity, name : indices of entity and category
    first, last : the first and the last place of the pair
    """

    entity: Whole
    name: Whole
    first: Whole
    last: Whole

    @classmethod
    def of(cls, keys: Whole, n_names: int) -> _Pairs:
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        ends = np.append(starts[1:], len(keys))[: len(starts)] - 1
        entity, name = np.divmod(keys[order[starts]], max(n_names, 1))
        return cls(entity, name, order[starts], order[ends])

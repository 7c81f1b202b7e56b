"""One pass over ordered rows: the windows that end in each batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.exceptions import DataError
from oddrow.remedies import Advice, Setting, remedy
from oddrow.sequences._durations import MAX_SECONDS, TICKS_PER_SECOND, duration_words, ticks_of
from oddrow.sequences._event_codes import MISSING, event_codes
from oddrow.sequences._preparation import Prepared, SequenceState
from oddrow.sequences._tails import Rows, Tails
from oddrow.sequences._window_columns import WindowColumns, WindowShape
from oddrow.sequences._window_ends import NO_ENDS, Progress, SortedRows, Whole, WindowEnds, window_ends
from oddrow.sequences._window_statistics import WindowRows, number_statistics, window_counts, window_distinct
from oddrow.table import Floats, shortened

LONG_GAP = 10
"""A gap is long if it is more than this many times the usual time between two rows of an entity."""


@dataclass
class _Counts:
    """What the notes report."""

    rows: int = 0
    windows: int = 0
    early: int = 0
    new_entities: int = 0
    gaps: int = 0
    gaps_split: int = 0
    longest_gap: int = 0


class _Batch(NamedTuple):
    """A batch as numbers: entities int64 [n] by their numbers in the run, times, and values float64 [k, n]."""

    entity: Whole
    ticks: Whole
    values: Floats


class _Sorted(NamedTuple):
    """The kept rows of the entities of a batch and the rows of the batch, sorted by entity.

    Attributes
    ----------
    present : int64 [e], the numbers of the entities in the run
    rows : the sorted rows
    batch_row : int64 [n], the row in the batch; negative for kept rows
    values : float64 [k, n]
    """

    present: Whole
    rows: SortedRows
    batch_row: Whole
    values: Floats


class WindowRun:
    """One pass of windows over the rows of a table; see :class:`oddrow.sequences.PreparationRun`."""

    def __init__(
        self,
        schema: TableSchema,
        entity: str | None,
        shape: WindowShape,
        columns: WindowColumns,
        usual_step: int | None,
        state: SequenceState | None,
    ) -> None:
        self._schema, self._entity, self._shape, self._columns = schema, entity, shape, columns
        self._usual_step = usual_step
        self._names: dict[str | None, int] = {}
        self._tails = Tails(len(columns.raw))
        self._progress = Progress.of_none(0)
        self._counts = _Counts()
        self._continues = state is not None
        if state is not None:
            self._restore(state)

    def feed(self, batch: pa.Table) -> Prepared:
        """Derive the windows that end in the next batch; see :class:`oddrow.sequences.PreparationRun`."""
        read = self._read(batch)
        found = self._sorted(read)
        self._check_order(found, batch)
        self._admit(read.entity)
        before = Progress(*(column[found.present] for column in self._progress))
        ends = window_ends(found.rows, self._shape, before) if batch.num_rows else NO_ENDS
        in_batch = found.batch_row[ends.windows.end]
        order = np.argsort(in_batch)
        windows = WindowRows(ends.windows.start[order], ends.windows.length[order])
        derived = self._derived(found, windows)
        self._keep(found, ends)
        self._count(found.rows, ends)
        row = in_batch[order]
        named = [self._columns.time] if self._entity is None else [self._columns.time, self._entity]
        raw = batch.select(named).take(pa.array(row))
        table = pa.Table.from_arrays(
            [*raw.columns, *derived.values()], names=[*named, *derived], metadata=batch.schema.metadata
        )
        return Prepared(table, row)

    @property
    def state(self) -> SequenceState:
        """The last rows of each entity, and where its windows end."""
        entities = np.arange(len(self._names))
        progress = zip(Progress._fields, self._progress, strict=True)
        tails = self._tails.rows(entities)
        columns = {
            "entity": pa.array(list(self._names), pa.string()),
            **{name: pa.array(values) for name, values in progress},
            "n_kept": pa.array(self._tails.counts(entities)),
        }
        kept = {"ticks": pa.array(tails.ticks), **dict(zip(self._kept_names, map(pa.array, tails.values), strict=True))}
        return SequenceState({"entities": pa.table(columns), "rows": pa.table(kept)})

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the rows read so far."""
        return tuple(self._sentences())

    # Reading -------------------------------------------------------------------------------------------------------

    def _read(self, batch: pa.Table) -> _Batch:
        values = self._schema.values(batch)
        rows = np.empty((len(self._columns.raw), batch.num_rows))
        for place, number in enumerate(self._columns.numbers):
            rows[place] = values[number.name]
        for place, event in enumerate(self._columns.events, len(self._columns.numbers)):
            rows[place] = event_codes(values[event.name], event.types)
        return _Batch(self._entities(values), self._ticks(values, batch), rows)

    def _ticks(self, values: Mapping[str, Floats | pa.ChunkedArray], batch: pa.Table) -> Whole:
        name = self._columns.time
        seconds = np.asarray(values[name], np.float64)
        wrong = np.flatnonzero(~(np.abs(seconds) <= MAX_SECONDS))
        if len(wrong):
            row = int(wrong[0])
            given = batch.column(name)[row].as_py()
            what = "the time is missing" if given is None else f"{shortened(given)} is no time"
            raise _row_error(name, row, f"{what}; each row of a sequence needs one: fill it in or leave the row out")
        return ticks_of(seconds)

    def _entities(self, values: Mapping[str, Floats | pa.ChunkedArray]) -> Whole:
        """Return the numbers of the entities of the rows; new ones get the next numbers when they are admitted."""
        if self._entity is None:
            self._new_names: list[str | None] = [] if self._names else [None]
            return np.zeros(len(values[self._columns.time]), np.int64)
        column = values[self._entity]
        assert not isinstance(column, np.ndarray)  # noqa: S101 - the plan reads an entity as a name
        encoded = column.dictionary_encode(null_encoding="encode").combine_chunks()
        names = encoded.dictionary.to_pylist()
        self._new_names = [name for name in names if name not in self._names]
        numbers = self._names | {name: len(self._names) + place for place, name in enumerate(self._new_names)}
        known = np.array([numbers[name] for name in names], np.int64)
        return np.asarray(known[encoded.indices.to_numpy(zero_copy_only=False)], np.int64)

    def _sorted(self, read: _Batch) -> _Sorted:
        present, place = np.unique(read.entity, return_inverse=True)
        is_known = present < len(self._names)
        n_kept = np.zeros(len(present), np.int64)
        n_kept[is_known] = self._tails.counts(present[is_known])
        kept = self._tails.rows(present[is_known])
        n_rows = len(kept.ticks)
        entity = np.concatenate([np.repeat(np.arange(len(present)), n_kept), place])
        order = np.argsort(entity, kind="stable")
        ticks = np.concatenate([kept.ticks, read.ticks])[order]
        rows = SortedRows(entity[order], ticks, order >= n_rows, n_kept)
        return _Sorted(present, rows, order - n_rows, np.concatenate([kept.values, read.values], axis=1)[:, order])

    def _check_order(self, found: _Sorted, batch: pa.Table) -> None:
        wrong = np.flatnonzero(found.rows.since < 0)
        if not len(wrong):
            return
        place = int(wrong[np.argmin(found.batch_row[wrong])])
        row = int(found.batch_row[place])
        given = batch.column(self._columns.time)[row].as_py()
        back = duration_words(-int(found.rows.since[place]))
        of_entity = "" if self._entity is None else f" of the same {self._entity}"
        raise _row_error(
            self._columns.time,
            row,
            f"{shortened(str(given))} is {back} before the row before it{of_entity}; sort the rows by time",
        )

    def _admit(self, entity: Whole) -> None:
        """Give new entities their numbers, once their rows are known to be in order."""
        if not len(entity):
            return
        for name in self._new_names:
            self._names[name] = len(self._names)
        self._counts.new_entities += len(self._new_names)
        self._tails.add_entities(len(self._names))
        more = Progress.of_none(len(self._names) - len(self._progress.first))
        self._progress = Progress(*map(np.concatenate, zip(self._progress, more, strict=True)))

    # Windows ---------------------------------------------------------------------------------------------------------

    def _derived(self, found: _Sorted, windows: WindowRows) -> dict[str, pa.Array]:
        """Return the derived columns by name, in their order."""
        n_numbers = len(self._columns.numbers)
        numbers, events = found.values[:n_numbers], found.values[n_numbers:]
        derived = self._numbers(numbers, found.rows.ticks, windows) | self._events(events, windows)
        seconds = (found.rows.ticks[windows.end] - found.rows.ticks[windows.start]) / TICKS_PER_SECOND
        of_time = {
            "since": found.rows.since[windows.end] / TICKS_PER_SECOND,
            "duration": seconds,
            "rows": windows.length,
        }
        derived |= {f"{self._columns.time}.{name}": pa.array(of_time[name]) for name in self._columns.time_features}
        return derived

    def _numbers(self, values: Floats, ticks: Whole, windows: WindowRows) -> dict[str, pa.Array]:
        statistics = number_statistics(values, None if self._shape.span is None else ticks, windows)
        statistics["last"] = values[:, windows.end]
        statistics["missing"] = window_counts(np.isnan(values), windows) / windows.length
        derived = {}
        for place, column in enumerate(self._columns.numbers):
            for name in column.features:
                derived[f"{column.name}.{name}"] = pa.array(statistics[name][place], from_pandas=True)
            for lag in column.lags:
                is_inside = windows.length > lag
                before = np.where(is_inside, values[place, windows.end - np.where(is_inside, lag, 0)], np.nan)
                derived[f"{column.name}.lag{lag}"] = pa.array(before, from_pandas=True)
        return derived

    def _events(self, codes: Floats, windows: WindowRows) -> dict[str, pa.Array]:
        derived = {}
        present = codes != MISSING
        is_wanted = ["distinct" in column.features for column in self._columns.events]
        distinct = np.zeros((len(codes), len(windows.start)), np.int64)
        distinct[is_wanted] = window_distinct(codes[is_wanted], present[is_wanted], windows)
        for place, column in enumerate(self._columns.events):
            counted = [column.types.index(name) for name in column.counted]
            flags = np.stack([*(codes[place] == code for code in counted), codes[place] >= len(column.types)])
            counts = window_counts(flags, windows)
            for name, count in zip(column.counted, counts, strict=False):
                derived[f"{column.name}={name}"] = pa.array(count)
            of_column = {
                "other": counts[-1],
                "missing": window_counts(~present[place : place + 1], windows)[0] / windows.length,
                "distinct": distinct[place],
            }
            derived |= {f"{column.name}.{name}": pa.array(of_column[name]) for name in column.features}
        return derived

    def _keep(self, found: _Sorted, ends: WindowEnds) -> None:
        if not len(found.present):
            return
        last = np.append(np.flatnonzero(found.rows.is_first)[1:], len(found.rows.ticks)) - 1
        counts = last - ends.kept_from + 1
        is_kept = np.zeros(len(found.rows.ticks) + 1, np.int64)
        np.add.at(is_kept, ends.kept_from, 1)
        np.add.at(is_kept, last + 1, -1)
        kept = np.flatnonzero(np.cumsum(is_kept)[:-1])
        self._tails.replace(found.present, counts, Rows(found.rows.ticks[kept], found.values[:, kept]))
        for column, now in zip(self._progress, ends.progress, strict=True):
            column[found.present] = now

    def _count(self, rows: SortedRows, ends: WindowEnds) -> None:
        counts = self._counts
        counts.rows += int(rows.is_new.sum())
        counts.windows += len(ends.windows.start)
        counts.early += int(ends.is_early.sum())
        if self._usual_step is None:
            return
        gaps = rows.since[rows.is_new & (rows.since > LONG_GAP * self._usual_step)]
        counts.gaps += len(gaps)
        counts.longest_gap = max(counts.longest_gap, int(gaps.max(initial=0)))
        counts.gaps_split += int((gaps > self._shape.max_gap).sum()) if self._shape.max_gap is not None else 0

    # State and notes -------------------------------------------------------------------------------------------------

    @property
    def _kept_names(self) -> list[str]:
        return [f"values of {column.name}" for column in self._columns.raw]

    def _restore(self, state: SequenceState) -> None:
        expected = {name: table.schema for name, table in self.state.tables.items()}
        if {name: table.schema for name, table in state.tables.items()} != expected:
            raise DataError("the state is not one of these windows: it was made by another preparation, or of others")
        entities, rows = state.tables["entities"], state.tables["rows"]
        names = entities.column("entity").to_pylist()
        counts = entities.column("n_kept").to_numpy()
        if len(set(names)) != len(names) or int(counts.sum()) != rows.num_rows:
            raise DataError("the state is damaged: its rows do not belong to its entities")
        self._names = {name: number for number, name in enumerate(names)}
        self._progress = Progress(*(entities.column(name).to_numpy().copy() for name in Progress._fields))
        self._tails.add_entities(len(names))
        values = [rows.column(name).to_numpy() for name in self._kept_names]
        kept = Rows(rows.column("ticks").to_numpy(), np.array(values, np.float64).reshape(len(values), rows.num_rows))
        self._tails.replace(np.arange(len(names)), counts, kept)

    def _sentences(self) -> list[str]:
        counts = self._counts
        of_entities = "" if self._entity is None else f" of {_many(len(self._names), 'entity', 'entities')}"
        said = [f"{_many(counts.windows, 'window')} {self._shape.words}, from {_many(counts.rows, 'row')}{of_entities}"]
        if counts.early:
            said.append(
                f"{_many(counts.early, 'row')} without a window, as they come before the first full window"
                + (" or after a gap" if self._shape.max_gap is not None else " of their entity" * bool(self._entity))
            )
        if self._entity is not None and self._continues and counts.new_entities:
            said.append(f"{_many(counts.new_entities, 'entity', 'entities')} seen for the first time")
        if counts.gaps and self._usual_step is not None:
            gaps = (
                f"{_many(counts.gaps, 'gap')} longer than {LONG_GAP} times the usual "
                f"{duration_words(self._usual_step)} between rows, the longest {duration_words(counts.longest_gap)}"
            )
            if counts.gaps_split == counts.gaps:
                said.append(f"{gaps}: windows begin anew after each")
            elif counts.gaps_split:
                said.append(f"{gaps}: windows begin anew after {counts.gaps_split:,} of them, and contain the others")
            else:
                limit = duration_words(LONG_GAP * self._usual_step).replace(" ", "")
                begin_anew = remedy("windows begin anew after such gaps with ", Setting("max_gap", limit))
                said.append(Advice(f"{gaps}: windows contain them", begin_anew))
        return said


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _row_error(column: str, row: int, what: str) -> DataError:
    error = DataError(f"column {shortened(column)}, row {row}, counted from 0: {what}")
    error.row = row
    return error

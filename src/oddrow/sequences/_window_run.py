"""One pass over ordered rows: the windows that end in each batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.exceptions import DataError
from oddrow.sequences._derived_windows import derived_columns
from oddrow.sequences._durations import MAX_SECONDS, duration_words, ticks_of
from oddrow.sequences._event_codes import event_codes
from oddrow.sequences._preparation import Prepared, SequenceState
from oddrow.sequences._tails import Rows, Tails, runs
from oddrow.sequences._window_columns import WindowColumns, WindowShape
from oddrow.sequences._window_ends import NO_ENDS, Progress, SortedRows, Whole, WindowEnds, window_ends
from oddrow.sequences._window_notes import WindowNotes
from oddrow.sequences._window_statistics import WindowRows
from oddrow.table import Floats, python_values, shortened


class _Batch(NamedTuple):
    """A batch as numbers.

    Attributes
    ----------
    entity : int64 [n], the numbers of the entities in the run
    new_names : the entities that the run has not read before, which have the next numbers
    ticks : int64 [n], times in microseconds
    values : float64 [k, n]
    """

    entity: Whole
    new_names: list[str | None]
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
        self._names: dict[str | None, int] = {}
        self._tails = Tails(len(columns.raw))
        self._progress = Progress.of_none(0)
        self._notes = WindowNotes(shape, usual_step, entity is not None, state is not None)
        if state is not None:
            self._restore(state)

    def feed(self, batch: pa.Table) -> Prepared:
        """Derive the windows that end in the next batch; see :class:`oddrow.sequences.PreparationRun`."""
        read = self._read(batch)
        found = self._sorted(read)
        self._check_order(found, batch)
        self._admit(read.new_names if batch.num_rows else [])
        before = Progress(*(column[found.present] for column in self._progress))
        ends = window_ends(found.rows, self._shape, before) if batch.num_rows else NO_ENDS
        in_batch = found.batch_row[ends.windows.end]
        order = np.argsort(in_batch)
        windows = WindowRows(ends.windows.start[order], ends.windows.length[order])
        by_time = self._shape.span is not None
        derived = derived_columns(self._columns, found.rows, found.values, windows, by_time=by_time)
        self._keep(found, ends)
        self._notes.count(found.rows, ends)
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
        return self._notes.sentences

    # Reading -------------------------------------------------------------------------------------------------------

    def _read(self, batch: pa.Table) -> _Batch:
        values = self._schema.values(batch)
        rows = np.empty((len(self._columns.raw), batch.num_rows))
        for place, number in enumerate(self._columns.numbers):
            rows[place] = values[number.name]
        for place, event in enumerate(self._columns.events, len(self._columns.numbers)):
            rows[place] = event_codes(values[event.name], event.types)
        return _Batch(*self._entities(values), self._ticks(values, batch), rows)

    def _ticks(self, values: Mapping[str, Floats | pa.ChunkedArray], batch: pa.Table) -> Whole:
        name = self._columns.time
        seconds = np.asarray(values[name], np.float64)
        wrong = np.flatnonzero(~(np.abs(seconds) <= MAX_SECONDS))
        if len(wrong):
            row = int(wrong[0])
            given = python_values(batch.column(name).slice(row, 1))[0]
            what = "the time is missing" if given is None else f"{shortened(given)} is no time"
            raise _row_error(name, row, f"{what}; each row of a sequence needs one: fill it in or leave the row out")
        return ticks_of(seconds)

    def _entities(self, values: Mapping[str, Floats | pa.ChunkedArray]) -> tuple[Whole, list[str | None]]:
        """Return the numbers of the entities of the rows, and the names of new entities."""
        if self._entity is None:
            return np.zeros(len(values[self._columns.time]), np.int64), [] if self._names else [None]
        column: Any = values[self._entity]
        encoded = column.dictionary_encode(null_encoding="encode").combine_chunks()
        names: list[str | None] = encoded.dictionary.to_pylist()
        new = [name for name in names if name not in self._names]
        next_numbers = {name: len(self._names) + place for place, name in enumerate(new)}
        numbers = np.array([self._names.get(name, next_numbers.get(name)) for name in names], np.int64)
        return np.asarray(numbers[encoded.indices.to_numpy(zero_copy_only=False)], np.int64), new

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
        given = python_values(batch.column(self._columns.time).slice(row, 1))[0]
        back = duration_words(-int(found.rows.since[place]))
        of_entity = "" if self._entity is None else f" of the same {self._entity}"
        raise _row_error(
            self._columns.time,
            row,
            f"{shortened(str(given))} is {back} before the row before it{of_entity}; sort the rows by time, or leave "
            "them out if they have been read before",
        )

    def _admit(self, new_names: list[str | None]) -> None:
        """Give new entities their numbers, once their rows are known to be in order."""
        if not new_names:
            return
        self._names |= {name: len(self._names) + place for place, name in enumerate(new_names)}
        self._notes.entities = len(self._names)
        self._notes.new_entities += len(new_names)
        self._tails.add_entities(len(self._names))
        more = Progress.of_none(len(new_names))
        self._progress = Progress(*map(np.concatenate, zip(self._progress, more, strict=True)))

    # Remembering ---------------------------------------------------------------------------------------------------

    def _keep(self, found: _Sorted, ends: WindowEnds) -> None:
        if not len(found.present):
            return
        last = np.append(np.flatnonzero(found.rows.is_first)[1:], len(found.rows.ticks)) - 1
        counts = last - ends.kept_from + 1
        kept = runs(ends.kept_from, counts)
        self._tails.replace(found.present, counts, Rows(found.rows.ticks[kept], found.values[:, kept]))
        for column, now in zip(self._progress, ends.progress, strict=True):
            column[found.present] = now

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
        self._notes.entities = len(names)
        self._progress = Progress(*(entities.column(name).to_numpy().copy() for name in Progress._fields))
        self._tails.add_entities(len(names))
        values = [rows.column(name).to_numpy() for name in self._kept_names]
        kept = Rows(rows.column("ticks").to_numpy(), np.array(values, np.float64).reshape(len(values), rows.num_rows))
        self._tails.replace(np.arange(len(names)), counts, kept)


def _row_error(column: str, row: int, what: str) -> DataError:
    error = DataError(f"column {shortened(column)}, row {row:,}, counted from 0: {what}")
    error.row = row
    return error

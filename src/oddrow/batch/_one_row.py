"""Explanation of one row of a stream, chosen by its number in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from oddrow.batch._row_numbers import numbered
from oddrow.batch._scored_stream import fed
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.explanation import Explanation, explain
from oddrow.files import TableStream
from oddrow.fitted import FittedModel
from oddrow.policies import Decision
from oddrow.sequences import Preparation
from oddrow.table import LocatedBatch, SkippedRow, SomeRows, as_table


@dataclass(frozen=True, eq=False)
class RowOfStream:
    """One row of a stream, with its explanation and decision.

    Attributes
    ----------
    number : number of the row in its file, from 1, without the header; ``explanation.row`` is one less
    place : file and line of the row, or its number in a file that is not text
    values : the row's values by column name
    explanation : reasons from all columns
    decision : on this row, or on the whole table where the policy needs all rows
    """

    number: int
    place: str
    values: dict[str, Any]
    explanation: Explanation
    decision: Decision


class _Found(NamedTuple):
    located: LocatedBatch
    at: int


def explain_row(model: FittedModel, stream: TableStream, number: int) -> RowOfStream:
    """Explain the row with this number by all columns; other rows may be unreadable or unfit for the model.

    Raises
    ------
    SettingError
        If there is no such row, or the stream has several files, so that the number is ambiguous.
    DataError
        If the row cannot be read.
    SchemaMismatchError
        If the model cannot score the row; the message names its file and line.
    """
    if len(stream.files) > 1:
        raise SettingError(
            f"{stream.label}: has {len(stream.files):,} files, and each has a row {number}; give the file of the row"
        )
    n_rows = stream.n_rows + stream.n_skipped
    if not 1 <= number <= n_rows:
        raise SettingError(f"row {number}: {stream.label} has rows 1 to {n_rows:,}")
    if model.preparation is not None:
        return _explain_derived(model, model.preparation, stream, number)
    found = _found(stream, number)
    row = found.located.rows.slice(found.at, 1)
    place = found.located.place.description(found.at)
    unfit = model.encoding.schema.unfit_rows(pa.Table.from_batches([row]))
    if unfit:
        raise SchemaMismatchError(f"{place}: {unfit[0]}")
    # a policy that needs all rows needs them to decide on one of them, too
    table, index = _all_fit(model, stream, number) if model.policy.needs.all_rows else (_table(model, row), 0)
    decision = model.decide(model.score(table), table)
    explanation = replace(explain(model, table, None)[index], row=number - 1)
    return RowOfStream(number, place, row.to_pylist()[0], explanation, decision)


def _explain_derived(model: FittedModel, preparation: Preparation, stream: TableStream, number: int) -> RowOfStream:
    """Explain the derived row that ends at the row with this number, by the rows before it."""
    run = preparation.begin()
    needs_all = model.policy.needs.all_rows
    tables, index, found = [], None, None
    n_rows = 0
    for located, _, numbers in numbered(stream.located()):
        table = _table(model, located.rows)
        unfit = model.unfit_rows(table)
        matches = (numbers == number).nonzero()[0]
        if len(matches) and int(matches[0]) in unfit:
            at = int(matches[0])
            raise SchemaMismatchError(f"{located.place.description(at)}: {unfit[at]}")
        fits = np.array([row for row in range(table.num_rows) if row not in unfit], np.int64)
        fit = LocatedBatch(located.rows, SomeRows(located.place, fits), ())
        prepared = fed(run, fit, table.take(pa.array(fits)))
        if len(matches):
            found = _Found(located, int(matches[0]))
            ends = (fits[prepared.row] == found.at).nonzero()[0]
            if not len(ends):
                raise SettingError(f"row {number}: no full window ends there, so it has no score")
            index = n_rows + int(ends[0])
        if needs_all:
            tables.append(prepared.table)
            n_rows += prepared.table.num_rows
        elif index is not None:
            tables, index = [prepared.table.slice(index, 1)], 0
            break
    if found is None or index is None:
        raise DataError(f"{stream.label}: row {number} cannot be read, or the file changed while it was read")
    derived = pa.concat_tables(tables)
    decision = model.decide(model.score(derived), derived)
    explanation = replace(explain(model, derived, None)[index], row=number - 1)
    values = found.located.rows.slice(found.at, 1).to_pylist()[0]
    return RowOfStream(number, found.located.place.description(found.at), values, explanation, decision)


def _found(stream: TableStream, number: int) -> _Found:
    skipped: list[SkippedRow] = []
    n_before = 0
    for located, _, numbers in numbered(stream.located()):
        skipped += located.skipped
        matches = (numbers == number).nonzero()[0]
        if len(matches):
            return _Found(located, int(matches[0]))
        n_before += int((numbers < number).sum())
    if number - 1 - n_before < len(skipped):
        left_out = skipped[number - 1 - n_before]
        raise DataError(f"row {number} ({left_out.file}, line {left_out.line}): cannot be read: {left_out.reason}")
    raise DataError(f"{stream.label}: the file changed while it was read; read it again without changing it")


def _all_fit(model: FittedModel, stream: TableStream, number: int) -> tuple[pa.Table, int]:
    """Return all rows that the model can score, and the index of the row with this number among them."""
    tables, index, n_rows = [], 0, 0
    for rows, numbers in _fit_batches(model, stream):
        tables.append(rows)
        matches = (numbers == number).nonzero()[0]
        if len(matches):
            index = n_rows + int(matches[0])
        n_rows += rows.num_rows
    return pa.concat_tables(tables), index


def _fit_batches(model: FittedModel, stream: TableStream) -> Iterator[tuple[pa.Table, Any]]:
    for located, _, numbers in numbered(stream.located()):
        table = _table(model, located.rows)
        unfit = model.encoding.schema.unfit_rows(table)
        fits = [row for row in range(table.num_rows) if row not in unfit] if unfit else None
        yield (table, numbers) if fits is None else (table.take(fits), numbers[fits])


def _table(model: FittedModel, rows: pa.RecordBatch) -> pa.Table:
    return as_table(pa.Table.from_batches([rows]), reads=set(model.sources).__contains__, passes=True)

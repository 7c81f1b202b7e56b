"""One row of a stream, found by its number in the file, and its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa

from oddrow.batch._row_numbers import numbered
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.explanation import Explanation, explain
from oddrow.files import TableStream
from oddrow.fitted import FittedModel
from oddrow.policies import Decision
from oddrow.table import LocatedBatch, SkippedRow, as_table


@dataclass(frozen=True, eq=False)
class RowOfStream:
    """One row of a stream and why it has its surprise.

    Attributes
    ----------
    number : of the row in its file, from 1, the header not counted; ``explanation.row`` is one less
    place : the file and the line of the row, or its number where the file is no text
    values : column name to what the row holds
    explanation : by every column
    decision : on this row alone, or on the whole table where the policy needs all rows
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
    """Explain the row of this number by every column. Other rows need be neither readable nor fit to be judged.

    Raises
    ------
    SettingError
        If there is no such row, or the stream has several files, which each have a row of that number.
    DataError
        If the row cannot be read.
    SchemaMismatchError
        If the model cannot judge it; names the file and the line.
    """
    if len(stream.files) > 1:
        raise SettingError(
            f"{stream.label}: has {len(stream.files):,} files, and each has a row {number}; give the file of the row"
        )
    n_rows = stream.n_rows + stream.n_skipped
    if not 1 <= number <= n_rows:
        raise SettingError(f"row {number}: {stream.label} has rows 1 to {n_rows:,}")
    found = _found(stream, number)
    row = found.located.rows.slice(found.at, 1)
    place = found.located.place.said(found.at)
    unfit = model.encoding.schema.unfit_rows(pa.Table.from_batches([row]))
    if unfit:
        raise SchemaMismatchError(f"{place}: {unfit[0]}")
    # a policy that needs all rows needs them to decide on one of them, too
    table, index = _all_fit(model, stream, number) if model.policy.needs.all_rows else (_table(model, row), 0)
    decision = model.decide(model.score(table), table)
    explanation = replace(explain(model, table, None)[index], row=number - 1)
    return RowOfStream(number, place, row.to_pylist()[0], explanation, decision)


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
    raise DataError(f"{stream.label}: has changed while it was read; leave it as it is")


def _all_fit(model: FittedModel, stream: TableStream, number: int) -> tuple[pa.Table, int]:
    """All rows that can be judged, and where among them the row of this number is."""
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
    return as_table(pa.Table.from_batches([rows]), reads=set(model.encoding.names).__contains__, passes=True)

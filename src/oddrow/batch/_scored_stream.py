"""Scoring of a stream that may be larger than memory, part by part; every row is scored or reported as left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from oddrow.batch._row_numbers import numbered
from oddrow.batch._scored_batches import one_scored
from oddrow.batch._scored_table import scored_table
from oddrow.exceptions import DataError, SchemaMismatchError
from oddrow.files import TableStream
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, FixedSurprise, Policy, RareRows, RowScores
from oddrow.remedies import Setting, remedy
from oddrow.table import LocatedBatch, SkippedRow, TableRows, as_table

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with ``(rows_done, rows_in_all)`` after each batch."""
_UNDECIDED = FixedSurprise(0.0)


class ScoredPart(NamedTuple):
    """A batch with its scores, the rows left out before or within it, and the number of its rare rows."""

    rows: pa.RecordBatch
    skipped: tuple[SkippedRow, ...]
    rare: RareRows


def scored_parts(
    model: FittedModel,
    stream: TableStream,
    top: int | None = None,
    policy: Policy | None = None,
    *,
    skips: bool = False,
    first: int = 0,
    with_row: bool = False,
) -> Iterator[ScoredPart]:
    """Score each batch of a stream; a row gets the same scores as in the whole table.

    Parameters
    ----------
    model, stream
        The fitted model, and the rows.
    top
        Number of reasons added to each row; None adds none.
    policy
        The policy that decides; None for the model's own. If it needs all rows together, ``is_odd`` is only set by
        :func:`decided`.
    skips
        Whether a row that the model cannot score is left out and reported, instead of raising an error.
    first
        Number of batches at the start of the stream that are passed over.
    with_row
        Whether the number of the row in its file is added as column ``row``, before the scores; rows left out count
        too. If the stream has several files, the column ``file`` is added before it.

    Yields
    ------
    One part per batch; one empty part for a stream without rows.

    Raises
    ------
    DataError
        If the table already has a column that ``with_row`` adds.
    SchemaMismatchError
        If the model cannot score a row (the message names its file and line), or as :func:`scored_batches`.
    """
    chosen = policy or model.policy
    located = stream.located() if not with_row else _with_rows(model, stream)
    number = -1
    for number, batch in enumerate(located):
        if number >= first:
            yield _scored(model, batch, top, chosen, skips)
    if number < 0 and first == 0:
        yield _scored(model, _empty_batch(model, stream, with_row), top, chosen, skips)


def _with_rows(model: FittedModel, stream: TableStream) -> Iterator[LocatedBatch]:
    added = _row_fields(stream)
    for field in added:
        if field.name in {*stream.schema.names, *model.encoding.names}:
            raise DataError(
                f"{stream.label}: already has a column {field.name!r}, which is to be added",
                remedy=remedy("rename or drop it, or leave out ", Setting("with_row", True)),
            )
    for located, file, numbers in numbered(stream.located()):
        columns = {"file": pa.repeat(pa.scalar(file), len(numbers)), "row": pa.array(numbers)}
        rows = located.rows
        for field in added:
            rows = rows.append_column(field, columns[field.name])
        yield located._replace(rows=rows)


def _row_fields(stream: TableStream) -> list[pa.Field]:
    file = [pa.field("file", pa.string())] if len(stream.files) > 1 else []
    return [*file, pa.field("row", pa.int64())]


def _empty_batch(model: FittedModel, stream: TableStream, with_row: bool) -> LocatedBatch:
    """Return the only batch of a stream without rows; if its columns are unknown, it has those of the model."""
    schema = stream.schema
    names = model.encoding.names
    if all(pa.types.is_null(field.type) and field.name in names for field in schema):
        # JSON lines name their columns only in their rows, so a file without rows has no columns
        lacking = [name for name in names if name not in schema.names]
        schema = pa.schema([(name, pa.null()) for name in (*schema.names, *lacking)])
    for field in _row_fields(stream) if with_row else ():
        schema = schema.append(field)
    rows = pa.RecordBatch.from_pylist([], schema=schema)
    return LocatedBatch(rows, TableRows(stream.label, 0, rows))


def _scored(model: FittedModel, located: LocatedBatch, top: int | None, policy: Policy, skips: bool) -> ScoredPart:
    try:
        with located_errors(model, located):
            return _part(model, located.rows, top, policy, located.skipped)
    except SchemaMismatchError:
        unfit = model.encoding.schema.unfit_rows(pa.Table.from_batches([located.rows]))
        if not (skips and unfit):
            raise
    fits = np.ones(len(located.rows), np.bool_)
    fits[list(unfit)] = False
    skipped = sorted((*located.skipped, *located.place.of(unfit)), key=lambda row: (row.file, row.line))
    return _part(model, located.rows.filter(pa.array(fits)), top, policy, tuple(skipped))


def _part(
    model: FittedModel, rows: pa.RecordBatch, top: int | None, policy: Policy, skipped: tuple[SkippedRow, ...]
) -> ScoredPart:
    # columns that the model does not use may have any type, and stay as they are
    table = as_table(pa.Table.from_batches([rows]), reads=set(model.encoding.names).__contains__, passes=True)
    scored = scored_table(model, table, top, _UNDECIDED if policy.needs.all_rows else policy)
    return ScoredPart(one_scored(scored), skipped, model.rare_rows(scored.scored, policy))


@contextmanager
def located_errors(model: FittedModel, located: LocatedBatch) -> Iterator[None]:
    """Make an error about a row that the model cannot score name its file and line, not its number in the batch."""
    try:
        yield
    except SchemaMismatchError as error:
        for row, why in model.encoding.schema.unfit_rows(pa.Table.from_batches([located.rows])).items():
            raise SchemaMismatchError(f"{located.place.description(row)}: {why}") from error
        raise


def decide_stream(model: FittedModel, parts: Iterable[ScoredPart], policy: Policy) -> Decision:
    """Decide all rows of a stream together, from the scores that they have; takes about 50 bytes a row."""

    def row_scores(rows: pa.RecordBatch) -> RowScores:
        surprise, p_value = (np.asarray(rows.column(name)) for name in ("surprise", "p_value"))
        return model.row_scores(surprise, p_value, pa.table(rows), policy)

    return policy.decide(RowScores.joined(row_scores(part.rows) for part in parts), model.calibration)


def decide_each(model: FittedModel, policy: Policy) -> Decision:
    """The decision on no rows of a policy that does not need all rows: its threshold and its promise."""
    return policy.decide(RowScores.empty(), model.calibration)


def decided(parts: Iterable[ScoredPart], decision: Decision) -> Iterator[ScoredPart]:
    """Yield the parts with ``is_odd`` set by a decision on all their rows together."""
    start = 0
    for part in parts:
        stop = start + len(part.rows)
        place = part.rows.schema.get_field_index("is_odd")
        is_odd = pa.array(decision.is_odd[start:stop])
        yield part._replace(rows=part.rows.set_column(place, "is_odd", is_odd))
        start = stop

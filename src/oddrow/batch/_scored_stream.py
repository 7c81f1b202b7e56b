"""Scoring of a stream that may be larger than memory, part by part; every row is scored or reported as left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.batch._row_numbers import numbered
from oddrow.batch._scored_batches import one_scored
from oddrow.batch._scored_table import MUTED_BY, scored_table
from oddrow.exceptions import DataError, SchemaMismatchError
from oddrow.files import TableStream
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, FixedSurprise, Policy, RareRows, RowScores
from oddrow.remedies import Setting, remedy
from oddrow.sequences import PreparationRun, Prepared
from oddrow.table import LocatedBatch, SkippedRow, SomeRows, TableRows, as_table

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
    run: PreparationRun | None = None,
    with_events: bool = False,
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
    run
        The pass of the model's preparation over these rows; None begins one, if the model has a preparation. It reads
        the batches that are passed over, too.
    with_events
        Whether the reasons that events need are added, see :func:`scored_table`.

    Yields
    ------
    One part per batch; one empty part for a stream without rows.

    Raises
    ------
    DataError
        If the table already has a column that ``with_row`` adds, or if its rows are not in the order that the model
        needs (the message names the file and the line).
    SchemaMismatchError
        If the model cannot score a row (the message names its file and line), or as :func:`scored_batches`.
    """
    if run is None and model.preparation is not None:
        run = model.preparation.begin()
    scoring = _Scoring(model, top, policy or model.policy, skips, run, with_events)
    located = stream.located() if not with_row else _with_rows(model, stream)
    number = -1
    for number, batch in enumerate(located):
        if number >= first:
            yield scoring.part(batch)
        else:
            scoring.passed_over(batch)
    if number < 0 and first == 0:
        yield scoring.part(_empty_batch(model, stream, with_row))


@dataclass(frozen=True)
class _Scoring:
    """How the batches of a stream are scored; the parameters are those of :func:`scored_parts`."""

    model: FittedModel
    top: int | None
    policy: Policy
    skips: bool
    run: PreparationRun | None
    with_events: bool

    def part(self, located: LocatedBatch) -> ScoredPart:
        """Score a batch."""
        if self.run is None:
            return self._scored_as_it_is(located)
        located = self._fit(located)
        table = self._table(located.rows)
        return self._part(table, located.skipped, self._prepared(located, table))

    def passed_over(self, located: LocatedBatch) -> None:
        """Read a batch that is not scored, if later rows depend on it."""
        if self.run is not None:
            located = self._fit(located)
            self._prepared(located, self._table(located.rows))

    def _scored_as_it_is(self, located: LocatedBatch) -> ScoredPart:
        try:
            with located_errors(self.model, located):
                return self._part(self._table(located.rows), located.skipped)
        except SchemaMismatchError:
            if not (self.skips and self.model.unfit_rows(pa.Table.from_batches([located.rows]))):
                raise
        located = self._fit(located)
        return self._part(self._table(located.rows), located.skipped)

    def _fit(self, located: LocatedBatch) -> LocatedBatch:
        """Return the rows of a batch that the model can score; rows that it cannot are left out, or are an error."""
        unfit = self.model.unfit_rows(pa.Table.from_batches([located.rows]))
        if not unfit:
            return located
        if not self.skips:
            row, why = next(iter(unfit.items()))
            raise SchemaMismatchError(f"{located.place.description(row)}: {why}")
        fits = np.ones(len(located.rows), np.bool_)
        fits[list(unfit)] = False
        skipped = sorted((*located.skipped, *located.place.of(unfit)), key=lambda row: (row.file, row.line))
        chosen = np.flatnonzero(fits)
        return LocatedBatch(located.rows.take(pa.array(chosen)), SomeRows(located.place, chosen), tuple(skipped))

    def _prepared(self, located: LocatedBatch, table: pa.Table) -> Prepared | None:
        return None if self.run is None else fed(self.run, located, table)

    def _table(self, rows: pa.RecordBatch) -> pa.Table:
        # columns that the model does not use may have any type, and stay as they are
        return as_table(pa.Table.from_batches([rows]), reads=set(self.model.sources).__contains__, passes=True)

    def _part(self, table: pa.Table, skipped: tuple[SkippedRow, ...], prepared: Prepared | None = None) -> ScoredPart:
        policy = _UNDECIDED if self.policy.needs.all_rows else self.policy
        scored = scored_table(self.model, table, self.top, policy, prepared, with_events=self.with_events)
        return ScoredPart(one_scored(scored), skipped, self.model.rare_rows(scored.scored, self.policy))


def _with_rows(model: FittedModel, stream: TableStream) -> Iterator[LocatedBatch]:
    added = _row_fields(stream)
    for field in added:
        if field.name in {*stream.schema.names, *model.sources}:
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
    names = model.sources
    if all(pa.types.is_null(field.type) and field.name in names for field in schema):
        # JSON lines name their columns only in their rows, so a file without rows has no columns
        lacking = [name for name in names if name not in schema.names]
        schema = pa.schema([(name, pa.null()) for name in (*schema.names, *lacking)])
    for field in _row_fields(stream) if with_row else ():
        schema = schema.append(field)
    rows = pa.RecordBatch.from_pylist([], schema=schema)
    return LocatedBatch(rows, TableRows(stream.label, 0, rows))


def fed(run: PreparationRun, located: LocatedBatch, table: pa.Table) -> Prepared:
    """Feed the rows of a batch to a preparation; an error about a row names its file and line."""
    try:
        return run.feed(table)
    except DataError as error:
        if error.row is None:
            raise
        text = error.message.replace(f"row {error.row:,}, counted from 0: ", "")
        raise type(error)(f"{located.place.description(error.row)}: {text}", remedy=error.remedy) from error


@contextmanager
def located_errors(model: FittedModel, located: LocatedBatch) -> Iterator[None]:
    """Make an error about a row that the model cannot score name its file and line, not its number in the batch."""
    try:
        yield
    except SchemaMismatchError as error:
        for row, why in model.unfit_rows(pa.Table.from_batches([located.rows])).items():
            raise SchemaMismatchError(f"{located.place.description(row)}: {why}") from error
        raise


def decide_stream(model: FittedModel, parts: Iterable[ScoredPart], policy: Policy) -> Decision:
    """Decide all rows of a stream together, from the scores that they have; takes about 50 bytes a row."""

    def row_scores(rows: pa.RecordBatch) -> RowScores:
        rows = rows.filter(rows.column("surprise").is_valid())
        surprise, p_value = (np.asarray(rows.column(name)) for name in ("surprise", "p_value"))
        return model.row_scores(surprise, p_value, pa.table(rows), policy)

    matched, scores = [], []
    for part in parts:
        scores.append(row_scores(part.rows))
        if MUTED_BY in part.rows.schema.names:
            matched.append(_rules(model, part.rows))
    return model.decide_scores(RowScores.joined(scores), policy, np.concatenate(matched) if matched else None)


def _rules(model: FittedModel, rows: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return the mute rule that matches each scored row, int64 [n], from its words; -1 for none."""
    words = rows.column(MUTED_BY).filter(rows.column("surprise").is_valid())
    in_force = pa.array(() if model.feedback is None else model.feedback.in_force, pa.string())
    found = pc.fill_null(pc.index_in(words, in_force, skip_nulls=True), -1)
    return np.asarray(found, np.int64)


def decide_each(model: FittedModel, policy: Policy) -> Decision:
    """The decision on no rows of a policy that does not need all rows: its threshold and its promise."""
    return policy.decide(RowScores.empty(), model.calibration)


def decided(parts: Iterable[ScoredPart], decision: Decision) -> Iterator[ScoredPart]:
    """Yield the parts with ``is_odd`` and ``muted_by`` set by a decision on all their rows together."""
    start = 0
    for part in parts:
        is_scored = np.asarray(part.rows.column("surprise").is_valid())
        stop = start + int(is_scored.sum())
        is_odd = np.zeros(len(is_scored), np.bool_)
        is_odd[is_scored] = decision.is_odd[start:stop]
        place = part.rows.schema.get_field_index("is_odd")
        rows = part.rows.set_column(place, "is_odd", pa.array(is_odd, mask=~is_scored))
        if decision.muted is not None:
            words: list[str | None] = [None] * len(is_scored)
            of_part = replace(decision.muted, rule=decision.muted.rule[start:stop]).words
            for row, word in zip(np.flatnonzero(is_scored).tolist(), of_part, strict=True):
                words[row] = word
            rows = rows.set_column(rows.schema.get_field_index(MUTED_BY), MUTED_BY, pa.array(words, pa.string()))
        yield part._replace(rows=rows)
        start = stop

"""A table that may be larger than memory gets its scores part by part, and each of its rows is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from oddrow.exceptions import DataError, SchemaMismatchError
from oddrow.explanation._scored_batches import scored_batches
from oddrow.scoring import AlertBudget, Decision, FittedModel, FixedSurprise, Policy, Surprise, day_column
from oddrow.table import LocatedBatch, SkippedRow, TableStream, day_numbers

OnProgress: TypeAlias = Callable[[int, int], None]
"""Told ``(rows_done, rows_in_all)`` after each batch."""
_UNDECIDED = FixedSurprise(0.0)


class ScoredPart(NamedTuple):
    """A batch with its scores, and the rows before or within it that were left out."""

    rows: pa.RecordBatch
    skipped: tuple[SkippedRow, ...]


def scored_parts(
    model: FittedModel,
    stream: TableStream,
    top: int | None = None,
    policy: Policy | None = None,
    *,
    skips: bool = False,
    first: int = 0,
) -> Iterator[ScoredPart]:
    """Each batch of a stream scored, from the ``first`` on; a row gets the scores that it gets in a whole table.

    Where the policy decides on all rows together ``is_odd`` means nothing yet: see :func:`decided`. With ``skips`` a
    row with a value that the model cannot judge is left out and told.

    Raises
    ------
    SchemaMismatchError
        If a row cannot be judged, which names its file and line; or as :func:`scored_batches`.
    """
    chosen = policy or model.policy
    per_row = _UNDECIDED if chosen.looks_at_batch else chosen
    for number, located in enumerate(stream.located()):
        if number >= first:
            yield _scored(model, located, top, per_row, skips)


def _scored(model: FittedModel, located: LocatedBatch, top: int | None, policy: Policy, skips: bool) -> ScoredPart:
    try:
        return ScoredPart(next(scored_batches(model, [located.rows], top, policy)), located.skipped)
    except DataError as error:
        unfit = model.encoding.schema.unfit_rows(pa.Table.from_batches([located.rows]))
        if not unfit:
            raise
        if not skips:
            row, why = next(iter(unfit.items()))
            raise SchemaMismatchError(f"{located.place.said(row)}: {why}") from error
    fits = np.ones(len(located.rows), np.bool_)
    fits[list(unfit)] = False
    rows = next(scored_batches(model, [located.rows.filter(pa.array(fits))], top, policy))
    skipped = sorted((*located.skipped, *located.place.of(unfit)), key=lambda row: (row.file, row.line))
    return ScoredPart(rows, tuple(skipped))


def decide_stream(model: FittedModel, parts: Iterable[ScoredPart], policy: Policy | None = None) -> Decision:
    """Decide on all rows of a stream together, from the scores that they have; takes some 50 bytes a row."""
    chosen = policy or model.policy
    by_day = isinstance(chosen, AlertBudget) and chosen.per == "day"
    surprise, p_value, day = [], [], []
    for part in parts:
        surprise.append(part.rows.column("surprise").to_numpy())
        p_value.append(part.rows.column("p_value").to_numpy())
        if isinstance(chosen, AlertBudget) and by_day:
            table = pa.Table.from_batches([part.rows])
            day.append(day_numbers(table, day_column(chosen, model.encoding.schema)))
    scored = Surprise(np.concatenate(surprise), np.concatenate(p_value), np.zeros((0, 0)), np.zeros(0))
    return chosen.decide(scored, model.calibration, np.concatenate(day) if by_day else None)


def decide_each(model: FittedModel, policy: Policy | None = None) -> Decision:
    """The threshold and the promise of a policy that decides each row by itself; of no row."""
    none = np.zeros(0)
    return (policy or model.policy).decide(Surprise(none, none, np.zeros((0, 0)), none), model.calibration)


def decided(parts: Iterable[ScoredPart], decision: Decision) -> Iterator[ScoredPart]:
    """The parts with what was decided on all their rows together."""
    start = 0
    for part in parts:
        stop = start + len(part.rows)
        place = part.rows.schema.get_field_index("is_odd")
        is_odd = pa.array(decision.is_odd[start:stop])
        yield part._replace(rows=part.rows.set_column(place, "is_odd", is_odd))
        start = stop

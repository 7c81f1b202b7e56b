"""A table that may be larger than memory gets its scores part by part, and each of its rows is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.exceptions import SchemaMismatchError
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
        with located_errors(model, located):
            return ScoredPart(next(scored_batches(model, [located.rows], top, policy)), located.skipped)
    except SchemaMismatchError:
        unfit = model.encoding.schema.unfit_rows(pa.Table.from_batches([located.rows]))
        if not (skips and unfit):
            raise
    fits = np.ones(len(located.rows), np.bool_)
    fits[list(unfit)] = False
    rows = next(scored_batches(model, [located.rows.filter(pa.array(fits))], top, policy))
    skipped = sorted((*located.skipped, *located.place.of(unfit)), key=lambda row: (row.file, row.line))
    return ScoredPart(rows, tuple(skipped))


@contextmanager
def located_errors(model: FittedModel, located: LocatedBatch) -> Iterator[None]:
    """Name the file and the line of a row that the model cannot judge, where it would be counted within its batch."""
    try:
        yield
    except SchemaMismatchError as error:
        for row, why in model.encoding.schema.unfit_rows(pa.Table.from_batches([located.rows])).items():
            raise SchemaMismatchError(f"{located.place.said(row)}: {why}") from error
        raise


@dataclass(frozen=True, eq=False)
class RowScores:
    """What a decision on all rows together looks at, of some or all of them.

    Attributes
    ----------
    surprise, p_value : float64 [n]
    day : float64 [n], see :func:`oddrow.table.day_numbers`; of no row where the policy asks for none
    """

    surprise: npt.NDArray[np.float64]
    p_value: npt.NDArray[np.float64]
    day: npt.NDArray[np.float64]

    @classmethod
    def of(cls, model: FittedModel, surprise: Any, p_value: Any, table: pa.Table, policy: Policy) -> RowScores:
        """Of the rows of a table that have been scored."""
        day = np.zeros(0)
        if isinstance(policy, AlertBudget) and policy.per == "day":
            day = day_numbers(table, day_column(policy, model.encoding.schema))
        return cls(np.asarray(surprise), np.asarray(p_value), day)

    @classmethod
    def joined(cls, scores: Iterable[RowScores]) -> RowScores:
        """Of one batch after the other."""
        columns = zip(*((one.surprise, one.p_value, one.day) for one in scores), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def decided(self, model: FittedModel, policy: Policy) -> Decision:
        """The decision of a policy on these rows."""
        none = np.zeros(0)
        day = self.day if len(self.day) == len(self.surprise) else None
        return policy.decide(Surprise(self.surprise, self.p_value, none, none), model.calibration, day)


def decide_stream(model: FittedModel, parts: Iterable[ScoredPart], policy: Policy) -> Decision:
    """Decide on all rows of a stream together, from the scores that they have; takes some 50 bytes a row."""
    scores = (
        RowScores.of(model, part.rows.column("surprise"), part.rows.column("p_value"), pa.table(part.rows), policy)
        for part in parts
    )
    return RowScores.joined(scores).decided(model, policy)


def decide_each(model: FittedModel, policy: Policy) -> Decision:
    """The threshold and the promise of a policy that decides each row by itself; of no row."""
    return RowScores(*(np.zeros(0),) * 3).decided(model, policy)


def decided(parts: Iterable[ScoredPart], decision: Decision) -> Iterator[ScoredPart]:
    """The parts with what was decided on all their rows together."""
    start = 0
    for part in parts:
        stop = start + len(part.rows)
        place = part.rows.schema.get_field_index("is_odd")
        is_odd = pa.array(decision.is_odd[start:stop])
        yield part._replace(rows=part.rows.set_column(place, "is_odd", is_odd))
        start = stop

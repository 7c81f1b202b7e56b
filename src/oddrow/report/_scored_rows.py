"""The scored rows of a table in memory, by the same functions that ``oddrow score`` uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import EncodedTable
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy
from oddrow.sequences import prepared_table
from oddrow.surprise import Surprise
from oddrow.table import as_table

Floats: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int64]

SLAB = 65_536
"""Number of rows that are encoded and scored at a time, after which progress is reported."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """The m rows of a table that have a score.

    Attributes
    ----------
    table : the rows [m] that the model scores: those of the user's table, or those derived from them
    users : the user's rows [m] at which they end, with all columns
    row : int64 [m], ascending, their numbers in the user's table, from 0
    n_rows : number of rows of the user's table
    scored : their surprise
    decision : of the policy that decides
    policy : that policy
    novelty : float64 [m, n_columns], nats of values unlike all training values
    latent_map : float64 [m, 2]
    """

    table: pa.Table
    users: pa.Table
    row: Indices
    n_rows: int
    scored: Surprise
    decision: Decision
    policy: Policy
    novelty: Floats
    latent_map: Floats

    @cached_property
    def order(self) -> Indices:
        """The rows in the order of their surprise, the strangest first; rows of equal surprise in their order."""
        return np.argsort(-self.scored.surprise, kind="stable")

    @cached_property
    def n_alerts(self) -> int:
        """The number of flagged rows."""
        return int(np.sum(self.decision.is_odd))

    @property
    def prefix(self) -> int | None:
        """The number of the strangest rows that are flagged; None if the flagged rows are not the strangest ones."""
        return self.n_alerts if self.decision.is_odd[self.order[: self.n_alerts]].all() else None


def score_rows(
    model: FittedModel,
    table: pa.Table,
    policy: Policy | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ScoredRows:
    """Score and decide the rows of a table [n, ...] in memory; a row's score is that of ``oddrow score``.

    Parameters
    ----------
    model, table
        The model, and the rows; columns that it does not read may have any type.
    policy
        The policy that decides; None for the model's own.
    on_progress
        Called as ``on_progress(rows_done, rows_in_all)`` after each part.
    """
    readable = as_table(table, reads=set(model.sources).__contains__, passes=True)
    users, rows, row = readable, readable, np.arange(table.num_rows)
    if model.preparation is not None:
        prepared = prepared_table(model.preparation, readable)
        rows, row = prepared.table, prepared.row
        users = readable.take(pa.array(row))
    scored, novelty, latent_map = _scored(model, rows, on_progress)
    decision = model.decide(scored, users, policy)
    return ScoredRows(rows, users, row, table.num_rows, scored, decision, policy or model.policy, novelty, latent_map)


def _scored(
    model: FittedModel, rows: pa.Table, on_progress: Callable[[int, int], None] | None
) -> tuple[Surprise, Floats, Floats]:
    """Return surprise, novelty [m, n_columns] and place on the latent map [m, 2] of the rows."""
    parts = []
    for start in range(0, max(rows.num_rows, 1), SLAB):
        encoded = model.encoding.encode(rows.slice(start, SLAB))
        scored = model.surprise_model.score(encoded)
        parts.append(
            (
                scored.surprise, scored.p_value, scored.column_part, scored.combination_part,
                encoded.novelty, model.projection.apply(model.surprise_model.latent(encoded)),
            )
        )  # fmt: skip
        if on_progress is not None:
            on_progress(min(start + SLAB, rows.num_rows), rows.num_rows)
    joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    return Surprise(*joined[:4]), joined[4], joined[5]


def strangest(model: FittedModel, rows: ScoredRows, count: int) -> Strangest:
    """Return the strangest rows, the first ``count`` in the order of their surprise."""
    index = rows.order[:count]
    table, scored, decision = rows.table.take(pa.array(index)), rows.scored, rows.decision
    parts = (scored.surprise, scored.p_value, scored.column_part, scored.combination_part)
    return Strangest(
        index,
        table,
        model.encoding.encode(table),
        Surprise(*(part[index] for part in parts)),
        Decision(decision.is_odd[index], decision.threshold, decision.promise, decision.note),
    )


@dataclass(frozen=True, eq=False)
class Strangest:
    """The strangest rows: their indices [k] among the scored rows, and the rows with their scores and decision."""

    index: Indices
    table: pa.Table
    encoded: EncodedTable
    scored: Surprise
    decision: Decision

"""The scored rows of a table in memory, by the same functions that ``oddrow score`` uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import EncodedTable
from oddrow.explanation import Explanation, explain_scored
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
    models : the models that scored them, the first of which speaks for all
    fold : int64 [m], the index of the model that scored each row
    table : the rows [m] that a model scores: those of the user's table, or those derived from them
    users : the user's rows [m] at which they end, with all columns
    row : int64 [m], ascending, their numbers in the user's table, from 0
    n_rows : number of rows of the user's table
    scored : their surprise
    decision : of the policy that decides
    policy : that policy
    novelty : float64 [m, n_columns], nats of values unlike all training values
    latent_map : float64 [m, 2], by the first model
    """

    models: tuple[FittedModel, ...]
    fold: Indices
    table: pa.Table
    users: pa.Table
    row: Indices
    n_rows: int
    scored: Surprise
    decision: Decision
    policy: Policy
    novelty: Floats
    latent_map: Floats

    @property
    def model(self) -> FittedModel:
        """The model that speaks for all."""
        return self.models[0]

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
    decision = model.decide(scored, users, policy, rows)
    fold = np.zeros(rows.num_rows, np.int64)
    chosen, n_rows = policy or model.policy, table.num_rows
    return ScoredRows((model,), fold, rows, users, row, n_rows, scored, decision, chosen, novelty, latent_map)


def score_folds(
    models: Sequence[FittedModel], fold: Indices, table: pa.Table, decide: Callable[[Surprise], Decision]
) -> ScoredRows:
    """Score each row of a table [n, ...] by the model of its fold, int [n]; all are placed on the first model's map.

    ``decide`` returns the decision on the scored rows.
    """
    first = models[0]
    rows = as_table(table, reads=set(first.sources).__contains__, passes=True)
    members = [np.flatnonzero(fold == place) for place in range(len(models))]
    parts: list[tuple[Floats, ...]] = []
    for model, member in zip(models, members, strict=True):
        own, own_novelty, _ = _scored(model, rows.take(pa.array(member)), None)
        parts.append((own.surprise, own.p_value, own.column_part, own.combination_part, own_novelty))
    back = np.argsort(np.concatenate(members), kind="stable")
    *of_scored, novelty = (np.concatenate(arrays)[back] for arrays in zip(*parts, strict=True))
    scored = Surprise(*of_scored)
    latent_map = first.projection.apply(first.latent(rows))
    row, n_rows = np.arange(table.num_rows), table.num_rows
    return ScoredRows(
        tuple(models), fold, rows, rows, row, n_rows, scored, decide(scored), first.policy, novelty, latent_map
    )


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


def explained(rows: ScoredRows, index: Indices, encoded: EncodedTable, top: int) -> list[Explanation]:
    """Return explanations of scored rows by their indices [k], in that order, each with its ``top`` reasons.

    ``encoded`` are these rows [k] as the first model encodes them.
    """
    found: dict[int, Explanation] = {}
    scored, decision = rows.scored, rows.decision
    parts = (scored.surprise, scored.p_value, scored.column_part, scored.combination_part)
    for fold, model in enumerate(rows.models):
        places = np.flatnonzero(rows.fold[index] == fold)
        if not len(places):
            continue
        own = index[places]
        table = rows.table.take(pa.array(own))
        explanations = explain_scored(
            model,
            table,
            encoded.take(places) if fold == 0 else model.encoding.encode(table),
            Surprise(*(part[own] for part in parts)),
            decision.of_rows(own),
            top,
        )
        found |= zip(own.tolist(), explanations, strict=True)
    return [found[row] for row in index.tolist()]

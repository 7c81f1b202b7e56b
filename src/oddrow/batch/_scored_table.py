"""Scoring of a table: its rows in order, with surprise, p-value, decision and reasons as further columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from oddrow.columns import EncodedTable
from oddrow.exceptions import DataError
from oddrow.explanation import (
    MIN_SHARE,
    Explanation,
    Reason,
    event_reason_text,
    event_reasons,
    explain_scored,
    usual_cell,
)
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy
from oddrow.sequences import Prepared
from oddrow.surprise import Surprise

EVENT_REASONS = "oddrow.event_reasons"
"""The column that holds the reasons of odd rows until events are merged; it is not written."""
MUTED_BY = "muted_by"
"""The column that says which mute rule hid a row's alert; a model without rules in force adds none."""
N_EVENT_REASONS = 3
"""The number of original columns that an event names."""


@dataclass(frozen=True, eq=False)
class ScoredTable:
    """The rows of a table in order with their scores, the decision on them, and the parts of their surprise."""

    rows: pa.Table
    decision: Decision
    scored: Surprise


def scored_table(
    model: FittedModel,
    table: pa.Table,
    top: int | None = None,
    policy: Policy | None = None,
    prepared: Prepared | None = None,
    *,
    with_events: bool = False,
) -> ScoredTable:
    """Add the columns ``surprise``, ``p_value`` and ``is_odd`` to a table, and the ``top`` strongest reasons.

    If mute rules are in force, ``muted_by`` says in words which one hid a row's alert; null for other rows.

    Reason k adds ``reason_k`` (its column), ``reason_k_value`` and ``reason_k_expected`` (as text, null for a missing
    value), ``reason_k_usual`` (in words, with its condition) and ``reason_k_share``. All are null if reason k is less
    than 5 % of the surprise.

    Parameters
    ----------
    model, table, top, policy
        The fitted model, the rows, the number of reasons, and the policy that decides instead of the model's own.
    prepared
        The rows that the model's preparation derived from the table; None if it has none. A row at which no derived row
        ends has nulls in all added columns.
    with_events
        Whether to add the reasons of odd rows that events need, as the column ``oddrow.event_reasons``.

    Raises
    ------
    DataError
        If the table already has a column with one of these names.
    """
    rows = table if prepared is None else prepared.table
    encoded = model.encoding.encode(rows)
    scored = model.surprise_model.score(encoded)
    # a policy finds all columns of the table, and windows keep only two of them
    decision = model.decide(scored, table if prepared is None else table.take(pa.array(prepared.row)), policy, rows)
    added = _scores(model, rows, encoded, scored, decision, top)
    if with_events:
        added[EVENT_REASONS] = _event_reasons(model, rows, encoded, scored, decision)
    if prepared is not None:
        place = np.full(table.num_rows, -1)
        place[prepared.row] = np.arange(len(prepared.row))
        places = pa.array(place, mask=place < 0)
        added = {name: column.take(places) for name, column in added.items()}
    return ScoredTable(_appended(table, added), decision, scored)


def with_scores(
    model: FittedModel, table: pa.Table, encoded: EncodedTable, scored: Surprise, decision: Decision, top: int | None
) -> pa.Table:
    """Add the columns of :func:`scored_table` to a table that is already encoded, scored and decided.

    Raises
    ------
    DataError
        If the table already has a column with one of these names.
    """
    return _appended(table, _scores(model, table, encoded, scored, decision, top))


def _scores(
    model: FittedModel, rows: pa.Table, encoded: EncodedTable, scored: Surprise, decision: Decision, top: int | None
) -> dict[str, pa.Array]:
    added = {
        "surprise": pa.array(scored.surprise, pa.float64()),
        "p_value": pa.array(scored.p_value, pa.float64()),
        "is_odd": pa.array(decision.is_odd),
    }
    if decision.muted is not None:
        added[MUTED_BY] = pa.array(decision.muted.words, pa.string())
    if top is None:
        return added
    explanations = explain_scored(model, rows, encoded, scored, decision, top)
    return added | _reason_columns(explanations, min(top, len(model.encoding.names)))


def _appended(table: pa.Table, added: dict[str, pa.Array]) -> pa.Table:
    taken = [name for name in added if name in table.column_names]
    if taken:
        raise DataError(f"the table already has a column {taken[0]!r}, which scoring adds; rename or drop it")
    for name, column in added.items():
        table = table.append_column(name, column)
    return table


def _event_reasons(
    model: FittedModel, rows: pa.Table, encoded: EncodedTable, scored: Surprise, decision: Decision
) -> pa.Array:
    """Return the reasons of each odd row in words of the original columns, as JSON; null for other rows."""
    odd = np.flatnonzero(decision.is_odd)
    if model.preparation is None or not len(odd):
        return pa.nulls(len(decision.is_odd), pa.string())
    explanations = explain_scored(
        model,
        rows.take(pa.array(odd)),
        encoded.take(odd),
        Surprise(scored.surprise[odd], scored.p_value[odd], scored.column_part[odd], scored.combination_part[odd]),
        decision.of_rows(odd),
        None,
    )
    texts: list[str | None] = [None] * len(decision.is_odd)
    for place, explanation in zip(odd.tolist(), explanations, strict=True):
        reasons = event_reasons([explanation], model.preparation, N_EVENT_REASONS)
        found = [
            [reason.column, event_reason_text(reason), reason.share] for reason in reasons if reason.share >= MIN_SHARE
        ]
        texts[place] = json.dumps(found, ensure_ascii=False)
    return pa.array(texts, pa.string())


def _reason_columns(explanations: tuple[Explanation, ...], top: int) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {}
    for place in range(top):
        reasons = [row.reasons[place] if row.reasons[place].share >= MIN_SHARE else None for row in explanations]
        name = f"reason_{place + 1}"
        columns[name] = _texts(reasons, lambda reason: reason.column)
        columns[f"{name}_value"] = _texts(reasons, lambda reason: shown(reason.value))
        columns[f"{name}_expected"] = _texts(reasons, lambda reason: shown(reason.expected))
        columns[f"{name}_usual"] = _texts(reasons, lambda reason: reason.usual and usual_cell(reason))
        shares = [None if reason is None else reason.share for reason in reasons]
        columns[f"{name}_share"] = pa.array(shares, pa.float64())
    return columns


def _texts(reasons: Sequence[Reason | None], text: Callable[[Reason], str | None]) -> pa.Array:
    return pa.array([None if reason is None else text(reason) for reason in reasons], pa.string())


def shown(value: object) -> str | None:
    """Format a value as text, with up to six digits; None for a missing value.

    Examples
    --------
    >>> shown(1234.5678901), shown(True), shown("a"), shown(None)
    ('1234.57', 'true', 'a', None)
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)

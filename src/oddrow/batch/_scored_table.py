"""Scoring of a table: its rows in order, with surprise, p-value, decision and reasons as further columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from oddrow.exceptions import DataError
from oddrow.explanation import MIN_SHARE, Explanation, Reason, explain_scored, usual_cell
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy
from oddrow.surprise import Surprise


@dataclass(frozen=True, eq=False)
class ScoredTable:
    """The rows of a table in order with their scores, the decision on them, and the parts of their surprise."""

    rows: pa.Table
    decision: Decision
    scored: Surprise


def scored_table(
    model: FittedModel, table: pa.Table, top: int | None = None, policy: Policy | None = None
) -> ScoredTable:
    """Add the columns ``surprise``, ``p_value`` and ``is_odd`` to a table, and the ``top`` strongest reasons.

    Reason k adds ``reason_k`` (its column), ``reason_k_value`` and ``reason_k_expected`` (as text, null for a missing
    value), ``reason_k_usual`` (in words, with its condition) and ``reason_k_share``. All are null if reason k is less
    than 5 % of the surprise.

    Raises
    ------
    DataError
        If the table already has a column with one of these names.
    """
    encoded = model.encoding.encode(table)
    scored = model.surprise_model.score(encoded)
    decision = model.decide(scored, table, policy)
    added = {
        "surprise": pa.array(scored.surprise, pa.float64()),
        "p_value": pa.array(scored.p_value, pa.float64()),
        "is_odd": pa.array(decision.is_odd),
    }
    if top is not None:
        explanations = explain_scored(model, table, encoded, scored, decision, top)
        added |= _reason_columns(explanations, min(top, len(model.encoding.names)))
    taken = [name for name in added if name in table.column_names]
    if taken:
        raise DataError(f"the table already has a column {taken[0]!r}, which scoring adds; rename or drop it")
    for name, column in added.items():
        table = table.append_column(name, column)
    return ScoredTable(table, decision, scored)


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

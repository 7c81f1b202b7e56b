"""Columns get the blame: the parts of a row's surprise, each with its value and the value the model expected."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from oddrow.exceptions import SettingError
from oddrow.scoring import Decision, FittedModel, Policy, Surprise
from oddrow.table import EncodedTable, python_values

COMBINATION = "(combination of columns)"
"""The name of what no column carries alone."""


@dataclass(frozen=True)
class Reason:
    """One column's part in a row's surprise.

    Attributes
    ----------
    column : its name
    value : what the row holds, None where missing
    expected : what the model expected instead, in original units and names, None for a missing value
    nats : the column's part of the surprise, >= 0
    share : ``nats / surprise``
    """

    column: str
    value: object
    expected: object
    nats: float
    share: float


@dataclass(frozen=True)
class Explanation:
    """Why one row has its surprise.

    ``sum(reason.nats for reason in reasons) + combination_nats + other_nats == surprise``, and the shares sum to 1.

    Attributes
    ----------
    row : index of the row in its table, from 0; the command line counts from 1
    surprise, p_value, is_odd : as the detector gives them
    reasons : the columns with the largest parts, strongest first
    combination_nats, combination_share : what no column carries alone (the row as a whole is far from normal rows)
    other_nats, other_share : the columns that are not among ``reasons``, together
    index : the row's label in the index of a pandas data frame; None of a table that has no index
    """

    row: int
    surprise: float
    p_value: float
    is_odd: bool
    reasons: tuple[Reason, ...]
    combination_nats: float
    combination_share: float
    other_nats: float
    other_share: float
    index: object = field(default=None, compare=False)


def explain(
    model: FittedModel, table: pa.Table, top: int | None = 3, policy: Policy | None = None
) -> tuple[Explanation, ...]:
    """Explain every row of a table by its ``top`` strongest columns (None: all), decided by a policy (None: its own).

    Raises
    ------
    SettingError
        If ``top`` is less than 1.
    """
    if top is not None and top < 1:
        raise SettingError(f"top is {top}; give 1 or more columns, or None for all")
    encoded = model.encoding.encode(table)
    scored = model.surprise_model.score(encoded)
    return explain_scored(model, table, encoded, scored, model.decide(scored, table, policy), top)


def explain_scored(
    model: FittedModel, table: pa.Table, encoded: EncodedTable, scored: Surprise, decision: Decision, top: int | None
) -> tuple[Explanation, ...]:
    """As :func:`explain`, of rows that are encoded, scored and decided already."""
    is_odd = decision.is_odd
    order = np.argsort(-scored.column_part, axis=1, kind="stable")[:, :top]
    values = {name: python_values(table.column(name)) for name in model.encoding.names}
    expected = expected_values(model, encoded)
    names = model.encoding.names
    explanations = []
    for row in range(table.num_rows):
        total = float(scored.surprise[row])
        reasons = tuple(
            Reason(
                names[column],
                values[names[column]][row],
                expected[names[column]][row],
                *_part(float(scored.column_part[row, column]), total),
            )
            for column in order[row]
        )
        combination = float(scored.combination_part[row])
        other = max(total - combination - sum(reason.nats for reason in reasons), 0.0)
        if len(reasons) == len(names):
            other = 0.0
        explanations.append(
            Explanation(
                row,
                total,
                float(scored.p_value[row]),
                bool(is_odd[row]),
                reasons,
                *_part(combination, total),
                *_part(other, total),
            )
        )
    return tuple(explanations)


def expected_values(model: FittedModel, encoded: EncodedTable) -> dict[str, list[object]]:
    """Column name to the value that the model expects in each row, in original units and names."""
    read = model.surprise_model.read(encoded)
    evidence_model = model.surprise_model.evidence_model
    rows, there = evidence_model.likelihood.expected_rows(read.outputs)
    # a normal distribution may have its mean where no value ever was: a duration below zero is not what to expect
    within = evidence_model.feature_range.clip(rows)
    return model.encoding.decode(EncodedTable(within, there, np.zeros(there.shape)))


def _part(nats: float, total: float) -> tuple[float, float]:
    return nats, nats / total if total > 0 else 0.0

"""Columns get the blame: the parts of a row's surprise, each with its value and the value the model expected."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import EncodedTable
from oddrow.exceptions import SettingError
from oddrow.explanation._usual import in_words, usual
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy
from oddrow.surprise import Surprise

COMBINATION = "(combination of columns)"
"""The name of what no column carries alone."""
LEAST_SHARE = 0.05
"""Share of the surprise below which a reason is not printed: so little is noise."""
MOST_LETTERS = 40
"""Letters of a value that is given; a longer one is cut."""


@dataclass(frozen=True)
class Reason:
    """One column's part in a row's surprise.

    Attributes
    ----------
    column : its name
    value : what the row holds, None where missing
    expected : what is expected given other columns, in original units and names: a number's median, the most frequent
        category, the middle of the usual time of day; None for a missing value. The column's own value has no part in
        it
    nats : the column's part of the surprise, >= 0
    share : ``nats / surprise``
    usual : the range or the values that hold 90 % of ordinary rows, in words: ``"17 to 44"``, ``"08:10 to 17:40 on
        weekdays"``, ``"grocery, fuel"``; None where the model knows none
    given : names and values of the columns, none to two, that ``expected`` and ``usual`` are conditional on
    """

    column: str
    value: object
    expected: object
    nats: float
    share: float
    usual: str | None = None
    given: tuple[tuple[str, object], ...] = ()

    def __repr__(self) -> str:
        return f"<Reason {reason_text(self)}>"


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

    def of_at_least(self, share: float = LEAST_SHARE) -> Explanation:
        """Without the reasons of a smaller share of the surprise; these are then part of ``other_nats``."""
        kept = tuple(reason for reason in self.reasons if reason.share >= share)
        left_out = [reason for reason in self.reasons if reason.share < share]
        return replace(
            self,
            reasons=kept,
            other_nats=self.other_nats + sum(reason.nats for reason in left_out),
            other_share=self.other_share + sum(reason.share for reason in left_out),
        )

    def __repr__(self) -> str:
        verdict = "odd" if self.is_odd else "not odd"
        reasons = "; ".join(map(reason_text, self.of_at_least().reasons)) or "no column alone"
        head = f"row {self.row}: surprise {self.surprise:.2f}, p-value {self.p_value:.2g}, {verdict}"
        return f"<Explanation {head}: {reasons}>"


def reason_text(reason: Reason) -> str:
    """One reason in a few words: column, value, what is usual and for which rows, and the share of the surprise.

    Examples
    --------
    >>> given = (("merchant_category", "grocery"),)
    >>> reason_text(Reason("amount", 3705.9, 27.34, 8.2, 0.981, "17 to 44", given))
    'amount 3,705.90 (usual for grocery: 17 to 44) 98 %'
    """
    return f"{reason.column} {value_text(reason.value)} ({usual_text(reason)}) {reason.share:.0%}".replace("%", " %")


def usual_text(reason: Reason) -> str:
    """What is usual for the column, and for which rows; what is expected where no more is known.

    A flag or a number is told with its column's name, for its value alone says nothing.
    """
    if reason.usual is None:
        return f"expected {in_words(reason.expected)}"
    given = given_text(reason)
    return f"usual{' for ' if given else ''}{given}: {reason.usual}"


def usual_cell(reason: Reason) -> str:
    """The same where a heading says "usual": the range or the values, and then for which rows."""
    if reason.usual is None:
        return usual_text(reason)
    given = given_text(reason)
    return f"{reason.usual} (for {given})" if given else reason.usual


def given_text(reason: Reason) -> str:
    """The values that are given: ``"grocery and channel online"``; "" where none is."""
    return " and ".join(_given_text(name, value) for name, value in reason.given)


def _given_text(name: str, value: object) -> str:
    is_name = isinstance(value, str) and any(letter.isalpha() for letter in value)
    said = value_text(value)
    said = said if len(said) <= MOST_LETTERS else f"{said[: MOST_LETTERS - 3]}..."
    return said if is_name else f"{name} {said}"


def value_text(value: object) -> str:
    """A value as a sentence shows it: separators of thousands, and two digits of money."""
    if isinstance(value, float) and 100 <= abs(value) < 1e9 and round(value, 2) == value:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return in_words(value, digits=6)


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
    values = model.encoding.schema.shown(table)
    expecting = _Expecting.of(model, encoded)
    names = model.encoding.names
    explanations = []
    for row in range(table.num_rows):
        total = float(scored.surprise[row])
        reasons = tuple(
            Reason(
                names[column],
                values[names[column]][row],
                expecting.value(row, column),
                *_part(float(scored.column_part[row, column]), total),
                *expecting.words(row, column, values),
            )
            for column in order[row].tolist()
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


@dataclass(frozen=True)
class _Expecting:
    """What is expected of each column in each row: by look-up, or by the network where a model has no look-up."""

    model: FittedModel
    cells: npt.NDArray[np.int64] | None
    values: dict[str, list[object]]

    @classmethod
    def of(cls, model: FittedModel, encoded: EncodedTable) -> _Expecting:
        if model.expectations is None:
            return cls(model, None, expected_values(model, encoded))
        return cls(model, model.expectations.look_up(encoded), {})

    def value(self, row: int, column: int) -> object:
        if self.cells is None or self.model.expectations is None:
            return self.values[self.model.encoding.names[column]][row]
        return usual(self.model, self.model.expectations, column, int(self.cells[row, column])).expected

    def words(
        self, row: int, column: int, values: dict[str, list[object]]
    ) -> tuple[str | None, tuple[tuple[str, object], ...]]:
        """What is usual, and the names and values of the columns that are given."""
        expectations, names = self.model.expectations, self.model.encoding.names
        if self.cells is None or expectations is None:
            return None, ()
        cell = int(self.cells[row, column])
        given = (names[other] for other in expectations.given_columns(column, cell))
        found = usual(self.model, expectations, column, cell).words
        return found, tuple((name, values[name][row]) for name in given)


def expected_values(model: FittedModel, encoded: EncodedTable) -> dict[str, list[object]]:
    """Column name to the value that the network expects in each row, in original units and names.

    The network is shown the whole row: what it expects of a column follows the column's own value to some degree.
    """
    read = model.surprise_model.read(encoded)
    evidence_model = model.surprise_model.evidence_model
    rows, there = evidence_model.likelihood.expected_rows(read.outputs)
    # a normal distribution may have its mean where no value ever was: a duration below zero is not what to expect
    within = evidence_model.feature_range.clip(rows)
    return model.encoding.decode(EncodedTable(within, there, np.zeros(there.shape)))


def _part(nats: float, total: float) -> tuple[float, float]:
    return nats, nats / total if total > 0 else 0.0

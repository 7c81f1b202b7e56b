"""Attribute a row's surprise to its columns, each with its value and the value that was expected."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow._notebook import Bar, panel
from oddrow.columns import EncodedTable
from oddrow.exceptions import SettingError
from oddrow.explanation._usual import Usual, as_number_if_long, float_in_words, in_words, usual
from oddrow.fitted import FittedModel
from oddrow.pictures import BarOfNats, plot_nats
from oddrow.policies import Decision, Policy
from oddrow.surprise import Surprise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMBINATION = "(combination of columns)"
"""Name of the part of the surprise that belongs to no single column."""
MIN_SHARE = 0.05
"""Minimum share of the surprise of a reason that is printed; smaller shares are noise."""
WHOLE_TABLE = "the table as a whole"
"""The name of the part of a surprise that compares all rows of a table with normal rows."""
MAX_LETTERS = 40
"""Maximum length of a given value in a reason's text; a longer value is cut."""


@dataclass(frozen=True)
class Reason:
    """One column's part of a row's surprise.

    Attributes
    ----------
    column : name of the column
    value : the row's value, None if it is missing
    expected : the value expected given other columns, in original units and names: the median of a number, the most
        frequent category, the middle of the usual time of day; None for a missing value. It does not depend on the
        column's own value
    nats : the column's part of the surprise, >= 0
    share : ``nats / surprise``
    usual : the range or the values of 90 % of ordinary rows, in words: ``"17 to 44"``, ``"08:10 to 17:40 on
        weekdays"``, ``"grocery, fuel"``; None if the model has none
    given : names and values of the columns, at most two, that ``expected`` and ``usual`` are conditional on
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

    ``sum(reason.nats for reason in reasons) + combination_nats + other_nats + batch_nats == surprise``, and the shares
    sum to 1.

    Attributes
    ----------
    row : index of the row in its table, from 0; the command line counts from 1
    surprise, p_value, is_odd : surprise in nats, p-value and decision of the detector
    reasons : the columns with the largest parts, the largest first
    combination_nats, combination_share : the part that belongs to no single column (the row as a whole is far from
        normal rows)
    other_nats, other_share : sum over the columns that are not among ``reasons``
    batch_nats, batch_share : the part of the table as a whole: how much more rows like this one are among the table's
        rows than among normal rows. 0 except in ``oddrow.find`` with ``normal``
    muted_by : the mute rule that hid the row's alert, in words; None if none did
    index : the row's label in the index of a pandas data frame; None for a table without an index
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
    batch_nats: float = 0.0
    batch_share: float = 0.0
    muted_by: str | None = None
    index: object = field(default=None, compare=False)

    def of_at_least(self, share: float = MIN_SHARE) -> Explanation:
        """Move reasons with a smaller share of the surprise into ``other_nats``."""
        kept = tuple(reason for reason in self.reasons if reason.share >= share)
        left_out = [reason for reason in self.reasons if reason.share < share]
        return replace(
            self,
            reasons=kept,
            other_nats=self.other_nats + sum(reason.nats for reason in left_out),
            other_share=self.other_share + sum(reason.share for reason in left_out),
        )

    def __repr__(self) -> str:
        reasons = reasons_text(self)
        return f"<Explanation {self._head}: {reasons}>"

    def _repr_html_(self) -> str:
        shown = self.of_at_least()
        rows = [
            (reason.column, value_text(reason.value), usual_cell(reason), Bar(reason.share)) for reason in shown.reasons
        ]
        rests = [(name, "", "", Bar(share)) for name, _, share in shown._rests if share >= MIN_SHARE]
        headings = ("column", "value", "usual", "share of the surprise")
        return panel(f"Explanation of {self._head}", (), headings, [*rows, *rests])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the parts of the surprise as bars that add up to it, on ``ax`` or on new axes; return the axes.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed (``pip install 'oddrow[plot]'``).
        """
        shown = self.of_at_least()
        columns = [
            BarOfNats(f"{reason.column} {value_text(reason.value)} ({usual_text(reason)})", reason.nats)
            for reason in shown.reasons
        ]
        rests = [BarOfNats(name, nats, is_column=False) for name, nats, _ in shown._rests if nats > 0]
        return plot_nats([*columns, *rests], self._head, ax)

    @property
    def _head(self) -> str:
        label = f"row {self.row}" if self.index is None else f"row {self.row} ({self.index})"
        return f"{label}: surprise {self.surprise:.2f}, p-value {self.p_value:.2g}, {self.verdict}"

    @property
    def verdict(self) -> str:
        """The decision in words, with the mute rule that hid an alert."""
        if self.muted_by is not None:
            return f"muted by the rule: {self.muted_by}"
        return "odd" if self.is_odd else "not odd"

    @property
    def _rests(self) -> tuple[tuple[str, float, float], ...]:
        """Name, nats and share of the parts that are no reason."""
        return (
            (COMBINATION, self.combination_nats, self.combination_share),
            ("other columns", self.other_nats, self.other_share),
            (WHOLE_TABLE, self.batch_nats, self.batch_share),
        )


def reason_text(reason: Reason) -> str:
    """Describe a reason in a few words: column, value, the usual range and its condition, share of the surprise.

    Examples
    --------
    >>> given = (("merchant_category", "grocery"),)
    >>> reason_text(Reason("amount", 3705.9, 27.34, 8.2, 0.981, "17 to 44", given))
    'amount 3,705.90 (usual for grocery: 17 to 44) 98 %'
    """
    return f"{reason.column} {value_text(reason.value)} ({usual_text(reason)}) {reason.share:.0%}".replace("%", " %")


def reasons_text(explanation: Explanation) -> str:
    """Describe the parts of a surprise that have at least 5 % of it: columns, then the table as a whole."""
    texts = [reason_text(reason) for reason in explanation.of_at_least().reasons]
    if explanation.batch_share >= MIN_SHARE:
        texts.append(f"{WHOLE_TABLE} {explanation.batch_share:.0%}".replace("%", " %"))
    return "; ".join(texts) or "no column alone"


def usual_text(reason: Reason) -> str:
    """Describe the usual range or values of the column and their condition; else the expected value."""
    if reason.usual is None:
        return f"expected {in_words(reason.expected)}"
    given = given_text(reason)
    return f"usual{' for ' if given else ''}{given}: {reason.usual}"


def usual_cell(reason: Reason) -> str:
    """Describe the usual range or values, then their condition, for a table column with the heading "usual"."""
    if reason.usual is None:
        return usual_text(reason)
    return f"{reason.usual} (for {given_text(reason)})" if reason.given else reason.usual


def given_text(reason: Reason) -> str:
    """Describe the given values, such as ``"grocery and amount 12"``; "" if there are none.

    A flag or a number is given with its column's name, since its value alone would not be understood.
    """
    return " and ".join([_given_text(name, value) for name, value in reason.given])


def _given_text(name: str, value: object) -> str:
    is_name = isinstance(value, str) and any(map(str.isalpha, value))
    text = value_text(value)
    text = text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 3]}..."
    return text if is_name else f"{name} {text}"


def value_text(value: object) -> str:
    """Format a value for a sentence, with separators of thousands and with two decimals for values from 100."""
    value = as_number_if_long(value)
    if not isinstance(value, float):
        return value if isinstance(value, str) else in_words(value, digits=6)
    if 100 <= abs(value) < 1e9 and round(value, 2) == value:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return float_in_words(value, digits=6)


def explain(
    model: FittedModel, table: pa.Table, top: int | None = 3, policy: Policy | None = None
) -> tuple[Explanation, ...]:
    """Explain every row of a table.

    Parameters
    ----------
    model, table
        The fitted model, and the rows [n, ...].
    top
        Number of reasons for each row, the strongest first; None gives all columns.
    policy
        The policy that decides; None for the model's own.

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
    """Explain rows that are already encoded, scored and decided; see :func:`explain`."""
    is_odd = decision.is_odd.tolist()
    muted = [None] * len(is_odd) if decision.muted is None else decision.muted.words
    order = np.argsort(-scored.column_part, axis=1, kind="stable")[:, :top]
    # flat lists: many small ones would make the garbage collector walk through all objects again and again
    nats = np.take_along_axis(scored.column_part, order, axis=1).ravel().tolist()
    columns, expected, n_reasons = order.ravel().tolist(), _expected(model, encoded, order), order.shape[1]
    totals, p_values = scored.surprise.tolist(), scored.p_value.tolist()
    names, shown = model.encoding.names, model.encoding.schema.shown(table)
    values = [shown[name] for name in names]
    explanations = []
    for row in range(table.num_rows):
        total, places = totals[row], range(row * n_reasons, (row + 1) * n_reasons)
        reasons = tuple(
            Reason(
                names[columns[place]],
                values[columns[place]][row],
                expected[place].expected,
                *_part(nats[place], total),
                expected[place].words,
                tuple([(names[other], values[other][row]) for other in expected[place].given]),
            )
            for place in places
        )
        combination = float(scored.combination_part[row])
        other = max(total - combination - sum(nats[place] for place in places), 0.0)
        if len(reasons) == len(names):
            other = 0.0
        explanations.append(
            Explanation(
                row,
                total,
                p_values[row],
                is_odd[row],
                reasons,
                *_part(combination, total),
                *_part(other, total),
                muted_by=muted[row],
            )
        )
    return tuple(explanations)


def _expected(model: FittedModel, encoded: EncodedTable, columns: npt.NDArray[np.int64]) -> list[Usual]:
    """Return what is expected in columns [n, k] of each row, row by row: by the expectations, else by the network."""
    if model.expectations is None:
        values, names = expected_values(model, encoded), model.encoding.names
        return [Usual(values[names[one]][row], None) for row, own in enumerate(columns.tolist()) for one in own]
    cells = np.take_along_axis(model.expectations.look_up(encoded), columns, axis=1)
    described = usual(model, model.expectations, columns, cells)
    return [described[pair] for pair in zip(columns.ravel().tolist(), cells.ravel().tolist(), strict=True)]


def expected_values(model: FittedModel, encoded: EncodedTable) -> dict[str, list[object]]:
    """Return the values that the network expects in each row, by column name, in original units and names.

    The encoder gets the whole row, so the expected value of a column depends in part on the column's own value.
    """
    read = model.surprise_model.read(encoded)
    density = model.surprise_model.evidence_model.density
    rows, is_present = density.likelihood.expected_rows(read.outputs)
    # the mean of a normal distribution may lie outside the range of all training rows, such as a negative duration
    within = density.feature_range.clip(rows)
    return model.encoding.decode(EncodedTable(within, is_present, np.zeros(is_present.shape)))


def _part(nats: float, total: float) -> tuple[float, float]:
    return nats, nats / total if total > 0 else 0.0

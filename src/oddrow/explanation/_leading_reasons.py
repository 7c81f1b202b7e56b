"""The leading reason of an explained row: one column, and in which way its value is odd."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import REFERENCE_LEVELS, ColumnReference, ColumnSchema, EncodedTable, Kind, Values
from oddrow.explanation._reasons import Explanation, Reason
from oddrow.fitted import FittedModel

Direction: TypeAlias = Literal["above", "below", "value", "missing", "present", "unseen", "changed", "whole"]
"""In which way a value is odd; ``whole`` is the combination of the columns, which belongs to no single one."""

WHOLE: Final = -1
"""Index of the column of a row that is odd as a whole."""
LEADING: Final = 0.5
"""Smallest part of a row's strongest reason, as a share of its nats, that another reason needs to lead as well."""
DOMINANT: Final = 0.5
"""Share of the surprise from which a reason outweighs all others together."""
SECOND: Final = 0.1
"""Smallest share of the surprise of a second reason: smaller ones differ from row to row by chance."""
MOST_LEADING: Final = 6
"""Number of a row's strongest reasons that may lead: the leading reason is the same however many more are known."""
COMMON: Final = 0.05
"""Share of the normal rows above which a value counts as common: a usual range covers all but this share on a side."""
EQUAL: Final = 1e-5
"""Distance of a number from the expected one, as a share of the range in training, that is due to decoding."""
ROUNDING: Final = 1e-9
"""Tolerance of a comparison with a share that is a difference, such as 1 - 0.95."""


@dataclass(frozen=True)
class LeadingReason:
    """The column that leads a row's surprise, and in which way its value is odd.

    Attributes
    ----------
    column : index of the column in the encoding; :data:`WHOLE` if the combination of columns leads
    direction : in which way the value is odd
    value : the name, for a column of names or flags, where ``direction`` is "value", "unseen" or "changed"; else None
    reason : the reason of the explanation; None for a row that is odd as a whole
    share : the part of the surprise, as a share of it
    """

    column: int
    direction: Direction
    value: str | None
    reason: Reason | None
    share: float


@dataclass(frozen=True)
class LeadingReasons:
    """Finds the leading reason of explained rows.

    The leading reason is the strongest one, with two exceptions.

    1. If the part that belongs to no single column is larger, the row is odd as a whole.
    2. If the value of the strongest reason is common among normal rows (more than 5 % have it, or one at least as
       extreme), it is odd only beside another value of the row. Of the other reasons with at least half of its nats,
       the first whose value is not common leads then: of two values that do not belong together, the rare one is more
       likely the wrong one, and rows with one cause share it. Of a connection with protocol "icmp" (2 % of the normal
       rows) and source port 40,000 (most normal rows have such a port) "icmp" is the leading reason.

    The leading reason of a row does not depend on other rows.

    Attributes
    ----------
    model : the model that explained the rows
    values : the values [n] of the explained rows by column, in the form of their kind
    novelty : float64 [n, n_columns], nats of values that are unlike all training values
    """

    model: FittedModel
    values: dict[str, Values]
    novelty: npt.NDArray[np.float64]

    @classmethod
    def of(cls, model: FittedModel, table: pa.Table, encoded: EncodedTable | None = None) -> LeadingReasons:
        """Read the values of the explained rows, a table in the order of the explanations.

        ``encoded`` are the rows as the model encodes them, where they are at hand.
        """
        values = dict(model.encoding.schema.values(table))
        return cls(model, values, (encoded or model.encoding.encode(table)).novelty)

    def leading(self, place: int, explanation: Explanation) -> LeadingReason:
        """Return the leading reason of the row at ``place``."""
        reasons = [reason for reason in explanation.reasons[:MOST_LEADING] if reason.nats > 0]
        if not reasons or explanation.combination_nats > reasons[0].nats:
            return LeadingReason(WHOLE, "whole", None, None, explanation.combination_share)
        strong = [reason for reason in reasons if reason.nats >= LEADING * reasons[0].nats]
        rare = (reason for reason in strong if self.normal_share(place, reason) <= COMMON + ROUNDING)
        return self._of_reason(place, next(rare, strong[0]))

    def second(self, place: int, explanation: Explanation, leading: LeadingReason) -> LeadingReason | None:
        """Return the strongest other reason where it matters: where the leading one is less than half of the surprise.

        It must be at least a tenth of the surprise. A row that is odd as a whole has none.
        """
        if leading.reason is None or leading.share >= DOMINANT:
            return None
        others = (reason for reason in explanation.reasons if reason.column != leading.reason.column)
        second = next(others, None)
        return None if second is None or second.share < SECOND else self._of_reason(place, second)

    def _of_reason(self, place: int, reason: Reason) -> LeadingReason:
        column = self._column(reason.column)
        direction = column.direction(place, reason.expected)
        name = column.name(place) if direction in ("value", "unseen", "changed") else None
        return LeadingReason(column.index, direction, name, reason, reason.share)

    def reference(self, column: int) -> ColumnReference:
        """Return the distribution of a column in the training rows; an empty one if the model has none."""
        known = self.model.reference.columns
        return known[column] if known else ColumnReference(self.schema(column).name, 1, 0)

    def schema(self, column: int) -> ColumnSchema:
        """Return the schema of a column."""
        return self.model.encoding.schema.used[column]

    def words(self, column: int) -> str:
        """Return the name of a column; a column derived from ordered rows in words of its original column."""
        name, preparation = self.schema(column).name, self.model.preparation
        return name if preparation is None else preparation.words(name)

    def normal_share(self, place: int, reason: Reason) -> float:
        """Return the share of the normal rows with a value that is at least as odd in the same way; 0 if unknown."""
        column = self._column(reason.column)
        return column.normal_share(place, reason.expected, column.direction(place, reason.expected))

    def number(self, place: int, column: int) -> float:
        """Return the number that the row at ``place`` has in a column; NaN for a column without numbers."""
        values = self.values[self.schema(column).name]
        return float(values[place]) if isinstance(values, np.ndarray) else float("nan")

    def _column(self, name: str) -> _Column:
        if name not in self._columns:
            index = self.model.encoding.names.index(name)
            is_new = (self.novelty[:, index] > 0).tolist()
            self._columns[name] = _Column(index, self.schema(index), self.reference(index), self.values[name], is_new)
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, _Column]:
        """The columns by name; filled when a column is first asked for."""
        return {}


@dataclass(frozen=True, eq=False)
class _Column:
    """One column of the explained rows, as lists: a single element of an array takes several times as long.

    Attributes
    ----------
    index, schema, reference : of the column
    values : those of the rows [n], in the form of the column's kind
    is_new : for each row, whether its value is unlike all training values
    """

    index: int
    schema: ColumnSchema
    reference: ColumnReference
    values: Values
    is_new: list[bool]

    def direction(self, place: int, expected: object) -> Direction:
        """Return in which way the value of the row at ``place`` is odd, beside the expected one."""
        is_new = self.is_new[place]
        if self._is_missing[place]:
            return "missing"
        if self.schema.kind == Kind.CONSTANT:
            return "changed"
        if expected is None and not is_new:
            return "present"
        if self._numbers is None:
            return "unseen" if is_new else "value"
        number = self._numbers[place]
        ends = self.reference.quantiles
        if isinstance(expected, int | float):
            if ends and abs(number / 2 - expected / 2) <= EQUAL * (ends[-1] / 2 - ends[0] / 2):
                return "value"
            return "above" if number >= expected else "below"
        if is_new and ends:
            return "above" if number > ends[len(ends) // 2] else "below"
        return "value"

    def normal_share(self, place: int, expected: object, direction: Direction) -> float:
        """Return the share of the normal rows with a value that is at least as odd in a direction; 0 if unknown."""
        reference = self.reference
        if direction == "missing":
            return reference.missing_share
        if direction == "present":
            return 1.0 - reference.missing_share
        if direction == "value" and isinstance(expected, int | float) and self._numbers is not None:
            return 1.0  # it is the expected one
        if direction == "value":
            return reference.shares.get(self.name(place) or "", 0.0)
        if direction in ("above", "below") and reference.quantiles and self._numbers is not None:
            return _tail_share(self._numbers[place], reference.quantiles, is_above=direction == "above")
        return 0.0

    def name(self, place: int) -> str | None:
        """Return the value as a name; None for a text, which is rarely repeated, and for several numbers."""
        return None if self.schema.kind == Kind.TEXT else self._names[place]

    @cached_property
    def _is_missing(self) -> list[bool]:
        if not isinstance(self.values, np.ndarray):
            return list(self.values.is_null().to_pylist())
        return list(np.asarray(np.isnan(self.values).reshape(len(self.values), -1).any(axis=1)).tolist())

    @cached_property
    def _numbers(self) -> list[float] | None:
        """The numbers of a column with one number per row; None for others, and for flags, whose numbers are names."""
        if not isinstance(self.values, np.ndarray) or self.values.ndim > 1 or self.reference.values:
            return None
        return list(self.values.tolist())

    @cached_property
    def _names(self) -> list[str | None]:
        if not isinstance(self.values, np.ndarray):
            return [None if value is None else str(value) for value in self.values.to_pylist()]
        flags = self.reference.values
        if self.values.ndim > 1 or not flags:
            return [None] * len(self.values)
        return [flags[int(value)] if value < len(flags) else None for value in self.values.tolist()]


def _tail_share(number: float, quantiles: Sequence[float], *, is_above: bool) -> float:
    """Return the share of normal rows at least as far out, from quantiles at :data:`REFERENCE_LEVELS`."""
    if is_above:
        place = bisect_left(quantiles, number)  # the quantiles before it are smaller
        return 1.0 - (REFERENCE_LEVELS[place - 1] if place else 0.0)
    place = bisect_right(quantiles, number)  # the quantiles from it on are larger
    return float(REFERENCE_LEVELS[place]) if place < len(REFERENCE_LEVELS) else 1.0

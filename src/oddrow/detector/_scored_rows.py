"""The rows that a model scores for the rows of a user's table: the same ones, or those that a preparation derives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.detector._detector import Detector
from oddrow.explanation import Explanation
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Policy
from oddrow.sequences import prepared_table
from oddrow.surprise import Surprise

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True)
class RowsToScore:
    """The rows that a model scores.

    Attributes
    ----------
    table : the rows [m]
    row : int64 [m], ascending, the row of the user's table at which each of them ends; None if they are its rows
    users : the user's table
    """

    table: pa.Table
    row: npt.NDArray[np.int64] | None
    users: pa.Table

    @classmethod
    def of(cls, detector: Detector, table: pa.Table) -> RowsToScore:
        """Derive the rows that a fitted detector scores from a user's table, if its model has a preparation."""
        preparation = detector.model_.preparation
        if preparation is None:
            return cls(table, None, table)
        prepared = prepared_table(preparation, table)
        return cls(prepared.table, prepared.row, table)

    def spread(self, values: npt.NDArray[ScalarT], none: object) -> npt.NDArray[ScalarT]:
        """Return one value for each row of the user's table; ``none`` where no scored row ends."""
        if self.row is None:
            return values
        spread = np.full((self.users.num_rows, *values.shape[1:]), none, values.dtype)
        spread[self.row] = values
        return spread

    def taken(self, values: npt.NDArray[ScalarT]) -> npt.NDArray[ScalarT]:
        """Return the values of the scored rows, from one value for each row of the user's table."""
        return values if self.row is None else values[self.row]

    def decided(self, model: FittedModel, scored: Surprise, policy: Policy | None = None) -> Decision:
        """Return the decision on the scored rows; a policy finds all columns of the user's table."""
        table = self.users if self.row is None else self.users.take(pa.array(self.row))
        return model.decide(scored, table, policy, self.table)

    def decision(self, decision: Decision) -> Decision:
        """Return a decision on the scored rows as one on the rows of the user's table."""
        if self.row is None:
            return decision
        muted = decision.muted and replace(decision.muted, rule=self.spread(decision.muted.rule, none=-1))
        return replace(decision, is_odd=self.spread(decision.is_odd, none=False), muted=muted)

    def explanations(self, explanations: tuple[Explanation, ...]) -> tuple[Explanation, ...]:
        """Return explanations of the scored rows with the numbers of the rows of the user's table."""
        if self.row is None:
            return explanations
        return tuple(replace(one, row=row) for one, row in zip(explanations, self.row.tolist(), strict=True))

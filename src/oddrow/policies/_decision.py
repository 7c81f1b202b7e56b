"""The input of a policy (the scores of rows) and its output (which rows are odd)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow._notebook import panel
from oddrow.policies._promise import Promise

Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RowScores:
    """The scores of n rows that a policy decides on.

    Attributes
    ----------
    surprise : float64 [n], nats
    p_value : float64 [n], conformal p-values
    day : float64 [n], the number of each row's day, see :func:`oddrow.table.day_numbers`; None if the policy does not
        need the days
    """

    surprise: Floats
    p_value: Floats
    day: Floats | None = None

    @classmethod
    def empty(cls) -> RowScores:
        """Return the scores of a batch without rows, with the field that a policy may need."""
        return cls(np.zeros(0), np.zeros(0), np.zeros(0))

    @classmethod
    def joined(cls, batches: Iterable[RowScores]) -> RowScores:
        """Concatenate the scores of one or more batches in their order."""
        batches = list(batches)
        days = [batch.day for batch in batches if batch.day is not None]
        return cls(
            np.concatenate([batch.surprise for batch in batches]),
            np.concatenate([batch.p_value for batch in batches]),
            np.concatenate(days) if len(days) == len(batches) else None,
        )


@dataclass(frozen=True, eq=False)
class Muted:
    """The alerts that mute rules hid.

    Attributes
    ----------
    rules : the rules in force, in words
    rule : int64 [n], the index of the rule that hid a row's alert; -1 for a row whose alert was not hidden
    """

    rules: tuple[str, ...]
    rule: npt.NDArray[np.int64]

    @property
    def words(self) -> list[str | None]:
        """The rule that hid each row's alert, in words; None for other rows."""
        return [None if rule < 0 else self.rules[rule] for rule in self.rule.tolist()]

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """Each rule in words, with the number of alerts that it hid."""
        found = np.bincount(self.rule[self.rule >= 0], minlength=len(self.rules))
        return tuple(zip(self.rules, found.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Decision:
    """Which rows of a batch are odd, by which threshold, and with which promise.

    Attributes
    ----------
    is_odd : bool [n]
    threshold : nats; the surprise of every odd row is above it (an alert budget may leave rows above it unflagged);
        infinite if no surprise is high enough to be odd
    promise : the promised rate of the decision with its interval; ``str(promise)`` is a sentence
    note : a sentence that names the columns, if more rows have a high surprise than the promise allows; else None
    muted : the alerts that mute rules hid, for which ``is_odd`` is False; None if no rule is in force
    """

    is_odd: Flags
    threshold: float
    promise: Promise
    note: str | None = None
    muted: Muted | None = None

    def of_rows(self, rows: npt.NDArray[np.int64]) -> Decision:
        """Return the decision on some of the rows, by their indices [k]."""
        muted = None if self.muted is None else replace(self.muted, rule=self.muted.rule[rows])
        return replace(self, is_odd=self.is_odd[rows], muted=muted)

    def __repr__(self) -> str:
        odd, n_rows = int(np.sum(self.is_odd)), len(self.is_odd)
        return f"<Decision: {odd:,} of {n_rows:,} rows odd, surprise above {self.threshold:.4g} nats; {self.promise}>"

    def _repr_html_(self) -> str:
        odd, n_rows = int(np.sum(self.is_odd)), len(self.is_odd)
        notes = () if self.note is None else (f"Note: {self.note}",)
        title = f"Decision: {odd:,} of {n_rows:,} rows odd, surprise above {self.threshold:.4g} nats"
        return panel(title, [f"Promise: {self.promise}", *notes])

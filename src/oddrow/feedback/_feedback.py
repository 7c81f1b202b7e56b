"""The feedback that a model holds: its mute rules, the counts of verdicts, and the models that it was made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic

from oddrow.explanation import LEADING, MOST_LEADING, LeadingReasons, explain_scored
from oddrow.feedback._rules import MAX_RULES, MuteRule, Text, today
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, Promise
from oddrow.surprise import Surprise

MAX_LABELS: Final = 10_000
"""Largest number of labelled rows of a model."""
_UNDECIDED = Promise()


@dataclass(frozen=True)
class ReportVerdicts:
    """The counts of the verdicts on one report: on single rows, and on kinds of alerts."""

    report: Text
    rows_real: pydantic.NonNegativeInt = 0
    rows_false_alarm: pydantic.NonNegativeInt = 0
    rows_unsure: pydantic.NonNegativeInt = 0
    kinds_real: pydantic.NonNegativeInt = 0
    kinds_false_alarm: pydantic.NonNegativeInt = 0
    kinds_unsure: pydantic.NonNegativeInt = 0

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid")


@dataclass(frozen=True)
class RowLabel:
    """A row that a reader marked: its report, its number from 1, and whether it is real or a false alarm."""

    report: Text
    row: pydantic.PositiveInt
    is_real: bool

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Feedback:
    """What verdicts changed in a model.

    Attributes
    ----------
    rules : the mute rules, each of another kind; the first that matches a row hides its alert. Scores and reasons of a
        row are those without rules
    reports : the counts of verdicts by report
    made_from : SHA-256 of the model files from which the model was made, the first one first; a file that is not known
        is left out
    labels : the labelled rows from which the weights of views and columns are learned, by report and row
    """

    rules: tuple[MuteRule, ...] = ()
    reports: tuple[ReportVerdicts, ...] = ()
    made_from: tuple[Text, ...] = ()
    labels: tuple[RowLabel, ...] = ()

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid")

    @property
    def in_force(self) -> tuple[str, ...]:
        """The rules that have not expired, in words."""
        return tuple(rule.words for rule in self._active)

    @property
    def _active(self) -> tuple[MuteRule, ...]:
        return tuple(rule for rule in self.rules if rule.is_in_force(today())) if self.rules else ()

    def check(self, columns: tuple[str, ...]) -> None:
        """Refuse rules and labels that no verdict can make for a model with these columns.

        Raises
        ------
        ValueError
            If there are too many, two of one kind or row, or a rule of another column.
        """
        keys = [(label.report, label.row) for label in self.labels]
        if len(keys) > MAX_LABELS or keys != sorted(set(keys)):
            raise ValueError(f"the labels are more than {MAX_LABELS:,}, or not in the order of report and row")
        if len(self.rules) > MAX_RULES:
            raise ValueError(f"{len(self.rules):,} mute rules; a model has at most {MAX_RULES:,}")
        if len({rule.key for rule in self.rules}) < len(self.rules):
            raise ValueError("two mute rules match the same rows")
        unknown = {rule.column for rule in self.rules} - set(columns)
        if unknown:
            raise ValueError(f"a mute rule is about the column {min(unknown)!r}, which the model does not have")

    def dated(self) -> Feedback:
        """Return the feedback with the rules in force now, which then do not expire."""
        return replace(self, rules=tuple(replace(rule, expires=None) for rule in self._active))

    def matched(
        self, model: FittedModel, rows: pa.Table, scored: Surprise, wanted: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Return the index among the rules in force of the first that matches each row, int64 [n]; -1 for none.

        The leading reason of a row is that of a triage report; it depends on the row alone.

        Parameters
        ----------
        model, rows, scored
            The model, the rows [n] that it scored, and their scores.
        wanted
            bool [n], the rows that are looked at; others get -1.
        """
        rules = self._active
        matched = np.full(len(wanted), -1, np.int64)
        index = np.flatnonzero(wanted & self._may_match(model, scored, rules))
        if not len(index):
            return matched
        table = rows.take(pa.array(index))
        encoded = model.encoding.encode(table)
        explanations = explain_scored(
            model,
            table,
            encoded,
            Surprise(
                scored.surprise[index], scored.p_value[index], scored.column_part[index], scored.combination_part[index]
            ),
            Decision(np.ones(len(index), np.bool_), 0.0, _UNDECIDED),
            MOST_LEADING,
        )
        reasons = LeadingReasons.of(model, table, encoded)
        for place, explanation in enumerate(explanations):
            leading = reasons.leading(place, explanation)
            second = reasons.second(place, explanation, leading)
            surprise = float(scored.surprise[index[place]])
            found = (number for number, rule in enumerate(rules) if rule.matches_row(surprise, leading, second))
            matched[index[place]] = next(found, -1)
        return matched

    @staticmethod
    def _may_match(model: FittedModel, scored: Surprise, rules: tuple[MuteRule, ...]) -> npt.NDArray[np.bool_]:
        """Return the rows in which a rule's column is strong enough to lead, bool [n]: only they need explanations."""
        parts = scored.column_part
        places = [model.encoding.names.index(rule.column) for rule in rules]
        strongest = parts.max(axis=1, initial=0.0)
        own = parts[:, places].max(axis=1, initial=0.0)
        return np.asarray((own > 0) & (own >= LEADING * strongest))

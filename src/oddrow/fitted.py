"""A fitted model: it scores the rows of a table, decides which are odd, and maps them onto the latent projection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.calibration import Calibration
from oddrow.columns import NO_REFERENCE, Kind, TableEncoding, TableReference, TableSchema
from oddrow.container import Arrays, ArrayStore
from oddrow.density import FittedNetwork
from oddrow.exceptions import SettingError
from oddrow.expectations import Expectations
from oddrow.files import Origin
from oddrow.policies import (
    DayColumn,
    Decision,
    Policy,
    RareRows,
    RowScores,
    check_policy,
    decide_muted,
    flood_note,
    muted_promise,
)
from oddrow.scoring_constants import ScoringConstants
from oddrow.sequences import Preparation
from oddrow.surprise import Surprise, SurpriseModel


@dataclass(frozen=True)
class LatentProjection:
    """Principal components of the training rows' latent means: centre [n_latent], axes [n_latent, 2]."""

    center: npt.NDArray[np.float64]
    axes: npt.NDArray[np.float64]

    @classmethod
    def learn(cls, latent: npt.NDArray[np.float64]) -> LatentProjection:
        """Learn from latent means [n, n_latent]; each axis points to where its largest coefficient is positive."""
        center = latent.mean(axis=0)
        centred = latent - center
        _, vectors = np.linalg.eigh(centred.T @ centred / max(len(latent), 1))
        axes = np.zeros((latent.shape[1], 2))
        strongest = vectors[:, ::-1][:, :2]
        axes[:, : strongest.shape[1]] = strongest
        signs = np.sign(axes[np.argmax(np.abs(axes), axis=0), [0, 1]])
        return cls(center, axes * np.where(signs == 0, 1.0, signs))

    def apply(self, latent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Map latent means [n, n_latent] to [n, 2]."""
        centred = latent - self.center
        # a sum of products instead of a matrix product: the position of a row must not depend on the number of rows
        return np.stack([(centred * self.axes[:, axis]).sum(axis=1) for axis in (0, 1)], axis=1)

    def packed(self) -> Arrays:
        """Return centre and axes."""
        return {"center": self.center, "axes": self.axes}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_latent: int) -> LatentProjection:
        """Rebuild the projection of a latent with ``n_latent`` dimensions."""
        center = store.take("center", np.float64, (n_latent,))
        return cls(center, store.take("axes", np.float64, (n_latent, 2)))


def _day_column(needed: DayColumn, schema: TableSchema) -> str:
    """Return the column that holds the day: the named one, which the model need not know, or the only timestamp.

    Raises
    ------
    SettingError
        If none is named and there is not exactly one timestamp.
    """
    if needed.name is not None:
        return needed.name
    names = [column.name for column in schema.used if column.kind == Kind.TIMESTAMP]
    if len(names) != 1:
        raise SettingError(
            f"a budget per day needs one timestamp column, and the model knows {len(names)}"
            f"{': ' + ', '.join(map(repr, names)) if names else ''}; name the column"
        )
    return names[0]


def check_policy_of_model(policy: Policy, calibration: Calibration, schema: TableSchema) -> None:
    """Refuse a policy that a model with this calibration and this schema cannot apply to every table.

    Raises
    ------
    SettingError
        If it is not a policy, if the calibration cannot support its promise, or if the schema does not have its day
        column. (``decide`` accepts a policy with any day column of the table that it decides.)
    """
    check_policy(policy, calibration)
    needed = policy.needs.day
    if needed is None:
        return
    name = _day_column(needed, schema)
    kinds = {column.name: column.kind for column in schema.columns}
    if kinds.get(name, Kind.NUMBER) in (Kind.NUMBER, Kind.BOOLEAN):
        raise SettingError(
            f"a budget per day cannot be kept: the training table had no column {name!r} of dates or times"
        )


class MuteRules(Protocol):
    """The mute rules of a model, see :class:`oddrow.feedback.Feedback`: rows whose alerts are hidden."""

    @property
    def in_force(self) -> tuple[str, ...]:
        """The rules that have not expired, in words."""

    def dated(self) -> MuteRules:
        """Return the rules in force now, which then stay in force: so one job decides all its rows alike."""

    def matched(
        self, model: FittedModel, rows: pa.Table, scored: Surprise, wanted: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Return the index among ``in_force`` of the rule that matches each row, int64 [n]; -1 for none.

        It depends on the row alone. Rows that are not ``wanted`` get -1.
        """


@dataclass(frozen=True)
class FittedModel:
    """All state that scores, explains and maps rows, and that a model file holds."""

    encoding: TableEncoding
    surprise_model: SurpriseModel
    projection: LatentProjection
    policy: Policy
    origin: Origin | None = None
    expectations: Expectations | None = None
    """None in the article's setting: the network alone then provides the expected values."""
    reference: TableReference = NO_REFERENCE
    """The distribution of each column in the training rows."""
    preparation: Preparation | None = None
    """What derives the rows that are scored from the rows of a table; None if the rows are scored as they are."""
    feedback: MuteRules | None = None
    """The mute rules from a reader's verdicts; None without feedback."""

    def __repr__(self) -> str:
        shape = self.network.shape
        widths = "-".join(map(str, (shape.n_inputs, *shape.hidden)))
        return (
            f"<FittedModel of {len(self.encoding.columns):,} columns, learned from {self.encoding.n_rows:,} rows; "
            f"network {widths} and {shape.n_latent} latent; calibrated by "
            f"{self.calibration.n_rows:,} rows; {self.policy!r}>"
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of a table that are read, without duplicates."""
        encoded, preparation = self.encoding.sources, self.preparation
        if preparation is None:
            return encoded
        kept = (name for name in encoded if not preparation.derives(name))
        return tuple(dict.fromkeys((*preparation.sources, *kept)))

    @property
    def may_lack(self) -> frozenset[str]:
        """The columns that are read if a table has them, and are missing otherwise."""
        return frozenset(self.encoding.may_lack) & frozenset(self.sources)

    def unknown(self, table: pa.Table) -> tuple[str, ...]:
        """Return the columns of a later table that the training table did not have."""
        preparation, found = self.preparation, self.encoding.schema.unknown(table)
        return found if preparation is None else tuple(name for name in found if name not in preparation.sources)

    def unfit_rows(self, table: pa.Table) -> dict[int, str]:
        """Return the rows that cannot be scored, as :meth:`TableSchema.unfit_rows` does, for the rows of a table."""
        preparation, schema = self.preparation, self.encoding.schema
        if preparation is None:
            return schema.unfit_rows(table)
        kept = [column for column in schema.used if not any(map(preparation.derives, column.reads))]
        unfit = TableSchema(tuple(kept)).unfit_rows(table) | preparation.unfit_rows(table)
        return dict(sorted(unfit.items()))

    @property
    def network(self) -> FittedNetwork:
        """The network and its learning curve."""
        return self.surprise_model.evidence_model.density.network

    @property
    def calibration(self) -> Calibration:
        """The calibration of raw scores to surprise and p-values."""
        return self.surprise_model.calibration

    @property
    def constants(self) -> ScoringConstants:
        """The constants that define the scores."""
        return self.calibration.constants

    @property
    def threshold(self) -> float | None:
        """The surprise in nats above which the policy finds a row odd; None if it depends on the batch."""
        return self.policy.threshold(self.calibration)

    def dated(self) -> FittedModel:
        """Return the model with the mute rules that are in force now, which then stay in force."""
        return self if self.feedback is None else replace(self, feedback=self.feedback.dated())

    def decide(
        self, scored: Surprise, table: pa.Table, policy: Policy | None = None, rows: pa.Table | None = None
    ) -> Decision:
        """Decide which scored rows of a table are odd, by the model's own policy or another; mute rules hide alerts.

        Parameters
        ----------
        scored, table, policy
            The scores [n], the user's rows [n], in which the policy finds its columns, and the policy.
        rows
            The rows [n] that were scored, where a preparation derived them; None if they are those of ``table``.

        Raises
        ------
        SettingError
            If the calibration cannot support the policy's promise, or a budget per day finds no days.
        """
        model, policy = self.dated(), policy or self.policy
        scores = model.row_scores(scored.surprise, scored.p_value, table, policy)
        matched = model.matched_rules(scored, scores, table if rows is None else rows, policy)
        return model.noted(model.decide_scores(scores, policy, matched), model.rare_rows(scored, policy), policy)

    def matched_rules(
        self, scored: Surprise, scores: RowScores, rows: pa.Table, policy: Policy
    ) -> npt.NDArray[np.int64] | None:
        """Return the mute rule that matches each scored row, int64 [n]; -1 for none; None if no rule is in force.

        If the policy decides each row by itself, only the rows that it flags are looked at. It depends on the row
        alone, so a table in parts may be matched part by part.
        """
        if self.feedback is None or not self.feedback.in_force:
            return None
        is_alone = not policy.needs.all_rows
        wanted = policy.decide(scores, self.calibration).is_odd if is_alone else scored.surprise > 0
        return self.feedback.matched(self, rows, scored, wanted)

    def decide_scores(
        self, scores: RowScores, policy: Policy, matched: npt.NDArray[np.int64] | None = None
    ) -> Decision:
        """Decide rows by their scores [n], and hide the alerts of rows that a mute rule matches, int64 [n]."""
        if matched is None or self.feedback is None:
            return policy.decide(scores, self.calibration)
        return decide_muted(policy, scores, self.calibration, matched, self.feedback.in_force)

    def row_scores(
        self,
        surprise: npt.NDArray[np.float64],
        p_value: npt.NDArray[np.float64],
        table: pa.Table,
        policy: Policy | None = None,
    ) -> RowScores:
        """Return the scores [n] of a table's rows, with the information on these rows that a policy needs.

        Raises
        ------
        SettingError
            If the policy needs the day of each row and no column is known to hold it.
        """
        needed, schema = (policy or self.policy).needs.day, self.encoding.schema
        day = None if needed is None else schema.day_numbers(table, _day_column(needed, schema))
        return RowScores(surprise, p_value, day)

    def rare_rows(self, scored: Surprise, policy: Policy | None = None) -> RareRows:
        """Count the scored rows above the level at which a policy is tested, in total and by column."""
        level = (policy or self.policy).rare_level(self.calibration)
        return RareRows.of(scored.surprise > level.nats, scored.column_part, self.encoding.names)

    def noted(self, decision: Decision, rare: RareRows, policy: Policy | None = None) -> Decision:
        """Return the decision with a note if there is a flood of odd rows, and the promise that mute rules leave."""
        policy = policy or self.policy
        if self.feedback is not None and self.feedback.in_force:
            decision = replace(decision, promise=muted_promise(decision.promise, len(self.feedback.in_force)))
        if rare.n_rare < 2:
            return decision
        level = policy.rare_level(self.calibration)
        note = flood_note(rare, level, self.calibration, is_flagged=not policy.needs.all_rows)
        return replace(decision, note=note)

    def score(self, table: pa.Table) -> Surprise:
        """Return the surprise of a table's rows in their order."""
        return self.surprise_model.score(self.encoding.encode(table))

    def latent(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """Return the latent means [n, n_latent] of a table's rows."""
        return self.surprise_model.latent(self.encoding.encode(table))

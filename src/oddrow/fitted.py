"""A fitted model whole: from a table to its surprise, its decision, its place on the map."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from oddrow.policies import AlertBudget, Decision, Policy, RareRows, flood_note
from oddrow.scoring_constants import ScoringConstants
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
        # a sum of products and not a matrix product: a row's place must not depend on how many rows there are
        return np.stack([(centred * self.axes[:, axis]).sum(axis=1) for axis in (0, 1)], axis=1)

    def packed(self) -> Arrays:
        """Centre and axes."""
        return {"center": self.center, "axes": self.axes}

    @classmethod
    def unpacked(cls, store: ArrayStore, n_latent: int) -> LatentProjection:
        """The projection of a latent of this size."""
        center = store.take("center", np.float64, (n_latent,))
        return cls(center, store.take("axes", np.float64, (n_latent, 2)))


def day_column(policy: AlertBudget, schema: TableSchema) -> str:
    """The column that tells the day: the one that is named, which may be new to the model, or the only timestamp.

    Raises
    ------
    SettingError
        If none is named and there is not exactly one.
    """
    if policy.column is not None:
        return policy.column
    names = [column.name for column in schema.used if column.kind is Kind.TIMESTAMP]
    if len(names) != 1:
        raise SettingError(
            f"a budget per day needs one timestamp column, and the model knows {len(names)}"
            f"{': ' + ', '.join(map(repr, names)) if names else ''}; name the column"
        )
    return names[0]


@dataclass(frozen=True)
class FittedModel:
    """All that is needed to score, explain and draw rows, and all that a model file holds."""

    encoding: TableEncoding
    surprise_model: SurpriseModel
    projection: LatentProjection
    policy: Policy
    origin: Origin | None = None
    expectations: Expectations | None = None
    """None in the article's setting: then the network says what it expects."""
    reference: TableReference = NO_REFERENCE
    """How the training rows of each column were distributed."""

    def __repr__(self) -> str:
        shape = self.network.shape
        widths = "-".join(map(str, (shape.n_inputs, *shape.hidden)))
        return (
            f"<FittedModel of {len(self.encoding.columns):,} columns, learned from {self.encoding.n_rows:,} rows; "
            f"network {widths} and {shape.n_latent} latent; calibrated by "
            f"{self.calibration.n_rows:,} rows; {self.policy!r}>"
        )

    @property
    def network(self) -> FittedNetwork:
        """The network and its learning curve."""
        return self.surprise_model.evidence_model.density.network

    @property
    def calibration(self) -> Calibration:
        """What turns raw scores into surprise and p-values."""
        return self.surprise_model.calibration

    @property
    def constants(self) -> ScoringConstants:
        """The constants that define the scores."""
        return self.calibration.constants

    @property
    def threshold(self) -> float | None:
        """The surprise in nats above which the policy finds a row odd; None where that depends on the batch."""
        return self.policy.threshold(self.calibration)

    def decide(self, scored: Surprise, table: pa.Table, policy: Policy | None = None) -> Decision:
        """Decide the scored rows of a table, by the model's own policy or another.

        Raises
        ------
        SettingError
            If the calibration cannot support the policy's promise, or a budget per day finds no days.
        """
        policy = policy or self.policy
        day = None
        if isinstance(policy, AlertBudget) and policy.per == "day":
            day = self.encoding.schema.day_numbers(table, day_column(policy, self.encoding.schema))
        decision = policy.decide(scored, self.calibration, day)
        return self.noted(decision, self.rare_rows(scored, policy), policy)

    def rare_rows(self, scored: Surprise, policy: Policy | None = None) -> RareRows:
        """How many scored rows are above the level that a policy is tested by, and by which column first."""
        level = (policy or self.policy).rare_level(self.calibration)
        return RareRows.of(scored.surprise > level.nats, scored.column_part, self.encoding.names)

    def noted(self, decision: Decision, rare: RareRows, policy: Policy | None = None) -> Decision:
        """A decision with the note on a flood, where there is one among all the rows that it decides on."""
        policy = policy or self.policy
        if rare.n_rare < 2:
            return decision
        level = policy.rare_level(self.calibration)
        note = flood_note(rare, level, self.calibration, is_flagged=not policy.looks_at_batch)
        return replace(decision, note=note)

    def score(self, table: pa.Table) -> Surprise:
        """Surprise of a table's rows in their order."""
        return self.surprise_model.score(self.encoding.encode(table))

    def latent(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """Latent means [n, n_latent] of a table's rows."""
        return self.surprise_model.latent(self.encoding.encode(table))

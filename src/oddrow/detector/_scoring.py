"""The methods of a detector that score with its fitted model. Each function is a method of both estimators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from oddrow.density import TrainingHealth
from oddrow.detector._detector import Detector, DetectorT, check_fitted, decide_by
from oddrow.detector._scored_rows import RowsToScore
from oddrow.detector._tables import table_to_score, with_index
from oddrow.explanation import Explanation
from oddrow.explanation import explain as explain_rows
from oddrow.fitted import check_policy_of_model
from oddrow.policies import Decision, Policy, check_policy


def set_policy(self: DetectorT, policy: Policy) -> DetectorT:
    """Decide by another policy from now on, without a new fit.

    Raises
    ------
    SettingError
        If the calibration cannot support the policy's promise; the message states what would be needed.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(500, 2))
    >>> detector = oddrow.VAEDetector(random_state=0).fit(rows)
    >>> print(detector.set_policy(oddrow.FalseAlarmRate(0.05)).decide(rows).promise)
    about 5 in 100 normal rows, between 1.6 and 9.9 in 100 (95 %, 100 held-out rows)
    """
    check_fitted(self)
    check_policy_of_model(policy, self.model_.calibration, self.model_.encoding.schema)
    decide_by(self, replace(self.model_, policy=policy))
    self.policy, self.contamination = policy, "auto"
    return self


def surprise(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Return the surprise of each row in nats, float64 [n]; higher is stranger.

    ``-ln(share of normal rows at least this strange)``: 4.6 is one normal row in a hundred, 6.9 one in a thousand. With
    windows, a row at which no window ends has no score: NaN, here and in the other scores.
    """
    rows = RowsToScore.of(self, table_to_score(self, X))
    return rows.spread(self.model_.score(rows.table).surprise, np.nan)


def p_value(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Return the conformal p-value of each row, float64 [n]; lower is stranger, at least 1 / (calibration rows + 1)."""
    rows = RowsToScore.of(self, table_to_score(self, X))
    return rows.spread(self.model_.score(rows.table).p_value, np.nan)


def score_samples(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Return the negative surprise, float64 [n]; higher is more normal (scikit-learn's sign)."""
    rows = RowsToScore.of(self, table_to_score(self, X))
    return -rows.spread(self.model_.score(rows.table).surprise, np.nan)


def decision_function(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Return threshold minus surprise, float64 [n]; negative if the row is odd.

    This is ``score_samples(X) - offset_``, except for a policy that looks at the batch: its threshold is that of the
    batch, and a row above it for which a budget has no room gets 0.
    """
    rows = RowsToScore.of(self, table_to_score(self, X))
    scored = self.model_.score(rows.table)
    decision = rows.decided(self.model_, scored)
    distance = decision.threshold - scored.surprise
    return rows.spread(np.where(decision.is_odd, distance, np.maximum(distance, 0.0)), np.nan)


def predict(self: Detector, X: Any) -> npt.NDArray[np.int64]:
    """Return +1 for a normal row, -1 for an odd one; int [n]. With windows, +1 also where no window ends."""
    rows = RowsToScore.of(self, table_to_score(self, X))
    is_odd = rows.decided(self.model_, self.model_.score(rows.table)).is_odd
    return np.where(rows.spread(is_odd, none=False), -1, 1)


def decide(self: Detector, X: Any, policy: Policy | None = None) -> Decision:
    """Decide which rows are odd by the detector's policy or another; also return the threshold and the promise.

    Raises
    ------
    SettingError
        If the calibration cannot support the policy's promise; the message states what would be needed.
    """
    rows = RowsToScore.of(self, table_to_score(self, X))
    if policy is not None:
        check_policy(policy, self.model_.calibration)
    return rows.decision(rows.decided(self.model_, self.model_.score(rows.table), policy))


def explain(self: Detector, X: Any, top: int | None = 3) -> tuple[Explanation, ...]:
    """Return the reasons for each row's surprise: ``top`` strongest columns (None: all), see :class:`Explanation`.

    With windows, there is one explanation for each row at which a window ends.
    """
    rows = RowsToScore.of(self, table_to_score(self, X))
    return with_index(rows.explanations(explain_rows(self.model_, rows.table, top)), X)


def embed(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Return the latent means of the rows, float64 [n, n_latent]."""
    rows = RowsToScore.of(self, table_to_score(self, X))
    return rows.spread(self.model_.latent(rows.table), np.nan)


def latent_map(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Return the rows on the first two principal components of the training rows' latent means, float64 [n, 2]."""
    rows = RowsToScore.of(self, table_to_score(self, X))
    return rows.spread(self.model_.projection.apply(self.model_.latent(rows.table)), np.nan)


def health(detector: Detector) -> TrainingHealth:
    """Return the health of the fit of a detector."""
    check_fitted(detector)
    return detector.model_.network.health


def notes(detector: Detector) -> tuple[str, ...]:
    """Return sentences about columns with special treatment, for example columns that were left out."""
    check_fitted(detector)
    return tuple(column.note for column in detector.model_.encoding.schema.columns if column.note)

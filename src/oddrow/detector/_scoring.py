"""The methods of a detector that score by its fitted model. Each function is a method of both estimators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from oddrow.density import TrainingHealth
from oddrow.detector._detector import Detector, DetectorT, decide_by
from oddrow.detector._tables import table_to_score, with_index
from oddrow.explanation import Explanation
from oddrow.explanation import explain as explain_rows
from oddrow.fitted import check_policy_of_model
from oddrow.policies import Decision, Policy, check_policy


def set_policy(self: DetectorT, policy: Policy) -> DetectorT:
    """Decide by another policy from now on; nothing is fitted again.

    Raises
    ------
    SettingError
        If the calibration cannot support the policy's promise; the text says what it would take.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(500, 2))
    >>> detector = oddrow.VAEDetector(random_state=0).fit(rows)
    >>> print(detector.set_policy(oddrow.FalseAlarmRate(0.05)).decide(rows).promise)
    about 5 in 100 normal rows, between 1.6 and 9.9 in 100 (95 %, 100 held-out rows)
    """
    check_is_fitted(self, "model_")
    check_policy_of_model(policy, self.model_.calibration.n_rows, self.model_.encoding.schema)
    decide_by(self, replace(self.model_, policy=policy))
    self.policy, self.contamination = policy, "auto"
    return self


def surprise(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Surprise of each row in nats, float64 [n]; higher is stranger.

    ``-ln(share of normal rows at least this strange)``: 4.6 is one normal row in a hundred, 6.9 one in a thousand.
    """
    table = table_to_score(self, X)
    return self.model_.score(table).surprise


def p_value(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Conformal p-value of each row, float64 [n]; lower is stranger, the lowest is 1 / (calibration rows + 1)."""
    table = table_to_score(self, X)
    return self.model_.score(table).p_value


def score_samples(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Negative surprise, float64 [n]; higher is more normal (scikit-learn's sign)."""
    table = table_to_score(self, X)
    return -self.model_.score(table).surprise


def decision_function(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Threshold less surprise, float64 [n]; negative where the row is odd.

    That is ``score_samples(X) - offset_``, except for a policy that looks at the batch: its threshold is that of the
    batch, and a row that a budget has no room for gets 0.
    """
    table = table_to_score(self, X)
    scored = self.model_.score(table)
    decision = self.model_.decide(scored, table)
    distance = decision.threshold - scored.surprise
    return np.where(decision.is_odd, distance, np.maximum(distance, 0.0))


def predict(self: Detector, X: Any) -> npt.NDArray[np.int64]:
    """+1 for a normal row, -1 for an odd one; int [n]."""
    table = table_to_score(self, X)
    return np.where(self.model_.decide(self.model_.score(table), table).is_odd, -1, 1)


def decide(self: Detector, X: Any, policy: Policy | None = None) -> Decision:
    """Which rows are odd by the detector's policy or another, the threshold, and what that promises.

    Raises
    ------
    SettingError
        If the calibration cannot support the policy's promise; the text says what it would take.
    """
    table = table_to_score(self, X)
    if policy is not None:
        check_policy(policy, self.model_.calibration.n_rows)
    return self.model_.decide(self.model_.score(table), table, policy)


def explain(self: Detector, X: Any, top: int | None = 3) -> tuple[Explanation, ...]:
    """Why each row has its surprise: its ``top`` strongest columns (None: all), see :class:`Explanation`."""
    table = table_to_score(self, X)
    return with_index(explain_rows(self.model_, table, top), X)


def embed(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """Latent means of the rows, float64 [n, n_latent]."""
    table = table_to_score(self, X)
    return self.model_.latent(table)


def latent_map(self: Detector, X: Any) -> npt.NDArray[np.float64]:
    """The rows on the first two principal components of the training rows' latent means, float64 [n, 2]."""
    table = table_to_score(self, X)
    return self.model_.projection.apply(self.model_.latent(table))


def health(detector: Detector) -> TrainingHealth:
    """How the fit of a detector went."""
    check_is_fitted(detector, "model_")
    return detector.model_.network.health


def notes(detector: Detector) -> tuple[str, ...]:
    """What is worth knowing of how columns are treated, a sentence each."""
    check_is_fitted(detector, "model_")
    return tuple(column.note for column in detector.model_.encoding.schema.columns if column.note)

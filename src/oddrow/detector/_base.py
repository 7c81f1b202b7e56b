"""The half of a detector that scores, by what the other half has learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from oddrow.detector._learner import Learner, with_index
from oddrow.explanation import Explanation, explain
from oddrow.fitted import check_policy_of_model
from oddrow.policies import Decision, Policy, check_policy
from oddrow.surprise import Surprise


class BaseDetector(Learner):
    """What the detectors share: they compose table, model, training, scoring and explanation, and hold no numerics.

    They differ in whether the latent is sampled.
    """

    def set_policy(self, policy: Policy) -> Self:
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
        self._decide_by(replace(self.model_, policy=policy))
        self.policy, self.contamination = policy, "auto"
        return self

    def surprise(self, X: Any) -> npt.NDArray[np.float64]:
        """Surprise of each row in nats, float64 [n]; higher is stranger.

        ``-ln(share of normal rows at least this strange)``: 4.6 is one normal row in a hundred, 6.9 one in a thousand.
        """
        return self._scored(X)[0].surprise

    def p_value(self, X: Any) -> npt.NDArray[np.float64]:
        """Conformal p-value of each row, float64 [n]; lower is stranger, the lowest is 1 / (held-out rows + 1)."""
        return self._scored(X)[0].p_value

    def score_samples(self, X: Any) -> npt.NDArray[np.float64]:
        """Negative surprise, float64 [n]; higher is more normal (scikit-learn's sign)."""
        return -self.surprise(X)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Threshold less surprise, float64 [n]; negative where the row is odd.

        That is ``score_samples(X) - offset_``, but for a policy that looks at the batch: its threshold is the batch's,
        and a row that a budget has no room for gets 0.
        """
        scored, table = self._scored(X)
        decision = self.model_.decide(scored, table)
        distance = decision.threshold - scored.surprise
        return np.where(decision.is_odd, distance, np.maximum(distance, 0.0))

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """+1 for a normal row, -1 for an odd one; int [n]."""
        return np.where(self.decide(X).is_odd, -1, 1)

    def decide(self, X: Any, policy: Policy | None = None) -> Decision:
        """Which rows are odd by the detector's policy or another, the threshold, and what that promises.

        Raises
        ------
        SettingError
            If the calibration cannot support the policy's promise; the text says what it would take.
        """
        scored, table = self._scored(X)
        if policy is not None:
            check_policy(policy, self.model_.calibration.n_rows)
        return self.model_.decide(scored, table, policy)

    def explain(self, X: Any, top: int | None = 3) -> tuple[Explanation, ...]:
        """Why each row has its surprise: its ``top`` strongest columns (None: all), see :class:`Explanation`."""
        table = self._as_table(X, reset=False)
        return with_index(explain(self.model_, table, top), X)

    def embed(self, X: Any) -> npt.NDArray[np.float64]:
        """Latent means of the rows, float64 [n, n_latent]."""
        table = self._as_table(X, reset=False)
        return self.model_.latent(table)

    def latent_map(self, X: Any) -> npt.NDArray[np.float64]:
        """The rows on the first two principal components of the training rows' latent means, float64 [n, 2]."""
        latent = self.embed(X)  # first, for it says so where the detector is not fitted
        return self.model_.projection.apply(latent)

    def _scored(self, X: Any) -> tuple[Surprise, pa.Table]:
        table = self._as_table(X, reset=False)
        return self.model_.score(table), table

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

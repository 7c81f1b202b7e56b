"""The methods of a detector that score with its fitted model. Each function is a method of both estimators."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from oddrow._notebook import panel
from oddrow.density import TrainingHealth
from oddrow.detector._detector import Detector, DetectorT, check_fitted, decide_by
from oddrow.detector._scored_rows import RowsToScore
from oddrow.detector._tables import table_to_score, with_index
from oddrow.exceptions import SettingError
from oddrow.explanation import Explanation
from oddrow.explanation import explain as explain_rows
from oddrow.fitted import FittedModel, check_policy_of_model
from oddrow.pictures import Colouring, MapSummary
from oddrow.pictures import plot_map as plot_map_of
from oddrow.policies import Decision, Policy, check_policy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    batch, and a row above it for which a budget has no room gets 0. So does a row whose alert a mute rule hides.
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


def plot_map(
    self: Detector, X: Any, colour: Colouring = "surprise", *, is_anomaly: Any = None, ax: Axes | None = None
) -> Axes:
    """Draw :meth:`latent_map` of the rows, coloured by surprise, decision or truth, and return the axes.

    With windows, rows at which no window ends are left out.

    Parameters
    ----------
    X
        The rows [n, n_columns].
    colour
        "surprise", "decision", or "truth", which needs ``is_anomaly``.
    is_anomaly
        The true labels, bool [n].
    ax
        The matplotlib axes to draw on; by default new ones.

    Raises
    ------
    SettingError
        If ``colour`` is unknown, or labels are missing or of another length than the rows.
    MissingExtraError
        If matplotlib is not installed (``pip install 'oddrow[plot]'``).
    """
    rows = RowsToScore.of(self, table_to_score(self, X))
    scored = self.model_.score(rows.table)
    decision = rows.decided(self.model_, scored)
    truth = None if is_anomaly is None else rows.taken(_checked_labels(is_anomaly, rows.users.num_rows))
    summary = MapSummary(
        latent_map=self.model_.projection.apply(self.model_.latent(rows.table)),
        surprise=scored.surprise,
        is_odd=decision.is_odd,
        threshold=decision.threshold,
        is_anomaly=truth,
    )
    return plot_map_of(summary, colour, ax)


def _checked_labels(is_anomaly: Any, n_rows: int) -> npt.NDArray[np.bool_]:
    labels = np.asarray(is_anomaly)
    if labels.shape != (n_rows,) or labels.dtype != np.bool_:
        raise SettingError(
            f"is_anomaly has the shape {labels.shape} and the type {labels.dtype}; give one boolean for each of the "
            f"{n_rows:,} rows"
        )
    return labels


def html(self: Detector) -> str:
    """Return what a notebook shows of a detector: the facts of its fit, and its parameters."""
    from sklearn.utils import estimator_html_repr  # oddrow fit uses this module without scikit-learn

    parameters: str = estimator_html_repr(self)
    if not hasattr(self, "model_"):
        return panel(f"{type(self).__name__}, not fitted yet") + parameters
    model = self.model_
    rows = [
        ("learned from", f"{model.encoding.n_rows:,} rows, {len(model.encoding.columns):,} columns"),
        ("policy", repr(model.policy)),
        ("promise", _promise_text(model)),
        ("health", "; ".join(found.text for found in model.network.health.diagnoses) or "no fault was found"),
        *(("note", note) for note in notes(self)),
    ]
    return panel(f"{type(self).__name__}, fitted", (), ("fact", "value"), rows) + parameters


def mimebundle(self: Detector, **_: object) -> dict[str, str]:
    """Return a detector as text and as HTML, for a notebook; scikit-learn's method shows the parameters alone."""
    return {"text/plain": repr(self), "text/html": html(self)}


def _promise_text(model: FittedModel) -> str:
    try:
        return str(model.policy.promise(model.calibration))
    except SettingError as error:  # a policy may need the rows that it decides on
        return str(error)


def health(detector: Detector) -> TrainingHealth:
    """Return the health of the fit of a detector."""
    check_fitted(detector)
    return detector.model_.network.health


def notes(detector: Detector) -> tuple[str, ...]:
    """Return sentences about columns with special treatment, for example columns that were left out."""
    check_fitted(detector)
    return tuple(column.note for column in detector.model_.encoding.schema.columns if column.note)

"""What the detectors share: they compose table, model, training, scoring and explanation, and hold no numerics."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from oddrow.detector._cleaning import Cleaning, checked_clean, clean_table
from oddrow.detector._fitting import FitPlan, discard_spent, fit_parts, n_calibration_rows
from oddrow.detector._settings import DetectorSettings, checked_calibration, checked_settings
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError, TrainingHealthWarning
from oddrow.explanation import Explanation, explain
from oddrow.model import TrainingHealth
from oddrow.scoring import (
    AlertBudget,
    Decision,
    FittedModel,
    Policy,
    Surprise,
    TrainingShare,
    check_policy,
    checked_contamination,
    checked_view_weights,
    day_column,
    strictest_supported,
)
from oddrow.table import Kind, TableEncoding, TableSchema, as_table

AUTO_FALSE_ALARMS = 0.01
"""``contamination="auto"`` flags what one normal row in a hundred reaches (or the second of fewer rows)."""


class BaseDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """What the detectors share; they differ in whether the latent is sampled."""

    settings: str
    contamination: str | float
    policy: Policy | None
    view_weights: Mapping[str, float] | None
    calibration: str
    clean: str
    columns: Mapping[str, str] | None
    encoding: TableEncoding | None
    random_state: int | np.random.Generator | np.random.RandomState | None
    max_steps: int | None
    time_limit: float | None
    checkpoint: str | Path | None
    resume: bool
    on_progress: Callable[[int, int, float], None] | None
    on_interrupt: Callable[[], bool] | None
    model_: FittedModel
    cleaning_: Cleaning | None
    offset_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    @property
    @abstractmethod
    def _is_variational(self) -> bool: ...

    @property
    @abstractmethod
    def _kl_weight(self) -> float: ...

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn from normal rows.

        Parameters
        ----------
        X
            Table [n, n_columns] with at least 2 rows: pandas, polars, Arrow, anything narwhals understands, or a
            2-D array (its columns are named x0, x1, ...). Missing values are welcome, infinite ones are not.
        y
            Ignored.

        Raises
        ------
        DataError
            If the table cannot be learned from; the text names the column and the way out.
        SettingError
            If a parameter has no meaning.
        TrainingError
            If the loss stops being finite, also at lower learning rates.
        CheckpointError
            If the checkpoint to resume from is damaged, or belongs to another table or other settings.
        OutputError
            If the checkpoint cannot be written, or is there and not to be resumed.

        Warns
        -----
        TrainingHealthWarning
            If something is wrong with the fit, see ``health_.diagnoses``.
        """
        self._check_parameters()
        table = self._as_table(X, reset=True)
        if table.num_rows < 2:
            raise DataError(
                f"the table has n_samples={table.num_rows} row; fitting needs at least 2 (1 sample is no sample)"
            )
        schema = TableSchema.infer(table, self.columns) if self.encoding is None else self.encoding.schema
        self._learn(table, schema, generator(self.random_state))
        for diagnosis in self.health_.diagnoses:
            if diagnosis.is_certain:
                warnings.warn(diagnosis.text, TrainingHealthWarning, stacklevel=2)
        return self

    def _check_parameters(self) -> None:
        """Refuse what has no meaning before long work is done."""
        if self.encoding is not None and not isinstance(self.encoding, TableEncoding):
            raise SettingError(f"encoding is {self.encoding!r}; give a TableEncoding or None")
        if self.columns is not None and not isinstance(self.columns, Mapping):
            raise SettingError(f"columns is {self.columns!r}; give a mapping of column name to kind, or None")
        checked_settings(self.settings)
        checked_calibration(self.calibration)
        checked_clean(self.clean)
        checked_view_weights(self.view_weights)
        if self.view_weights is not None and self.settings == "article":
            raise SettingError('view_weights go with the views, and settings="article" has none; leave one out')
        self._checked_contamination()

    def _learn(self, table: pa.Table, schema: TableSchema, rng: np.random.Generator, isolates: bool = False) -> None:
        """Learn from a table whose kinds of columns are known, with parameters that have been checked."""
        contamination = self._checked_contamination()
        plan = self._plan(checked_settings(self.settings), schema, checked_calibration(self.calibration))
        plan = replace(plan, isolates=isolates)
        # a generator of its own, so that where nothing is set aside the fit is the one without cleaning, bit for bit
        self.cleaning_ = clean_table(table, schema, rng.spawn(1)[0]) if self.clean == "robust" else None
        normal, in_doubt = (table, None) if self.cleaning_ is None else self.cleaning_.kept(table)
        if self.policy is not None:
            self._check_policy(self.policy, n_calibration_rows(plan, normal.num_rows), schema)
        parts = fit_parts(plan, normal, rng, in_doubt)
        policy = self.policy or strictest_supported(AUTO_FALSE_ALARMS, parts.surprise_model.calibration)
        if contamination is not None:
            policy = TrainingShare.learn(
                contamination, parts.surprise_model.score(parts.encoding.encode(table)).surprise
            )
        self._decide_by(FittedModel(parts.encoding, parts.surprise_model, parts.projection, policy))
        discard_spent(parts)  # last: until here a kill would cost only what is quick

    def _plan(self, settings: DetectorSettings, schema: TableSchema, calibration: Literal["split", "cross"]) -> FitPlan:
        is_count = isinstance(self.max_steps, int | np.integer) and self.max_steps >= 1
        if self.max_steps is not None and not is_count:
            raise SettingError(f"max_steps is {self.max_steps!r}; give a whole number >= 1, or None")
        if self.checkpoint is not None and self.random_state is None:
            raise SettingError("a checkpoint needs a random_state: without one a fit begun again draws other rows")
        return FitPlan(
            settings,
            self._is_variational,
            self._kl_weight,
            checked_view_weights(self.view_weights),
            schema,
            encoding=self.encoding,
            calibration=calibration,
            on_progress=self.on_progress,
            max_steps=self.max_steps,
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            resume=self.resume,
            time_limit=self.time_limit,
            on_interrupt=self.on_interrupt,
        )

    @property
    def health_(self) -> TrainingHealth:
        """How the fit went: a frozen value, with a diagnosis in words where something is wrong."""
        check_is_fitted(self, "model_")
        return self.model_.network.health

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
        >>> detector.set_policy(oddrow.FalseAlarmRate(0.05)).decide(rows).promise
        'about 5 in 100 normal rows, between 1.6 and 9.9 in 100 (95 %, 100 held-out rows)'
        """
        check_is_fitted(self, "model_")
        self._check_policy(policy, self.model_.calibration.n_rows, self.model_.encoding.schema)
        self._decide_by(replace(self.model_, policy=policy))
        self.policy, self.contamination = policy, "auto"
        return self

    def _check_policy(self, policy: Policy, n_rows: int, schema: TableSchema) -> None:
        check_policy(policy, n_rows)
        if isinstance(policy, AlertBudget) and policy.per == "day":
            name = day_column(policy, schema)
            kinds = {column.name: column.kind for column in schema.columns}
            if kinds.get(name, Kind.NUMBER) in (Kind.NUMBER, Kind.BOOLEAN):  # for one table alone, decide takes any
                raise SettingError(
                    f"a budget per day cannot be kept: the training table had no column {name!r} of dates or times"
                )

    def _decide_by(self, model: FittedModel) -> None:
        threshold = model.threshold
        self.model_ = model
        self.offset_ = np.nan if threshold is None else -threshold

    def _checked_contamination(self) -> float | None:
        contamination = checked_contamination(self.contamination)
        if contamination is not None and self.policy is not None:
            raise SettingError(f"contamination={self.contamination!r} and policy={self.policy!r} both decide; give one")
        return contamination

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
        return explain(self.model_, table, top)

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

    def _as_table(self, X: Any, *, reset: bool) -> pa.Table:
        """The table and, when fitting, its names; when scoring, an array must have as many columns as in training."""
        if not reset:
            check_is_fitted(self, "model_")
        is_array = not _has_column_names(X)
        table = as_table(X, reads=None if is_array and hasattr(self, "feature_names_in_") else self._reads(reset=reset))
        if reset:
            self.n_features_in_ = table.num_columns
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            if not is_array:
                self.feature_names_in_ = np.asarray(table.column_names, dtype=object)
        elif is_array and table.num_columns != self.n_features_in_:
            raise SchemaMismatchError(
                f"X has {table.num_columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        elif is_array and hasattr(self, "feature_names_in_"):
            table = table.rename_columns([str(name) for name in self.feature_names_in_])
        return table

    def _reads(self, *, reset: bool) -> Callable[[str], bool]:
        """Whether a column matters: what is ignored or was not there in training may hold anything."""
        if not reset:
            return set(self.model_.encoding.names).__contains__
        ignored = {name for name, kind in (self.columns or {}).items() if kind == Kind.IGNORE}
        if self.encoding is not None:
            return set(self.encoding.names).__contains__
        return lambda name: name not in ignored

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _has_column_names(X: Any) -> bool:
    """Whether a table names its columns itself; asked of the type, since a lazy frame would resolve its plan."""
    named = ("columns", "column_names", "__arrow_c_stream__")
    return isinstance(X, Mapping) or any(hasattr(type(X), name) for name in named)


def generator(random_state: int | np.random.Generator | np.random.RandomState | None) -> np.random.Generator:
    """A generator of its own: an int always starts anew, a generator or RandomState moves on."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"random_state is {random_state!r}; give a whole number >= 0, a Generator or None"
        ) from error

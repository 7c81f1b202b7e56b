"""The half of a detector that learns: parameters are checked, the table is read, the parts are fitted."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from oddrow.columns import (
    NOTHING_ELSE,
    Kind,
    SampledTable,
    Sampling,
    TableEncoding,
    TableSchema,
    TableSketch,
    checked_kinds,
    is_ignored,
)
from oddrow.density import TrainingHealth
from oddrow.detector._start import check_same_columns, check_start
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError, TrainingHealthWarning
from oddrow.explanation import Explanation
from oddrow.fitted import FittedModel, check_policy_of_model
from oddrow.fitting import (
    Cleaning,
    FitPlan,
    checked_calibration,
    checked_checkpoint,
    checked_clean,
    checked_max_steps,
    checked_settings,
    checked_time_limit,
    clean_table,
    discard_spent,
    fit_parts,
    n_calibration_rows,
    within_memory,
)
from oddrow.policies import (
    Policy,
    TrainingShare,
    check_is_policy,
    checked_contamination,
    strictest_supported,
)
from oddrow.table import as_table, is_as_written, same_names
from oddrow.views import checked_view_weights

AUTO_FALSE_ALARMS = 0.01
"""``contamination="auto"`` flags what one normal row in a hundred reaches (or the second of fewer rows)."""
SCORED_AT_ONCE = 2**16
"""Training rows scored at once, where a share of them is to be flagged."""


class Learner(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """What the detectors share in learning."""

    __metadata_request__fit = {"start_from": UNUSED}  # noqa: RUF012 - scikit-learn's: no metadata that a pipeline routes

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
    on_phase: Callable[[str], None] | None
    device: str
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

    def fit(self, X: Any, y: Any = None, *, start_from: Self | None = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn from normal rows.

        Parameters
        ----------
        X
            Table [n, n_columns] with at least 2 rows: pandas, polars, Arrow, anything narwhals understands, or a
            2-D array (its columns are named x0, x1, ...). Missing values are welcome, infinite ones are not.
        y
            Ignored.
        start_from
            A fitted detector of the same class and settings, fitted to other rows of the same columns. The network
            begins with its weights, and its encoding is kept, for the weights to fit; all else is learned from X: the
            scales, what is remembered, the calibration. What is new to that encoding, such as a category, stays so.

        Raises
        ------
        DataError
            If the table cannot be learned from; the text names the column and the way out.
        SchemaMismatchError
            If the columns are not those of the detector to start from.
        SettingError
            If a parameter has no meaning, or the detector to start from is of another class or other settings.
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
        start = self._checked_start(start_from)
        table = self._as_table(X, reset=True, encoding=self._given_encoding(start))
        self._fit_table(table, NOTHING_ELSE, generator(self.random_state), start)
        self._warn_of_health()
        return self

    def fit_batches(self, batches: Iterable[Any], *, start_from: Self | None = None) -> Self:
        """Learn from normal rows that come in batches, of a table that may be larger than memory.

        In one pass over the batches a uniform sample of the rows is drawn, of at most 400,000 rows and 256 MiB, and of
        all others is noted what the sample does not show: the smallest and the largest value of each column, whether
        one is missing, which names there are. The network, the scales and the calibration are learned from the
        sample. A table that fits into it gives the very model that :meth:`fit` gives.

        Parameters
        ----------
        batches
            Record batches, or tables as :meth:`fit` takes them, all of the same columns and types; read once.
        start_from
            As in :meth:`fit`.

        Raises
        ------
        DataError
            If there is no batch, if batches differ in their columns, or as in :meth:`fit`.
        SettingError, TrainingError, CheckpointError, OutputError
            As in :meth:`fit`.

        Warns
        -----
        TrainingHealthWarning
            As in :meth:`fit`.

        Examples
        --------
        >>> import numpy as np, oddrow, pyarrow as pa
        >>> rows = np.random.default_rng(0).normal(size=(600, 2))
        >>> batches = (pa.record_batch({"x": part[:, 0], "y": part[:, 1]}) for part in np.split(rows, 6))
        >>> detector = oddrow.VAEDetector(random_state=0).fit_batches(batches)
        >>> detector.predict({"x": [0.0, 9.0], "y": [0.0, -9.0]})
        array([ 1, -1])
        """
        start = self._checked_start(start_from)
        rng = generator(self.random_state)
        waiting = iter(batches)
        first = list(islice(waiting, 1))
        sampling = self._sampling(rng, start)
        # once and for all, for a stream cannot be read again
        tables = [as_table(batch, reads=sampling.reads) for batch in first]
        for table in tables:
            self._check_columns(table.column_names, start)
        gathered = sampling.part(chain(tables, waiting))
        self._fit_sampled(gathered, rng, start, is_array=not _has_column_names(first[0]))
        self._warn_of_health()
        return self

    def fit_sampled(self, table: SampledTable, *, start_from: Self | None = None) -> Self:
        """Learn from a sample of a table and what is known of its other rows: :meth:`fit_batches` without the pass.

        For a pass that is made elsewhere, such as part by part on many machines.

        Parameters
        ----------
        table
            Gathered as :meth:`sampling` says; of parts, merged.
        start_from
            As in :meth:`fit`.

        Raises
        ------
        DataError, SettingError, TrainingError, CheckpointError, OutputError
            As in :meth:`fit`.

        Examples
        --------
        >>> import numpy as np, oddrow, pyarrow as pa
        >>> rows = np.random.default_rng(0).normal(size=(600, 2))
        >>> parts = [pa.table({"x": part[:, 0], "y": part[:, 1]}) for part in (rows[:250], rows[250:])]
        >>> detector = oddrow.VAEDetector(random_state=0)
        >>> sampling = detector.sampling()
        >>> one, other = sampling.part([parts[0]]), sampling.part([parts[1]], first_row=250)
        >>> detector.fit_sampled(one.merged(other)).n_features_in_
        2
        """
        start = self._checked_start(start_from)
        self._fit_sampled(table.settled(), generator(self.random_state), start, is_array=False)
        self._warn_of_health()
        return self

    def sampling(self, *, names: Iterable[str] | None = None, start_from: Self | None = None) -> Sampling:
        """How :meth:`fit_batches` samples a table, for a pass that is made elsewhere; see :meth:`fit_sampled`.

        Parameters
        ----------
        names
            The table's columns, where they are known, as text or as they are: what they rule out is refused at once.
        start_from
            As in :meth:`fit`.

        Raises
        ------
        SettingError, SchemaMismatchError
            As in :meth:`fit`.
        """
        start = self._checked_start(start_from)
        if names is not None:
            self._check_columns(names, start)
        # of a copy, for the fit that follows draws from it again
        return self._sampling(generator(deepcopy(self.random_state)), start)

    def _check_columns(self, names: Iterable[str], start: FittedModel | None) -> None:
        """Refuse a table that lacks columns which are named, or has others than the model to start from."""
        names = list(map(str, names))
        if start is not None:
            check_same_columns(names, start.encoding.schema, self.columns or {})
        elif self.encoding is None:
            checked_kinds(self.columns or {}, names)

    def _sampling(self, rng: np.random.Generator, start: FittedModel | None) -> Sampling:
        # of a copy, for the fit draws the same whether its rows came in batches or not
        seed = int(deepcopy(rng).integers(2**63))
        encoding = self._given_encoding(start)
        if encoding is None:
            return Sampling(seed, dict(self.columns or {}))
        # of what is encoded as it is given nothing is learned, so nothing need be known of the rows left out
        return Sampling(seed, dict.fromkeys(encoding.names, Kind.IGNORE), frozenset(encoding.names))

    def _fit_sampled(
        self, table: SampledTable, rng: np.random.Generator, start: FittedModel | None, *, is_array: bool
    ) -> None:
        encoding = self._given_encoding(start)
        self._take_names(table.sample.rows, is_array=is_array)
        schema = None
        if encoding is None:
            schema = TableSchema.infer(table.sample.ordered, self.columns, table.rest)
        known = encoding or schema
        table = within_memory(table, lambda table: self._encoding_of(known, table))
        self._fit_table(table.sample.ordered, table.rest, rng, start, schema)

    def _encoding_of(self, known: TableEncoding | TableSchema | None, table: SampledTable) -> TableEncoding:
        """The encoding that is given, or that the sample of a table teaches."""
        if not isinstance(known, TableSchema):
            return cast("TableEncoding", known)
        style = checked_settings(self.settings).style
        return TableEncoding.learn(known, table.sample.rows, style, table.rest)

    def _checked_start(self, start_from: Self | None) -> FittedModel | None:
        """What to start from, once all parameters have been checked."""
        self._check_parameters()
        if start_from is None:
            return None
        check_start(self, start_from)
        return start_from.model_

    def _given_encoding(self, start: FittedModel | None) -> TableEncoding | None:
        return self.encoding if start is None else start.encoding

    def _fit_table(
        self,
        table: pa.Table,
        rest: TableSketch,
        rng: np.random.Generator,
        start: FittedModel | None,
        schema: TableSchema | None = None,
    ) -> None:
        """Learn from a table whose kinds of columns may be known already, and from what is known of further rows."""
        if table.num_rows < 2:
            raise DataError(
                f"the table has n_samples={table.num_rows} row; fitting needs at least 2 (1 sample is no sample)"
            )
        if start is not None:
            check_same_columns(table.column_names, start.encoding.schema, self.columns or {})
        encoding = self._given_encoding(start)
        if encoding is not None:
            schema = encoding.schema
        elif schema is None:
            schema = TableSchema.infer(table, self.columns, rest)
        # what is known of the others is of odd rows too, where some may be
        self._learn(table, schema, rng, rest=rest if self.clean == "assume" else NOTHING_ELSE, start=start)

    def _warn_of_health(self) -> None:
        """To be called where the user's own call is next."""
        for diagnosis in self.health_.diagnoses:
            if diagnosis.is_certain:
                warnings.warn(diagnosis.text, TrainingHealthWarning, stacklevel=3)

    def _check_parameters(self) -> None:
        """Refuse what has no meaning before long work is done."""
        if self.encoding is not None and not isinstance(self.encoding, TableEncoding):
            raise SettingError(f"encoding is {self.encoding!r}; give a TableEncoding or None")
        if self.columns is not None and not isinstance(self.columns, Mapping):
            raise SettingError(f"columns is {self.columns!r}; give a mapping of column name to kind, or None")
        if not isinstance(self.device, str):
            raise SettingError(f"device is {self.device!r}; give 'auto', or a platform of JAX's, as 'cpu' or 'gpu'")
        checked_clean(self.clean)
        if self.view_weights is not None and self.settings == "article":
            raise SettingError('view_weights go with the views, and settings="article" has none; leave one out')
        self._checked_contamination()
        if self.policy is not None:
            check_is_policy(self.policy)
        self._plan(TableSchema(()))

    def _learn(
        self,
        table: pa.Table,
        schema: TableSchema,
        rng: np.random.Generator,
        isolates: bool = False,
        rest: TableSketch = NOTHING_ELSE,
        start: FittedModel | None = None,
    ) -> None:
        """Learn from a table whose kinds of columns are known, with parameters that have been checked."""
        contamination = self._checked_contamination()
        if is_as_written(table.schema):
            table = schema.typed(table)  # once, for a fit looks at its rows several times
        plan = replace(self._plan(schema), isolates=isolates, rest=rest)
        if start is not None:
            plan = replace(plan, encoding=start.encoding, start=start.network)
        # a generator of its own, so that where nothing is set aside the fit is the one without cleaning, bit for bit
        if self.clean == "robust" and self.on_phase is not None:
            self.on_phase("cleaning")
        self.cleaning_ = clean_table(table, schema, rng.spawn(1)[0]) if self.clean == "robust" else None
        normal, in_doubt = (table, None) if self.cleaning_ is None else self.cleaning_.kept(table)
        if self.policy is not None:
            check_policy_of_model(self.policy, n_calibration_rows(plan, normal.num_rows), schema)
        parts = fit_parts(plan, normal, rng, in_doubt)
        policy = self.policy or strictest_supported(AUTO_FALSE_ALARMS, parts.surprise_model.calibration)
        if contamination is not None:
            # in parts, for a long table's scores in all their parts would take more room than the fit
            parts_of_table = (table.slice(start, SCORED_AT_ONCE) for start in range(0, table.num_rows, SCORED_AT_ONCE))
            scored = [parts.surprise_model.score(parts.encoding.encode(part)).surprise for part in parts_of_table]
            policy = TrainingShare.learn(contamination, np.concatenate(scored))
        model = FittedModel(
            parts.encoding, parts.surprise_model, parts.projection, policy, expectations=parts.expectations
        )
        self._decide_by(model)
        discard_spent(parts)  # last: until here a kill would cost only what is quick

    def _plan(self, schema: TableSchema) -> FitPlan:
        return FitPlan(
            checked_settings(self.settings),
            self._is_variational,
            self._kl_weight,
            checked_view_weights(self.view_weights),
            schema,
            encoding=self.encoding,
            calibration=checked_calibration(self.calibration),
            on_progress=self.on_progress,
            max_steps=checked_max_steps(self.max_steps),
            checkpoint=checked_checkpoint(self.checkpoint, self.resume, self.random_state),
            resume=self.resume,
            time_limit=checked_time_limit(self.time_limit),
            on_interrupt=self.on_interrupt,
            on_phase=self.on_phase,
            device=self.device,
        )

    @property
    def notes_(self) -> tuple[str, ...]:
        """What is worth knowing of how columns are treated, a sentence each: left out, runs on, foreign texts."""
        check_is_fitted(self, "model_")
        return tuple(column.note for column in self.model_.encoding.schema.columns if column.note)

    @property
    def health_(self) -> TrainingHealth:
        """How the fit went: a frozen value, with a diagnosis in words where something is wrong."""
        check_is_fitted(self, "model_")
        return self.model_.network.health

    def _decide_by(self, model: FittedModel) -> None:
        threshold = model.threshold
        self.model_ = model
        self.offset_ = np.nan if threshold is None else -threshold

    def _checked_contamination(self) -> float | None:
        contamination = checked_contamination(self.contamination)
        if contamination is not None and self.policy is not None:
            raise SettingError(f"contamination={self.contamination!r} and policy={self.policy!r} both decide; give one")
        return contamination

    def _as_table(self, X: Any, *, reset: bool, encoding: TableEncoding | None = None) -> pa.Table:
        """The table and, when fitting, its names; when scoring, an array must have as many columns as in training."""
        if not reset:
            check_is_fitted(self, "model_")
        is_array = not _has_column_names(X)
        table = as_table(
            X, reads=None if is_array and hasattr(self, "feature_names_in_") else self._reads(encoding, reset=reset)
        )
        if reset:
            self._take_names(table, is_array=is_array)
        elif not is_array:
            return self._with_names(X, table)
        elif is_array and table.num_columns != self.n_features_in_:
            raise SchemaMismatchError(
                f"X has {table.num_columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        elif is_array and hasattr(self, "feature_names_in_"):
            table = table.rename_columns([str(name) for name in self.feature_names_in_])
        return table

    def _with_names(self, X: Any, table: pa.Table) -> pa.Table:
        """The table, with the names of the model's columns where its own differ by blanks or the Unicode form."""
        expected = self.model_.encoding.names
        missing = [name for name in expected if name not in table.column_names]
        found = same_names(missing, [name for name in table.column_names if name not in expected]) if missing else {}
        if not found:
            return table
        listed = ", ".join(f"{there!r} is {name!r}" for name, there in found.items())
        warnings.warn(f"names are compared without the blanks around them: {listed}", UserWarning, stacklevel=4)
        renamed = {there: name for name, there in found.items()}
        table = as_table(X, reads={*expected, *renamed}.__contains__)
        return table.rename_columns([renamed.get(name, name) for name in table.column_names])

    def _take_names(self, table: pa.Table, *, is_array: bool) -> None:
        self.n_features_in_ = table.num_columns
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if not is_array:
            self.feature_names_in_ = np.asarray(table.column_names, dtype=object)

    def _reads(self, encoding: TableEncoding | None, *, reset: bool) -> Callable[[str], bool]:
        """Whether a column matters: what is ignored, or not there in training or encoding, may hold anything."""
        if not reset:
            return set(self.model_.encoding.names).__contains__
        ignored = {name for name, kind in (self.columns or {}).items() if is_ignored(kind)}
        if encoding is not None:
            return set(encoding.names).__contains__
        return lambda name: name not in ignored


def _has_column_names(X: Any) -> bool:
    """Whether a table names its columns itself; asked of the type, since a lazy frame would resolve its plan."""
    named = ("columns", "column_names", "__arrow_c_stream__")
    if isinstance(X, list | tuple) and X and all(isinstance(row, Mapping) for row in X):
        return True
    return isinstance(X, Mapping) or any(hasattr(type(X), name) for name in named)


def with_index(explanations: tuple[Explanation, ...], X: Any) -> tuple[Explanation, ...]:
    """Explanations of rows of X, each with the row's label in the index of X, if X is a data frame that has one."""
    if not hasattr(X, "iloc"):  # lists too have something that is called index
        return explanations
    labels = list(X.index)
    return tuple(replace(explanation, index=labels[explanation.row]) for explanation in explanations)


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

"""The methods of a detector that learn. Each function is a method of both estimators."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow.columns import SampledTable, Sampling
from oddrow.detector._detector import Detector, DetectorT, decide_by, generator
from oddrow.detector._parameters import CheckedParameters, check_derived_rows
from oddrow.detector._tables import has_column_names, table_to_learn, take_names
from oddrow.exceptions import DependenceWarning, SettingError, TrainingHealthWarning
from oddrow.fitting import FitPlan, fit_model
from oddrow.sequences import EntityHistory, Preparation, Windows, prepared_table
from oddrow.table import as_table


def fit(self: DetectorT, X: Any, y: Any = None, *, start_from: DetectorT | None = None) -> DetectorT:  # noqa: ARG001 - scikit-learn's signature
    """Learn from normal rows.

    Parameters
    ----------
    X
        Table [n, n_columns] with at least 2 rows: pandas, polars, Arrow, anything narwhals understands, or a
        2-D array (its columns are named x0, x1, ...). Missing values are allowed, infinite ones are not.
    y
        Ignored.
    start_from
        A fitted detector of the same class and settings, fitted to other rows of the same columns. The network starts
        with its weights and keeps its encoding, because the weights fit only that encoding. The scales, the remembered
        rows and the calibration are learned from X. A value that is new to the encoding, such as a category, remains
        new.

    Raises
    ------
    DataError
        If the table cannot be learned from; the message names the column and a remedy.
    SchemaMismatchError
        If the columns are not those of ``start_from``.
    SettingError
        If a parameter is invalid, or ``start_from`` is of another class or has other settings.
    TrainingError
        If the loss stops being finite, also at lower learning rates.
    CheckpointError
        If the checkpoint to resume from is damaged, or belongs to another table or other settings.
    OutputError
        If the checkpoint cannot be written, or exists and is not to be resumed.

    Warns
    -----
    TrainingHealthWarning
        If something is wrong with the fit, see ``health_.diagnoses``.
    DependenceWarning
        If the rows depend on their order, so that rows held out at random calibrate too mildly, see ``order_test_``.
    """
    parameters = CheckedParameters.of(self, start_from)
    table = table_to_learn(self, X, parameters)
    rng = generator(self.random_state)
    preparation = None
    if parameters.sequences is not None:
        parameters.check_columns(table.column_names)
        preparation, raw = parameters.learned_sequences(table), table.column_names
        table = prepared_table(preparation, table).table
        check_derived_rows(table.num_rows, preparation)
        parameters = parameters.of_derived(preparation, raw, table.column_names)
    _fit_to(self, parameters.plan(table), table, rng, preparation)
    _warn(self)
    return self


def fit_batches(self: DetectorT, batches: Iterable[Any], *, start_from: DetectorT | None = None) -> DetectorT:
    """Learn from normal rows that come in batches, from a table that may be larger than memory.

    One pass over the batches draws a uniform sample of at most 400,000 rows and 256 MiB. From all other rows the pass
    records what the sample may lack: the minimum and the maximum of each column, missing values, and names. The
    network, the scales and the calibration are learned from the sample. For a table that fits into the sample, the
    model is the same as that of :meth:`fit`.

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
    TrainingHealthWarning, DependenceWarning
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
    parameters = CheckedParameters.of(self, start_from)
    rng = generator(self.random_state)
    waiting = iter(batches)
    first = list(islice(waiting, 1))
    sampling = parameters.sampling(rng)
    # only once, because a stream cannot be read again
    tables = [as_table(batch, reads=sampling.reads) for batch in first]
    for table in tables:
        parameters.check_columns(table.column_names)
    raw: Iterable[Any] = chain(tables, waiting)
    preparation = None
    if parameters.sequences is None:
        gathered = sampling.part(raw)
    else:
        if isinstance(parameters.sequences, Windows | EntityHistory):
            raise SettingError(
                "sequences in batches must be learned beforehand, as the batches are read once; give "
                "sequences.learn(some rows) as sequences"
            )
        preparation = parameters.sequences
        run = preparation.begin()
        derived = (run.feed(as_table(batch, reads=sampling.reads)).table for batch in raw)
        head = list(islice(derived, 1))
        if head:
            parameters = parameters.of_derived(preparation, tables[0].column_names, head[0].column_names)
        gathered = parameters.sampling(rng).part(chain(head, derived))
    _fit_to_sample(
        self, parameters, gathered, rng, preparation, raw=tables, is_array=not has_column_names((first or [{}])[0])
    )
    _warn(self)
    return self


def fit_sampled(self: DetectorT, table: SampledTable, *, start_from: DetectorT | None = None) -> DetectorT:
    """Learn from a sample of a table and summaries of its other rows: :meth:`fit_batches` without the pass.

    Use it if the pass is made elsewhere, for example part by part on several machines.

    Parameters
    ----------
    table
        A sample gathered with :meth:`sampling`; samples of several parts are merged.
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
    parameters = CheckedParameters.of(self, start_from)
    _refuse_sequences(parameters)
    _fit_to_sample(self, parameters, table.settled(), generator(self.random_state), is_array=False)
    _warn(self)
    return self


def sampling(self: DetectorT, *, names: Iterable[str] | None = None, start_from: DetectorT | None = None) -> Sampling:
    """Return the sampling of :meth:`fit_batches`, for a pass that is made elsewhere; see :meth:`fit_sampled`.

    Parameters
    ----------
    names
        The table's columns, if known, as text or as they are; parameters that do not fit them are refused at once.
    start_from
        As in :meth:`fit`.

    Raises
    ------
    SettingError, SchemaMismatchError
        As in :meth:`fit`.
    """
    parameters = CheckedParameters.of(self, start_from)
    _refuse_sequences(parameters)
    if names is not None:
        parameters.check_columns(names)
    # from a copy, because the fit that follows draws from the generator again
    return parameters.sampling(generator(deepcopy(self.random_state)))


def _refuse_sequences(parameters: CheckedParameters) -> None:
    if parameters.sequences is not None:
        raise SettingError(
            "sequences need all rows in order, and parts that are sampled apart have lost it; fit to the whole table"
        )


def _fit_to_sample(
    detector: Detector,
    parameters: CheckedParameters,
    table: SampledTable,
    rng: np.random.Generator,
    preparation: Preparation | None = None,
    raw: Sequence[pa.Table] = (),
    *,
    is_array: bool,
) -> None:
    take_names(detector, table.sample.rows if preparation is None else raw[0], is_array=is_array)
    if preparation is not None:
        check_derived_rows(table.sample.rows.num_rows, preparation)
    table, schema = parameters.fitting_sample(table)
    rows = table.sample.ordered
    _fit_to(detector, parameters.plan(rows, table.rest, schema), rows, rng, preparation)


def _fit_to(
    detector: Detector,
    plan: FitPlan,
    table: pa.Table,
    rng: np.random.Generator,
    preparation: Preparation | None = None,
) -> None:
    found = fit_model(plan, table, rng)
    detector.cleaning_, detector.order_test_ = found.cleaning, found.order_test
    decide_by(detector, replace(found.model, preparation=preparation))


def _warn(detector: Detector) -> None:
    """Warn at the line of the user's call; the public method that the user called must call this itself."""
    test = detector.order_test_
    if test is not None and test.finds_dependence:
        warnings.warn(DependenceWarning(test.advice), stacklevel=3)
    for diagnosis in detector.model_.network.health.diagnoses:
        if diagnosis.is_certain:
            warnings.warn(diagnosis.text, TrainingHealthWarning, stacklevel=3)

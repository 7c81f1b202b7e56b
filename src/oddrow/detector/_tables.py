"""Convert a user's table for a detector: its columns and their names, and the row labels of its index."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from oddrow.detector._detector import Detector, check_fitted
from oddrow.detector._parameters import CheckedParameters
from oddrow.exceptions import SchemaMismatchError
from oddrow.explanation import Explanation
from oddrow.table import as_table, same_names


def table_to_learn(detector: Detector, X: Any, parameters: CheckedParameters) -> pa.Table:
    """Return the training rows; the detector stores the names of their columns."""
    table = as_table(X, reads=parameters.reads)
    take_names(detector, table, is_array=not has_column_names(X))
    return table


def take_names(detector: Detector, table: pa.Table, *, is_array: bool) -> None:
    """Set ``n_features_in_`` and, if the table has column names, ``feature_names_in_``."""
    detector.n_features_in_ = table.num_columns
    if hasattr(detector, "feature_names_in_"):
        del detector.feature_names_in_
    if not is_array:
        detector.feature_names_in_ = np.asarray(table.column_names, dtype=object)


def table_to_score(detector: Detector, X: Any) -> pa.Table:
    """Return the rows to score. The public method that the user called must call this itself, for the warning's line.

    Raises
    ------
    NotFittedError
        If the detector is not fitted.
    SchemaMismatchError
        If an array has another number of columns than the training rows.

    Warns
    -----
    UserWarning
        If names of columns differ from those of the training rows by blanks or by their Unicode form.
    """
    check_fitted(detector)
    expected = detector.model_.sources
    if not has_column_names(X):
        return _array_to_score(detector, X, expected)
    table = as_table(X, reads=set(expected).__contains__)
    missing = [name for name in expected if name not in table.column_names]
    found = same_names(missing, [name for name in table.column_names if name not in expected]) if missing else {}
    if not found:
        return table
    listed = ", ".join(f"{given!r} is {name!r}" for name, given in found.items())
    warnings.warn(f"names are compared without the blanks around them: {listed}", UserWarning, stacklevel=3)
    renamed = {given: name for name, given in found.items()}
    table = as_table(X, reads={*expected, *renamed}.__contains__)
    return table.rename_columns([renamed.get(name, name) for name in table.column_names])


def _array_to_score(detector: Detector, X: Any, expected: tuple[str, ...]) -> pa.Table:
    """Return the rows of an array, with the column names of the training rows, or x0, x1, ..."""
    names = getattr(detector, "feature_names_in_", None)
    table = as_table(X, reads=set(expected).__contains__ if names is None else None)
    if table.num_columns != detector.n_features_in_:
        raise SchemaMismatchError(
            f"X has {table.num_columns} features, but {type(detector).__name__} is expecting "
            f"{detector.n_features_in_} features as input"
        )
    return table if names is None else table.rename_columns([str(name) for name in names])


def has_column_names(X: Any) -> bool:
    """Return whether a table has column names; this checks the type, because a lazy frame would resolve its plan."""
    named = ("columns", "column_names", "__arrow_c_stream__")
    if isinstance(X, list | tuple) and X and all(isinstance(row, Mapping) for row in X):
        return True
    return isinstance(X, Mapping) or any(hasattr(type(X), name) for name in named)


def with_index(explanations: tuple[Explanation, ...], X: Any) -> tuple[Explanation, ...]:
    """Return explanations of rows of X, each with the row's label in the index of X, if X is a data frame with one."""
    index = index_of(X)
    if index is None:
        return explanations
    labels = list(index)
    return tuple(replace(explanation, index=labels[explanation.row]) for explanation in explanations)


def index_of(X: Any) -> Any:
    """Return the index of a pandas data frame; None for another table (lists also have an attribute named index)."""
    return X.index if hasattr(X, "iloc") else None

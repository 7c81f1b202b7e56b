"""The simple encoding that all rival methods get: standardised numbers and one-hot names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import ColumnSchema, Kind, TableSchema

Floats: TypeAlias = npt.NDArray[np.float64]

MAX_VALUES = 64
"""Maximum number of names with a feature of their own; all other names share one more feature."""
MAX_DEVIATIONS = 1e9
"""Bound of a standardised value, so that sums of squares over columns stay exact enough to compare."""


@dataclass(frozen=True)
class _StandardisedColumn:
    """A number standardised by the training mean and standard deviation; a constant column is only centred."""

    mean: float
    deviation: float
    has_missing: bool

    @classmethod
    def learn(cls, values: Floats) -> _StandardisedColumn:
        present = values[~np.isnan(values)]
        has_missing = len(present) < len(values)
        if present.size == 0:
            return cls(0.0, 1.0, has_missing)
        if present.min() == present.max():  # the computed deviation of equal values may be 1e-17 instead of 0
            return cls(float(present[0]), 1.0, has_missing)
        largest = float(np.max(np.abs(present)))
        scaled = present / largest  # so that squares of huge values do not overflow
        deviation = max(float(np.std(scaled)) * largest, float(np.finfo(float).tiny))
        return cls(float(np.mean(scaled)) * largest, deviation, has_missing)

    def encode(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        with np.errstate(over="ignore"):
            deviations = (np.where(missing, self.mean, values) - self.mean) / self.deviation
        features = [np.clip(deviations, -MAX_DEVIATIONS, MAX_DEVIATIONS)]
        return np.column_stack([*features, missing] if self.has_missing else features)


@dataclass(frozen=True)
class _OneHotColumn:
    """A one-hot name: one feature for each frequent name, one for all others; a missing name has none."""

    frequent: tuple[str, ...]
    has_missing: bool

    @classmethod
    def learn(cls, values: pa.ChunkedArray) -> _OneHotColumn:
        counted = pc.value_counts(values.drop_null()).to_pylist()
        ordered = sorted(counted, key=lambda entry: (-entry["counts"], entry["values"]))
        return cls(tuple(entry["values"] for entry in ordered[:MAX_VALUES]), bool(values.null_count))

    def encode(self, values: pa.ChunkedArray) -> Floats:
        missing = values.is_null().to_numpy()
        other = len(self.frequent)
        place = pc.fill_null(pc.index_in(values, pa.array(self.frequent, pa.string())), other).to_numpy()
        features = np.zeros((len(missing), other + 1 + self.has_missing))
        present = np.flatnonzero(~missing)
        features[present, place[present]] = 1.0
        if self.has_missing:
            features[:, other + 1] = missing
        return features


@dataclass(frozen=True)
class PlainEncoding:
    """Encoding of a table as the matrix that all rival methods get, learned from training rows only.

    Numbers, flags and timestamps (in seconds) are standardised by the mean and the standard deviation of the training
    rows; a constant column is only centred, and a number with few values is still a number. A missing value becomes the
    training mean, with a further flag if training rows had missing values. Names and texts are one-hot: the 64 most
    frequent values have a feature each, all others share one. A counter is left out unless there is no other column, as
    oddrow's own methods do not use it either. Standardised values, infinity included, are clipped to 1e9 deviations.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"size": [1.0, 3.0, None], "zone": ["a", "b", "a"]})
    >>> PlainEncoding.learn(TableSchema.infer(table), table).encode(table)
    array([[-1.,  0.,  1.,  0.,  0.],
           [ 1.,  0.,  0.,  1.,  0.],
           [ 0.,  1.,  1.,  0.,  0.]])
    """

    schema: TableSchema
    """The encoded columns, each a number, a flag, a timestamp or a name."""
    columns: tuple[_StandardisedColumn | _OneHotColumn, ...]

    @classmethod
    def learn(cls, schema: TableSchema, training: pa.Table) -> PlainEncoding:
        """Learn from training rows.

        Raises
        ------
        SchemaMismatchError
            If the rows do not fit the schema.
        """
        used = [column for column in schema.used if column.kind is not Kind.COUNTER] or schema.used
        plain = TableSchema(tuple(_plain_kind(column, training) for column in used))
        columns: list[_StandardisedColumn | _OneHotColumn] = []
        for values in plain.values(without_infinity(training)).values():
            is_number = isinstance(values, np.ndarray)
            columns.append(_StandardisedColumn.learn(values) if is_number else _OneHotColumn.learn(values))
        return cls(plain, tuple(columns))

    def encode(self, table: pa.Table) -> Floats:
        """Encode n rows as a matrix float64 [n, d] of finite values.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or contains a value that its kind does not allow.
        """
        values: list[Any] = list(self.schema.values(without_infinity(table)).values())
        parts = [column.encode(one) for column, one in zip(self.columns, values, strict=True)]
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float64)


def _plain_kind(column: ColumnSchema, training: pa.Table) -> ColumnSchema:
    """Return the column with the kind that its stored type implies.

    A stored number is a number, unless the schema makes it a category of more than two values: only a user does that.
    """
    if column.name not in training.column_names:
        return column  # reading the values raises the error for a missing column
    values = training.column(column.name)
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        by_hand = column.kind is Kind.CATEGORY and pc.count_distinct(values).as_py() > 2
        return replace(column, kind=Kind.CATEGORY if by_hand or column.kind is Kind.TEXT else Kind.NUMBER)
    if pa.types.is_boolean(kind):
        return replace(column, kind=Kind.BOOLEAN)
    if column.kind is Kind.CONSTANT:
        return replace(column, kind=Kind.TIMESTAMP if pa.types.is_temporal(kind) else Kind.CATEGORY)
    return column


def without_infinity(table: pa.Table) -> pa.Table:
    """Replace infinities by the largest and the smallest finite float64."""
    for index, name in enumerate(table.column_names):
        column = table.column(index)
        if pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            wide = pc.cast(column, pa.float64())
            largest = float(np.finfo(float).max)
            bounded = pc.max_element_wise(
                pc.min_element_wise(wide, largest, skip_nulls=False), -largest, skip_nulls=False
            )
            table = table.set_column(index, name, bounded)
    return table

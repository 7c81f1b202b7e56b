"""The encoding that every rival method gets: standardised columns and one-hot names, nothing clever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns import ColumnSchema, Kind, TableSchema

Floats: TypeAlias = npt.NDArray[np.float64]

MOST_VALUES = 64
"""Names with a place of their own; all others, and those never seen, share one more."""
MOST_DEVIATIONS = 1e9
"""Where a standardised value ends: squares of it, summed over columns, stay exact enough to compare."""


@dataclass(frozen=True)
class _StandardisedColumn:
    """A number less its training mean, in training deviations (in its own unit where it was constant)."""

    mean: float
    deviation: float
    has_missing: bool

    @classmethod
    def learn(cls, values: Floats) -> _StandardisedColumn:
        present = values[~np.isnan(values)]
        has_missing = len(present) < len(values)
        if present.size == 0:
            return cls(0.0, 1.0, has_missing)
        if present.min() == present.max():  # and not by a deviation of 0, which rounding makes 1e-17
            return cls(float(present[0]), 1.0, has_missing)
        largest = float(np.max(np.abs(present)))
        scaled = present / largest  # squares of what is huge must not overflow
        deviation = max(float(np.std(scaled)) * largest, float(np.finfo(float).tiny))
        return cls(float(np.mean(scaled)) * largest, deviation, has_missing)

    def encode(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        with np.errstate(over="ignore"):
            deviations = (np.where(missing, self.mean, values) - self.mean) / self.deviation
        features = [np.clip(deviations, -MOST_DEVIATIONS, MOST_DEVIATIONS)]
        return np.column_stack([*features, missing] if self.has_missing else features)


@dataclass(frozen=True)
class _OneHotColumn:
    """A name: a place for each of the most frequent, one for all others; none where it is missing."""

    frequent: tuple[str, ...]
    has_missing: bool

    @classmethod
    def learn(cls, values: pa.ChunkedArray) -> _OneHotColumn:
        counted = pc.value_counts(values.drop_null()).to_pylist()
        ordered = sorted(counted, key=lambda entry: (-entry["counts"], entry["values"]))
        return cls(tuple(entry["values"] for entry in ordered[:MOST_VALUES]), bool(values.null_count))

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
    """How a table becomes the matrix that all rival methods see; learned from training rows only.

    Numbers, flags and moments (seconds) are standardised by mean and deviation of the training rows; a column that was
    constant is divided by 1, and a number of few values is still a number. What is missing is the training mean, with a
    further feature that says so where training had missing values. Names and texts are one-hot: the 64 most frequent
    values have a place each, all others share one. A counter, of which oddrow's own methods learn nothing either, is
    left out, unless there is nothing else. A standardised value ends at 1e9 deviations, infinity there too.

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
    """The used columns, each a number, a flag, a moment or a name."""
    columns: tuple[_StandardisedColumn | _OneHotColumn, ...]

    @classmethod
    def learn(cls, schema: TableSchema, training: pa.Table) -> PlainEncoding:
        """Learn from training rows.

        Raises
        ------
        SchemaMismatchError
            If the rows do not fit the schema.
        """
        telling = [column for column in schema.used if column.kind != Kind.COUNTER] or schema.used
        plain = TableSchema(tuple(_plain_kind(column, training) for column in telling))
        columns: list[_StandardisedColumn | _OneHotColumn] = []
        for values in plain.values(without_infinity(training)).values():
            is_number = isinstance(values, np.ndarray)
            columns.append(_StandardisedColumn.learn(values) if is_number else _OneHotColumn.learn(values))
        return cls(plain, tuple(columns))

    def encode(self, table: pa.Table) -> Floats:
        """float64 [n, d], finite.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or holds what its kind cannot hold.
        """
        values: list[Any] = list(self.schema.values(without_infinity(table)).values())
        parts = [column.encode(one) for column, one in zip(self.columns, values, strict=True)]
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float64)


def _plain_kind(column: ColumnSchema, training: pa.Table) -> ColumnSchema:
    """What is stored as a number is one, but for a category of more than two, which only a person makes of it."""
    if column.name not in training.column_names:
        return column  # whose absence the reading of the values tells
    values = training.column(column.name)
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        by_hand = column.kind == Kind.CATEGORY and pc.count_distinct(values).as_py() > 2
        return replace(column, kind=Kind.CATEGORY if by_hand or column.kind == Kind.TEXT else Kind.NUMBER)
    if pa.types.is_boolean(kind):
        return replace(column, kind=Kind.BOOLEAN)
    if column.kind == Kind.CONSTANT:
        return replace(column, kind=Kind.TIMESTAMP if pa.types.is_temporal(kind) else Kind.CATEGORY)
    return column


def without_infinity(table: pa.Table) -> pa.Table:
    """Infinities as the largest numbers there are."""
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

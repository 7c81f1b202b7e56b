"""The distribution of each column in the training rows, with which later rows are compared to detect drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema
from oddrow.columns._encoding import TableEncoding
from oddrow.columns._sketch import ColumnSketch, ValueCounts
from oddrow.columns._table_sketch import NOTHING_ELSE, TableSketch
from oddrow.columns.kinds import KINDS, ColumnEncoding, Values
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.exceptions import ModelFileError
from oddrow.table import Floats

REFERENCE_LEVELS = (0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1)
"""The levels of the quantiles; each quantile is a value that was observed."""
MAX_COUNTED = 100
"""Largest number of values of a column that have a count each."""
MAX_ROWS = 2**53

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnReference:
    """The distribution of one column in the training rows.

    Attributes
    ----------
    name : of the column
    n_rows, n_missing : training rows, and those without a value
    quantiles : at :data:`REFERENCE_LEVELS`: of numbers, of counters, of timestamps in seconds since 1970, or of the
        lengths of texts in characters; empty for all other kinds, and if no training row has a value
    values : at most 100 values: the most frequent names of a category, "false" and "true" for a boolean, the value
        of a constant, or the known frequent texts
    counts : rows with each of these values
    n_others : rows with any other value

    For a table larger than memory, the numbers of rows and missing values, the minimum and the maximum cover all rows.
    Other quantiles are those of the sample; so are the counts of a column with too many distinct values to keep.
    """

    name: str
    n_rows: int
    n_missing: int
    quantiles: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    n_others: int = 0

    @property
    def missing_share(self) -> float:
        """The share of the training rows without a value."""
        return self.n_missing / self.n_rows

    @cached_property
    def shares(self) -> dict[str, float]:
        """The share of each counted value among the rows that were counted."""
        total = max(sum(self.counts) + self.n_others, 1)
        return {value: count / total for value, count in zip(self.values, self.counts, strict=True)}


@dataclass(frozen=True)
class TableReference:
    """The distribution of every encoded column in the training rows, in the order of the encoding.

    Examples
    --------
    >>> from oddrow.columns import TableSchema
    >>> table = pa.table({"amount": [1.0, 2.5, 4.0, None], "zone": ["a", "a", "b", "a"]})
    >>> encoding = TableEncoding.learn(TableSchema.infer(table, {"amount": "number", "zone": "category"}), table)
    >>> amount, zone = TableReference.learn(encoding, table).columns
    >>> amount.missing_share, amount.quantiles[0], amount.quantiles[-1]
    (0.25, 1.0, 4.0)
    >>> zone.shares
    {'a': 0.75, 'b': 0.25}
    """

    columns: tuple[ColumnReference, ...]

    @classmethod
    def learn(cls, encoding: TableEncoding, table: pa.Table, rest: TableSketch = NOTHING_ELSE) -> TableReference:
        """Learn from the training rows of a table and from the sketch of those outside it."""
        values = encoding.schema.values(table)
        return cls(
            tuple(
                _column(
                    schema,
                    counted_values(schema, column),
                    values[schema.name],
                    [rest.column(source) for source in schema.reads],
                )
                for schema, column in zip(encoding.schema.used, encoding.columns, strict=True)
            )
        )

    def packed(self) -> Arrays:
        """Return the numbers as arrays; the encoding holds the names and the counted values."""
        nothing = [np.empty(0)]
        counts = [(*column.counts, column.n_others) if column.values else () for column in self.columns]
        return {
            "rows": np.array([(one.n_rows, one.n_missing) for one in self.columns], np.int64).reshape(-1, 2),
            "quantiles.starts": piece_starts(len(column.quantiles) for column in self.columns),
            "quantiles": np.concatenate([*nothing, *(np.array(column.quantiles) for column in self.columns)]),
            "counts.starts": piece_starts(map(len, counts)),
            "counts": np.array([count for own in counts for count in own], np.int64),
        }

    @classmethod
    def unpacked(cls, store: ArrayStore, encoding: TableEncoding) -> TableReference:
        """Rebuild the reference of a table with this encoding; refuse counts that exceed the number of rows."""
        n_columns = len(encoding.columns)
        rows = store.take("rows", np.int64, (n_columns, 2))
        if np.any(rows[:, 0] < 1) or np.any(rows[:, 0] > MAX_ROWS) or np.any(rows[:, 1] < 0):
            raise ModelFileError(f"{store.name_of('rows')!r} has impossible counts of rows")
        # a training value may be larger than any number that takes part in a score
        quantiles = store.take("quantiles", np.float64, (None,), is_bounded=False)
        counts = store.take("counts", np.int64, (None,))
        of_quantiles = store.take_slices("quantiles.starts", n_columns, len(quantiles), may_be_empty=True)
        of_counts = store.take_slices("counts.starts", n_columns, len(counts), may_be_empty=True)
        columns = []
        pieces = zip(encoding.schema.used, encoding.columns, rows.tolist(), of_quantiles, of_counts, strict=True)
        for schema, column, (n_rows, n_missing), levels, counted in pieces:
            known = counted_values(schema, column)
            own_levels, own_counts = quantiles[levels], counts[counted]
            if len(own_levels) not in (0, len(REFERENCE_LEVELS)) or np.any(own_levels[1:] < own_levels[:-1]):
                raise ModelFileError(f"{store.name_of('quantiles')!r} must have one ascending quantile for each level")
            if len(own_counts) != (len(known) + 1 if known else 0) or np.any(own_counts < 0):
                raise ModelFileError(
                    f"{store.name_of('counts')!r} must have one count for each known value and one for all others"
                )
            if n_missing + sum(own_counts.tolist()) > n_rows:
                raise ModelFileError(f"{store.name_of('counts')!r} counts more rows than the training had")
            *own, others = own_counts.tolist() or [0]
            columns.append(
                ColumnReference(schema.name, n_rows, n_missing, tuple(own_levels.tolist()), known, tuple(own), others)
            )
        return cls(tuple(columns))


NO_REFERENCE = TableReference(())
"""The reference before a fit: it covers no columns."""


def counted_values(schema: ColumnSchema, column: ColumnEncoding) -> tuple[str, ...]:
    """Return the values of a column that are counted one by one: the encoding holds them already."""
    return KINDS[schema.kind].counted(column)[:MAX_COUNTED]


def _column(
    schema: ColumnSchema, known: tuple[str, ...], values: Values, rest: Sequence[ColumnSketch]
) -> ColumnReference:
    kind = KINDS[schema.kind]
    further = kind.sketched(schema, rest)
    if isinstance(values, np.ndarray):
        # a kind may have several numbers per row
        missing: npt.NDArray[np.bool_] = np.asarray(np.isnan(values).reshape(len(values), -1).any(axis=1))
    else:
        missing = values.is_null().to_numpy()
    counts = _counted(values, missing, known) if known else np.zeros(0, np.int64)
    if known and further.counts is not None:
        counts = counts + _further_counts(schema, further.counts.as_texts, known)
    *own, others = counts.tolist() or [0]
    return ColumnReference(
        schema.name,
        len(missing) + further.n_rows,
        int(missing.sum()) + further.n_missing,
        _quantiles(*kind.measured(values, further)),
        known,
        tuple(own),
        others,
    )


def _quantiles(present: Floats, further_ends: Floats) -> tuple[float, ...]:
    if not len(present):
        return ()
    # observed values: interpolation fails, since the difference of two huge values is infinite
    levels = np.quantile(present, REFERENCE_LEVELS, method="inverted_cdf")
    if len(further_ends):
        levels[0], levels[-1] = min(levels[0], further_ends[0]), max(levels[-1], further_ends[-1])
    return tuple(levels.tolist())


def _counted(values: Values, missing: npt.NDArray[np.bool_], known: tuple[str, ...]) -> Counts:
    """Return the numbers of rows [k + 1] with each known value, and last with any other value."""
    if isinstance(values, np.ndarray):
        places = np.minimum(values[~missing], len(known)).astype(np.int64)
    else:
        found = pc.index_in(values.drop_null(), pa.array(known, pa.string()))
        places = pc.fill_null(found, len(known)).to_numpy()
    return np.bincount(places, minlength=len(known) + 1)


def _further_counts(schema: ColumnSchema, further: ValueCounts, known: tuple[str, ...]) -> Counts:
    """Return the same numbers for rows outside the sample, of which only the value counts are known."""
    values = KINDS[schema.kind].convert([pa.chunked_array([further.values])], schema.form)
    if isinstance(values, np.ndarray):
        is_present = ~np.isnan(values)
        places = np.minimum(np.nan_to_num(values), len(known)).astype(np.int64)
    else:
        is_present = values.is_valid().to_numpy()
        places = pc.fill_null(pc.index_in(values, pa.array(known, pa.string())), len(known)).to_numpy()
    counted = np.bincount(places[is_present], weights=further.counts[is_present], minlength=len(known) + 1)
    return counted.astype(np.int64)

"""How each column was distributed in the training rows: later rows are compared with it to see whether they drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._columns import CategoryEncoding, ConstantEncoding, OneHotEncoding
from oddrow.columns._encoding import ColumnEncoding, TableEncoding
from oddrow.columns._sketch import NOTHING_ELSE, ColumnSketch, TableSketch, ValueCounts
from oddrow.columns._text_encoding import TextEncoding
from oddrow.container import Arrays, ArrayStore, piece_starts
from oddrow.exceptions import ModelFileError
from oddrow.table import Floats, as_booleans

REFERENCE_LEVELS = (0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1)
"""The levels of the quantiles; each quantile is a value that was observed."""
MAX_COUNTED = 100
"""Values of a column that are counted one by one."""
MAX_ROWS = 2**53
FLAGS = ("false", "true")

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnReference:
    """The distribution of one column in the training rows.

    Attributes
    ----------
    name : of the column
    n_rows, n_missing : training rows, and those without a value
    quantiles : at :data:`REFERENCE_LEVELS`, of a number or a counter, of a timestamp in seconds since 1970, of the
        length of a text in characters; empty where no training row has a value, and for all other kinds
    values : the most frequent names of a category, "false" and "true" of a boolean, the value of a constant, the
        frequent texts that the encoding knows; at most 100
    counts : rows with each of these values
    n_others : rows with any other value

    Of a table larger than memory, rows, missing values and extremes are those of all rows; quantiles between the
    extremes are those of the sample, and so are counts where a column has too many distinct values to keep.
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

    @property
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
        """Learn from training rows, and from what is known of further ones."""
        values = encoding.schema.values(table)
        return cls(
            tuple(
                _column(schema, counted_values(schema, column), values[schema.name], rest.column(schema.name))
                for schema, column in zip(encoding.schema.used, encoding.columns, strict=True)
            )
        )

    def packed(self) -> Arrays:
        """Numbers alone: names and counted values are those of the encoding."""
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
        """The reference of such an encoding; no count is larger than that of the rows."""
        n_columns = len(encoding.columns)
        rows = store.take("rows", np.int64, (n_columns, 2))
        if np.any(rows[:, 0] < 1) or np.any(rows[:, 0] > MAX_ROWS) or np.any(rows[:, 1] < 0):
            raise ModelFileError(f"{store.name_of('rows')!r} has counts that no table has")
        # what training showed may be larger than any number that takes part in a score
        quantiles = store.take("quantiles", np.float64, (None,), is_bounded=False)
        counts = store.take("counts", np.int64, (None,))
        of_quantiles = store.take_slices("quantiles.starts", n_columns, len(quantiles), may_be_empty=True)
        of_counts = store.take_slices("counts.starts", n_columns, len(counts), may_be_empty=True)
        columns = []
        pieces = zip(encoding.schema.used, encoding.columns, rows.tolist(), of_quantiles, of_counts, strict=True)
        for schema, column, (n_rows, n_missing), levels, counted in pieces:
            known = counted_values(schema, column)
            own_levels, own_counts = quantiles[levels], counts[counted]
            if len(own_levels) not in (0, len(REFERENCE_LEVELS)) or np.any(np.diff(own_levels) < 0):
                raise ModelFileError(f"{store.name_of('quantiles')!r} has other quantiles than at its levels")
            if len(own_counts) != (len(known) + 1 if known else 0) or np.any(own_counts < 0):
                raise ModelFileError(f"{store.name_of('counts')!r} has other counts than of the known values")
            if n_missing + sum(own_counts.tolist()) > n_rows:
                raise ModelFileError(f"{store.name_of('counts')!r} counts more rows than there were")
            *own, others = own_counts.tolist() or [0]
            columns.append(
                ColumnReference(schema.name, n_rows, n_missing, tuple(own_levels.tolist()), known, tuple(own), others)
            )
        return cls(tuple(columns))


NO_REFERENCE = TableReference(())
"""Nothing has been learned yet."""


def counted_values(schema: ColumnSchema, column: ColumnEncoding) -> tuple[str, ...]:
    """The values of a column that are counted one by one: the encoding holds them already, the most frequent first."""
    if schema.kind is Kind.BOOLEAN:
        return FLAGS
    if isinstance(column, CategoryEncoding | ConstantEncoding | OneHotEncoding):
        return column.names[:MAX_COUNTED]
    return column.frequent[:MAX_COUNTED] if isinstance(column, TextEncoding) else ()


def _column(
    schema: ColumnSchema, known: tuple[str, ...], values: Floats | pa.ChunkedArray, rest: ColumnSketch
) -> ColumnReference:
    rest = rest.as_read(schema.kind, schema.form)
    further = rest.counts.as_texts if known and rest.counts is not None else None
    missing: npt.NDArray[np.bool_]
    if isinstance(values, np.ndarray):
        missing = np.asarray(
            np.isnan(values).reshape(len(values), -1).any(axis=1)
        )  # a kind may have several numbers a row
        quantiles: tuple[float, ...] = ()
        counts = np.zeros(0, np.int64)
        if schema.kind is Kind.BOOLEAN:
            counts = np.bincount(values[~missing].astype(np.int64), minlength=len(FLAGS) + 1)
        elif values.ndim == 1:
            quantiles = _quantiles(values[~missing], rest.range.ends)
    else:
        missing = values.is_null().to_numpy()
        quantiles = ()
        if schema.kind is Kind.TEXT:
            lengths = pc.utf8_length(values.drop_null()).to_numpy().astype(np.float64)
            quantiles = _quantiles(lengths, np.rint(np.expm1(rest.looks[0].ends)))
        counts = _counted(values, known) if known else np.zeros(0, np.int64)
    if further is not None:
        counts = counts + _further_counts(further, known, schema)
    *own, others = counts.tolist() or [0]
    n_missing = int(missing.sum()) + rest.n_missing
    return ColumnReference(schema.name, len(missing) + rest.n_rows, n_missing, quantiles, known, tuple(own), others)


def _quantiles(present: Floats, further_ends: Floats) -> tuple[float, ...]:
    if not len(present):
        return ()
    # observed values, and not means of two: the difference of two huge values is infinite
    levels = np.quantile(present, REFERENCE_LEVELS, method="inverted_cdf")
    if len(further_ends):
        levels[0], levels[-1] = min(levels[0], further_ends[0]), max(levels[-1], further_ends[-1])
    return tuple(levels.tolist())


def _counted(values: pa.ChunkedArray | pa.Array, known: tuple[str, ...]) -> Counts:
    """Rows [k + 1] with each known value, and with any other."""
    places = pc.fill_null(pc.index_in(values.drop_null(), pa.array(known, pa.string())), len(known)).to_numpy()
    return np.bincount(places, minlength=len(known) + 1)


def _further_counts(further: ValueCounts, known: tuple[str, ...], schema: ColumnSchema) -> Counts:
    """The same of rows that are known by their counts; a mark of a missing value is no value."""
    texts = pa.chunked_array([further.values])
    if schema.kind is Kind.BOOLEAN:
        flags = as_booleans(texts, schema.form)
        there, places = ~np.isnan(flags), np.nan_to_num(flags).astype(np.int64)
    else:
        present = schema.form.present(texts)
        there = present.is_valid().to_numpy()
        places = pc.fill_null(pc.index_in(present, pa.array(known, pa.string())), len(known)).to_numpy()
    counted = np.bincount(places[there], weights=further.counts[there], minlength=len(known) + 1)
    return counted.astype(np.int64)

"""Summarise a table larger than memory in one pass: a sample of its rows, and a sketch of all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._given_kinds import given_kind, is_ignored
from oddrow.columns._schema import values_of
from oddrow.columns._table_sketch import TableSketch
from oddrow.exceptions import DataError
from oddrow.table import HIGHEST, RowSample, SampleBounds, as_table, shortened


@dataclass(frozen=True, eq=False)
class SampledTable:
    """A uniform sample of a table's rows, and a sketch of all other rows.

    The sampled tables of two parts of a table can be merged. The result depends neither on how the table is divided
    into parts nor on the order in which they are merged.

    Attributes
    ----------
    sample : the rows with the lowest priorities
    rest : the sketch of all other rows
    """

    sample: RowSample
    rest: TableSketch

    @property
    def n_rows(self) -> int:
        """The number of rows of the whole table."""
        return len(self.sample.position) + self.rest.n_rows

    def merged(self, other: SampledTable) -> SampledTable:
        """Return the sampled table of both parts, which must have the same seed.

        A column without values in one part takes its type from the other part; whole numbers in one part and fractions
        in the other become floating-point numbers.

        Raises
        ------
        DataError
            If their columns differ.
        """
        one, another = self.sample, other.sample
        if one.rows.schema != another.rows.schema:
            schema = _common_schema(one.rows.schema, another.rows.schema)
            one, another = (replace(part, rows=part.rows.cast(schema, safe=False)) for part in (one, another))
        sample, left_out = one.joined(another)
        return SampledTable(sample, self.rest.merged(other.rest).extended(left_out))

    def shrunk(self, most_rows: int) -> SampledTable:
        """Return the same table with at most this many rows in the sample."""
        bounds = replace(self.sample.bounds, rows=min(most_rows, self.sample.bounds.rows))
        return replace(self, sample=replace(self.sample, bounds=bounds)).settled()

    def settled(self) -> SampledTable:
        """Return the table with the sample within its bounds, which it may exceed while rows are added."""
        sample, left_out = self.sample.settled()
        return SampledTable(sample, self.rest.extended(left_out))

    def below(self, cutoff: np.uint64) -> SampledTable:
        """Return the table with only the rows below this priority in the sample."""
        sample, left_out = self.sample.below(cutoff)
        return SampledTable(sample, self.rest.extended(left_out))


@dataclass(frozen=True)
class Sampling:
    """The settings of sampling a table, whose parts may be on different machines.

    Attributes
    ----------
    seed, kinds, bounds : as in :func:`sampled`
    names : the columns to read; None reads all except those of the kind ``"ignore"``
    n_rows : the number of rows of the whole table, or 0 if unknown; if known, a part leaves out the rows that the
        sample of the whole table will almost surely not contain
    also : columns to read even if they are ignored, because they order or group the rows
    """

    seed: int
    kinds: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] | None = None
    bounds: SampleBounds = field(default_factory=SampleBounds)
    n_rows: int = 0
    also: frozenset[str] = frozenset()

    def reads(self, name: str) -> bool:
        """Return whether a column is read."""
        if name in self.also:
            return True
        return not is_ignored(self.kinds.get(name)) if self.names is None else name in self.names

    def part(self, batches: Iterable[Any], first_row: int = 0) -> SampledTable:
        """Sample one part of the table; see :func:`sampled`."""
        cutoff = self.bounds.cutoff(self.n_rows)
        return sampled(
            batches,
            self.seed,
            kinds=self.kinds,
            reads=self.reads,
            bounds=self.bounds,
            first_row=first_row,
            cutoff=cutoff,
        )


def sampled(
    batches: Iterable[Any],
    seed: int,
    *,
    kinds: Mapping[str, str] | None = None,
    reads: Callable[[str], bool] | None = None,
    bounds: SampleBounds | None = None,
    first_row: int = 0,
    cutoff: np.uint64 = HIGHEST,
) -> SampledTable:
    """Sample a table that comes in batches, in one pass.

    Parameters
    ----------
    batches
        Record batches, or other inputs of :func:`as_table`, all with the same columns and types.
    seed
        The same seed and rows result in the same sample, however the rows are divided into batches.
    kinds
        The kinds of columns that are not judged; see :meth:`TableSchema.infer`.
    reads
        Returns whether a column of this name is read; see :func:`as_table`.
    bounds
        The bounds of the sample, by default those of :class:`SampleBounds`.
    first_row
        The position of the first row, modulo 2**64. The positions of the parts of one table must not overlap. If the
        position of a part is unknown, use a digest of the part.
    cutoff
        Rows of this priority or higher are left out of the sample; see :meth:`SampleBounds.cutoff`.

    Raises
    ------
    DataError
        If there is no batch, or if a batch has other columns than the first or a value that its kind does not allow.

    Examples
    --------
    >>> batches = [pa.record_batch({"x": [1, 2, 3]}), pa.record_batch({"x": [4, 5, 60]})]
    >>> table = sampled(batches, seed=0, bounds=SampleBounds(rows=2))
    >>> len(table.sample.ordered), table.n_rows
    (2, 6)
    """
    kinds, bounds = kinds or {}, bounds or SampleBounds()
    gathered: SampledTable | None = None
    done = 0
    for batch in batches:
        rows = as_table(batch, reads=reads)
        if gathered is not None:
            here = f"the batch from row {done:,} on"
            _check_columns(rows, gathered.sample.rows.schema, here, "those before it")
        _check_values(rows, kinds, done)
        position = np.arange(rows.num_rows, dtype=np.uint64) + np.uint64((first_row + done) % 2**64)
        part = SampledTable(RowSample.of(rows, position, seed, bounds), TableSketch(kinds)).below(cutoff)
        gathered = part if gathered is None else gathered.merged(part)
        done += rows.num_rows
    if gathered is None:
        raise DataError("there is no batch of rows to learn from; give at least one")
    return gathered.settled()


def _common_schema(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    """Return the schema to which both can be cast."""
    types = [_wider(mine.type, its.type) or _wider(its.type, mine.type) for mine, its in zip(one, other, strict=False)]
    if one.names != other.names or None in types:
        _check_columns(other.empty_table(), one, "a part of the table", "another part")
    return pa.schema(list(zip(one.names, types, strict=True)))


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the first type if it can hold the values of the other, else None."""
    is_wider = pa.types.is_floating(one) and pa.types.is_integer(other)
    return one if one == other or pa.types.is_null(other) or is_wider else None


def _check_columns(rows: pa.Table, expected: pa.Schema, here: str, there: str) -> None:
    if rows.schema.equals(expected):
        return
    if rows.column_names != expected.names:
        raise DataError(
            f"{here} has the columns {shortened(rows.column_names, 120)}, {there} "
            f"{shortened(expected.names, 120)}; give all of them the same columns in the same order"
        )
    name = next(one.name for one, other in zip(rows.schema, expected, strict=True) if one.type != other.type)
    raise DataError(
        f"{here} has the type {rows.schema.field(name).type} in column {shortened(name)}, {there} "
        f"{expected.field(name).type}; cast all of them to one type"
    )


def _check_values(rows: pa.Table, kinds: Mapping[str, str], first_row: int) -> None:
    """Refuse infinite numbers while their row numbers are known."""
    for name in rows.column_names:
        column, kind = rows.column(name), given_kind(kinds.get(name))
        if not pa.types.is_floating(column.type) or kind not in (None, Kind.NUMBER, Kind.COUNTER):
            continue
        ends = pc.min_max(column).as_py().values()
        # a column of only infinite values may be judged a constant
        if len(set(ends)) > 1 and {np.inf, -np.inf}.intersection(ends):
            try:
                values_of(ColumnSchema(name, Kind.NUMBER), [column], DataError)
            except DataError as error:
                if first_row:
                    later = DataError(f"{error} (rows are counted from row {first_row:,} on)")
                    later.row = error.row
                    raise later from error
                raise

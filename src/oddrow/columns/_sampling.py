"""One pass over a table that may be larger than memory: a sample of its rows, and a sketch of all the others."""

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
    """A uniform sample of a table's rows, and what is known of the rows that are not in it.

    Two of them, of two parts of a table, are merged into one; it does not matter how the table was cut, nor in which
    order the parts are merged.

    Attributes
    ----------
    sample : the rows of the lowest priorities
    rest : what is known of all other rows
    """

    sample: RowSample
    rest: TableSketch

    @property
    def n_rows(self) -> int:
        """Rows of the whole table."""
        return len(self.sample.position) + self.rest.n_rows

    def merged(self, other: SampledTable) -> SampledTable:
        """Of both parts, which are of one seed.

        A column that has no value in one part has the type that it has in the other; whole numbers beside others are
        numbers.

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
        """With at most so many rows in the sample."""
        bounds = replace(self.sample.bounds, rows=min(most_rows, self.sample.bounds.rows))
        return replace(self, sample=replace(self.sample, bounds=bounds)).settled()

    def settled(self) -> SampledTable:
        """With no more rows in the sample than its bounds allow; while it is gathered there may be some more."""
        sample, left_out = self.sample.settled()
        return SampledTable(sample, self.rest.extended(left_out))

    def below(self, cutoff: np.uint64) -> SampledTable:
        """With no row of this priority or a higher one in the sample."""
        sample, left_out = self.sample.below(cutoff)
        return SampledTable(sample, self.rest.extended(left_out))


@dataclass(frozen=True)
class Sampling:
    """How a table is sampled, in parts that may be far from each other.

    Attributes
    ----------
    seed, kinds, bounds : as in :func:`sampled`
    names : the columns that are read; None reads all whose kind is not given as ``"ignore"``
    n_rows : of the whole table, where that is known: a part then holds back what the whole will not keep
    """

    seed: int
    kinds: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] | None = None
    bounds: SampleBounds = field(default_factory=SampleBounds)
    n_rows: int = 0

    def reads(self, name: str) -> bool:
        """Whether a column matters."""
        return not is_ignored(self.kinds.get(name)) if self.names is None else name in self.names

    def part(self, batches: Iterable[Any], first_row: int = 0) -> SampledTable:
        """Sample one part of the table, see :func:`sampled`."""
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
        Record batches, or whatever :func:`as_table` takes, all of the same columns and types.
    seed
        The same seed and rows give the same sample, however they are cut into batches.
    kinds
        The kinds of columns that are given and not judged, see :meth:`TableSchema.infer`.
    reads
        See :func:`as_table`.
    bounds
        Of the sample; by default :class:`SampleBounds`.
    first_row
        The position of the first row. Parts of one table need positions that do not overlap; where a part does not
        know its own, a digest of it serves, as only its first 64 bits count.
    cutoff
        Rows of this priority or a higher one are left out, see :meth:`SampleBounds.cutoff`.

    Raises
    ------
    DataError
        If there is no batch, a batch has other columns than the first, or a value that its kind cannot have.

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
    """What both can be cast to."""
    types = [_wider(mine.type, its.type) or _wider(its.type, mine.type) for mine, its in zip(one, other, strict=False)]
    if one.names != other.names or None in types:
        _check_columns(other.empty_table(), one, "a part of the table", "another part")
    return pa.schema(list(zip(one.names, types, strict=True)))


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The first type, where it can hold the other's values."""
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
    """Refuse infinite numbers while it is known in which row they are."""
    for name in rows.column_names:
        column, kind = rows.column(name), given_kind(kinds.get(name))
        if not pa.types.is_floating(column.type) or kind not in (None, Kind.NUMBER, Kind.COUNTER):
            continue
        ends = pc.min_max(column).as_py().values()
        # a column that is infinite throughout may turn out to be a constant
        if len(set(ends)) > 1 and {np.inf, -np.inf}.intersection(ends):
            try:
                values_of(ColumnSchema(name, Kind.NUMBER), [column], DataError)
            except DataError as error:
                if first_row:
                    later = DataError(f"{error} (rows are counted from row {first_row:,} on)")
                    later.row = error.row
                    raise later from error
                raise

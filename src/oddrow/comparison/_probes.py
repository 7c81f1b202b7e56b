"""Probes: odd rows made from normal rows, for choosing a method when no odd row is known.

Each kind of probes breaks one property of normal rows: the dependence between columns, the range of a number, the
density of rows, the set of categories. A probe that equals a row of the table is left out, since it is not odd.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.neighbors import NearestNeighbors

from oddrow.columns import ColumnSchema, Kind, TableSchema
from oddrow.exceptions import DataError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TAIL = 0.01
"""Share of the rows in each tail of a number."""
MAX_REFERENCE_ROWS = 2_000
"""Maximum number of rows among which nearest neighbours are searched, for the scale of local noise."""


@dataclass(frozen=True)
class Probes:
    """Odd rows of one kind: a table with the columns of the normal rows, and the row that each was made from.

    ``made_from`` int [n] are numbers of normal rows.
    """

    table: pa.Table
    made_from: Integers


@dataclass(frozen=True)
class NoProbes:
    """The reason why a kind of probes cannot be made from a table."""

    why: str


class ProbeKind(Protocol):
    """A way to make odd rows; the same generator gives the same rows."""

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        """Make odd rows from ``normals.rows``, at most one from each."""
        ...


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: its values in the rows to change, and quantiles and scale of the reference rows.

    Attributes
    ----------
    place : index of the column in the table
    values : float64 [n], NaN for a missing value
    low, middle, high : the 1 %, 50 % and 99 % quantiles of the reference rows
    scale : standard deviation of the reference rows
    is_whole : whether all values of the reference rows are whole numbers
    """

    place: int
    values: Floats
    low: float
    middle: float
    high: float
    scale: float
    is_whole: bool


@dataclass(frozen=True, eq=False)
class Normals:
    """Normal rows that probes are made from.

    Attributes
    ----------
    rows : table of n rows that are changed
    reference : table with the same columns, from which quantiles, scales and nearest neighbours are taken
    schema : the kinds of the columns
    """

    rows: pa.Table
    reference: pa.Table
    schema: TableSchema

    @cached_property
    def both(self) -> pa.Table:
        """The rows to change, followed by the reference rows."""
        return pa.concat_tables([self.rows, self.reference])

    @cached_property
    def varying(self) -> tuple[ColumnSchema, ...]:
        """The used columns that have more than one value."""
        return tuple(
            column
            for column in self.schema.used
            if pc.count_distinct(self.both.column(column.name), mode="all").as_py() > 1
        )

    @cached_property
    def codes(self) -> Integers:
        """Codes int [n, n_varying]: two rows with the same value in a column, or both without one, have equal codes."""
        return _codes(self.rows, [column.name for column in self.varying])

    @cached_property
    def numbers(self) -> tuple[NumberColumn, ...]:
        """The varying columns of numbers."""
        chosen = [column for column in self.varying if self._is_number(column)]
        if not chosen:
            return ()
        schema = TableSchema(tuple(chosen))
        values, reference = schema.values(self.rows), schema.values(self.reference)
        found = [
            _number_column(self.rows.column_names.index(column.name), values[column.name], reference[column.name])
            for column in chosen
        ]
        return tuple(column for column in found if column is not None)

    def _is_number(self, column: ColumnSchema) -> bool:
        kind = self.rows.column(column.name).type
        return column.kind is Kind.NUMBER and (pa.types.is_integer(kind) or pa.types.is_floating(kind))

    @cached_property
    def neighbour_distance(self) -> Floats:
        """Distance float64 [n] to the nearest reference row, in standardised numbers; the median where it is 0."""
        schema = TableSchema(tuple(self.schema.used))
        names = [self.rows.column_names[column.place] for column in self.numbers]
        values = schema.values(self.reference.slice(0, MAX_REFERENCE_ROWS))
        reference = np.column_stack(
            [_standard(column, np.asarray(values[name])) for column, name in zip(self.numbers, names, strict=True)]
        )
        rows = np.column_stack([_standard(column, column.values) for column in self.numbers])
        distance: Floats = NearestNeighbors(n_neighbors=1).fit(reference).kneighbors(rows)[0][:, 0]
        positive = distance[distance > 0]
        usual = float(np.median(positive)) if positive.size else 0.1 * np.sqrt(len(names))
        return np.where(distance > 0, distance, usual)


def _number_column(place: int, values: Floats, reference: Floats) -> NumberColumn | None:
    present = reference[~np.isnan(reference)]
    if present.size < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        scale = float(present.std())
    if not np.isfinite(scale) or scale <= 0:
        return None  # the values are all equal, or so far apart that their variance overflows
    low, middle, high = (float(value) for value in np.quantile(present, [TAIL, 0.5, 1 - TAIL]))
    return NumberColumn(place, values, low, middle, high, scale, bool((present == np.rint(present)).all()))


def _standard(column: NumberColumn, values: Floats) -> Floats:
    standard = (values - column.middle) / column.scale
    return np.where(np.isnan(standard), 0.0, np.clip(standard, -1e6, 1e6))


def make_probes(kind: ProbeKind, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
    """Make odd rows of a kind, and leave out those that equal a normal row.

    Raises
    ------
    DataError
        If there is no normal row to make them from.
    """
    if normals.rows.num_rows == 0:
        raise DataError("there is no row to make probes from; give more rows")
    made = kind.make(normals, rng)
    if isinstance(made, NoProbes):
        return made
    names = [column.name for column in normals.schema.used]
    codes = _codes(pa.concat_tables([normals.both, made.table]), names)
    usual = {row.tobytes() for row in codes[: normals.both.num_rows]}
    new = np.array([row.tobytes() not in usual for row in codes[normals.both.num_rows :]], dtype=bool)
    if not new.any():
        return NoProbes("every changed row equals a row of the table")
    return Probes(made.table.filter(pa.array(new)), made.made_from[new])


# Changed columns ----------------------------------------------------------------------------------------------------


def changed(normals: Normals, columns: Mapping[str, Any], rows: Integers, otherwise: str) -> Probes | NoProbes:
    """Replace columns of ``normals.rows``, and return the rows numbered ``rows`` as probes.

    Without any such row the result is :class:`NoProbes`, with the reason ``otherwise``.
    """
    if len(rows) == 0:
        return NoProbes(otherwise)
    table = normals.rows
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(place), values.cast(table.schema.field(place).type))
    return Probes(table.take(pa.array(rows)), rows)


def with_numbers(column: pa.ChunkedArray, values: Floats, is_new: Flags, is_whole: bool) -> pa.ChunkedArray:
    """Replace the values of a column where ``is_new`` by numbers, clipped to the range of its type."""
    dtype = np.dtype(column.type.to_pandas_dtype())
    values = np.where(is_new, values, 0.0)
    values = np.rint(values) if is_whole else values
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        inside = np.clip(values, max(limits.min, -(2**62)), min(limits.max, 2**62))
        numbers = inside.astype(dtype)
    else:
        numbers = np.clip(values, np.finfo(dtype).min, np.finfo(dtype).max).astype(dtype)
    return pc.if_else(pa.array(is_new), pa.array(numbers, column.type), column)


def _codes(table: pa.Table, names: list[str]) -> Integers:
    """Return codes int [n, n_columns]: each distinct value of a column, the missing value included, has its own."""
    codes = np.empty((table.num_rows, len(names)), dtype=np.int64)
    for place, name in enumerate(names):
        column = table.column(name).combine_chunks()
        column = pa.chunked_array([column]).dictionary_encode(null_encoding="encode").combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        codes[:, place] = column.indices.to_numpy(zero_copy_only=False)
    return codes

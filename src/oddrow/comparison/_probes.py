"""Probes: odd rows made from normal ones in stated kinds, for choosing a method where no odd row is known.

Each kind breaks one thing that normal rows keep: how columns go together, how far a number goes, how densely rows lie,
which categories there are. A probe that equals a row of the table is no odd row and is left out.
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
"""The tail of a number begins where this share of the rows lies further out."""
MOST_REFERENCE_ROWS = 2_000
"""Rows among which the nearest neighbour is sought, for the scale of local noise."""


@dataclass(frozen=True)
class Probes:
    """Odd rows of one kind: a table of the same columns, and the normal row each was made from (int [n])."""

    table: pa.Table
    made_from: Integers


@dataclass(frozen=True)
class NoProbes:
    """Why a kind cannot be made from a table."""

    why: str


class ProbeKind(Protocol):
    """A way to make odd rows; the same generator gives the same rows."""

    def make(self, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
        """Odd rows from ``normals.rows``, at most one from each."""
        ...


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: its values in the rows to change (float64 [n], missing as NaN) and what is usual."""

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
    rows : table [n, ...], to be changed
    reference : table of the same columns; what is usual is learned from it
    schema : the kinds of the columns
    """

    rows: pa.Table
    reference: pa.Table
    schema: TableSchema

    @cached_property
    def both(self) -> pa.Table:
        """The rows, then the reference."""
        return pa.concat_tables([self.rows, self.reference])

    @cached_property
    def varying(self) -> tuple[ColumnSchema, ...]:
        """The columns that are used and hold more than one value."""
        return tuple(
            column
            for column in self.schema.used
            if pc.count_distinct(self.both.column(column.name), mode="all").as_py() > 1
        )

    @cached_property
    def codes(self) -> Integers:
        """Codes, int [n, varying]: equal where two rows have the same value (or none)."""
        return _codes(self.rows, [column.name for column in self.varying])

    @cached_property
    def numbers(self) -> tuple[NumberColumn, ...]:
        """The columns of numbers that vary."""
        chosen = [column for column in self.varying if self._is_number(column)]
        if not chosen:
            return ()
        schema = TableSchema(tuple(chosen))
        here, there = schema.values(self.rows), schema.values(self.reference)
        found = [
            _number_column(self.rows.column_names.index(column.name), here[column.name], there[column.name])
            for column in chosen
        ]
        return tuple(column for column in found if column is not None)

    def _is_number(self, column: ColumnSchema) -> bool:
        kind = self.rows.column(column.name).type
        return column.kind == Kind.NUMBER and (pa.types.is_integer(kind) or pa.types.is_floating(kind))

    @cached_property
    def neighbour_distance(self) -> Floats:
        """float64 [n]: distance to the nearest reference row in standardised numbers; where it is 0, the median."""
        schema = TableSchema(tuple(self.schema.used))
        names = [self.rows.column_names[column.place] for column in self.numbers]
        there = schema.values(self.reference.slice(0, MOST_REFERENCE_ROWS))
        near = np.column_stack(
            [_standard(column, np.asarray(there[name])) for column, name in zip(self.numbers, names, strict=True)]
        )
        here = np.column_stack([_standard(column, column.values) for column in self.numbers])
        distance: Floats = NearestNeighbors(n_neighbors=1).fit(near).kneighbors(here)[0][:, 0]
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
        return None  # its values are too far apart for arithmetic, or all the same
    low, middle, high = (float(value) for value in np.quantile(present, [TAIL, 0.5, 1 - TAIL]))
    return NumberColumn(place, values, low, middle, high, scale, bool((present == np.rint(present)).all()))


def _standard(column: NumberColumn, values: Floats) -> Floats:
    standard = (values - column.middle) / column.scale
    return np.where(np.isnan(standard), 0.0, np.clip(standard, -1e6, 1e6))


def make_probes(kind: ProbeKind, normals: Normals, rng: np.random.Generator) -> Probes | NoProbes:
    """Odd rows of a kind, without those that equal one of the normal rows.

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
    """The chosen rows of the table with some columns replaced."""
    if len(rows) == 0:
        return NoProbes(otherwise)
    table = normals.rows
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(place), values.cast(table.schema.field(place).type))
    return Probes(table.take(pa.array(rows)), rows)


def with_numbers(column: pa.ChunkedArray, values: Floats, is_new: Flags, is_whole: bool) -> pa.ChunkedArray:
    """A column with some values replaced by numbers that its type can hold."""
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
    """Codes, int [n, columns]: a number for each distinct value of a column, also for a missing one."""
    codes = np.empty((table.num_rows, len(names)), dtype=np.int64)
    for place, name in enumerate(names):
        column = table.column(name).combine_chunks()
        column = pa.chunked_array([column]).dictionary_encode(null_encoding="encode").combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        codes[:, place] = column.indices.to_numpy(zero_copy_only=False)
    return codes

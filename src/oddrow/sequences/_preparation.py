"""The protocol of a preparation: it derives the rows that a model scores from the ordered rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import TableSchema


@dataclass(frozen=True)
class SequenceState:
    """What a preparation remembers of the rows it has read: the next file continues from it.

    Attributes
    ----------
    tables : Arrow tables by name, whose columns the preparation defines
    """

    tables: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """The rows derived from one batch.

    Attributes
    ----------
    table : m derived rows, in the order of the rows at which they end
    row : int64 [m], ascending, the index in the batch of the row at which each derived row ends; a derived row uses
        this row and earlier rows of the same entity, never a later one
    """

    table: pa.Table
    row: npt.NDArray[np.int64]


class PreparationRun(Protocol):
    """One pass over the rows of a table, in batches."""

    def feed(self, batch: pa.Table) -> Prepared:
        """Derive the rows that end in the next batch.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or holds a value that its kind does not allow.
        DataError
            If the time of a row is missing, or is before that of an earlier row of its entity.
        """
        ...

    @property
    def state(self) -> SequenceState:
        """What the next pass needs to continue after the rows read so far."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the rows read so far: gaps, rows without a window, entities seen for the first time."""
        ...


class Preparation(Protocol):
    """A learned specification: frozen, stored as JSON in a model file.

    An implementation is a frozen dataclass whose fields have JSON values. The field ``kind`` is its name in a model
    file; its type is a ``Literal`` of that name, which is also its default.

    Attributes
    ----------
    time : the column of the time of a row
    entity : the column whose equal values belong to one sequence; None if all rows are one sequence
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def kind(self) -> str:
        """The name of the preparation in a model file."""
        ...

    @property
    def time(self) -> str:
        """The column of the time of a row."""
        ...

    @property
    def entity(self) -> str | None:
        """The column whose equal values belong to one sequence; None if all rows are one sequence."""
        ...

    @property
    def summary(self) -> str:
        """What is derived, in words: 'windows over the last 16 rows of each 'machine', in the order of 'at''."""
        ...

    @property
    def schema(self) -> TableSchema:
        """The raw columns that are read, and their kinds."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kinds of derived columns that need not be judged from their values, by name."""
        ...

    @property
    def max_gap(self) -> int:
        """The distance in derived rows of an entity up to which two alerts are one event."""
        ...

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that are read, without duplicates."""
        ...

    def begin(self, state: SequenceState | None = None) -> PreparationRun:
        """Begin a pass over a table; with a state, after the rows that it describes.

        Raises
        ------
        DataError
            If the state is not one of this preparation.
        """
        ...

    def unfit_rows(self, table: pa.Table) -> dict[int, str]:
        """Return the rows of a table from which nothing can be derived, counted from 0, with the reason.

        Rows that are out of order are not among them: they are an error of the whole table.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or has a type that its kind does not allow in any row.
        """
        ...

    def check(self) -> None:
        """Refuse a preparation that cannot read every table of its schema, such as a damaged one from a file.

        Raises
        ------
        SettingError
            If there is a fault; the message names it.
        """
        ...

    def keeps(self, column: str) -> bool:
        """Return whether a column of the table that is not derived is a column of the derived rows, too."""
        ...

    def derives(self, column: str) -> bool:
        """Return whether a column of the derived rows is a derived one, and not one of the table."""
        ...

    def original(self, column: str) -> str:
        """Return the original column from which a derived column is computed."""
        ...

    def words(self, column: str) -> str:
        """Return a derived column in words of the original one: 'pressure: trend over the last 16 rows'."""
        ...

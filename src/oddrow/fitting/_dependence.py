"""Rows that depend on each other: by their order in time, or because they belong to the same group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import order_values
from oddrow.exceptions import DataError, SettingError
from oddrow.table import shortened

Places = npt.NDArray[np.int64]

FILE_ORDER = "order"
"""The value of ``time`` that means the order of the rows in the table, unless a column has this name."""


@dataclass(frozen=True)
class Dependence:
    """The columns that say which rows depend on each other.

    Attributes
    ----------
    time : the column by which rows are ordered; "order" means the order of the rows in the table; None if none matters
    group : the column whose equal values form a group of dependent rows; None if there are no groups
    gap : the number of steps in time beyond which rows are independent; None estimates it from the rows
    """

    time: str | None = None
    group: str | None = None
    gap: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that are read; "order" is among them, as a table may have a column of that name."""
        return tuple(name for name in (self.time, self.group) if name is not None)

    def check_columns(self, names: Sequence[str]) -> None:
        """Refuse a table with columns of these names if it lacks one that orders or groups its rows.

        Raises
        ------
        SettingError
            If so; the message names the column.
        """
        for parameter, name in (("time", self.time), ("group", self.group)):
            is_column = name is not None and not (parameter == "time" and name == FILE_ORDER)
            if is_column and name not in names:
                named = ", ".join(shortened(other) for other in names[:8])
                raise SettingError(f"{parameter} is {name!r:.60}, which is not a column of the table; it has {named}")


@dataclass(frozen=True)
class RowOrder:
    """The position of each row in time, and its group.

    Attributes
    ----------
    position : int64 [n], from 0; rows of equal time have equal positions. None if no order matters
    group : int64 [n], the number of each row's group, from 0; None if there are no groups
    gap : as in :class:`Dependence`
    """

    position: Places | None
    group: Places | None
    gap: int | None

    @classmethod
    def of(cls, table: pa.Table, dependence: Dependence) -> RowOrder:
        """Read the order and the groups of a table's rows.

        Raises
        ------
        DataError
            If a column is missing or cannot order the rows, or if all rows belong to one group.
        """
        return cls(
            None if dependence.time is None else _positions(table, dependence.time),
            None if dependence.group is None else _groups(table, dependence.group),
            dependence.gap,
        )

    def take(self, rows: Places) -> RowOrder:
        """Return the order of the rows with these indices; positions keep their distances."""
        return RowOrder(
            None if self.position is None else self.position[rows],
            None if self.group is None else self.group[rows],
            self.gap,
        )


def checked_dependence(calibration: str, time: object, group: object, gap: object) -> Dependence | None:
    """Return the dependence of the rows; None if the calibration takes rows as independent.

    Raises
    ------
    SettingError
        If a value is invalid, or if it is given without ``calibration="blocks"``, or that without a time and a group.
    """
    for name, value in (("time", time), ("group", group)):
        if value is not None and not (isinstance(value, str) and value):
            raise SettingError(f"{name} is {value!r:.60}; give the name of a column, or None")
    if gap is not None and (not isinstance(gap, int | np.integer) or isinstance(gap, bool) or gap < 0):
        raise SettingError(f"gap is {gap!r:.60}; give a number of steps in time, 0 or more, or None to estimate it")
    if calibration != "blocks":
        for name, value in (("time", time), ("group", group), ("gap", gap)):
            if value is not None:
                raise SettingError(
                    f"{name} is {value!r:.60}, which has no effect with calibration={calibration!r}; give "
                    'calibration="blocks"'
                )
        return None
    if time is None and group is None:
        raise SettingError(
            'calibration="blocks" needs to know which rows depend on each other; give time (a column, or "order" for '
            "the order of the rows), or group (a column of customers, machines, patients, ...)"
        )
    if gap is not None and time is None:
        raise SettingError(f"gap is {gap!r}, which is a number of steps in time; give time too")
    return Dependence(
        None if time is None else str(time), None if group is None else str(group), None if gap is None else int(gap)
    )


def _positions(table: pa.Table, time: str) -> Places:
    if time == FILE_ORDER and time not in table.column_names:
        return np.arange(table.num_rows)
    return np.unique(order_values(table, time), return_inverse=True)[1].astype(np.int64)


def _groups(table: pa.Table, name: str) -> Places:
    """Return the numbers of the groups; rows without a value form one group."""
    if name not in table.column_names:
        named = ", ".join(shortened(other) for other in table.column_names[:8])
        raise DataError(f"the table has no column {shortened(name)} of groups; it has {named}")
    column = table.column(name).combine_chunks()
    encoded = column.dictionary_encode(null_encoding="encode")
    numbers = np.asarray(encoded.indices, np.int64)
    if numbers.size and numbers.max() == 0:
        raise DataError(
            f"all rows have the same value of {shortened(name)}, so no group can be held out; give another column"
        )
    return numbers

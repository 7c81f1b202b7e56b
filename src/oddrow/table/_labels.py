"""A label column tells which rows are normal, and is never a column to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError
from oddrow.table._values import as_texts


@dataclass(frozen=True)
class LabelledTable:
    """A table without its label column, the labels as text, and which rows are normal.

    Attributes
    ----------
    table : Arrow table of n rows
    labels : str [n], "" where missing
    is_normal : bool [n]
    """

    table: pa.Table
    labels: npt.NDArray[np.str_]
    is_normal: npt.NDArray[np.bool_]

    @property
    def normal_rows(self) -> pa.Table:
        """The normal rows, in their order."""
        return self.table.filter(pa.array(self.is_normal))


def split_label(table: pa.Table, label: str, normal: str) -> LabelledTable:
    """Take the label column off a table.

    Raises
    ------
    DataError
        If there is no such column, or no row has the value ``normal``.

    Examples
    --------
    >>> table = pa.table({"x": [1, 2, 3], "label": ["normal.", "smurf.", "normal."]})
    >>> split_label(table, "label", "normal.").is_normal.tolist()
    [True, False, True]
    """
    is_normal = is_normal_row(table, label, normal)
    texts = pc.fill_null(as_texts(table.column(label)), "")
    if not is_normal.any():
        found = sorted(pc.unique(texts).to_pylist())
        shown = ", ".join(repr(value) for value in found[:8]) + (", ..." if len(found) > 8 else "")
        raise DataError(f"column {label!r} never has the value {normal!r} that marks normal rows; it has {shown}")
    return LabelledTable(table.drop_columns([label]), np.asarray(texts.to_pylist(), dtype=np.str_), is_normal)


def is_normal_row(table: pa.Table, label: str, normal: str) -> npt.NDArray[np.bool_]:
    """Which rows [n] have the value ``normal`` in the label column.

    Raises
    ------
    DataError
        If there is no such column.
    """
    if label not in table.column_names:
        shown = ", ".join(repr(name) for name in table.column_names[:8])
        raise DataError(f"there is no label column {label!r}; the table has {shown}")
    texts = pc.fill_null(as_texts(table.column(label)), "")
    return np.asarray(pc.equal(texts, normal).to_numpy(), np.bool_)

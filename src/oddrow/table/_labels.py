"""The label column: it says which rows are normal, and nothing is learned from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError
from oddrow.table._located_batch import LocatedBatch, SomeRows, one_batch
from oddrow.table._names import same_names
from oddrow.table._values import as_texts

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
SHOWN = 8
"""The number of names or labels that an error shows."""


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
    """Separate a table from its label column.

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
    texts = _texts(table, label)
    if not is_normal.any():
        raise _never_normal(label, normal, pc.unique(texts).to_pylist())
    return LabelledTable(table.drop_columns([label]), np.asarray(texts.to_pylist(), dtype=np.str_), is_normal)


def is_normal_row(table: pa.Table, label: str, normal: str) -> npt.NDArray[np.bool_]:
    """The rows with the value ``normal`` in the label column, bool [n].

    Blanks around a label are ignored; ``1`` and ``1.0`` are equal.

    Raises
    ------
    DataError
        If there is no such column.
    """
    if label not in table.column_names:
        near = same_names([label], table.column_names).get(label)
        if near is not None:
            raise DataError(
                f"there is no label column {label!r}, but {near!r}, which differs in blanks; give that name"
            )
        n_further = table.num_columns - SHOWN
        shown = ", ".join(map(repr, table.column_names[:SHOWN])) + (f" and {n_further} more" if n_further > 0 else "")
        raise DataError(f"there is no label column {label!r}; the table has {shown}")
    texts = _texts(table, label)
    is_same = pc.equal(texts, normal.strip())
    if _NUMBER.fullmatch(normal.strip()):
        numbers = pc.if_else(pc.match_substring_regex(texts, f"^{_NUMBER.pattern}$"), texts, None).cast(pa.float64())
        is_same = pc.or_(is_same, pc.fill_null(pc.equal(numbers, float(normal)), False))
    if normal.strip().lower() in ("true", "false"):
        is_same = pc.or_(is_same, pc.equal(pc.utf8_lower(texts), normal.strip().lower()))
    return np.asarray(is_same.to_numpy(), np.bool_)


def normal_batches(batches: Iterable[LocatedBatch], label: str, normal: str) -> Iterator[LocatedBatch]:
    """Yield the normal rows of each batch, without the label column; each row keeps its place in the file.

    Raises
    ------
    DataError
        If there is no such column; and at the end, if no row of any batch has the value ``normal``.

    Examples
    --------
    >>> batch = pa.record_batch({"x": [1, 2, 3], "label": ["normal.", "smurf.", "normal."]})
    >>> from oddrow.table import TableRows
    >>> located = LocatedBatch(batch, TableRows("table.parquet", 0, batch))
    >>> [normal.rows.to_pydict() for normal in normal_batches([located], "label", "normal.")]
    [{'x': [1, 3]}]
    """
    has_normal = False
    found: set[str] = set()
    for located in batches:
        table = pa.Table.from_batches([located.rows])
        is_normal = is_normal_row(table, label, normal)
        has_normal = has_normal or bool(is_normal.any())
        if not has_normal and len(found) <= SHOWN:
            found.update(pc.unique(_texts(table, label)).to_pylist())
        kept = one_batch(table.filter(pa.array(is_normal)).drop_columns([label]))
        yield LocatedBatch(kept, SomeRows(located.place, np.flatnonzero(is_normal)), located.skipped)
    if not has_normal:
        raise _never_normal(label, normal, list(found))


def _texts(table: pa.Table, label: str) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(pc.fill_null(as_texts(table.column(label)), ""))


def _never_normal(label: str, normal: str, found: list[str]) -> DataError:
    shown = ", ".join(repr(value) for value in sorted(found)[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
    return DataError(f"column {label!r} never has the value {normal!r} that marks normal rows; it has {shown}")

"""Inspect a table before a fit: how each column would be treated, and which columns look suspicious."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._order_proposals import OrderProposals, order_proposals
from oddrow.columns._row_order import evenly_spread
from oddrow.columns._schema import TableSchema
from oddrow.table import ReadableTable, as_texts, python_values, shortened

N_EXAMPLES = 3
MAX_MISSING_SHARE = 0.5
"""A column with a larger share of missing values is reported."""
MIN_LABEL_ACCURACY = 0.999
"""A column whose values predict the label with at least this accuracy is reported as a leak."""


class Suspicion(StrEnum):
    """The reason why a column should be checked."""

    RUNS_ON = "runs on"
    IDENTIFIER = "identifier"
    DATES = "dates"
    STRANGE = "strange values"
    EMPTY = "empty"
    CONSTANT = "constant"
    MISSING = "mostly missing"
    INFINITE = "infinite"
    LABEL = "leaks the label"
    COPY = "duplicates another column"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class InspectedColumn:
    """One column: how it would be treated, some of its values, and a sentence for each suspicion."""

    column: ColumnSchema
    examples: tuple[str, ...]
    suspicions: Mapping[Suspicion, str]


@dataclass(frozen=True)
class Inspection:
    """The result of inspecting a table before a fit.

    Attributes
    ----------
    schema : the kinds that a fit would use
    n_rows : rows of the table
    columns : one for each column of the table, in its order
    order : columns by which rows may depend on each other
    """

    schema: TableSchema
    n_rows: int
    columns: tuple[InspectedColumn, ...]
    order: OrderProposals


def inspect_table(
    readable: ReadableTable, overrides: Mapping[str, str] | None = None, label: str | None = None
) -> Inspection:
    """Inspect every column of a table; a column that cannot be read is reported and raises no error.

    Parameters
    ----------
    readable
        The table, see :func:`oddrow.table.readable_table`.
    overrides
        The kinds of columns, as in :meth:`TableSchema.infer`.
    label
        The column that marks rows as normal or not, if there is one; columns that predict it are reported.

    Raises
    ------
    SettingError
        If an override names no column or no kind.

    Examples
    --------
    >>> from oddrow.table import readable_table
    >>> table = {"n": list(range(40)), "x": [1.5, 2.5] * 20, "y": [1.5, 2.5] * 20, "site": ["a"] * 40}
    >>> for found in inspect_table(readable_table(table)).columns:
    ...     print(found.column.name, found.column.kind, [kind.value for kind in found.suspicions])
    n counter ['runs on']
    x number []
    y number ['duplicates another column']
    site constant ['constant']
    """
    table = readable.table
    schema = TableSchema.judge(table, overrides)
    rows = pa.array(evenly_spread(table.num_rows))
    texts = {name: as_texts(table.column(name).take(rows)) for name in table.column_names}
    copies = _copies(texts)
    labels = None if label is None else texts[label]
    columns = []
    for column in schema.columns:
        name = column.reads[0]  # the first of several sources is shown
        suspicions = _suspicions(column, table.column(name))
        if name in readable.unreadable:
            suspicions = {Suspicion.UNREADABLE: readable.unreadable[name]}
        elif name in copies:
            suspicions[Suspicion.COPY] = f"{shortened(name)} has the values of {shortened(copies[name])} in every row"
        if labels is not None and name != label and _determines_label(texts[name], labels):
            suspicions[Suspicion.LABEL] = (
                f"{shortened(name)} predicts the label almost exactly: later tables may not have it"
            )
        columns.append(InspectedColumn(column, _examples(table.column(name)), suspicions))
    return Inspection(schema, table.num_rows, tuple(columns), order_proposals(schema.columns, table))


def _suspicions(column: ColumnSchema, values: pa.ChunkedArray) -> dict[Suspicion, str]:
    name, found = shortened(column.name), {}
    if column.note and (column.runs_on or "runs on" in column.why):
        found[Suspicion.RUNS_ON] = column.note
    elif column.note:
        kind = (
            Suspicion.IDENTIFIER
            if "identifier" in column.why
            else Suspicion.EMPTY
            if values.null_count == len(values)
            else Suspicion.DATES
            if column.kind == Kind.IGNORE
            else Suspicion.STRANGE
        )
        found[kind] = column.note
    if column.kind == Kind.CONSTANT and column.why != "as given":
        found[Suspicion.CONSTANT] = f"{name} never changes: {column.why}; any other value will raise the surprise"
    missing = values.null_count / max(len(values), 1)
    if MAX_MISSING_SHARE < missing < 1:
        found[Suspicion.MISSING] = f"{name} is missing in {missing:.0%} of the rows"
    if pa.types.is_floating(values.type) and column.kind != Kind.IGNORE:
        count = pc.sum(pc.is_inf(values)).as_py() or 0
        if count:
            found[Suspicion.INFINITE] = f"{name} is infinite in {count:,} rows: make these values missing before a fit"
    return found


def _examples(values: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the first distinct values as texts."""
    distinct = values.slice(0, 1_000).drop_null().unique().slice(0, N_EXAMPLES)
    shown = python_values(pa.chunked_array([distinct]))
    return tuple(value if isinstance(value, str) else str(value) for value in shown)


def _copies(texts: Mapping[str, pa.ChunkedArray]) -> dict[str, str]:
    """Return the earlier column of equal values for each duplicate; constants and empty columns are left out."""
    first: dict[int, str] = {}
    copies = {}
    for name, column in texts.items():
        if pc.count_distinct(column).as_py() < 2:
            continue
        key = hash(tuple(column.slice(0, 1_000).to_pylist()))
        if key in first and texts[first[key]].equals(column):
            copies[name] = first[key]
        first.setdefault(key, name)
    return copies


def _determines_label(values: pa.ChunkedArray, labels: pa.ChunkedArray) -> bool:
    """Return whether a column of repeated values predicts the label almost exactly."""
    codes, code_of = _codes(values), _codes(labels)
    n_values, n_labels = int(codes.max(initial=-1)) + 1, int(code_of.max(initial=-1)) + 1
    if n_labels < 2 or n_values < 2 or n_values > len(codes) / 10:
        return False
    counts = np.zeros((n_values, n_labels), np.int64)
    np.add.at(counts, (codes, code_of), 1)
    is_common = counts.sum(axis=0).max() / len(codes)
    return bool(counts.max(axis=1).sum() / len(codes) >= MIN_LABEL_ACCURACY > is_common)


def _codes(values: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    encoded = pc.fill_null(values, "").dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # a column without chunks
        return np.zeros(0, np.int64)
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)

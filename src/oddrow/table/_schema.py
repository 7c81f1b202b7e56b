"""What kind of column each one is: inferred from the training table, checked against every later one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.table._sketch import NOTHING_ELSE, ColumnSketch, TableSketch
from oddrow.table._text_form import PLAIN, TextForm
from oddrow.table._texts import n_words
from oddrow.table._values import (
    UnfitValueError,
    as_booleans,
    as_numbers,
    as_seconds,
    as_texts,
    is_timestamp_like,
    python_values,
    shortened,
)

ColumnValues = Mapping[str, "npt.NDArray[np.float64] | pa.ChunkedArray"]
"""Column name to its values in the form of their kind, see :meth:`TableSchema.values`."""

FEW_VALUES = 20
"""A string column with at most so many distinct values is a category however short the table."""


class Kind(StrEnum):
    """How a column is treated."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    CONSTANT = "constant"
    COUNTER = "counter"
    IGNORE = "ignore"


@dataclass(frozen=True)
class ColumnSchema:
    """One column: its name, its kind, and the reason for the choice in words.

    Attributes
    ----------
    form : how its values are written where they come as text
    runs_on : whether later rows have later values, as a clock or a running number has
    """

    name: str
    kind: Kind
    why: str = ""
    form: TextForm = PLAIN
    runs_on: bool = False


@dataclass(frozen=True)
class TableSchema:
    """The columns of a training table and how each is treated.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"port": [22, 80, 443], "open": [0, 1, 0], "zone": ["a", "b", "a"], "site": [7, 7, 7]})
    >>> {column.name: column.kind.value for column in TableSchema.infer(table).columns}
    {'port': 'number', 'open': 'boolean', 'zone': 'category', 'site': 'constant'}
    """

    columns: tuple[ColumnSchema, ...]

    @property
    def used(self) -> tuple[ColumnSchema, ...]:
        """The columns that are not ignored."""
        return tuple(column for column in self.columns if column.kind is not Kind.IGNORE)

    @classmethod
    def infer(
        cls, table: pa.Table, overrides: Mapping[str, str] | None = None, rest: TableSketch = NOTHING_ELSE
    ) -> TableSchema:
        """Judge each column of a training table.

        Parameters
        ----------
        table
            The training rows.
        overrides
            Column name to kind (``"number"``, ``"boolean"``, ``"category"``, ``"timestamp"``, ``"text"``,
            ``"constant"`` or ``"ignore"``); these columns are not judged.
        rest
            What is known of training rows that are not in the table: it is judged with them.

        Raises
        ------
        DataError
            If a column has no value at all, or infinite values, or no column is left.
        SettingError
            If an override names no column or no kind.
        """
        kinds = checked_kinds(overrides or {}, table.column_names)
        columns = tuple(
            ColumnSchema(name, kinds[name], "as given")
            if name in kinds
            else _judged(name, table.column(name), rest.column(name))
            for name in table.column_names
        )
        schema = cls(columns)
        if not schema.used:
            raise DataError("no column is left: every column is ignored; leave at least one to learn from")
        empty = [
            shortened(column.name)
            for column in schema.used
            if table.column(column.name).null_count + rest.column(column.name).n_missing
            == table.num_rows + rest.column(column.name).n_rows
            > 0
        ]
        if empty:
            which = f"column {empty[0]} has" if len(empty) == 1 else f"columns {', '.join(empty)} have"
            options = " ".join(f"--ignore {name}" for name in empty)
            given = ", ".join(f"{name}: 'ignore'" for name in empty)
            raise DataError(
                f"{which} no value in any row; leave {'it' if len(empty) == 1 else 'them'} out with {options} "
                f"(in Python: columns={{{given}}})"
            )
        for column in schema.used:
            values, others = table.column(column.name), rest.column(column.name)
            values_of(column, values, DataError)
            if column.kind is Kind.NUMBER and np.isinf(others.range.ends).any():
                raise DataError(f"column {shortened(column.name)} has an infinite value: {_INFINITE}")
        return schema

    def values(self, table: pa.Table) -> ColumnValues:
        """The used columns of a later table as values of their kind, by name, in the order of the schema.

        Numbers, booleans (0, 1, and 2 for neither) and timestamps (seconds since 1970) come as float64 [n] with
        NaN where missing; categories, texts and constants as Arrow strings. Columns that the schema does not
        know are left out.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or holds values that its kind cannot hold (names the row).
        """
        columns = dict(zip(table.column_names, table.columns, strict=True))
        missing = [column.name for column in self.used if column.name not in columns]
        if missing:
            raise _missing_columns(missing, table.column_names)
        return {column.name: values_of(column, columns[column.name], SchemaMismatchError) for column in self.used}

    def unfit_rows(self, table: pa.Table) -> dict[int, str]:
        """The rows, counted from 0, with a value that the kind of its column cannot hold, and why, in order.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or is of a type that its kind cannot hold in any row.
        """
        self.values(table.slice(0, 0))  # a column that is missing is no matter of rows
        unfit: dict[int, str] = {}
        for column in self.used:
            values = table.column(column.name)
            while found := _unfit(column, values):
                named = {row: f"column {shortened(column.name)} {what}" for row, what in found.items()}
                unfit = named | unfit
                keeps = np.ones(len(values), np.bool_)
                keeps[list(found)] = False
                values = pc.if_else(pa.array(keeps), values, pa.scalar(None, values.type))
        return dict(sorted(unfit.items()))

    def unknown(self, table: pa.Table) -> tuple[str, ...]:
        """The names in a later table that the schema does not know and :meth:`values` leaves out."""
        known = {column.name for column in self.columns}
        return tuple(name for name in table.column_names if name not in known)

    def to_json(self) -> str:
        """The schema as text a person can edit and give back to ``oddrow fit --columns``."""
        entries = [{"name": column.name, "kind": column.kind.value, "why": column.why} for column in self.columns]
        return json.dumps({"columns": entries}, indent=2, ensure_ascii=False) + "\n"


def column_kinds(text: str) -> dict[str, str]:
    """Column name to kind, from the text that :meth:`TableSchema.to_json` wrote (perhaps edited since).

    Raises
    ------
    SettingError
        If the text is not of that form.

    Examples
    --------
    >>> column_kinds('{"columns": [{"name": "port", "kind": "category"}]}')
    {'port': 'category'}
    """
    try:
        return {str(entry["name"]): str(entry["kind"]) for entry in json.loads(text)["columns"]}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingError(
            'the columns file is not of the form {"columns": [{"name": ..., "kind": ...}]}; '
            "make one with: oddrow inspect TABLE -o COLUMNS.json"
        ) from error


def checked_kinds(overrides: Mapping[str, str], names: Iterable[str]) -> dict[str, Kind]:
    """The kinds that are given to some of these columns.

    Raises
    ------
    SettingError
        If there is no such column, or no such kind.
    """
    known = set(names)
    kinds = {}
    for name, kind in overrides.items():
        if name not in known:
            raise SettingError(
                f"column {shortened(name)} is named as {shortened(kind)} but is not in the table, "
                f"which has {_quoted(known)}"
            )
        try:
            kinds[name] = Kind(kind)
        except ValueError as error:
            known_kinds = ", ".join(Kind)
            raise SettingError(
                f"column {shortened(name)}: {shortened(kind)} is not a kind; choose from {known_kinds}"
            ) from error
    return kinds


def _judged(name: str, column: pa.ChunkedArray, rest: ColumnSketch) -> ColumnSchema:
    """The kind of one column and why, from its values alone and what is known of others."""
    n_missing = column.null_count + rest.n_missing
    if n_missing == len(column) + rest.n_rows:
        return ColumnSchema(name, Kind.CONSTANT, "no value at all")
    distinct = pa.chunked_array([rest.distinct_with(pc.unique(column.drop_null()))])
    missing = f", {n_missing} missing" if n_missing else ""
    if len(distinct) == 1 and rest.counts is not None:
        return ColumnSchema(name, Kind.CONSTANT, f"always {shortened(python_values(distinct)[0])}{missing}")
    if pa.types.is_boolean(column.type):
        return ColumnSchema(name, Kind.BOOLEAN, f"true and false{missing}")
    if pa.types.is_temporal(column.type):
        return ColumnSchema(name, Kind.TIMESTAMP, f"{column.type}{missing}")
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return _judged_number(name, distinct, rest, missing)
    return _judged_string(name, column.drop_null(), distinct, rest, missing)


def _judged_number(name: str, distinct: pa.ChunkedArray, rest: ColumnSketch, missing: str) -> ColumnSchema:
    """Two values make a flag, three or more a quantity: a port number has an order, a flag has none."""
    if rest.counts is None:
        return ColumnSchema(name, Kind.NUMBER, f"at least {len(distinct)} distinct numbers{missing}")
    if len(distinct) > 2:
        return ColumnSchema(name, Kind.NUMBER, f"{len(distinct)} distinct numbers{missing}")
    values = sorted(distinct.to_pylist())
    if values == [0, 1]:
        return ColumnSchema(name, Kind.BOOLEAN, f"only 0 and 1{missing}")
    if all(float(value).is_integer() for value in values):
        return ColumnSchema(name, Kind.CATEGORY, f"only {values[0]} and {values[1]}: a flag, not a quantity{missing}")
    return ColumnSchema(name, Kind.NUMBER, f"2 distinct numbers{missing}")


def _judged_string(
    name: str, present: pa.ChunkedArray, distinct: pa.ChunkedArray, rest: ColumnSketch, missing: str
) -> ColumnSchema:
    rows, n = len(present) + rest.n_present, len(distinct)
    is_counted = rest.counts is not None
    if (n > FEW_VALUES or not is_counted) and rest.is_time and is_timestamp_like(distinct):
        return ColumnSchema(name, Kind.TIMESTAMP, f"every value is an ISO 8601 date or time{missing}")
    if not is_counted:  # all its names cannot be kept, and one that is not kept would be news
        return ColumnSchema(name, Kind.TEXT, f"over {rest.most} distinct values: too many for categories{missing}")
    if n > max(FEW_VALUES, rows // 2):
        return ColumnSchema(name, Kind.TEXT, f"{n} distinct values in {rows} rows: too many for categories{missing}")
    words = (n_words(present) + rest.n_words) / rows
    if words > 4 and n > max(FEW_VALUES, rows // 20):
        return ColumnSchema(name, Kind.TEXT, f"{words:.0f} words a value, {n} distinct{missing}")
    return ColumnSchema(name, Kind.CATEGORY, f"{n} distinct values{missing}")


_CONVERSIONS: Mapping[Kind, Callable[[pa.ChunkedArray], Any]] = {
    Kind.NUMBER: as_numbers,
    Kind.BOOLEAN: as_booleans,
    Kind.TIMESTAMP: as_seconds,
}


def values_of(
    column: ColumnSchema, values: pa.ChunkedArray, error: type[DataError]
) -> npt.NDArray[np.float64] | pa.ChunkedArray:
    """A column's values in the form of its kind, or an error that names the column and the row."""
    try:
        converted = _CONVERSIONS.get(column.kind, as_texts)(values)
    except (ValueError, pa.ArrowException) as problem:
        unfit = error(f"column {shortened(column.name)} {_TREATED_AS} {column.kind.value}: {problem}")
        unfit.row = int(problem.rows[0]) if isinstance(problem, UnfitValueError) else None
        raise unfit from problem
    infinite = _infinite(converted)
    if len(infinite):
        unfit = error(f"column {shortened(column.name)}, row {infinite[0]}, counted from 0: {_INFINITE}")
        unfit.row = int(infinite[0])
        raise unfit
    return converted


_TREATED_AS = "is treated as"
_INFINITE = "infinity is not a value that can be judged; make it missing or a finite number"


def _infinite(converted: npt.NDArray[np.float64] | pa.ChunkedArray) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.isinf(converted)) if isinstance(converted, np.ndarray) else np.zeros(0, np.intp)


def _unfit(column: ColumnSchema, values: pa.ChunkedArray) -> dict[int, str]:
    """Rows whose value the kind cannot hold, and why: at least the first, where there is one."""
    try:
        infinite = _infinite(_CONVERSIONS.get(column.kind, as_texts)(values))
        return dict.fromkeys(infinite.tolist(), _INFINITE)
    except UnfitValueError as problem:
        return {row: f"{_TREATED_AS} {column.kind.value}: {problem.what(row)}" for row in problem.rows.tolist()}


def _missing_columns(missing: list[str], present: list[str]) -> SchemaMismatchError:
    named = f"column {_quoted(missing)} is" if len(missing) == 1 else f"columns {_quoted(missing)} are"
    them = "it" if len(missing) == 1 else "them"
    return SchemaMismatchError(f"{named} missing: the model was trained with {them}; the table has {_quoted(present)}")


def _quoted(names: Iterable[str]) -> str:
    names = sorted(names)
    shown = ", ".join(shortened(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

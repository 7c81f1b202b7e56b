"""What kind of column each one is: inferred from the training table, checked against every later one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._given_kinds import NOTHING_GIVEN, GivenColumn, given_columns, quoted, said_kind
from oddrow.columns._judging import given_form, judged_column
from oddrow.columns._running import with_order
from oddrow.columns._sketch import NOTHING_ELSE, ColumnSketch, TableSketch
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.table import (
    PLAIN,
    TextForm,
    UnfitValueError,
    as_booleans,
    as_names,
    as_numbers,
    as_seconds,
    day_numbers,
    is_as_written,
    is_string,
    shortened,
)

ColumnValues = Mapping[str, "npt.NDArray[np.float64] | pa.ChunkedArray"]
"""Column name to its values in the form of their kind, see :meth:`TableSchema.values`."""


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
            ``"constant"``, ``"counter"`` or ``"ignore"``), perhaps with how its values are written, see
            :func:`given_columns`; these columns are not judged.
        rest
            What is known of training rows that are not in the table: it is judged with them.

        Raises
        ------
        DataError
            If a column has infinite values, or no column is left.
        SettingError
            If an override names no column or no kind.
        """
        schema = cls.judge(table, overrides, rest)
        if not schema.used:
            raise DataError(
                "no column is left: every column is ignored; leave at least one to learn from"
                + "".join(f"; {column.note}" for column in schema.columns if column.note)
            )
        for column in schema.used:
            values, others = table.column(column.name), rest.column(column.name)
            if pa.types.is_floating(values.type):
                values_of(column, values, DataError)
            if column.kind is Kind.NUMBER and np.isinf(others.range.ends).any():
                raise DataError(f"column {shortened(column.name)} has an infinite value: {_INFINITE}")
        return schema

    @classmethod
    def judge(
        cls, table: pa.Table, overrides: Mapping[str, str] | None = None, rest: TableSketch = NOTHING_ELSE
    ) -> TableSchema:
        """As :meth:`infer`, also of a table that cannot be learned from.

        Raises
        ------
        SettingError
            If an override names no column or no kind.
        """
        given = given_columns(overrides or {}, table.column_names)
        is_written = is_as_written(table.schema)
        columns = [
            _column(name, table.column(name), rest.column(name), given.get(name, NOTHING_GIVEN), is_written=is_written)
            for name in table.column_names
        ]
        return cls(with_order(columns, table, given, table.num_rows + rest.n_rows))

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

    def typed(self, table: pa.Table) -> pa.Table:
        """The table with each column of numbers, flags or times in a type of its kind, in place of text; others stay.

        Raises
        ------
        SchemaMismatchError
            As :meth:`values`.

        Examples
        --------
        >>> written = pa.table({"size": ["1,5", "2,5", "3,5"], "zone": ["a", "b", "a"]})
        >>> TableSchema.judge(written).typed(written).to_pydict()
        {'size': [1.5, 2.5, 3.5], 'zone': ['a', 'b', 'a']}
        """
        columns = {column.name: column for column in self.used}
        typed = []
        for name, values in zip(table.column_names, table.columns, strict=True):
            column = columns.get(name)
            is_text = column is not None and is_string(values.type)
            typed.append(_typed(column, values) if column is not None and is_text else values)
        return pa.Table.from_arrays(typed, names=table.column_names)

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

    def day_numbers(self, table: pa.Table, name: str) -> npt.NDArray[np.float64]:
        """As :func:`oddrow.table.day_numbers`, of a column as the schema reads it, where it knows it."""
        forms = {column.name: column.form for column in self.columns if column.kind is Kind.TIMESTAMP}
        return day_numbers(table, name, forms.get(name, PLAIN))

    def unknown(self, table: pa.Table) -> tuple[str, ...]:
        """The names in a later table that the schema does not know and :meth:`values` leaves out."""
        known = {column.name for column in self.columns}
        return tuple(name for name in table.column_names if name not in known)

    def to_json(self) -> str:
        """The schema as text a person can edit and give back to ``oddrow fit`` as the kinds of the columns."""
        entries = [{"name": column.name, "kind": said_kind(column), "why": column.why} for column in self.columns]
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


def _column(
    name: str, values: pa.ChunkedArray, rest: ColumnSketch, given: GivenColumn, *, is_written: bool
) -> ColumnSchema:
    """A column by what is said of it, or else judged."""
    if given.kind is Kind.IGNORE:
        return ColumnSchema(name, Kind.IGNORE, "as given")
    if given.kind is None:
        return judged_column(name, values, rest, is_written=is_written, given=given)
    form = given_form(given.kind, values, rest, given)
    column = ColumnSchema(name, given.kind, "as given", form, runs_on=given.runs_on or given.kind is Kind.COUNTER)
    values_of(column, values.slice(0, 0), DataError)  # refuses a type that the kind cannot hold
    return column


_CONVERSIONS: Mapping[Kind, Callable[[pa.ChunkedArray, TextForm], Any]] = {
    Kind.NUMBER: as_numbers,
    Kind.COUNTER: as_numbers,
    Kind.BOOLEAN: as_booleans,
    Kind.TIMESTAMP: as_seconds,
}


def values_of(
    column: ColumnSchema, values: pa.ChunkedArray, error: type[DataError]
) -> npt.NDArray[np.float64] | pa.ChunkedArray:
    """A column's values in the form of its kind, or an error that names the column and the row."""
    try:
        converted = _CONVERSIONS.get(column.kind, as_names)(values, column.form)
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


def _typed(column: ColumnSchema, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of a column in the Arrow type of its kind."""
    if column.kind in (Kind.NUMBER, Kind.COUNTER) or column.form.is_numeric:
        numbers = as_numbers(values, column.form)
        is_whole = bool(np.all(np.isnan(numbers) | ((numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53))))
        found = pa.chunked_array([pa.array(numbers, from_pandas=True)])
        return pc.cast(found, pa.int64()) if is_whole else found
    if column.kind is Kind.TIMESTAMP:
        seconds = as_seconds(values, column.form)
        ticks = pa.array(np.round(seconds * 1e6), from_pandas=True)
        return pc.cast(pc.cast(pa.chunked_array([ticks]), pa.int64()), pa.timestamp("us"))
    if column.kind is Kind.BOOLEAN:
        flags = as_booleans(values, column.form)
        known = np.isin(flags, (0.0, 1.0))
        if bool(np.all(known | np.isnan(flags))):
            return pa.chunked_array([pa.array(flags == 1.0, mask=~known)])
    return values


_TREATED_AS = "is treated as"
_INFINITE = "infinity is not a value that can be judged; make it missing or a finite number"


def _infinite(converted: npt.NDArray[np.float64] | pa.ChunkedArray) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.isinf(converted)) if isinstance(converted, np.ndarray) else np.zeros(0, np.intp)


def _unfit(column: ColumnSchema, values: pa.ChunkedArray) -> dict[int, str]:
    """Rows whose value the kind cannot hold, and why: at least the first, where there is one."""
    try:
        infinite = _infinite(_CONVERSIONS.get(column.kind, as_names)(values, column.form))
        return dict.fromkeys(infinite.tolist(), _INFINITE)
    except UnfitValueError as problem:
        return {row: f"{_TREATED_AS} {column.kind.value}: {problem.what(row)}" for row in problem.rows.tolist()}


def _missing_columns(missing: list[str], present: list[str]) -> SchemaMismatchError:
    named = f"column {quoted(missing)} is" if len(missing) == 1 else f"columns {quoted(missing)} are"
    them = "it" if len(missing) == 1 else "them"
    return SchemaMismatchError(f"{named} missing: the model was trained with {them}; the table has {quoted(present)}")

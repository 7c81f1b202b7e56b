"""The schema of a table: kinds of columns, inferred from training rows and checked in every later table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_facts import ColumnFacts
from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._given_column import NOTHING_GIVEN, GivenColumn
from oddrow.columns._given_kinds import given_columns, kind_text, quoted, read_by_others
from oddrow.columns._judging import judged_column
from oddrow.columns._running_columns import with_order
from oddrow.columns._table_sketch import NOTHING_ELSE, TableSketch
from oddrow.columns.kinds import KINDS, Values
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from oddrow.table import (
    PLAIN,
    UnfitValueError,
    day_numbers,
    is_as_written,
    is_string,
    python_values,
    shortened,
)

ColumnValues = Mapping[str, Values]
"""Column names with values in the form of their kind; see :meth:`TableSchema.values`."""


@dataclass(frozen=True)
class TableSchema:
    """The columns of a training table, with the kind of each.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"port": [22, 80, 443], "open": [0, 1, 0], "zone": ["a", "b", "a"], "site": [7, 7, 7]})
    >>> {column.name: column.kind for column in TableSchema.infer(table).columns}
    {'port': 'number', 'open': 'boolean', 'zone': 'category', 'site': 'constant'}
    """

    columns: tuple[ColumnSchema, ...]

    @cached_property
    def used(self) -> tuple[ColumnSchema, ...]:
        """The columns that are not ignored."""
        return tuple(column for column in self.columns if column.kind != Kind.IGNORE)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The source columns of the used columns in the table, without duplicates."""
        return tuple(dict.fromkeys(source for column in self.used for source in column.reads))

    @classmethod
    def infer(
        cls, table: pa.Table, overrides: Mapping[str, str] | None = None, rest: TableSketch = NOTHING_ELSE
    ) -> TableSchema:
        """Judge the kind of each column of a training table.

        Parameters
        ----------
        table
            The training rows.
        overrides
            Column name to kind (``"number"``, ``"boolean"``, ``"category"``, ``"timestamp"``, ``"text"``,
            ``"constant"``, ``"counter"`` or ``"ignore"``), optionally with settings for how its values are written or
            for its source columns; see :func:`given_columns`. These columns are not judged.
        rest
            A sketch of the training rows that are not in the table; the kinds are judged by all rows.

        Raises
        ------
        DataError
            If a column has infinite values, or if all columns are ignored.
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
            sources = [table.column(source) for source in column.reads]
            if any(pa.types.is_floating(values.type) for values in sources):
                values_of(column, sources, DataError)
            others = [rest.column(source) for source in column.reads]
            if column.kind == Kind.NUMBER and any(np.isinf(one.range.ends).any() for one in others):
                raise DataError(f"column {shortened(column.name)} has an infinite value: {_INFINITE}")
        return schema

    @classmethod
    def judge(
        cls, table: pa.Table, overrides: Mapping[str, str] | None = None, rest: TableSketch = NOTHING_ELSE
    ) -> TableSchema:
        """Judge the columns as :meth:`infer` does, also for a table that cannot be learned from.

        Raises
        ------
        SettingError
            If an override names no column or no kind.
        """
        given = given_columns(overrides or {}, table.column_names)
        is_written = is_as_written(table.schema)
        columns = [
            _column(name, table, rest, given.get(name, NOTHING_GIVEN), is_written=is_written)
            for name in _names_of_columns(table.column_names, given)
        ]
        return cls(with_order(columns, table, given, table.num_rows + rest.n_rows))

    def ordered_by(self, name: str) -> TableSchema:
        """Return the schema of a table whose rows are ordered by a column.

        Of a timestamp only the hour and the weekday are used. A number is ignored, because later rows have later ones.

        Raises
        ------
        DataError
            If no other column is left.
        """
        columns = tuple(_ordering(column) if name in column.reads else column for column in self.columns)
        schema = replace(self, columns=columns)
        if not schema.used:
            raise DataError(
                f"no column is left: {shortened(name)} orders the rows, and there is no other one to learn from"
            )
        return schema

    def values(self, table: pa.Table) -> ColumnValues:
        """Return the used columns of a later table as values of their kind, by name, in the order of the schema.

        Numbers, booleans (0, 1, and 2 for any other value) and timestamps (seconds since 1970) are float64 [n] with
        NaN for missing values; categories, texts and constants are Arrow strings. Columns that are not in the schema
        are left out.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or holds a value that its kind does not allow; the message names the row.
        """
        columns = dict(zip(table.column_names, table.columns, strict=True))
        missing = [source for source in self.sources if source not in columns]
        if missing:
            raise _missing_columns(missing, table.column_names)
        return {
            column.name: values_of(column, [columns[source] for source in column.reads], SchemaMismatchError)
            for column in self.used
        }

    def shown(self, table: pa.Table) -> dict[str, list[object]]:
        """Return the used columns as Python values to display; tuples for a column with several sources.

        Examples
        --------
        >>> schema = TableSchema((ColumnSchema("x", Kind.NUMBER), ColumnSchema("y", Kind.NUMBER)))
        >>> schema.shown(pa.table({"y": [1, 2], "x": [0.5, None]}))
        {'x': [0.5, None], 'y': [1, 2]}
        """
        shown: dict[str, list[object]] = {}
        for column in self.used:
            sources = [python_values(table.column(source)) for source in column.reads]
            shown[column.name] = sources[0] if len(sources) == 1 else list(map(_combined, *sources))
        return shown

    def typed(self, table: pa.Table) -> pa.Table:
        """Return the table with texts of numbers, flags or times converted to a type of their kind.

        Raises
        ------
        SchemaMismatchError
            As in :meth:`values`.

        Examples
        --------
        >>> written = pa.table({"size": ["1,5", "2,5", "3,5"], "zone": ["a", "b", "a"]})
        >>> TableSchema.judge(written).typed(written).to_pydict()
        {'size': [1.5, 2.5, 3.5], 'zone': ['a', 'b', 'a']}
        """
        columns = {column.reads[0]: column for column in self.used if len(column.reads) == 1}
        typed = []
        for name, values in zip(table.column_names, table.columns, strict=True):
            column = columns.get(name)
            is_text = is_string(values.type)
            typed.append(KINDS[column.kind].typed(values, column.form) if column is not None and is_text else values)
        return pa.Table.from_arrays(typed, names=table.column_names)

    def unfit_rows(self, table: pa.Table) -> dict[int, str]:
        """Return the rows, counted from 0 and ascending, with a value that its kind does not allow, with the reason.

        Raises
        ------
        SchemaMismatchError
            If a column is missing, or has a type that its kind does not allow in any row.
        """
        self.values(table.slice(0, 0))  # raises if a column is missing, which concerns no single row
        unfit: dict[int, str] = {}
        for column in self.used:
            sources = [table.column(source) for source in column.reads]
            while found := _unfit(column, sources):
                named = {row: f"column {shortened(column.name)} {what}" for row, what in found.items()}
                unfit = named | unfit
                keeps = np.ones(table.num_rows, np.bool_)
                keeps[list(found)] = False
                sources = [pc.if_else(pa.array(keeps), values, pa.scalar(None, values.type)) for values in sources]
        return dict(sorted(unfit.items()))

    def day_numbers(self, table: pa.Table, name: str) -> npt.NDArray[np.float64]:
        """Return :func:`oddrow.table.day_numbers` of a column, in the form of the schema if it has the column."""
        forms = {column.reads[0]: column.form for column in self.columns if column.kind == Kind.TIMESTAMP}
        return day_numbers(table, name, forms.get(name, PLAIN))

    def unknown(self, table: pa.Table) -> tuple[str, ...]:
        """Return the columns of a later table that are not in the schema; :meth:`values` leaves them out."""
        known = {source for column in self.columns for source in column.reads}
        return tuple(name for name in table.column_names if name not in known)

    def to_json(self) -> str:
        """Return the schema as a JSON text that a user can edit and pass to ``oddrow fit`` as kinds of columns."""
        entries = [{"name": column.name, "kind": kind_text(column), "why": column.why} for column in self.columns]
        return json.dumps({"columns": entries}, indent=2, ensure_ascii=False) + "\n"


def _ordering(column: ColumnSchema) -> ColumnSchema:
    if column.kind == Kind.IGNORE:
        return column
    name = shortened(column.name)
    if column.kind == Kind.TIMESTAMP:
        note = f"{name} orders the rows: the model uses its hour and its weekday, but not its position in time"
        return replace(column, runs_on=True, orders=True, note=note)
    note = f"{name} orders the rows, and is not learned from"
    return replace(column, kind=Kind.IGNORE, why="orders the rows", note=note, runs_on=False)


def column_kinds(text: str) -> dict[str, str]:
    """Return the kinds of columns by name, from a text in the form of :meth:`TableSchema.to_json`.

    Raises
    ------
    SettingError
        If the text does not have that form.

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


def _names_of_columns(names: Sequence[str], given: Mapping[str, GivenColumn]) -> list[str]:
    """Return the columns of the model in table order; a column with sources is at the place of its first source."""
    at_source: dict[str, list[str]] = {}
    for name, column in given.items():
        if column.sources:
            at_source.setdefault(column.sources[0], []).append(name)
    left_out = {*read_by_others(given), *(name for name, column in given.items() if column.sources)}
    ordered: list[str] = []
    for name in names:
        ordered += at_source.get(name, [])
        if name not in left_out:
            ordered.append(name)
    return ordered


def _column(name: str, table: pa.Table, rest: TableSketch, given: GivenColumn, *, is_written: bool) -> ColumnSchema:
    """Return a column of the given kind, or of its judged kind if none is given."""
    if given.kind == Kind.IGNORE:
        return ColumnSchema(name, Kind.IGNORE, "as given")
    facts = [
        ColumnFacts(source, table.column(source), rest.column(source), is_written, given)
        for source in given.sources or (name,)
    ]
    if given.kind is None:
        return judged_column(facts[0])
    column = replace(KINDS[given.kind].given(name, facts), sources=given.sources)
    values_of(
        column, [one.values.slice(0, 0) for one in facts], DataError
    )  # raises if the kind does not allow the type
    return column


def _combined(*values: object) -> object:
    """Return the values of several sources as a tuple; None if all are missing."""
    return None if all(value is None for value in values) else values


def values_of(column: ColumnSchema, sources: Sequence[pa.ChunkedArray], error: type[DataError]) -> Values:
    """Return a column's values in the form of its kind, or raise an error that names the column and the row."""
    try:
        converted = KINDS[column.kind].convert(sources, column.form)
    except (ValueError, pa.ArrowException) as problem:
        unfit = error(f"column {shortened(column.name)} {_TREATED_AS} {column.kind}: {problem}")
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


def _infinite(converted: Values) -> npt.NDArray[np.intp]:
    """Return the rows with an infinite number."""
    if not isinstance(converted, np.ndarray):
        return np.zeros(0, np.intp)
    is_infinite = np.isinf(converted)
    return np.flatnonzero(is_infinite if is_infinite.ndim == 1 else is_infinite.any(axis=1))


def _unfit(column: ColumnSchema, sources: Sequence[pa.ChunkedArray]) -> dict[int, str]:
    """Return rows whose value the kind does not allow, with the reason: at least the first such row."""
    try:
        infinite = _infinite(KINDS[column.kind].convert(sources, column.form))
        return dict.fromkeys(infinite.tolist(), _INFINITE)
    except UnfitValueError as problem:
        return {row: f"{_TREATED_AS} {column.kind}: {problem.what(row)}" for row in problem.rows.tolist()}


def _missing_columns(missing: list[str], present: list[str]) -> SchemaMismatchError:
    named = f"column {quoted(missing)} is" if len(missing) == 1 else f"columns {quoted(missing)} are"
    them = "it" if len(missing) == 1 else "them"
    return SchemaMismatchError(f"{named} missing: the model was trained with {them}; the table has {quoted(present)}")

"""Check that an encoding from a file can encode every table of its schema."""

from __future__ import annotations

from oddrow.columns._column_facts import MAX_ALIASES
from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._encoding import TableEncoding
from oddrow.columns._schema import TableSchema
from oddrow.columns._text_facts import AFFIXES
from oddrow.columns.kinds import KINDS
from oddrow.exceptions import SettingError
from oddrow.table import TextForm

MAX_ROWS = 2**53
"""Largest number of rows that double precision counts exactly."""


def check_encoding(encoding: TableEncoding) -> None:
    """Refuse an encoding that does not fit its schema, or that could map a finite number to one that is not finite.

    Raises
    ------
    SettingError
        If there is a fault; the message names the column and the fault.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from oddrow.columns import TableSchema
    >>> table = pa.table({"amount": [1.0, 2.0, 4.0]})
    >>> check_encoding(TableEncoding.learn(TableSchema.infer(table), table))
    >>> check_encoding(TableEncoding(TableSchema.infer(table), (), n_rows=3))
    Traceback (most recent call last):
        ...
    oddrow.exceptions.SettingError: the encoding has 0 columns, its schema uses 1
    """
    check_schema(encoding.schema)
    used = encoding.schema.used
    if len(encoding.columns) != len(used) or not used:
        raise SettingError(f"the encoding has {len(encoding.columns):,} columns, its schema uses {len(used):,}")
    if not 1 <= encoding.n_rows <= MAX_ROWS:
        raise SettingError(f"the encoding was learned from {encoding.n_rows} rows; it must be 1 to {MAX_ROWS:,}")
    for schema, one in zip(used, encoding.columns, strict=True):
        if not encoding.encodes(schema, one):
            raise SettingError(f"column {schema.name!r} is a {schema.kind}, but encoded as {one.kind}")
        problem = one.check(encoding.n_rows)
        if problem:
            raise SettingError(f"column {schema.name!r}: {problem}")


def check_schema(schema: TableSchema) -> None:
    """Refuse a schema by which no table can be read.

    Raises
    ------
    SettingError
        If a kind is not known, a name occurs twice, or a form of values cannot be read.

    Examples
    --------
    >>> from oddrow.columns import ColumnSchema, TableSchema
    >>> check_schema(TableSchema((ColumnSchema("x", "number"), ColumnSchema("x", "number"))))
    Traceback (most recent call last):
        ...
    oddrow.exceptions.SettingError: two columns of the schema have the same name
    """
    for column in schema.columns:
        _check_kind(column)
    names = [column.name for column in schema.columns]
    if len(set(names)) != len(names):
        raise SettingError("two columns of the schema have the same name")
    for column in schema.used:
        problem = _problem_of_form(column.form)
        if problem:
            raise SettingError(f"column {column.name!r}: {problem}")


def _check_kind(column: ColumnSchema) -> None:
    """Refuse a kind that is not registered, or whose number of source columns is wrong."""
    if column.kind == Kind.IGNORE:
        return
    if column.kind not in KINDS:
        known = ", ".join(KINDS)
        raise SettingError(f"column {column.name!r} is a {column.kind!r}, which is not a known kind; known are {known}")
    n_sources = KINDS[column.kind].n_sources
    if len(set(column.reads)) != len(column.reads) or len(column.reads) != n_sources:
        raise SettingError(
            f"column {column.name!r} names {len(column.reads)} source columns; the kind {column.kind} "
            f"needs {n_sources} different ones"
        )


def _problem_of_form(form: TextForm) -> str:
    """Return the fault of a form of values; "" if there is none."""
    if form.decimal not in (".", ",") or form.thousands not in ("", ".", ",", " ", "'"):
        return "its decimal or thousands sign is unknown"
    if form.decimal == form.thousands:
        return "its decimal and thousands signs are the same"
    unknown = set(form.affixes) - set(AFFIXES)
    if unknown:
        return f"{min(unknown)!r} is not a known prefix or suffix of numbers"
    if max(len(form.missing), len(form.aliases)) > MAX_ALIASES:
        return f"it has more than {MAX_ALIASES:,} marks of missing values, or ways to write a name"
    return ""

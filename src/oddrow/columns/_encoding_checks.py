"""Whether an encoding that came from elsewhere can encode every table of its schema."""

from __future__ import annotations

from oddrow.columns._column_facts import MAX_ALIASES
from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._encoding import TableEncoding
from oddrow.columns._text_facts import AFFIXES
from oddrow.columns.kinds import KINDS
from oddrow.exceptions import SettingError
from oddrow.table import TextForm

MAX_ROWS = 2**53
"""Rows counted exactly in double precision."""


def check_encoding(encoding: TableEncoding) -> None:
    """Refuse an encoding that does not fit its own schema, or could make what is not finite of a finite number.

    Raises
    ------
    SettingError
        Names the column and what is wrong with it.

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
    for column in encoding.schema.columns:
        _check_kind(column)
    used = encoding.schema.used
    names = [column.name for column in encoding.schema.columns]
    if len(set(names)) != len(names):
        raise SettingError("the schema has two columns of one name")
    if len(encoding.columns) != len(used) or not used:
        raise SettingError(f"the encoding has {len(encoding.columns):,} columns, its schema uses {len(used):,}")
    if not 1 <= encoding.n_rows <= MAX_ROWS:
        raise SettingError(f"the encoding was learned from {encoding.n_rows} rows")
    for schema, one in zip(used, encoding.columns, strict=True):
        if not encoding.encodes(schema, one):
            raise SettingError(f"column {schema.name!r} is a {schema.kind}, but encoded as {one.kind}")
        problem = _problem_of_form(schema.form) or one.check(encoding.n_rows)
        if problem:
            raise SettingError(f"column {schema.name!r}: {problem}")


def _check_kind(column: ColumnSchema) -> None:
    """Refuse a kind that is not registered, or that reads another number of table columns."""
    if column.kind == Kind.IGNORE:
        return
    if column.kind not in KINDS:
        known = ", ".join(KINDS)
        raise SettingError(f"column {column.name!r} is a {column.kind!r}, which is no known kind; known are {known}")
    n_sources = KINDS[column.kind].n_sources
    if len(set(column.reads)) != len(column.reads) or len(column.reads) != n_sources:
        raise SettingError(
            f"column {column.name!r} reads {len(column.reads)} table columns, and the kind {column.kind} "
            f"reads {n_sources} that differ"
        )


def _problem_of_form(form: TextForm) -> str:
    """What is wrong with how values are said to be written; "" where nothing is."""
    if form.decimal not in (".", ",") or form.thousands not in ("", ".", ",", " ", "'"):
        return "its numbers are written with unknown signs"
    if form.decimal == form.thousands:
        return "its numbers have one sign for two things"
    unknown = set(form.affixes) - set(AFFIXES)
    if unknown:
        return f"{min(unknown)!r} is no sign that stands beside numbers"
    if max(len(form.missing), len(form.aliases)) > MAX_ALIASES:
        return "it has too many marks of missing values, or too many ways to write a name"
    return ""

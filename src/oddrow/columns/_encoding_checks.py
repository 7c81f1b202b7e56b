"""Whether an encoding that came from elsewhere can encode every table of its schema."""

from __future__ import annotations

import numpy as np

from oddrow.columns._columns import CategoryEncoding, NumberEncoding, OneHotEncoding, RangeEncoding, TimestampEncoding
from oddrow.columns._encoding import ColumnEncoding, TableEncoding
from oddrow.columns._judging import MAX_ALIASES
from oddrow.columns._running_encodings import ClockEncoding, CounterEncoding
from oddrow.columns._scaling import Scaling
from oddrow.columns._text_encoding import TextEncoding
from oddrow.columns._text_evidence import AFFIXES
from oddrow.exceptions import SettingError
from oddrow.table import TextForm

MOST_ROWS = 2**53
"""Rows counted exactly in double precision."""
MOST_STANDARDISED = 1e6
"""Bound of what a scaling may make of its training rows: learned ones stay below 3e4 (asinh over the least spread)."""


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
    used = encoding.schema.used
    names = [column.name for column in encoding.schema.columns]
    if len(set(names)) != len(names):
        raise SettingError("the schema has two columns of one name")
    if len(encoding.columns) != len(used) or not used:
        raise SettingError(f"the encoding has {len(encoding.columns):,} columns, its schema uses {len(used):,}")
    if not 1 <= encoding.n_rows <= MOST_ROWS:
        raise SettingError(f"the encoding was learned from {encoding.n_rows} rows")
    for schema, column in zip(used, encoding.columns, strict=True):
        if not encoding.encodes(schema, column):
            raise SettingError(f"column {schema.name!r} is a {schema.kind.value}, but encoded as {column.kind}")
        problem = _problem_of_form(schema.form) or _problem(column, encoding.n_rows)
        if problem:
            raise SettingError(f"column {schema.name!r}: {problem}")


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


def _problem(column: ColumnEncoding, n_rows: int) -> str:
    """What is wrong with the encoding of one column; "" where nothing is."""
    match column:
        case NumberEncoding() | TimestampEncoding():
            return "" if _is_sound(column.scaling) else "its scaling is not finite, positive and in order"
        case TextEncoding():
            scalings = (column.length, *column.shares)
            if len(column.shares) != TextEncoding.n_shares:
                return f"a text has {TextEncoding.n_shares} shares of letters, not {len(column.shares)}"
            if not all(map(_is_sound, scalings)):
                return "its scaling is not finite, positive and in order"
            return _problem_of_patterns(column, n_rows)
        case RangeEncoding() | CounterEncoding() | ClockEncoding():
            is_range = np.isfinite([column.low, column.high]).all() and column.low <= column.high
            return "" if is_range else "its range is not finite and in order"
        case CategoryEncoding():
            known = (*column.frequent, *column.rare)
            if not 0 <= column.seen_once <= n_rows:
                return f"{column.seen_once} categories cannot have been seen once in {n_rows:,} rows"
            return "" if len(set(known)) == len(known) else "it has one category twice"
        case OneHotEncoding():
            return "" if len(set(column.categories)) == len(column.categories) else "it has one category twice"
    return ""


def _problem_of_patterns(column: TextEncoding, n_rows: int) -> str:
    """What is wrong with the known texts, templates and shapes; "" where nothing is."""
    named = {
        "known text": column.frequent,
        "template": column.templates + column.rare_templates + column.lone_templates,
        "shape": column.shapes + column.rare_shapes,
    }
    for what, names in named.items():
        if len(set(names)) != len(names):
            return f"it has one {what} twice"
    for what, once in (("templates", column.templates_once), ("shapes", column.shapes_once)):
        if once is not None and not 0 <= once <= n_rows:
            return f"{once} {what} cannot have been seen once in {n_rows:,} rows"
    return ""


def _is_sound(scaling: Scaling) -> bool:
    """Whether every finite value becomes a finite feature, and every finite feature a finite value."""
    bounded = (scaling.mean, scaling.deviation, scaling.low, scaling.high)
    return bool(
        np.isfinite([scaling.center, scaling.scale]).all()
        and scaling.scale >= np.finfo(float).tiny
        and scaling.deviation >= 1 / MOST_STANDARDISED
        and all(abs(number) <= MOST_STANDARDISED for number in bounded)
        and scaling.low <= scaling.high
    )

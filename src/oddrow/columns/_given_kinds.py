"""What a user says of columns: their kinds, and how their values are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns._given_column import NOTHING_GIVEN, GivenColumn
from oddrow.columns.kinds import KINDS
from oddrow.exceptions import SettingError
from oddrow.table import DateForm, shortened

ALL_COLUMNS = "*"
"""The name under which something is said of every column that is not named itself."""
AUTO = "auto"
"""In place of a kind: the column is judged, and used even where it looks like an identifier or runs on."""

RUNS_ON = "runs on"
"""The setting of a column of times that later rows have later values."""
SOURCE = "source"
"""The setting that names a table column from which a column of the model takes its values."""
_DATE_FORMS: Mapping[str, DateForm] = {form: form for form in get_args(DateForm)} | {"iso": ""}
_WORDS = {"comma": ",", "point": ".", "blank": " ", "none": ""}


def given_columns(overrides: Mapping[str, str], names: Iterable[str]) -> dict[str, GivenColumn]:
    """What is said of the columns of a table, from a text for each: a kind, and after it how values are written.

    The text is a kind, ``auto``, or nothing where the column is judged, and behind semicolons ``decimal=,``,
    ``thousands=.``, ``dates=dmy``, ``runs on``, or ``missing=MARK`` (as often as needed). The name ``*`` stands for all
    columns that are not named. With ``source=NAME``, once for each table column, a column of the model takes its
    values from columns of other names; these are then no columns of their own, unless a kind is given for them.

    Raises
    ------
    SettingError
        If there is no such column, kind or form, or a kind is given more or fewer sources than it reads.

    Examples
    --------
    >>> given_columns({"day": "timestamp; dates=dmy"}, ["day", "size"])["day"].dates
    'dmy'
    """
    known = list(names)
    given = {name: _given(name, text) for name, text in overrides.items()}
    for name, said in given.items():
        _check_sources(name, overrides[name], said, known)
    common = given.pop(ALL_COLUMNS, None)
    if common is not None:
        read = set(read_by_others(given))
        own = [name for name in known if name not in read]
        given |= {name: _with_common(given.get(name, NOTHING_GIVEN), common) for name in own}
    return given


def read_by_others(given: Mapping[str, GivenColumn]) -> tuple[str, ...]:
    """The table columns that are sources of a column of the model, and are no columns of their own."""
    sources = (source for said in given.values() for source in said.sources)
    return tuple(name for name in sources if name not in given)


def _check_sources(name: str, text: str, said: GivenColumn, known: Sequence[str]) -> None:
    if name != ALL_COLUMNS and name not in known and not said.sources:
        raise SettingError(
            f"column {shortened(name)} is named as {shortened(text)} but is not in the table, which has {quoted(known)}"
        )
    missing = [source for source in said.sources if source not in known]
    if missing:
        raise SettingError(
            f"{_named(name)}: its source {shortened(missing[0])} is not in the table, which has {quoted(known)}"
        )
    if len(set(said.sources)) != len(said.sources):
        raise SettingError(f"{_named(name)}: one source is named twice; name each table column once")
    if said.kind in (None, Kind.IGNORE):
        if said.sources:
            raise SettingError(f"{_named(name)}: sources are named without a kind; give the kind that reads them")
        return
    n_sources = KINDS[said.kind].n_sources
    if max(len(said.sources), 1) != n_sources:
        raise SettingError(
            f"{_named(name)}: the kind {said.kind} reads {n_sources} table column{'s' * (n_sources != 1)}, and "
            f"{len(said.sources)} are named; name each with {SOURCE}=NAME"
        )


def checked_kinds(overrides: Mapping[str, str], names: Iterable[str]) -> dict[str, GivenColumn]:
    """As :func:`given_columns`, for who asks whether all of it has a meaning."""
    return given_columns(overrides, names)


def is_ignored(text: str | None) -> bool:
    """Whether what is said of a column leaves it out."""
    return text is not None and text.partition(";")[0].strip() == Kind.IGNORE


def given_kind(text: str | None) -> str | None:
    """The kind in what is said of a column; None where it is to be judged."""
    kind = None if text is None else text.partition(";")[0].strip()
    return None if kind in (AUTO, "") else kind


def _with_common(given: GivenColumn, common: GivenColumn) -> GivenColumn:
    # a sign that the column has for one purpose is not taken from all columns for the other
    decimal = None if common.decimal == given.thousands else common.decimal
    thousands = None if common.thousands == given.decimal else common.thousands
    return GivenColumn(
        given.kind or common.kind,
        given.is_kept or common.is_kept,
        decimal if given.decimal is None else given.decimal,
        thousands if given.thousands is None else given.thousands,
        common.dates if given.dates is None else given.dates,
        (*given.missing, *common.missing),
        given.runs_on or common.runs_on,
        given.sources,
    )


def _given(name: str, text: str) -> GivenColumn:
    kind, *settings = str(text).split(";")
    found = GivenColumn(_kind(name, kind.strip()), is_kept=kind.strip() == AUTO)
    for setting in settings:
        key, sign, value = setting.strip().partition("=")
        if setting.strip() == RUNS_ON:
            found = replace(found, runs_on=True)
        elif key == "missing" and sign:
            found = replace(found, missing=(*found.missing, value))
        elif key == SOURCE and sign:
            found = replace(found, sources=(*found.sources, value))
        elif key == "decimal" and sign:
            found = replace(found, decimal=_sign(name, key, value))
        elif key == "thousands" and sign:
            found = replace(found, thousands=_sign(name, key, value))
        elif key == "dates" and value in _DATE_FORMS:
            found = replace(found, dates=_DATE_FORMS[value])
        else:
            forms = ", ".join(form for form in get_args(DateForm) if form)
            raise SettingError(
                f"{_named(name)}: {shortened(setting.strip())} is no setting; choose from decimal=SIGN, "
                f"thousands=SIGN, missing=MARK, {RUNS_ON}, {SOURCE}=NAME, and dates= one of iso, {forms}"
            )
    if found.decimal is not None and found.decimal == found.thousands:
        raise SettingError(
            f"{_named(name)}: decimal={found.decimal} and thousands={found.thousands} are the same sign; "
            "give two that differ"
        )
    return found


def _named(name: str) -> str:
    return "all columns" if name == ALL_COLUMNS else f"column {shortened(name)}"


def _sign(name: str, key: str, value: str) -> str:
    sign = _WORDS.get(value, value)
    if sign not in ((".", ",") if key == "decimal" else ("", ".", ",", " ", "'")):
        raise SettingError(f"{_named(name)}: {key}={value!r} is no sign that numbers are written with")
    return sign


def _kind(name: str, text: str) -> str | None:
    if text in (AUTO, ""):
        return None
    if text not in KINDS and text != Kind.IGNORE:
        known = ", ".join((*KINDS, Kind.IGNORE, AUTO))
        raise SettingError(f"{_named(name)}: {shortened(text)} is not a kind; choose from {known}")
    return text


def said_kind(column: ColumnSchema) -> str:
    """The text that says the kind and the form of a column, as :func:`given_columns` reads it.

    Examples
    --------
    >>> from oddrow.table import TextForm
    >>> said_kind(ColumnSchema("price", Kind.NUMBER, form=TextForm(decimal=",", thousands=".")))
    'number; decimal=,; thousands=.'
    """
    form, parts = column.form, [column.kind]
    if column.kind != Kind.IGNORE:
        parts += [f"decimal={form.decimal}"] * (form.decimal != ".")
        parts += [f"thousands={form.thousands.replace(' ', 'blank')}"] * bool(form.thousands)
        parts += [f"dates={form.dates}"] * bool(form.dates)
        parts += [f"missing={mark}" for mark in form.missing]
        parts += [RUNS_ON] * (column.runs_on and column.kind == Kind.TIMESTAMP)
        parts += [f"{SOURCE}={name}" for name in column.sources]
    return "; ".join(parts)


def quoted(names: Iterable[str]) -> str:
    """Some names for an error."""
    names = sorted(names)
    shown = ", ".join(shortened(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

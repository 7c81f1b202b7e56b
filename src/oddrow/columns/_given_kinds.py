"""Parse the user's settings for columns: their kinds, and how their values are written."""

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
"""The name whose settings apply to every column that is not named itself."""
AUTO = "auto"
"""Used instead of a kind: the column is judged, and used even if it looks like an identifier or runs on."""

RUNS_ON = "runs on"
"""The setting for a column of times whose later rows have later values."""
SOURCE = "source"
"""The setting that names a source column, in the table, of a column of the model."""
_DATE_FORMS: Mapping[str, DateForm] = {form: form for form in get_args(DateForm)} | {"iso": ""}
_WORDS = {"comma": ",", "point": ".", "blank": " ", "none": ""}


def given_columns(overrides: Mapping[str, str], names: Iterable[str]) -> dict[str, GivenColumn]:
    """Parse the settings of the columns of a table: one text for each named column.

    A text is a kind, ``auto``, or empty if the column is judged, followed by settings after semicolons: ``decimal=,``,
    ``thousands=.``, ``dates=dmy``, ``runs on``, or ``missing=MARK``, which may be repeated. The name ``*`` stands for
    all columns that are not named. ``source=NAME``, once for each source, takes the values of a column of the model
    from table columns of other names. These are not columns of the model themselves unless a kind is given for them.

    Raises
    ------
    SettingError
        If the table has no such column, if a kind or a setting is unknown, or if the number of sources is wrong.

    Examples
    --------
    >>> given_columns({"day": "timestamp; dates=dmy"}, ["day", "size"])["day"].dates
    'dmy'
    """
    known = list(names)
    given = {name: _given(name, text) for name, text in overrides.items()}
    for name, column in given.items():
        _check_sources(name, overrides[name], column, known)
    common = given.pop(ALL_COLUMNS, None)
    if common is not None:
        read = set(read_by_others(given))
        own = [name for name in known if name not in read]
        given |= {name: _with_common(given.get(name, NOTHING_GIVEN), common) for name in own}
    return given


def read_by_others(given: Mapping[str, GivenColumn]) -> tuple[str, ...]:
    """Return the table columns that are sources of a column of the model and not columns of the model themselves."""
    sources = (source for column in given.values() for source in column.sources)
    return tuple(name for name in sources if name not in given)


def _check_sources(name: str, text: str, column: GivenColumn, known: Sequence[str]) -> None:
    if name != ALL_COLUMNS and name not in known and not column.sources:
        raise SettingError(
            f"column {shortened(name)} is named as {shortened(text)} but is not in the table, which has {quoted(known)}"
        )
    missing = [source for source in column.sources if source not in known]
    if missing:
        raise SettingError(
            f"{_named(name)}: its source {shortened(missing[0])} is not in the table, which has {quoted(known)}"
        )
    if len(set(column.sources)) != len(column.sources):
        raise SettingError(f"{_named(name)}: one source is named twice; name each table column once")
    if column.kind in (None, Kind.IGNORE):
        if column.sources:
            raise SettingError(f"{_named(name)}: sources are named without a kind; give the kind that reads them")
        return
    n_sources = KINDS[column.kind].n_sources
    if max(len(column.sources), 1) != n_sources:
        raise SettingError(
            f"{_named(name)}: the kind {column.kind} reads {n_sources} table column{'s' * (n_sources != 1)}, and "
            f"{len(column.sources)} are named; name each with {SOURCE}=NAME"
        )


def checked_kinds(overrides: Mapping[str, str], names: Iterable[str]) -> dict[str, GivenColumn]:
    """Return the parsed settings, and raise the errors of :func:`given_columns`."""
    return given_columns(overrides, names)


def given_sources(name: str, text: str) -> tuple[str, ...]:
    """Return the table columns that the setting of a column names as its sources; () if it names none."""
    return _given(name, text).sources


def is_ignored(text: str | None) -> bool:
    """Return whether the setting of a column leaves it out."""
    return text is not None and text.partition(";")[0].strip() == Kind.IGNORE


def given_kind(text: str | None) -> str | None:
    """Return the kind in the setting of a column; None if it is to be judged."""
    kind = None if text is None else text.partition(";")[0].strip()
    return None if kind in (AUTO, "") else kind


def _with_common(given: GivenColumn, common: GivenColumn) -> GivenColumn:
    # a common sign does not apply to a column that uses the same sign for the other purpose
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


def kind_text(column: ColumnSchema) -> str:
    """Return the kind and the form of a column as a text that :func:`given_columns` parses.

    Examples
    --------
    >>> from oddrow.table import TextForm
    >>> kind_text(ColumnSchema("price", Kind.NUMBER, form=TextForm(decimal=",", thousands=".")))
    'number; decimal=,; thousands=.'
    """
    form, settings = column.form, [column.kind]
    if column.kind != Kind.IGNORE:
        settings += [f"decimal={form.decimal}"] * (form.decimal != ".")
        settings += [f"thousands={form.thousands.replace(' ', 'blank')}"] * bool(form.thousands)
        settings += [f"dates={form.dates}"] * bool(form.dates)
        settings += [f"missing={mark}" for mark in form.missing]
        settings += [RUNS_ON] * (column.runs_on and column.kind == Kind.TIMESTAMP)
        settings += [f"{SOURCE}={name}" for name in column.sources]
    return "; ".join(settings)


def quoted(names: Iterable[str]) -> str:
    """Return up to eight names, quoted for a message."""
    names = sorted(names)
    shown = ", ".join(shortened(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

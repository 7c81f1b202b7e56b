"""What a user says of columns: their kinds, and how their values are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.exceptions import SettingError
from oddrow.table import PLAIN, DateForm, TextForm, shortened

ALL_COLUMNS = "*"
"""The name under which something is said of every column that is not named itself."""
AUTO = "auto"
"""In place of a kind: the column is judged, and used even where it looks like an identifier or runs on."""


RUNS_ON = "runs on"
"""The setting of a column of times that later rows have later values."""


@dataclass(frozen=True)
class GivenColumn:
    """What is said of one column.

    Attributes
    ----------
    kind : None where it is judged
    is_kept : whether a judged column is used even where it looks like an identifier or runs on
    decimal, thousands, dates : how its values are written; None where that is judged
    missing : further texts that stand for a missing value
    runs_on : of times, whether later rows have later values
    """

    kind: Kind | None = None
    is_kept: bool = False
    decimal: str | None = None
    thousands: str | None = None
    dates: DateForm | None = None
    missing: tuple[str, ...] = ()
    runs_on: bool = False

    def form(self, judged: TextForm = PLAIN) -> TextForm:
        """A form that was judged, with what is said instead.

        A sign that is said is not kept for the other purpose, where it was judged or is the usual one.
        """
        decimal = judged.decimal if self.decimal is None else self.decimal
        thousands = judged.thousands if self.thousands is None else self.thousands
        if decimal == thousands and self.decimal is None:
            decimal = _OTHER_DECIMAL[thousands]
        elif decimal == thousands:
            thousands = ""
        return replace(
            judged,
            decimal=decimal,
            thousands=thousands,
            dates=judged.dates if self.dates is None else self.dates,
            missing=tuple(dict.fromkeys((*judged.missing, *self.missing))),
        )


NOTHING_GIVEN = GivenColumn()
_DATE_FORMS: Mapping[str, DateForm] = {form: form for form in get_args(DateForm)} | {"iso": ""}
_OTHER_DECIMAL = {".": ",", ",": "."}
_WORDS = {"comma": ",", "point": ".", "blank": " ", "none": ""}


def given_columns(overrides: Mapping[str, str], names: Iterable[str]) -> dict[str, GivenColumn]:
    """What is said of the columns of a table, from a text for each: a kind, and after it how values are written.

    The text is a kind, ``auto``, or nothing where the column is judged, and behind semicolons ``decimal=,``,
    ``thousands=.``, ``dates=dmy``, ``runs on``, or ``missing=MARK`` (as often as needed). The name ``*`` stands for all
    columns that are not named.

    Raises
    ------
    SettingError
        If there is no such column, kind or form.

    Examples
    --------
    >>> given_columns({"day": "timestamp; dates=dmy"}, ["day", "size"])["day"].dates
    'dmy'
    """
    known = list(names)
    given = {}
    for name, text in overrides.items():
        if name not in known and name != ALL_COLUMNS:
            raise SettingError(
                f"column {shortened(name)} is named as {shortened(text)} but is not in the table, "
                f"which has {quoted(known)}"
            )
        given[name] = _given(name, text)
    common = given.pop(ALL_COLUMNS, None)
    if common is not None:
        given = {name: _with_common(given.get(name, NOTHING_GIVEN), common) for name in known}
    return given


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
                f"thousands=SIGN, missing=MARK, {RUNS_ON}, and dates= one of iso, {forms}"
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


def _kind(name: str, text: str) -> Kind | None:
    if text in (AUTO, ""):
        return None
    try:
        return Kind(text)
    except ValueError as error:
        raise SettingError(
            f"{_named(name)}: {shortened(text)} is not a kind; choose from {', '.join(Kind)}, {AUTO}"
        ) from error


def said_kind(column: ColumnSchema) -> str:
    """The text that says the kind and the form of a column, as :func:`given_columns` reads it.

    Examples
    --------
    >>> from oddrow.columns import ColumnSchema
    >>> said_kind(ColumnSchema("price", Kind.NUMBER, form=TextForm(decimal=",", thousands=".")))
    'number; decimal=,; thousands=.'
    """
    form, parts = column.form, [column.kind.value]
    if column.kind is not Kind.IGNORE:
        parts += [f"decimal={form.decimal}"] * (form.decimal != ".")
        parts += [f"thousands={form.thousands.replace(' ', 'blank')}"] * bool(form.thousands)
        parts += [f"dates={form.dates}"] * bool(form.dates)
        parts += [f"missing={mark}" for mark in form.missing]
        parts += [RUNS_ON] * (column.runs_on and column.kind is Kind.TIMESTAMP)
    return "; ".join(parts)


def quoted(names: Iterable[str]) -> str:
    """Some names for an error."""
    names = sorted(names)
    shown = ", ".join(shortened(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

"""Settings of columns are parsed, written as the same text again, and refused if unknown."""

from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import KINDS, ColumnSchema, Kind, TableEncoding, TableSchema, check_encoding
from oddrow.columns._given_column import GivenColumn
from oddrow.columns._given_kinds import given_columns, given_kind, is_ignored, kind_text
from oddrow.exceptions import SettingError
from oddrow.table._text_form import DateForm, TextForm

MARK = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=";"), max_size=6).filter(
    lambda mark: mark == mark.strip()
)
PAIRS = [
    *(f"decimal={sign}" for sign in (".", ",")),
    *(f"thousands={sign}" for sign in ("none", ".", ",", "blank", "'")),
    *(f"decimal={one}; thousands={two}" for one in ".," for two in ("none", ".", ",", "blank", "'") if one != two),
]
FORMS = st.builds(
    TextForm,
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["", " ", "'", ",", "."]),
    dates=st.sampled_from(get_args(DateForm)),
    missing=st.lists(MARK, max_size=3, unique=True).map(tuple),
).filter(lambda form: form.decimal != form.thousands)


@settings(max_examples=200, deadline=None)
@given(FORMS, st.sampled_from(sorted(KINDS)), st.booleans())
def test_the_text_of_a_given_kind_parses_to_the_same_kind(form: TextForm, kind: str, runs_on: bool) -> None:
    column = ColumnSchema("c", kind, form=form, runs_on=runs_on)
    said = given_columns({"c": kind_text(column)}, ["c"])["c"]
    assert said.kind == kind
    assert said.form() == form
    assert said.runs_on == (runs_on and kind == Kind.TIMESTAMP)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("number", GivenColumn(Kind.NUMBER)),
        ("auto", GivenColumn(is_kept=True)),
        (
            "number; decimal=,; thousands=.; missing=k.A.; missing=-",
            GivenColumn(Kind.NUMBER, decimal=",", thousands=".", missing=("k.A.", "-")),
        ),
        (" number ;thousands=blank;decimal=comma", GivenColumn(Kind.NUMBER, decimal=",", thousands=" ")),
        ("timestamp; dates=iso; runs on", GivenColumn(Kind.TIMESTAMP, dates="", runs_on=True)),
        ("timestamp; dates=epoch ms", GivenColumn(Kind.TIMESTAMP, dates="epoch ms")),
        ("auto; missing=a=b", GivenColumn(is_kept=True, missing=("a=b",))),
    ],
)
def test_the_settings_of_a_column_are_parsed(text: str, expected: GivenColumn) -> None:
    assert given_columns({"c": text}, ["c", "d"]) == {"c": expected}


def test_common_settings_apply_to_columns_without_their_own() -> None:
    found = given_columns({"*": "auto; missing=-; decimal=,", "c": "number; decimal=point; missing=x"}, ["c", "d"])
    assert found["c"] == GivenColumn(Kind.NUMBER, is_kept=True, decimal=".", missing=("x", "-"))
    assert found["d"] == GivenColumn(is_kept=True, decimal=",", missing=("-",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("integer", "column 'c': 'integer' is not a kind; choose from number, .*, auto"),
        ("number; decimal=;", "decimal='' is no sign"),
        ("number; decimal=x", "decimal='x' is no sign"),
        ("number; thousands=_", "thousands='_' is no sign"),
        ("timestamp; dates=ydm", "'dates=ydm' is no setting; choose from decimal=SIGN.* one of iso, ymd, dmy"),
        ("number; missing", "'missing' is no setting"),
        ("number; decimal=,; thousands=,", "column 'c': decimal=, and thousands=, are the same sign"),
    ],
)
def test_unknown_settings_are_refused(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        given_columns({"c": text}, ["c"])


@pytest.mark.parametrize(
    ("column", "common", "signs"),
    [
        ("", "; thousands=.", (",", ".")),
        ("", "; thousands=,", (".", ",")),
        ("; thousands=,", "; decimal=,", (".", ",")),
        ("; decimal=.", "; thousands=.", (".", "")),
        ("; decimal=,", "; thousands=.", (",", ".")),
    ],
)
def test_the_decimal_and_the_thousands_sign_always_differ(column: str, common: str, signs: tuple[str, str]) -> None:
    form = given_columns({"c": column, "*": common}, ["c"])["c"].form()
    assert (form.decimal, form.thousands) == signs


def test_a_given_sign_overrides_a_judged_one() -> None:
    german, english = TextForm(decimal=",", thousands="."), TextForm(thousands=",")
    assert GivenColumn(decimal=".").form(german) == TextForm()
    assert GivenColumn(decimal=",").form(english) == TextForm(decimal=",")
    assert GivenColumn(thousands=",").form(german) == TextForm(thousands=",")


@pytest.mark.parametrize("kind", ["auto", "number", "boolean", "category", "timestamp", "text", "constant"])
@pytest.mark.parametrize("settings", [f"; {pair}" for pair in PAIRS])
def test_a_table_whose_signs_are_given_can_always_be_read(kind: str, settings: str) -> None:
    table = pa.table(
        {
            "german": [f"{row % 9 + 1}.{row * 37 % 1000:03},5" for row in range(60)],
            "swiss": [f"{row % 9 + 1}'{row * 37 % 1000:03}.5" for row in range(60)],
            "day": [f"2024-01-{row % 28 + 1:02}" for row in range(60)],
            "flag": ["yes", "no", "y"] * 20,
            "bit": ["0", "1", "1"] * 20,
            "whole": [str(row % 7) for row in range(60)],
        }
    ).replace_schema_metadata({b"oddrow.fields": b"as written"})
    said = {"*": settings} if kind == "auto" else {"whole": kind + settings}
    schema = TableSchema.judge(table, said)
    check_encoding(TableEncoding.learn(schema, table))


def test_a_text_without_settings_is_a_kind() -> None:
    assert [given_kind(text) for text in (None, "auto; missing=x", "number; decimal=,")] == [None, None, "number"]
    assert [is_ignored(text) for text in (None, "ignore", " ignore ; x", "number")] == [False, True, True, False]

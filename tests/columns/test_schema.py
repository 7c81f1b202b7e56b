"""The kind of a column follows from its values; later tables are checked, and errors name the column and the row."""

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import KINDS as REGISTERED
from oddrow.columns import ColumnSchema, Kind, TableSchema, column_kinds
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError

NAN = float("nan")
DAYS = [dt.date(2024, 2, 1) + dt.timedelta(days=day) for day in range(40)]
ISO = [f"{day}T{day.day % 24:02d}:30:00" for day in DAYS]
SENTENCES = [f"user {row} has opened the door number {row * 7} twice" for row in range(40)]


def kind_of(values: object, arrow_type: pa.DataType | None = None) -> str:
    """Return the kind of a column in a table with a constant, so that a column is left if this one is not used."""
    column = pa.array(values, arrow_type)
    judged, _ = TableSchema.infer(pa.table({"c": column, "beside it": ["x"] * len(column)})).columns
    return judged.kind


KINDS = {
    "integers 0 and 1": ([0, 1, 1, 0], Kind.BOOLEAN),
    "floats 0 and 1 with a hole": ([0.0, 1.0, None], Kind.BOOLEAN),
    "true and false": ([True, False, None], Kind.BOOLEAN),
    "integers 1 and 2": ([1, 2, 2, 1], Kind.CATEGORY),
    "integers -1 and 1": ([-1, 1, None], Kind.CATEGORY),
    "floats 1 and 2": ([1.0, 2.0, 1.0], Kind.CATEGORY),
    "two fractions": ([0.5, 1.5, 0.5], Kind.NUMBER),
    "three integers": ([0, 1, 2], Kind.NUMBER),
    "port numbers": ([22, 80, 443, 8080, 80], Kind.NUMBER),
    "one number": ([7, 7, 7], Kind.CONSTANT),
    "one number with a hole": ([7, None, 7], Kind.CONSTANT),
    "only true": ([True, True], Kind.CONSTANT),
    "one word": (["on", "on"], Kind.CONSTANT),
    "words": (["tcp", "udp", "tcp", None], Kind.CATEGORY),
    "digits as text": (["1", "2", "3"], Kind.CATEGORY),
    "days": (DAYS, Kind.TIMESTAMP),
    "times of day": ([dt.time(1), dt.time(2)], Kind.TIMESTAMP),
    "ISO days as text": ([str(day) for day in DAYS], Kind.TIMESTAMP),
    "ISO times as text": (ISO, Kind.TIMESTAMP),
    "ISO times with a space": ([text.replace("T", " ") for text in ISO], Kind.TIMESTAMP),
    "ISO times in UTC": ([text + "Z" for text in ISO], Kind.TIMESTAMP),
    "ISO times, some with a zone": ([text + "+02:00" * (row % 2) for row, text in enumerate(ISO)], Kind.TIMESTAMP),
    "ISO times and a word": ([*ISO, "never"], Kind.TIMESTAMP),
    "ISO times and a 31st of February": ([*ISO, "2024-02-31"], Kind.TIMESTAMP),
    "ISO times and many words": ([*ISO, *SENTENCES], Kind.TEXT),
    "sentences": (SENTENCES, Kind.TEXT),
    "sentences that repeat": (SENTENCES[:25] * 4, Kind.TEXT),
    "names that repeat": ([f"host{row % 25}" for row in range(100)], Kind.CATEGORY),
    "names that do not": ([f"host {row}" for row in range(100)], Kind.TEXT),
    "identifiers": ([f"host{row}" for row in range(100)], Kind.IGNORE),
    "identifiers in a short table": ([f"host{row}" for row in range(29)], Kind.TEXT),
    "dmy days": ([f"{day:%d/%m/%Y}" for day in DAYS], Kind.TIMESTAMP),
    "two days as text": ([str(day) for day in DAYS[:2]], Kind.TIMESTAMP),
    "numbers with a thousands sign": (["1,234", "22", "3,456,789"], Kind.NUMBER),
    "numbers and a mark": (["1", "2", "3", "n/a"], Kind.NUMBER),
    "amounts": (["5 €", "7 €", "1234 €"], Kind.NUMBER),
    "single precision": (np.array([0.1, 0.2, 0.3], np.float32), Kind.NUMBER),
    "empty": ([None, None, None], Kind.IGNORE),
}


@pytest.mark.parametrize(("values", "kind"), KINDS.values(), ids=KINDS)
def test_a_kind_follows_from_the_values(values: list, kind: str) -> None:
    assert kind_of(values) == kind


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris"])
def test_every_timestamp_type_is_a_timestamp(unit: str, zone: str | None) -> None:
    assert kind_of([1, 2, 3], pa.timestamp(unit, zone)) == Kind.TIMESTAMP


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_kind_does_not_depend_on_the_order_of_the_rows(data: st.DataObject) -> None:
    values, kind = data.draw(st.sampled_from(list(KINDS.values())))
    assert kind_of(data.draw(st.permutations(values))) == kind


def test_a_column_never_depends_on_the_others() -> None:
    table = pa.table({"a": [0, 1, 0], "b": ["x", "y", "x"], "c": [1.5, 2.5, 9.0]})
    together = TableSchema.infer(table).columns
    alone = tuple(TableSchema.infer(table.select([name])).columns[0] for name in table.column_names)
    assert together == alone


def test_the_reason_for_a_kind_is_a_text() -> None:
    table = pa.table({"flag": [1, 2, None], "site": [7, None, 7]})
    flag, site = TableSchema.infer(table).columns
    assert flag.why == "only 1 and 2: a flag, not a quantity, 1 missing"
    assert site.why == "always 7, 1 missing"


def test_an_override_wins_and_an_ignored_column_is_not_used() -> None:
    table = pa.table({"port": [22, 80, 443], "id": [1.0, float("inf"), 3.0], "text": ["1", "2", "3"]})
    schema = TableSchema.infer(table, {"port": "category", "id": "ignore", "text": "number"})
    assert [(column.name, column.kind, column.why) for column in schema.columns] == [
        ("port", Kind.CATEGORY, "as given"),
        ("id", Kind.IGNORE, "as given"),
        ("text", Kind.NUMBER, "as given"),
    ]
    assert [column.name for column in schema.used] == ["port", "text"]
    assert list(schema.values(table)) == ["port", "text"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"prot": "number"}, "column 'prot' is named as 'number' but is not in the table, which has 'name', 'port'"),
        ({"port": "integer"}, "column 'port': 'integer' is not a kind; choose from number, boolean, category"),
    ],
)
def test_a_bad_override_is_named(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        TableSchema.infer(pa.table({"port": [22, 80], "name": ["a", "b"]}), overrides)


@pytest.mark.parametrize(
    ("column", "overrides", "message"),
    [
        (
            pa.array([None, None], pa.float64()),
            {},
            "no column is left: every column is ignored.*'c' is empty: it is left out",
        ),
        (pa.nulls(2), {}, "no column is left: every column is ignored.*'c' is empty: it is left out"),
        (
            [1.0, 2.0, float("-inf")],
            {},
            "column 'c', row 2, counted from 0: infinity is not a value that can be judged",
        ),
        ([1.0, 1.0, float("inf")], {}, "column 'c', row 2, counted from 0: infinity is not a value"),
        ([1, 2, 3], {"c": "ignore"}, "no column is left: every column is ignored"),
        ([1, 2, 3], {"c": "timestamp"}, "column 'c' is treated as timestamp: found int64, expected a date or time"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(
    column: object, overrides: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        TableSchema.infer(pa.table({"c": column}), overrides)


SCHEMA = TableSchema(
    (
        ColumnSchema("size", Kind.NUMBER),
        ColumnSchema("flag", Kind.BOOLEAN),
        ColumnSchema("zone", Kind.CATEGORY),
        ColumnSchema("when", Kind.TIMESTAMP),
        ColumnSchema("left", Kind.IGNORE),
    )
)


def later(**changed: object) -> pa.Table:
    columns = {"size": [1.5, None], "flag": [1, 0], "zone": ["a", None], "when": ["1970-01-02", "1970-01-01T00:00:01Z"]}
    return pa.table(columns | changed)


def test_later_values_are_converted_to_the_form_of_their_kind() -> None:
    values = SCHEMA.values(later())
    assert list(values) == ["size", "flag", "zone", "when"]
    np.testing.assert_array_equal(values["size"], [1.5, NAN])
    np.testing.assert_array_equal(values["flag"], [1.0, 0.0])
    assert values["zone"].to_pylist() == ["a", None]
    np.testing.assert_array_equal(values["when"], [86_400.0, 1.0])


def test_later_columns_are_found_by_name_and_unknown_ones_are_left_out() -> None:
    table = later(left=[1, 2], more=[3, 4])
    turned = table.select(table.column_names[::-1])
    values, turned_values = SCHEMA.values(table), SCHEMA.values(turned)
    assert list(values) == list(turned_values)
    for name in ("size", "flag", "when"):
        np.testing.assert_array_equal(values[name], turned_values[name])
    assert SCHEMA.unknown(table) == ("more",)


def test_a_missing_column_is_named_together_with_the_columns_of_the_table() -> None:
    message = "column 'zone' is missing: the model was trained with it; the table has 'flag', 'size', 'when'"
    with pytest.raises(SchemaMismatchError, match=message):
        SCHEMA.values(later().drop_columns(["zone"]))


def test_several_missing_columns_are_named_together() -> None:
    message = "^columns 'flag', 'zone' are missing: the model was trained with them; the table has 'size', 'when'$"
    with pytest.raises(SchemaMismatchError, match=message):
        SCHEMA.values(later().drop_columns(["zone", "flag"]))


def test_a_constant_that_python_cannot_hold_is_a_constant() -> None:
    far = pa.array([2**31 - 1] * 3, pa.int32()).view(pa.date32())
    (column,) = TableSchema.infer(pa.table({"c": far})).columns
    assert (column.kind, column.why) == (Kind.CONSTANT, "always '<value out of range: 2147483647>'")


def test_a_long_constant_is_cut_in_the_reason() -> None:
    (column,) = TableSchema.infer(pa.table({"c": ["x" * 5000] * 3})).columns
    assert column.why == "always '" + "x" * 36 + "..."


def test_an_ignored_column_may_be_missing() -> None:
    assert "left" not in later().column_names
    assert "left" not in SCHEMA.values(later())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"size": ["1", "many"]},
            "column 'size' is treated as number: row 1, counted from 0, holds 'many', expected a number",
        ),
        (
            {"size": [dt.date(2024, 1, 1)] * 2},
            r"column 'size' is treated as number: found date32\[day\], expected a number",
        ),
        (
            {"size": [1.0, float("inf")]},
            "column 'size', row 1, counted from 0: infinity is not a value that can be judged",
        ),
        ({"when": [1.0, 2.0]}, "column 'when' is treated as timestamp: found double, expected a date or time"),
        (
            {"when": ["1970-01-01", "soon"]},
            "column 'when' is treated as timestamp: row 1, counted from 0, holds 'soon', expected an ISO 8601",
        ),
        (
            {"when": ["1970-01-01", "1970-13-01"]},
            "column 'when' is treated as timestamp: row 1, counted from 0, holds '1970-13-01', expected an ISO 8601",
        ),
    ],
)
def test_a_value_that_its_kind_cannot_hold_is_named_with_its_row(changed: dict[str, object], message: str) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        SCHEMA.values(later(**changed))


def test_many_missing_columns_are_counted() -> None:
    names = [f"c{index:02d}" for index in range(12)]
    schema = TableSchema(tuple(ColumnSchema(name, Kind.NUMBER) for name in names))
    with pytest.raises(SchemaMismatchError, match=r"'c06', 'c07' and 4 more are missing.* the table has 'x'"):
        schema.values(pa.table({"x": [1]}))


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, st.sampled_from([*REGISTERED, Kind.IGNORE]), min_size=1))
def test_a_columns_file_holds_the_kinds_of_its_schema(kinds: dict[str, str]) -> None:
    schema = TableSchema(tuple(ColumnSchema(name, kind, "because") for name, kind in kinds.items()))
    assert column_kinds(schema.to_json()) == kinds


def test_a_columns_file_yields_the_same_schema() -> None:
    table = later(more=[5, 5])
    inferred = TableSchema.infer(table)
    again = TableSchema.infer(table, column_kinds(inferred.to_json()))
    assert [(column.name, column.kind) for column in again.columns] == [
        (column.name, column.kind) for column in inferred.columns
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "columns: []",
        "[]",
        "{}",
        "null",
        '{"columns": 3}',
        '{"columns": ["port"]}',
        '{"columns": [{"name": "port"}]}',
        "[" * 100_000,
    ],
    ids=["empty", "YAML", "list", "no columns", "null", "a number", "names alone", "no kind", "deep"],
)
def test_a_columns_file_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="the columns file is not of the form"):
        column_kinds(text)


def test_a_columns_file_is_text_that_a_person_can_read() -> None:
    text = TableSchema.infer(pa.table({"größe": [1, 2, 3]})).to_json()
    assert json.loads(text) == {"columns": [{"name": "größe", "kind": "number", "why": "3 distinct numbers"}]}
    assert '"größe"' in text
    assert text.endswith("}\n")


def test_a_column_without_a_value_is_left_out_and_a_note_says_so() -> None:
    columns = {"a": pa.nulls(2), "x": [1, 2], "b": pa.array([None, None], pa.string())}
    schema = TableSchema.infer(pa.table(columns))
    assert [column.name for column in schema.used] == ["x"]
    assert [column.note for column in schema.columns] == [
        "'a' is empty: it is left out",
        "",
        "'b' is empty: it is left out",
    ]


def test_if_no_column_has_a_value_all_are_named() -> None:
    with pytest.raises(DataError, match=r"no column is left: .*'a' is empty: it is left out; 'b' is empty"):
        TableSchema.infer(pa.table({"a": pa.nulls(2), "b": pa.nulls(2)}))


def test_values_that_a_given_kind_does_not_allow_are_missing() -> None:
    table = pa.table({"c": ["1", None, "two", "1e999", "2024-01-31"]})
    number, moment = (TableSchema.infer(table, {"c": kind}) for kind in ("number", "timestamp"))
    np.testing.assert_array_equal(number.values(table)["c"], [1.0, NAN, NAN, NAN, NAN])
    np.testing.assert_array_equal(moment.values(table)["c"], [NAN, NAN, NAN, NAN, 1_706_659_200.0])


def test_one_text_among_many_numbers_is_missing_and_a_note_names_it() -> None:
    table = pa.table({"c": [*[f"{row * 7 % 60}.5" for row in range(60)], "many"]})
    (column,) = TableSchema.infer(table).columns
    assert column.kind == Kind.NUMBER
    assert column.note == "'c': 60 of 61 values are numbers; the others count as missing: 'many' (1)"
    np.testing.assert_array_equal(TableSchema((column,)).values(table)["c"][-2:], [59 * 7 % 60 + 0.5, NAN])


def test_identifiers_are_left_out_with_a_note_and_auto_keeps_them() -> None:
    table = pa.table({"c": [f"user{row:03d}" for row in range(60)], "x": [0.5, 1.5, 3.0] * 20})
    assert TableSchema.infer(table).columns[0].note == "'c' looks like an identifier, as 'user000': it is left out"
    assert TableSchema.infer(table, {"c": "auto"}).columns[0].kind == Kind.TEXT

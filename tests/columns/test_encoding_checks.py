"""Every learned encoding passes the check, and a manipulated one is refused."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddrow.columns import TableEncoding, TableSchema, check_encoding
from oddrow.exceptions import SettingError
from oddrow.table._text_form import TextForm

TABLE = pa.table({"size": [1.0, 2.0, 5.0, None], "zone": ["a", "b", "a", "c"], "note": ["x 1", "y", "", "zz 42"]})
KINDS = {"size": "number", "zone": "category", "note": "text"}
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def encoding():
    return TableEncoding.learn(TableSchema.infer(TABLE, KINDS), TABLE)


@given(st.lists(finite | st.none(), min_size=1, max_size=30), st.sampled_from(["standard", "article"]))
def test_a_learned_encoding_passes_the_check_and_encodes_to_finite_features(values, style):
    table = pa.table({"x": pa.array(values, pa.float64()), "y": pa.array(range(len(values)))})
    encoding = (
        TableEncoding.learn(TableSchema.infer(table, {"x": "number", "y": "number"}), table, style)
        if any(value is not None for value in values)
        else TableEncoding.learn(TableSchema.infer(table, {"x": "ignore", "y": "number"}), table, style)
    )
    check_encoding(encoding)
    furthest = pa.table({"x": [np.finfo(float).max, -np.finfo(float).max, 0.0], "y": [1e308, -1e308, 0.0]})
    encoded = encoding.encode(furthest)
    assert np.isfinite(encoded.rows).all()
    assert np.isfinite(encoded.novelty).all()


def test_learned_encodings_of_texts_and_categories_pass_the_check(encoding):
    check_encoding(encoding)


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        (0, lambda c: replace(c, scaling=replace(c.scaling, scale=0.0)), "column 'size': its scaling"),
        (0, lambda c: replace(c, scaling=replace(c.scaling, low=9.0)), "column 'size': its scaling"),
        (0, lambda c: replace(c, scaling=replace(c.scaling, center=np.nan)), "column 'size': its scaling"),
        (1, lambda c: replace(c, rare=c.frequent[:1]), "column 'zone': a category occurs twice"),
        (1, lambda c: replace(c, seen_once=99), "column 'zone': 99 categories cannot"),
        (2, lambda c: replace(c, shares=c.shares[1:]), "column 'note': a text has 5 shares of characters, not 4"),
        (2, lambda c: replace(c, frequent=("a", "a")), "column 'note': a known text occurs twice"),
        (2, lambda c: replace(c, templates=("a",), rare_templates=("a",)), "column 'note': a template occurs twice"),
        (2, lambda c: replace(c, shapes=("a",), rare_shapes=("a",)), "column 'note': a shape occurs twice"),
        (2, lambda c: replace(c, templates_once=-1), "column 'note': -1 templates cannot"),
        (2, lambda c: replace(c, shapes_once=99), "column 'note': 99 shapes cannot"),
    ],
)
def test_a_column_that_could_not_encode_is_named(encoding, column, change, message):
    columns = list(encoding.columns)
    columns[column] = change(columns[column])
    with pytest.raises(SettingError, match=message):
        check_encoding(replace(encoding, columns=tuple(columns)))


@pytest.fixture
def running():
    rows = np.arange(60)
    table = pa.table({"number": rows, "at": pa.array(rows * 7_200, pa.timestamp("s")), "x": rows % 7 / 2})
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    assert [column.kind for column in encoding.columns] == ["counter", "clock", "number"]
    check_encoding(encoding)
    return encoding


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize(
    "change", [{"low": 1e9}, {"low": np.nan}, {"high": np.nan}, {"high": np.inf}, {"low": -np.inf}], ids=str
)
def test_a_range_that_is_not_finite_and_in_order_is_refused(running, column, change):
    columns = list(running.columns)
    columns[column] = replace(columns[column], **change)
    with pytest.raises(SettingError, match="its range is not finite and in order"):
        check_encoding(replace(running, columns=tuple(columns)))


def test_an_encoding_of_another_class_than_the_kinds_is_refused(running):
    counter, clock, x = running.columns
    with pytest.raises(SettingError, match="column 'number' is a counter, but encoded as clock"):
        check_encoding(replace(running, columns=(clock, counter, x)))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (TextForm(decimal=""), "sign is unknown"),
        (TextForm(decimal=";"), "sign is unknown"),
        (TextForm(decimal=".*"), "sign is unknown"),
        (TextForm(thousands="]"), "sign is unknown"),
        (TextForm(thousands="\\d"), "sign is unknown"),
        (TextForm(thousands="."), "signs are the same"),
        (TextForm(decimal=",", thousands=","), "signs are the same"),
        (TextForm(affixes=("$", "(")), r"'\(' is not a known prefix or suffix of numbers"),
        (TextForm(affixes=("",)), "'' is not a known prefix"),
        (TextForm(missing=tuple(map(str, range(1_001)))), "more than 1,000 marks"),
        (
            TextForm(aliases=tuple((str(i), str(i)) for i in range(1_001))),
            "more than 1,000 marks of missing values, or ways to write a name",
        ),
    ],
)
def test_a_form_that_no_column_was_judged_to_have_is_refused(encoding, form, message):
    size, *others = encoding.schema.columns
    schema = replace(encoding.schema, columns=(replace(size, form=form), *others))
    with pytest.raises(SettingError, match=f"column 'size': .*{message}"):
        check_encoding(replace(encoding, schema=schema))


def test_columns_that_do_not_fit_the_schema_are_named(encoding):
    with pytest.raises(SettingError, match="column 'size' is a number, but encoded as text"):
        check_encoding(replace(encoding, columns=encoding.columns[::-1]))
    with pytest.raises(SettingError, match="the encoding has 2 columns, its schema uses 3"):
        check_encoding(replace(encoding, columns=encoding.columns[1:]))
    with pytest.raises(SettingError, match="learned from 0 rows"):
        check_encoding(replace(encoding, n_rows=0))

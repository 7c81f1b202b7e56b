"""CSV: fields, headers and delimiters, and errors that name the line."""

import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddrow.exceptions import SettingError, TableReadError
from oddrow.files import _csv, write_table
from testing.typed_reading import read_table

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).map("w".__add__)


def read(text: str | bytes, **arguments: object) -> pa.Table:
    return read_table(io.BytesIO(text.encode() if isinstance(text, str) else text), **arguments)


def error_of(text: str | bytes, **arguments: object) -> str:
    with pytest.raises(TableReadError) as caught:
        read(text, **arguments)
    assert str(caught.value).count("\n") <= 1
    return str(caught.value)


# Fields -----------------------------------------------------------------------------------------------------


def test_only_an_empty_field_without_quotes_is_missing():
    table = read('c,d\nDE,1\nNA,2\nNone,3\n"",4\n,5\n', as_written=True)
    assert table["c"].to_pylist() == ["DE", "NA", "None", "", None]


@pytest.mark.parametrize("late", ["0.5", "word", "0007", '"a,b"'])
def test_a_field_is_the_same_text_however_many_rows_stand_before_it(late):
    rows = 400_000  # beyond pyarrow's first block
    table = read("c,d\n" + "12345,1\n" * rows + f"{late},1\n", as_written=True)
    assert table["c"].type == pa.string()
    assert table["c"][0].as_py() == "12345"
    assert table["c"][rows].as_py() == late.strip('"')
    assert table.num_rows == rows + 1


# Headers, delimiters, encodings, blank lines ----------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_or_given(delimiter):
    expected = {"a": [1, 3], "b": [2.5, None], "c": ["x", "y"]}
    text = delimiter.join("abc") + "\n" + delimiter.join(["1", "2.5", "x"]) + "\n" + delimiter.join(["3", "", "y"])
    assert read(text).to_pydict() == expected
    assert read(text, delimiter=delimiter).to_pydict() == expected
    body = text.partition("\n")[2]
    assert read(body, column_names=["a", "b", "c"]).to_pydict() == expected


def test_decimal_commas_do_not_hide_the_semicolon():
    assert read("a;b\n1,5;2,5\n3,5;4,5\n").column_names == ["a", "b"]


def test_a_comma_that_splits_evenly_wins():
    assert read("a;x,b;y\n1;1,2;2\n").column_names == ["a;x", "b;y"]


def test_a_tab_can_be_given_as_a_shell_gives_it():
    assert read("a\tb\n1\t2\n", delimiter="\\t").to_pydict() == {"a": [1], "b": [2]}


def test_a_delimiter_in_a_long_quoted_field_does_not_mislead():
    text = 'a;b;c\n1;"' + "x,\n" * 40_000 + '";x\n2;y;z\n'
    assert read(text)["a"].to_pylist() == [1, 2]


@pytest.mark.parametrize("header", ["a;b", "a\tb", "a|b"])
def test_a_header_that_no_delimiter_splits_names_the_other_candidate(header):
    sign = header[1]
    message = error_of(f"{header}\n1{sign}2\n", delimiter=",")
    assert f"the header is one column, {header!r}" in message
    assert f"delimiter={sign!r}" in message
    assert "line 3: expected 2 fields, found 3" in error_of(f"{header}\n1{sign}2\n1{sign}2{sign}3\n")


def test_a_quoted_first_line_of_one_column_is_its_header():
    assert read('"a;b"\nx\n').to_pydict() == {"a;b": ["x"]}


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert read(b"\xef\xbb\xbfa,b\n1,2\n").column_names == ["a", "b"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_read_the_same(end):
    assert read(f"{end}a,b{end}1,2{end}{end}3,4").to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_columns_without_a_name_are_named_by_their_place():
    assert read(",b,\n1,2,3\n").column_names == ["column_1", "b", "column_3"]
    assert read('""\n1\n').to_pydict() == {"column_1": [1]}


def test_a_single_column_without_a_name_keeps_its_rows(tmp_path):
    write_table(pa.table({"": [1, 2]}), tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv").to_pydict() == {"column_1": [1, 2]}


@pytest.mark.parametrize("block", range(24, 40))
def test_fields_that_span_lines_may_lie_across_blocks(monkeypatch, block):
    monkeypatch.setattr(_csv, "_BLOCK", block)
    assert read("a,b\n" + '1,"x\ny\nz"\n' * 20).to_pydict() == {"a": [1] * 20, "b": ["x\ny\nz"] * 20}


def test_given_names_mean_that_there_is_no_header():
    assert read("1,x\n2,y\n", column_names=["p", "q"]).to_pydict() == {"p": [1, 2], "q": ["x", "y"]}
    assert "line 1: expected 3 fields, found 2" in error_of("1,x\n", column_names=["p", "q", "r"])


def test_blank_lines_are_skipped_but_missing_in_a_single_column():
    assert read("a,b\n\n1,2\n\n").to_pydict() == {"a": [1], "b": [2]}
    assert read("\na\n\n1\n").to_pydict() == {"a": [None, 1]}


def test_a_header_may_span_lines():
    assert read('"a\nb",c\n1,2\n').to_pydict() == {"a\nb": [1], "c": [2]}


@given(st.lists(st.none() | words, min_size=1, max_size=6).filter(any))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_csv_of_one_column_keeps_its_missing_values(tmp_path, values):
    write_table(pa.table({"only": values}), tmp_path / "one.csv", force=True)
    assert read_table(tmp_path / "one.csv").to_pydict() == {"only": values}


# What cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the stream: the file is empty"),
        (" \n\n", "the stream: the file is empty"),
        ("a,b\n", "the stream: has columns but no rows"),
        ("a,b", "the stream: has columns but no rows"),
        ("a,column_1,\n,,\n", None),
        ("a,b\n1,2\n\n3\n", "the stream, line 4: expected 2 fields, found 1"),
        ("a,b\n1,2\n3,4,5\n", "the stream, line 3: expected 2 fields, found 3"),
        ('a,b\n"1\n2",2\n3\n', "the stream, line 4: expected 2 fields, found 1"),
        ("a\n1,2\n", "the stream, line 2: expected 1 field, found 2"),
        ('a,b\n1,2\n3,"4\n5,6\n', "the stream, line 3: a quote is opened and never closed"),
        ('a,b\n1,2\n"3,4\n5,6\n', "the stream, line 3: a quote is opened and never closed"),
        (b"a,b\n1,2\n\0,4\n", "the stream, line 3: holds a NUL byte; is it a binary file?"),
        (gzip.compress(b"a\n1\n", mtime=0), "is not CSV but gzip data; let the name end in .gz"),
        (b"PAR1....", "is not CSV but a Parquet file"),
        (b"PK\x03\x04", "an Excel workbook"),
        ("a,b\n1,2\n".encode("utf-16"), "is not CSV but UTF-16 text; say so by encoding='utf-16'"),
    ],
)
@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_csv_that_is_wrong_is_named_with_its_line(text, message, packing):
    data = text.encode() if isinstance(text, str) else text
    if packing == "gzip":
        data = gzip.compress(data)
    elif packing == "zstd":
        data = pa.compress(data, "zstd", asbytes=True)
    suffix = {"plain": "csv", "gzip": "csv.gz", "zstd": "csv.zst"}[packing]
    if message is None:
        assert read(data, format=suffix).num_rows == 1
    else:
        assert message in error_of(data, format=suffix)


@pytest.mark.parametrize(
    ("data", "line"), [(b"a,b\n1,2\n3,\xe9\n", 3), (b"a,\xe9\n1,2\n", 1), ("\u00e9\n1\n".encode("cp1252"), 1)]
)
def test_text_that_is_not_of_the_encoding_given_is_named(data, line):
    assert f"the stream, line {line}: is not UTF-8 text (byte 0xe9)" in error_of(data, encoding="utf-8")
    assert "encoding='windows-1252'" in error_of(data, encoding="utf-8")


def test_a_quote_within_a_field_is_a_letter():
    assert read('a,b\n5" pipe,1\n').to_pydict() == {"a": ['5" pipe'], "b": [1]}


def test_an_error_names_the_line_also_after_half_a_million_rows():
    assert "line 500002: expected 2 fields, found 3" in error_of("a,b\n" + "1,2\n" * 500_000 + "1,2,3\n")


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "ä"])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter):
    with pytest.raises(SettingError, match="delimiter must be one ASCII character"):
        read("a\n1\n", delimiter=delimiter)

"""CSV as it is written: by its first lines and what a model expects, never by what other rows look like."""

from __future__ import annotations

import dataclasses
import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow import files
from oddrow.exceptions import SettingError, TableReadError
from oddrow.files import CsvReading, ReadingOptions, write_table
from oddrow.table import as_table, is_as_written, normal_batches
from testing.typed_reading import read_table

WRITTEN = ["1", "3.20", "+4929", "123456e12345", "1,5", "1.234,50", "007", "True", "NA", "", '""', " b ", "$1", "a;b"]
WRITTEN += [
    "x|y",
    "t\tu",
    '"q ""q"""',
    '5" pipe',
    '"line\nend"',
    "Größe",
    "2024-02-29",
    "31/01/2024",
    "inf",
    "-",
    "0x1F",
]
DELIMITERS = [",", ";", "\t", "|"]
OPTIONS = [field.name for field in dataclasses.fields(ReadingOptions)]


def opened(data: bytes | str, **arguments):
    """The table in these bytes; an error in any of its rows is raised here."""
    options = ReadingOptions(**{name: arguments.pop(name) for name in OPTIONS if name in arguments})
    stream = files.open(io.BytesIO(data.encode() if isinstance(data, str) else data), options, **arguments)
    assert stream.n_rows >= 0
    return stream


def rows_of(stream) -> list[dict]:
    return [row for batch in stream for row in batch.to_pylist()]


def read(data: bytes | str, **arguments) -> list[dict]:
    return rows_of(opened(data, **arguments))


def written(fields: list[str], delimiter: str) -> bytes:
    """A line of these fields; one with the delimiter in it is in quotes, and some lines are not UTF-8."""
    quoted = [f'"{one}"' if delimiter in one and not one.startswith('"') else one for one in fields]
    text = delimiter.join(quoted)
    return text.encode("cp1252") if "1" in fields and "Größe" in fields else text.encode()


@st.composite
def csv_files(draw, expects: bool):
    """Names, delimiter, lines before the first row, and rows as bytes."""
    delimiter = draw(st.sampled_from(DELIMITERS))
    words = ["x", "Größe", "a b", " Label", "n", "2020", "size"]
    names = draw(st.lists(st.sampled_from([*words, "p;q", "r,s"] if expects else words), min_size=2, unique=True))
    rows = st.lists(st.sampled_from(WRITTEN), min_size=len(names), max_size=len(names))
    lines = draw(st.lists(rows.map(lambda fields: written(fields, delimiter)), min_size=1, max_size=8))
    before = (
        draw(st.lists(st.sampled_from([b"Report, 2024", b"", b"Site;7", b"Exported"]), max_size=3)) if expects else []
    )
    return names, delimiter, [*before, written(names, delimiter)], lines


@given(st.booleans().flatmap(lambda expects: st.tuples(st.just(expects), csv_files(expects))), st.data())
@settings(max_examples=300)
def test_what_a_row_holds_does_not_depend_on_the_rows_beside_it(drawn, data):
    """Appending, removing and reordering rows changes neither the delimiter nor the header nor another row."""
    expects, (names, delimiter, before, lines) = drawn
    known = {"expects": names} if expects else {}
    end = data.draw(st.sampled_from([b"\n", b"\r\n"]))

    def read_lines(some: list[bytes]):
        stream = opened(end.join([*before, *some]) + end, **known)
        assert stream.csv.delimiter == delimiter
        assert stream.schema.names == names
        assert is_as_written(stream.schema)
        return [tuple(row.values()) for row in rows_of(stream)]

    alone = [read_lines([line]) for line in lines]
    assert all(len(rows) == 1 for rows in alone)
    chosen = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=12))
    assert read_lines([lines[place] for place in chosen]) == [alone[place][0] for place in chosen]


@given(st.lists(st.sampled_from(WRITTEN), min_size=2, max_size=2), st.data())
@settings(max_examples=100)
def test_a_file_of_rows_alone_is_read_as_the_training_file_was(fields, data):
    delimiter = data.draw(st.sampled_from(DELIMITERS))
    like = CsvReading(False, ("p", "q"), delimiter)
    line = written(fields, delimiter)
    (alone,) = read(line + b"\n", expects=["q"], like=like)
    assert read(b"1" + delimiter.encode() + b"2\n" + line + b"\n", expects=["q"], like=like)[1] == alone
    assert read(delimiter.join(["p", "q"]).encode() + b"\n" + line, expects=["q"], like=like) == [alone]


# Fields as they are written -----------------------------------------------------------------------------------------


def test_every_field_is_the_text_that_stands_there():
    table = read_table(io.BytesIO(b'a,b\n1.0, x \n,""\n"NA",007\n'), as_written=True)
    assert table.to_pydict() == {"a": ["1.0", None, "NA"], "b": [" x ", "", "007"]}
    assert table.schema.metadata == {b"oddrow.fields": b"as written"}


LINES = ["id,n,t,d", "123456e12345,3.20,+4929,02134", '1,,"a,b",""', "NA,inf,1e400, x "]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_a_written_table_reads_as_the_same_texts(tmp_path, suffix):
    text = "\n".join(LINES) + "\n"
    table = read_table(io.BytesIO(text.encode()), as_written=True)
    write_table(table, tmp_path / f"out{suffix}")
    assert read_table(tmp_path / f"out{suffix}", as_written=True).equals(table)
    if suffix == ".csv":
        assert (tmp_path / "out.csv").read_text() == text


@given(st.lists(st.lists(st.none() | st.text(alphabet='a",;\t\r\n é'), min_size=2, max_size=2), min_size=1, max_size=6))
@settings(max_examples=200)
def test_any_texts_are_written_so_that_they_read_the_same(tmp_path_factory, rows):
    table = pa.table(
        {"a": pa.array([row[0] for row in rows], pa.string()), "b": pa.array([row[1] for row in rows], pa.string())}
    )
    for suffix in ("csv", "tsv"):
        path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
        write_table(table, path, force=True)
        if any(value is not None for row in rows for value in row) and suffix == "tsv":
            assert read_table(path, as_written=True).to_pydict() == table.to_pydict()


def test_long_tables_are_written_piece_by_piece(tmp_path):
    table = pa.table({"a": [f"{place}" for place in range(100_000)], "b": ['"'] * 100_000, "c": range(100_000)})
    write_table(table, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[1:] == [f'{place},"""",{place}' for place in range(100_000)]


def test_batches_of_a_csv_stay_marked_as_written_on_their_way(tmp_path):
    for day in "12":
        (tmp_path / f"day={day}").mkdir()
        (tmp_path / f"day={day}" / "a.csv").write_text("x,label\n1.0,ok\n2.0,bad\n")
    stream = files.open(tmp_path)
    assert is_as_written(stream.schema)
    assert pa.Table.from_batches(list(stream)).to_pydict()["day"] == ["1", "1", "2", "2"]
    for located in (*stream.located(), *normal_batches(stream.located(), "label", "ok")):
        table = as_table(located.rows)
        assert is_as_written(located.rows.schema)
        assert is_as_written(table.schema)
        assert is_as_written(as_table(table, reads="x".__eq__).schema)
    write_table(pa.Table.from_batches(list(stream)), tmp_path / "out.parquet")
    assert is_as_written(read_table(tmp_path / "out.parquet", as_written=True).schema)
    assert is_as_written(files.open(tmp_path / "out.parquet").schema)


# Lines before the header, files without one, names ------------------------------------------------------------------


def test_lines_before_the_header_are_named_once_with_the_way_out():
    text = "Report of site 7\nmade, 2024\n\nRow,x,y\n1,2,3\n2,3,4\n"
    with pytest.raises(TableReadError, match=r"lines 1 to 3 have fewer fields than the 3 .*say skip=3;"):
        opened(text)
    assert read(text, skip=3) == [{"Row": "1", "x": "2", "y": "3"}, {"Row": "2", "x": "3", "y": "4"}]
    stream = opened(text, expects=["x", "Row"])
    assert rows_of(stream) == read(text, skip=3)
    assert [note.partition(": ")[2] for note in stream.notes] == [
        "the header is line 4, which names the model's columns; lines 1 to 3 are passed over"
    ]
    with pytest.raises(TableReadError, match="9 lines are to be skipped, and the file has fewer"):
        opened(text, skip=9)


@pytest.mark.parametrize("text", ["text\nx;y\nx;z\n", "a,b\n1,2\n1,2,3\n", "a,b\n1,2\n1\n3,4\n"])
def test_no_lines_before_the_header_are_seen_where_none_are(text):
    try:
        opened(text, delimiter=",")
    except TableReadError as error:
        assert "skip=" not in str(error) or "line 3: expected 2" in str(error)


def test_errors_of_lines_name_all_ways_out():
    with pytest.raises(TableReadError) as caught:
        opened("a,b\n1,2\n1,2,3\n")
    said = str(caught.value)
    assert "line 3: expected 2 fields, found 3" in said
    assert all(way in said for way in ("quote", "delimiter=...", "skip=...", "has_header=False", "on_error='skip'"))


@pytest.mark.parametrize("sign", [";", "\t", "|", ","])
@pytest.mark.parametrize("line", ["sep={}\n", '"sep={}"\r\n', "SEP={}\n\n"])
def test_the_line_that_excel_reads_is_honoured(sign, line):
    text = line.format(sign) + sign.join("ab") + "\n" + sign.join(["1,5", "2"] if sign != "," else ["1", "2"]) + "\n"
    assert [list(row) for row in read(text)] == [["a", "b"]]


def test_without_a_header_the_first_line_is_a_row():
    text = "0,tcp,SF\n0,tcp,S0\n0,udp,SF\n"
    assert read(text, has_header=False)[0] == {"column_1": "0", "column_2": "tcp", "column_3": "SF"}
    stream = opened(text, column_names=["a", "b", "c"])
    assert rows_of(stream)[0] == {"a": "0", "b": "tcp", "c": "SF"}
    assert stream.csv == CsvReading(False, ("a", "b", "c"), ",")
    assert stream.notes == ()
    (note,) = opened(text).notes
    assert "line 1 is read as the names of the columns, and looks like a row ('0', 'tcp', 'SF')" in note
    assert "has_header=False" in note


@pytest.mark.parametrize("text", ["country,2019,2020\nde,1,2\nfr,3,4\n", "a,b\n1,2\n", "2019,total\n1,2\n"])
def test_names_that_are_names_are_not_called_a_row(text):
    assert opened(text).notes == ()


def test_a_name_that_occurs_twice_is_numbered():
    stream = opened("a,b,a,a.1,a\n1,2,3,4,5\n")
    assert stream.schema.names == ["a", "b", "a.2", "a.1", "a.3"]
    assert "the later 'a' is read as 'a.2', 'a' is read as 'a.3'" in stream.notes[0]


def test_names_that_a_model_expects_are_found_but_for_blanks_and_unicode_forms():
    stream = opened(" Label,Gro\u0308ße,x\n1,2,3\n".encode(), expects=["Label", "Größe", "x"])
    assert stream.schema.names == ["Label", "Größe", "x"]
    assert "' Label' is 'Label', 'Gro\u0308ße' is 'Größe'" in stream.notes[0]
    exact = opened(" x,x\n1,2\n", expects=["x", "y"])
    assert exact.schema.names == [" x", "x"]
    parquet = io.BytesIO()
    pq.write_table(pa.table({" Label": [1], "x": [2]}), parquet)
    parquet.seek(0)
    assert files.open(parquet, ReadingOptions("parquet"), expects=["Label"]).schema.names == ["Label", "x"]


def test_the_header_is_the_line_with_all_names_or_else_the_first_with_half_of_them():
    rows = "1,2,3\n4,5,6\n"
    assert opened(f"Row,x\nRow,x,y\n{rows}", expects=["Row", "x", "y"]).schema.names == ["Row", "x", "y"]
    assert opened(f"of,x\nRow,x,y\n{rows}", expects=["Row", "x", "y", "z"]).schema.names == ["Row", "x", "y"]


def test_the_delimiter_of_a_model_is_the_one_that_gives_its_columns():
    text = "a;b,c\n1;5,2\n"
    assert opened(text).schema.names == ["a;b", "c"]
    assert opened(text, expects=["a", "b,c"]).schema.names == ["a", "b,c"]
    assert opened(text, expects=["a", "b,c"], delimiter=",").schema.names == ["a;b", "c"]


# Encodings ----------------------------------------------------------------------------------------------------------


def test_a_row_that_is_not_utf8_is_read_as_windows_1252_and_no_other_row():
    lines = ["Größe,x".encode(), "größer €,1".encode("cp1252"), "größer €,2".encode(), b"\x81,3"]
    stream = opened(b"\n".join(lines))
    assert [tuple(row.values()) for row in rows_of(stream)] == [("größer €", "1"), ("größer €", "2"), ("\x81", "3")]
    assert "2 rows are not UTF-8, and read as Windows-1252" in stream.notes[0]
    with pytest.raises(TableReadError, match="line 2: is not UTF-8 text"):
        opened(b"\n".join(lines), encoding="utf-8")
    skipped = [
        row for batch in opened(b"\n".join(lines), encoding="utf-8", on_error="skip").located() for row in batch.skipped
    ]
    assert [row.raw.rstrip(b"\n") for row in skipped] == [lines[1], lines[3]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "shift_jis", "windows-1252", "utf-8-sig"])
def test_text_of_any_encoding_is_read_where_it_is_named(encoding):
    value = {"shift_jis": "東京"}.get(encoding, "é")
    text = f"a,b\n{value},1\n" * 1 + f"{value},2\n" * 30_000
    assert read(text.encode(encoding), encoding=encoding)[-1] == {"a": value, "b": "2"}


def test_text_that_is_not_of_the_encoding_is_named_with_its_line():
    with pytest.raises(TableReadError, match="line 3: is not text in shift_jis"):
        opened(b"a,b\n1,2\n\xff\xff,2\n", encoding="shift_jis")
    with pytest.raises(SettingError, match="encoding 'utf-9' is unknown"):
        opened("a\n1\n", encoding="utf-9")


# Options ------------------------------------------------------------------------------------------------------------


def test_options_without_a_meaning_are_refused():
    with pytest.raises(SettingError, match="for CSV and TSV only, and this is jsonl"):
        opened('{"a": 1}', format="jsonl", skip=1)
    with pytest.raises(SettingError, match="column names are for a file without a header"):
        opened("a\n1\n", column_names=["a"], has_header=True)
    with pytest.raises(SettingError, match="skip is -1"):
        opened("a\n1\n", skip=-1)


def test_given_reading_options_take_precedence_over_those_of_the_model():
    like = CsvReading(False, ("a", "b"), ";", 1, "utf-16")
    text = "Report\n1;2\n3;4\n"
    assert read(text.encode("utf-16"), expects=["a"], like=like) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert read("1;2\n3;4\n", expects=["a"], like=like, encoding="utf-8", skip=0)[0] == {"a": "1", "b": "2"}
    assert read(text, like=like, encoding="utf-8", column_names=["p", "q"])[0] == {"p": "1", "q": "2"}
    assert read("a;b\n3;4\n", like=like, encoding="utf-8", has_header=True) == [{"a": "3", "b": "4"}]
    assert read("Report\n1,2;3\n", like=like, encoding="utf-8", delimiter=",") == [{"a": "1", "b": "2;3"}]


def test_rows_alone_may_lack_the_columns_that_the_model_does_not_need():
    like = CsvReading(False, ("a", "b", "label"), ",")
    stream = opened("1,2\n3,4\n", expects=["a", "b"], like=like)
    assert rows_of(stream) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert "has no header, and 2 fields in a row: read as the columns of the model" in stream.notes[0]
    assert read("1;2;x\n", expects=["a", "b"], like=like) == [{"a": "1", "b": "2", "label": "x"}]
    with pytest.raises(TableReadError, match="line 1: expected 3 fields, found 4"):
        opened("1,2,3,4\n", expects=["a", "b"], like=like)


def test_a_header_is_found_though_the_training_file_had_none():
    like = CsvReading(False, ("a", "b", "label"), ",", 0)
    stream = opened("Report\n\n b;a\n2;1\n", expects=["a", "b"], like=like)
    assert rows_of(stream) == [{"b": "2", "a": "1"}]
    assert stream.csv.has_header


@pytest.mark.parametrize("suffix", ["txt", "data", "dat", "TXT"])
def test_other_names_of_csv_files_are_known(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    path.write_text("a,b\n1,2\n")
    assert read_table(path).to_pydict() == {"a": [1], "b": [2]}


def test_json_lines_come_on_standard_input(monkeypatch):
    class Standard:
        buffer = io.BytesIO(b'{"a": 1}\n{"b": 2}\n')

    monkeypatch.setattr(sys, "stdin", Standard)
    assert rows_of(files.open("-", ReadingOptions("jsonl"))) == [{"a": 1, "b": None}, {"a": None, "b": 2}]


def test_a_column_that_no_json_object_has_is_missing_where_it_may_be():
    text = '{"a": 1}\n{"a": 2}\n'
    stream = opened(text, format="jsonl", expects=["a", "b", "c"], may_lack=["b"])
    assert rows_of(stream) == [{"a": 1, "b": None}, {"a": 2, "b": None}]
    assert opened("a\n1\n", expects=["a", "b"], may_lack=["b"]).schema.names == ["a"]


def test_a_table_without_rows_is_read_where_it_may_be():
    with pytest.raises(TableReadError, match="has columns but no rows"):
        opened("a,b\n")
    stream = opened("a,b\n", may_be_empty=True)
    assert (stream.n_rows, stream.schema.names, list(stream)) == (0, ["a", "b"], [])
    assert read_table(io.BytesIO(b"a,b\n"), may_be_empty=True).num_rows == 0
    assert opened("", format="jsonl", may_be_empty=True).n_rows == 0


def test_later_files_of_a_folder_are_read_by_the_columns_of_the_first(tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("Report\nb;a\n4,5;3\n")
    assert rows_of(files.open(tmp_path)) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4,5"}]

"""Files in and out: the same content reads the same from every form, and errors say where."""

import contextlib
import datetime as dt
import errno
import gzip
import io
import json
import os
import struct
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddrow import files
from oddrow.exceptions import DataError, OutputError, SettingError, TableReadError
from oddrow.files import write_table
from oddrow.files._format_csv import CSV, TSV
from oddrow.files._format_json_lines import JSON_LINES
from oddrow.files._formats import COMPRESSIONS, FORMATS
from oddrow.files._values_as_text import in_utc, plain_texts
from testing.typed_reading import read_table

SUFFIXES = [ending + compression for one in FORMATS for ending in one.endings for compression in ("", *COMPRESSIONS)]
NOON = dt.datetime(2024, 2, 29, 12, 0, 0, 250_000)
TABLE = pa.table(
    {
        "flag": pa.array([True, None, False]),
        "count": pa.array([1, None, -(2**62)]),
        "size": pa.array([0.1, None, 1e300]),
        "name": pa.array(['comma, "quote"; tab\t bar| line\nend\r\n', None, ""]),
        "zip": pa.array(["02134", None, "10115"]),
        "day": pa.array([NOON.date(), None, dt.date(1969, 1, 1)]),
        "clock": pa.array([dt.time(23, 59, 59, 250_000), None, dt.time(0)], pa.time64("us")),
        "moment": pa.array([NOON, None, dt.datetime(1969, 1, 1)], pa.timestamp("us")),
        "zoned": pa.array([NOON.replace(tzinfo=dt.UTC), None, None], pa.timestamp("us", "UTC")),
        'name; of "all"': pa.nulls(3),
    }
)


def read(text: str | bytes, **arguments: object) -> pa.Table:
    return read_table(io.BytesIO(text.encode() if isinstance(text, str) else text), **arguments)


def error_of(text: str | bytes, **arguments: object) -> str:
    with pytest.raises(TableReadError) as caught:
        read(text, **arguments)
    assert str(caught.value).count("\n") <= 1
    return str(caught.value)


# Round trips ------------------------------------------------------------------------------------------------


def as_held(table: pa.Table, suffix: str) -> pa.Table:
    """The table that a file of this ending holds: CSV has only texts, and JSON has no dates and times."""
    if suffix.startswith((*CSV.endings, *TSV.endings)):
        return pa.table([plain_texts(column) for column in in_utc(table).columns], names=table.column_names)
    if suffix.startswith(JSON_LINES.endings):
        columns = [plain_texts(column) if pa.types.is_temporal(column.type) else column for column in table.columns]
        return pa.table(columns, names=table.column_names)
    return table


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_reads_the_same_from_every_format(tmp_path, suffix):
    path = tmp_path / f"table{suffix.upper() if suffix.endswith('.gz') else suffix}"
    write_table(TABLE, path)
    table, expected = read_table(path, as_written=True), as_held(TABLE, suffix)
    assert table.schema == expected.schema
    assert table.equals(expected)
    with path.open("rb") as stream:
        assert read_table(stream, format=suffix, as_written=True).equals(expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_whose_name_is_not_utf8_is_written_and_read(tmp_path, suffix):
    path = tmp_path / os.fsdecode(b"caf\xe9" + suffix.encode())
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    write_table(TABLE, path, force=True)
    assert read_table(path, as_written=True).equals(as_held(TABLE, suffix))


@pytest.mark.parametrize("suffix", [".csv.gz", ".jsonl.zst", ".parquet.gz"])
def test_compressed_files_hold_what_the_plain_ones_hold(tmp_path, suffix):
    plain = tmp_path / f"table{Path(suffix).stem}"
    write_table(TABLE, plain)
    write_table(TABLE, tmp_path / f"table{suffix}")
    packed = (tmp_path / f"table{suffix}").read_bytes()
    compression = {".gz": "gzip", ".zst": "zstd"}[Path(suffix).suffix]
    content = pa.CompressedInputStream(pa.BufferReader(packed), compression).read()
    assert content == plain.read_bytes()


def test_gzip_members_one_after_the_other_are_one_file():
    packed = gzip.compress(b"a\n1\n") + gzip.compress(b"2\n")
    assert read(packed, format="csv.gz").to_pydict() == {"a": [1, 2]}


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).map("w".__add__)
numbers = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | numbers, st.none() | words),
        min_size=1,
        max_size=6,
    ),
    st.lists(words, min_size=3, max_size=3, unique=True),
    st.sampled_from([".csv", ".tsv", ".jsonl", ".arrow.zst", ".parquet"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_survives_any_form(tmp_path, rows, names, suffix):
    columns = [
        pa.array(values, kind if any(value is not None for value in values) else pa.null())
        for values, kind in zip(zip(*rows, strict=True), (pa.int64(), pa.float64(), pa.string()), strict=True)
    ]
    table = pa.table(columns, names=names)
    write_table(table, tmp_path / f"table{suffix}", force=True)
    assert read_table(tmp_path / f"table{suffix}", as_written=True).equals(as_held(table, suffix))


def test_a_zone_is_written_to_text_as_utc(tmp_path):
    moments = pa.array([NOON.replace(tzinfo=dt.UTC)], pa.timestamp("us", "Asia/Tokyo"))
    for suffix in (".csv", ".jsonl"):
        write_table(pa.table({"zoned": moments}), tmp_path / f"zoned{suffix}")
        assert read_table(tmp_path / f"zoned{suffix}", as_written=True)["zoned"].to_pylist() == [
            "2024-02-29 12:00:00.250000Z"
        ]


def test_nan_is_missing_from_every_typed_format(tmp_path):
    for suffix in (".jsonl", ".parquet", ".arrow"):
        write_table(pa.table({"size": [0.5, float("nan")]}), tmp_path / f"nan{suffix}")
        assert read_table(tmp_path / f"nan{suffix}").to_pydict() == {"size": [0.5, None]}
    assert (tmp_path / "nan.jsonl").read_text() == '{"size": 0.5}\n{"size": null}\n'  # JSON has no NaN


def test_json_lines_refuse_infinity_and_leave_nothing(tmp_path):
    with pytest.raises(OutputError, match="column 'size' holds an infinite value"):
        write_table(pa.table({"size": [float("inf")]}), tmp_path / "table.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_files_become_plain_like_any_other_table(tmp_path):
    table = pa.table({"kind": pa.array(["a", None]).dictionary_encode(), "price": pa.array([1.5, float("nan")])})
    pq.write_table(table, tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.parquet").equals(pa.table({"kind": ["a", None], "price": [1.5, None]}))


def test_a_folder_name_with_an_equals_sign_adds_no_column(tmp_path):
    (tmp_path / "year=2024").mkdir()
    path = tmp_path / "year=2024" / "table.parquet"
    write_table(pa.table({"a": [1]}), path)
    assert read_table(path).column_names == ["a"]


def test_arrow_streams_are_read_as_well_as_arrow_files():
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)
    assert read(stream.getvalue(), format="arrow").equals(TABLE)


def test_a_table_may_overwrite_the_file_it_was_read_from(tmp_path):
    for suffix in (".arrow", ".parquet", ".csv"):
        path = tmp_path / f"table{suffix}"
        write_table(TABLE, path)
        table = read_table(path, as_written=True)
        write_table(table, path, force=True)
        assert table.equals(as_held(TABLE, suffix))
        assert read_table(path, as_written=True).equals(table)


# JSON lines -------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_part_of_the_first_object():
    assert read(b'\xef\xbb\xbf{"a": 1}', format="jsonl").column_names == ["a"]


def test_json_lines_join_keys_and_types_as_objects_do():
    table = read('{"a": 1, "m": 1}\n\n{"b": "x", "m": "one"}\n{"a": 2.5, "m": null}\n', format="jsonl")
    assert table.to_pydict() == {"a": [1.0, None, 2.5], "m": ["1", "one", None], "b": [None, "x", None]}


def test_texts_in_json_stay_texts_whatever_they_say():
    table = read('{"n": "1", "d": "2024-02-29", "m": "2024-02-29"}\n{"n": "02", "m": "soon"}\n', format="jsonl")
    assert table.to_pydict() == {"n": ["1", "02"], "d": ["2024-02-29", None], "m": ["2024-02-29", "soon"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n\n{"a":\n', r"line 3: is not valid JSON (Expecting value, character 6)"),
        ('{"a": 1}\n[1]\n', "line 2: holds a list, but each line must hold one object"),
        ('{"a": 1, "a": 2}\n', "line 1: is not valid JSON ('a' occurs twice)"),
        (b'{"a": "\xff"}\n', "line 1: is not valid JSON ('utf-8' codec can't decode byte 0xff"),
        ("{}\n", "the table has no columns"),
        ("[" * 100_000, "line 1: is not valid JSON"),
    ],
)
def test_json_lines_that_are_wrong_are_named(text, message):
    assert message in error_of(text, format="jsonl")


# What cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_are_errors_of_ours(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    write_table(TABLE, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableReadError) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))


def test_an_arrow_file_whose_texts_lie_beyond_its_end_is_refused(tmp_path):
    write_table(pa.table({"s": ["abc", "def"]}), tmp_path / "table.arrow")
    offsets, damaged = struct.pack("<3i", 0, 3, 6), struct.pack("<3i", 0, 3, 2**30)
    data = (tmp_path / "table.arrow").read_bytes()
    assert data.count(offsets) == 1
    assert "is not an Arrow IPC file, or is damaged" in error_of(data.replace(offsets, damaged), format="arrow")


@given(st.binary(max_size=60), st.sampled_from(["csv", "tsv", "jsonl", "csv.gz", "csv.zst", "parquet", "arrow"]))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(data, form):
    with contextlib.suppress(TableReadError):
        assert read(data, format=form).num_columns > 0


def test_files_with_rows_missing_in_every_form_say_so(tmp_path):
    for suffix in (".parquet", ".arrow", ".csv"):
        write_table(TABLE[:0], tmp_path / f"none{suffix}")
        with pytest.raises(DataError, match="has columns but no rows"):
            read_table(tmp_path / f"none{suffix}")


def test_paths_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    with pytest.raises(TableReadError, match=r"none\.csv: there is no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(TableReadError, match=r"none: there is no such file"):
        read_table(str(tmp_path / "none"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TableReadError, match=r"folder\.csv: the folder holds no file"):
        read_table(tmp_path / "folder.csv")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    with pytest.raises(TableReadError, match=r"known are \.csv, .*\.tsv, .* also followed by \.gz or \.zst"):
        read_table(tmp_path / "table.xlsx")
    (tmp_path / "table.jsonl").write_bytes(b"{}\n")

    def refuse(_: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(TableReadError, match=r"table\.jsonl: no permission to read"):
        read_table(tmp_path / "table.jsonl")


def test_a_stream_of_text_is_refused():
    with pytest.raises(TableReadError, match="gives str, not bytes; open it in binary mode"):
        read_table(io.StringIO("a\n1\n"))


def test_settings_without_meaning_are_refused():
    for arguments in ({"delimiter": ";"}, {"column_names": ["a"]}):
        with pytest.raises(SettingError, match="for CSV and TSV only"):
            read("{}", format="jsonl", **arguments)
    with pytest.raises(SettingError, match="list of column names is empty"):
        read("1\n", column_names=[])
    with pytest.raises(SettingError, match="format 'xlsx' is unknown; known are"):
        read("a\n1\n", format="xlsx")


class StandardStream:
    def __init__(self, buffer: io.BytesIO) -> None:
        self.buffer = buffer


def test_a_dash_is_standard_input_and_output_as_csv(monkeypatch, tmp_path):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", StandardStream(out))
    write_table(TABLE, "-")
    monkeypatch.undo()
    assert not out.closed
    write_table(TABLE, tmp_path / "table.csv")
    assert out.getvalue() == (tmp_path / "table.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", StandardStream(io.BytesIO(out.getvalue())))
    assert read_table("-", as_written=True).equals(as_held(TABLE, ".csv"))
    monkeypatch.setattr(sys, "stdin", StandardStream(io.BytesIO(b"a\n")))
    with pytest.raises(TableReadError, match=r"^standard input: has columns but no rows"):
        read_table("-")


# Whole or not at all ----------------------------------------------------------------------------------------


def test_a_file_is_not_overwritten_without_force(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"table\.csv: exists already; .*force=True"):
        write_table(TABLE, path)
    assert path.read_bytes() == b"precious"
    write_table(TABLE, path, force=True)
    assert read_table(path, as_written=True).equals(as_held(TABLE, ".csv"))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("step", ["write", "fsync"])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, suffix, step):
    full = OSError(errno.ENOSPC, "No space left on device")

    class FullDisk(io.FileIO):
        def write(self, _: object) -> int:
            raise full

    def refuse(_: int) -> None:
        raise full

    if step == "write":
        monkeypatch.setattr(Path, "open", lambda path, _: FullDisk(path, "x"))
    else:
        monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match=r"the disk is full; nothing was written$") as caught:
        write_table(TABLE, tmp_path / f"table{suffix}")
    assert caught.value.__cause__ is not None
    assert list(tmp_path.iterdir()) == []


def test_targets_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere; create it first"):
        write_table(TABLE, tmp_path / "nowhere" / "table.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match=r"folder\.csv: is a folder"):
        write_table(TABLE, tmp_path / "folder.csv", force=True)
    with pytest.raises(OutputError, match=r"table\.xlsx: the ending of the name .* known format; known are \.csv"):
        write_table(TABLE, tmp_path / "table.xlsx")


def test_a_table_that_a_form_cannot_hold_is_an_error_of_ours(tmp_path):
    intervals = pa.array([pa.MonthDayNano([1, 2, 3])])
    with pytest.raises(OutputError, match=r"table\.parquet: the table cannot be written as parquet"):
        write_table(pa.table({"interval": intervals}), tmp_path / "table.parquet")
    assert list(tmp_path.iterdir()) == []


# Columns that nothing is learned from -----------------------------------------------------------------------

NESTED = pa.table(
    {
        "size": [1.5, 2.0],
        "tags": [["a", 'say "x"'], None],
        "place": [{"x": 1}, {"x": None}],
        "raw": [b"\x00\xff", None],
        "pairs": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        "lasts": pa.array([pa.MonthDayNano([1, 2, 3]), None]),
    }
)


def test_nested_columns_and_bytes_pass_as_they_are_where_the_form_has_them(tmp_path):
    write_table(NESTED, tmp_path / "table.arrow")
    assert read_table(tmp_path / "table.arrow").equals(NESTED)
    table = NESTED.drop_columns("lasts")  # which Parquet has not
    write_table(table, tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.parquet").to_pydict() == table.to_pydict()


def test_nested_columns_are_json_in_files_of_text_and_bytes_their_digits(tmp_path):
    write_table(NESTED, tmp_path / "table.csv")
    table = read_table(tmp_path / "table.csv", as_written=True).to_pydict()
    assert table["tags"] == ['["a", "say \\"x\\""]', None]
    assert table["place"] == ['{"x": 1}', '{"x": null}']
    assert table["raw"] == ["00ff", None]
    assert table["lasts"][1] is None
    write_table(NESTED.drop_columns("lasts"), tmp_path / "table.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "table.jsonl").read_text().splitlines()]
    assert lines[0] == {"size": 1.5, "tags": ["a", 'say "x"'], "place": {"x": 1}, "raw": "00ff", "pairs": [["k", 1]]}


def test_nested_json_passes_whatever_its_types_are(tmp_path):
    text = '{"a": 1, "t": [1], "m": 1}\n{"a": 2, "t": null, "m": {"k": [true, "x"]}}\n'
    table = read(text, format="jsonl")
    write_table(table, tmp_path / "table.jsonl")
    assert (tmp_path / "table.jsonl").read_text() == text


def test_the_index_of_a_data_frame_is_no_column(tmp_path):
    frame = pd.DataFrame({"x": range(9)}).sample(frac=0.7, random_state=0)
    for name, suffix in ((None, "parquet"), ("key", "parquet"), ("key", "arrow")):
        indexed = frame.rename_axis(index=name)
        table = pa.Table.from_pandas(indexed)
        assert table.num_columns == 2
        path = tmp_path / f"{name}.{suffix}"
        pq.write_table(table, path) if suffix == "parquet" else write_table(table, path)
        assert read_table(path).column_names == ["x"]
    pd.DataFrame({"x": [1, 2]}).to_parquet(tmp_path / "range.parquet")
    assert read_table(tmp_path / "range.parquet").column_names == ["x"]


def test_a_repeated_column_name_is_noted_in_every_format(tmp_path):
    table = pa.table([[1], [2], [3]], names=["a", "b", "a"])
    pq.write_table(table, tmp_path / "table.parquet")
    with pa.ipc.new_file(str(tmp_path / "table.arrow"), table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "table.csv").write_text("a,b,a\n1,2,3\n")
    for suffix in ("parquet", "arrow", "csv"):
        assert read_table(tmp_path / f"table.{suffix}").to_pydict() == {"a": [1], "b": [2], "a.1": [3]}
        stream = files.open(tmp_path / f"table.{suffix}")
        assert [note.partition(": ")[2] for note in stream.notes] == [
            "names of columns occur twice; the later 'a' is read as 'a.1'"
        ]

"""The batches of a table are the table that is read whole, wherever pieces of the file end."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddrow import files
from oddrow.exceptions import OddrowError, TableReadError
from oddrow.files import _csv_files, _format_parquet, _table_file, write_table
from oddrow.files._csv_records import OPEN_QUOTE, Region, record_problem, records, whole_records
from oddrow.table import _located_batch as _located
from oddrow.table import as_table
from testing.strategies import any_tables

some_files = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)

FIELDS = ["1", "-2", "007", "2.5", "1e3", "true", "2024-02-29", "2024-02-29 12:00Z", "12:30", "NA", "", "?", "a", " b "]
FIELDS += ['""', '"x,y"', '"line\nend"', '"cr\rlf\r\n"', '"say ""so"""', '5" pipe', '"a"b', '"" c', "é", "'"]


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of so many bytes, batches of at most three rows."""

    def cut(n_bytes: int) -> None:
        monkeypatch.setattr(_csv_files, "MAX_BATCH_BYTES", n_bytes)
        monkeypatch.setattr(_csv_files, "MAX_BATCH_ROWS", 3)
        monkeypatch.setattr(_format_parquet, "MAX_BATCH_ROWS", 3)
        monkeypatch.setattr(_table_file, "MAX_BATCH_ROWS", 3)

    return cut


def whole(stream) -> pa.Table:
    batches = list(stream)
    assert all(batch.schema == stream.schema for batch in batches)
    assert all(0 < batch.num_rows <= _located.MAX_BATCH_ROWS for batch in batches)
    assert sum(batch.num_rows for batch in batches) == stream.n_rows
    assert [batch.num_rows for batch in stream] == [batch.num_rows for batch in batches]
    return pa.Table.from_batches(batches, stream.schema)


def same_as_read_whole(path: Path) -> None:
    """The batches have the rows that ``read`` gives, or reading them raises the same error."""
    try:
        expected = files.open(path).read()
    except OddrowError as error:
        for read in (whole, lambda stream: list(stream.located()), lambda stream: stream.n_rows):
            with pytest.raises(type(error)) as caught:
                read(files.open(path))
            assert str(caught.value) == str(error)
        return
    found = whole(files.open(path))
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert found.equals(expected) or found.to_pylist() == expected.to_pylist()


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(st.sampled_from(FIELDS), min_size=width, max_size=width), max_size=12)
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 40),
    st.sampled_from(["", "\n", "\n\n"]),
    st.booleans(),
)
@some_files
def test_a_csv_in_pieces_is_the_csv_read_whole(tmp_path, small_pieces, rows, end, n_bytes, blank, has_mark):
    small_pieces(n_bytes)
    lines = [",".join(f"c{place}" for place in range(len(rows[0]) if rows else 2)), *map(",".join, rows)]
    text = blank + end.join(lines) + (end if n_bytes % 2 else "")
    path = tmp_path / "table.csv"
    path.write_bytes((b"\xef\xbb\xbf" if has_mark else b"") + text.encode())
    same_as_read_whole(path)


@given(st.binary(max_size=60).map(lambda noise: noise.replace(b"\0", b",")), st.integers(1, 30))
@some_files
def test_a_stream_refuses_broken_csv_with_the_error_of_a_whole_read(tmp_path, small_pieces, noise, n_bytes):
    small_pieces(n_bytes)
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,2\n" + noise)
    same_as_read_whole(path)


@given(st.lists(st.sampled_from([*'",\n\r', "a", "b"]), max_size=40).map("".join))
@settings(max_examples=300)
def test_pieces_end_where_records_end(text):
    """Counting quotes finds no other ends than reading record by record."""
    data = text.encode()
    whole = [record for record in records(Region(data, 1), ",") if record_problem(record.data, ",", 99) != OPEN_QUOTE]
    ended = [record for record in whole if record.data.endswith((b"\n", b"\r"))]
    ends = [record.start + len(record.data) for record in ended]
    # behind a carriage return that comes last a line feed may follow
    assert whole_records(data, ",") == max((end for end in ends if end < len(data) or text[-1] != "\r"), default=0)


@given(any_tables(), st.sampled_from([".parquet", ".csv", ".csv.gz", ".arrow", ".jsonl"]), st.integers(1, 200))
@some_files
def test_any_table_comes_in_batches_as_it_comes_whole(tmp_path, small_pieces, tables, suffix, n_bytes):
    small_pieces(n_bytes)
    path = tmp_path / f"table{suffix}"
    try:
        if suffix == ".parquet":
            pq.write_table(tables.training, path, row_group_size=7)
        else:
            write_table(as_table(tables.training), path, force=True)
    except (OddrowError, pa.ArrowException, UnicodeDecodeError):
        return
    same_as_read_whole(path)


# Several files ------------------------------------------------------------------------------------------------------


def write(folder: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_files_come_in_the_order_of_their_paths_whatever_order_their_columns_have(tmp_path):
    write(tmp_path, {"b.csv": "x,y\n3,c\n", "a/1.csv": "y,x\na,1\n", "a/2.csv.gz": "", "_c.csv": "z\n1\n", ".d": "?"})
    (tmp_path / "a" / "2.csv.gz").write_bytes(gzip.compress(b"y,x\nb,NA\n"))
    assert whole(files.open(tmp_path)).to_pydict() == {"y": ["a", "b", "c"], "x": ["1", "NA", "3"]}
    assert whole(files.open(f"{tmp_path}/a/*.csv*")).to_pydict() == {"y": ["a", "b"], "x": ["1", "NA"]}


def test_parquet_files_meet_in_a_type_that_holds_both(tmp_path):
    pq.write_table(pa.table({"x": pa.array([1], pa.int32()), "y": pa.nulls(1)}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"y": ["b"], "x": [0.5]}), tmp_path / "b.parquet")
    assert whole(files.open(tmp_path)).to_pydict() == {"x": [1.0, 0.5], "y": [None, "b"]}


def test_folders_name_values_as_pyarrow_reads_them(tmp_path):
    rows = pa.table({"x": range(6), "city": list("abcabc"), "year": [2023, 2023, 2024] * 2, "odd key": ["a/b"] * 6})
    pa.dataset.write_dataset(
        rows, tmp_path / "set", format="parquet", partitioning=["city", "year", "odd key"], partitioning_flavor="hive"
    )
    found = whole(files.open(tmp_path / "set"))
    known = pa.dataset.dataset(tmp_path / "set", partitioning="hive").to_table()
    assert found.sort_by("x").to_pydict() == known.sort_by("x").select(found.column_names).to_pydict()
    assert found["year"].type == pa.int64()
    (tmp_path / "set" / "city=__HIVE_DEFAULT_PARTITION__" / "year=07" / "odd key=").mkdir(parents=True)
    pq.write_table(pa.table({"x": [9]}), tmp_path / "set/city=__HIVE_DEFAULT_PARTITION__/year=07/odd key=/a.parquet")
    found = whole(files.open(tmp_path / "set"))
    assert found["city"].null_count == 1
    assert set(found["year"].to_pylist()) == {"2023", "2024", "07"}


WRONG = {
    "columns": ({"a.csv": "x\n1\n", "b.csv": "y\n1\n"}, "b.csv: has no column 'x', unlike .*a.csv"),
    "further": ({"a.csv": "x\n1\n", "b.csv": "x,y\n1,2\n"}, "b.csv: has a further column 'y'"),
    "forms": ({"a.csv": "x\n1\n", "b.jsonl": '{"x": 1}'}, "two formats, a.csv and b.jsonl; .*pattern such as .*csv"),
    "no table": ({"a.csv": "x\n1\n", "README.md": "!"}, "README.md: the ending of the name is not that of a table"),
    "no file": ({"_a.csv": "x\n1\n"}, "holds no file"),
    "keys": ({"a=1/a.csv": "x\n1\n", "b=1/a.csv": "x\n1\n"}, "a=1/a.csv name 'a', those of .*b=1/a.csv 'b'"),
    "twice": ({"x=1/a.csv": "x\n1\n"}, "a folder and the files in it both have 'x'"),
    "no rows": ({"a.csv": "x\n", "b.csv": ""}, "has columns but no rows"),
    "empty": ({"a.csv": ""}, "a.csv: the file is empty"),
    "ragged": ({"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1\n"}, "b.csv, line 2: expected 2 fields"),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_are_no_one_table_are_refused(tmp_path, name):
    contents, message = WRONG[name]
    with pytest.raises(TableReadError, match=message):
        files.open(write(tmp_path / "set", contents)).read()


def test_types_of_parquet_that_never_meet_are_refused(tmp_path):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": ["one"]}), tmp_path / "b.parquet")
    with pytest.raises(TableReadError, match=r"b.parquet: column 'x' is string, but int64 in the files before"):
        files.open(tmp_path)


def test_a_pattern_that_nothing_has_is_refused(tmp_path):
    with pytest.raises(TableReadError, match=r"\*.csv: no file matches this pattern"):
        files.open(tmp_path / "*.csv")


def test_a_binary_stream_is_copied_and_can_be_read_repeatedly(tmp_path):
    stream = files.open(io.BytesIO(b"x\n1\n2\n"))
    first, second = iter(stream), iter(stream)
    assert next(first).equals(next(second))
    assert (stream.label, stream.files) == ("the stream", ())


# Rows that cannot be read -------------------------------------------------------------------------------------------


@given(st.data(), st.integers(1, 60))
@some_files
def test_every_line_is_a_row_or_is_reported_as_skipped(tmp_path, small_pieces, data, n_bytes):
    small_pieces(n_bytes)
    lines = data.draw(st.lists(st.sampled_from([b"1,2", b"3,4", b"1", b"1,2,3", b"\xff,1", b"x,\0"]), max_size=20))
    path = tmp_path / "table.csv"
    path.write_bytes(b"\n".join([b"a,b", b"0,0", *lines]))
    stream = files.open(path, on_error="skip", expects=["a", "b"])
    located = list(stream.located())
    skipped = [row for batch in located for row in batch.skipped]
    assert stream.n_rows + stream.n_skipped == 1 + len(lines)
    assert stream.n_skipped == len(skipped)
    bad = [line for line in lines if line not in (b"1,2", b"3,4", b"\xff,1")]
    assert [row.raw.rstrip(b"\n") for row in skipped] == bad
    assert [lines[row.line - 3] for row in skipped] == bad
    good = [line for line in [b"0,0", *lines] if line not in bad]
    assert [row for batch in located for row in batch.rows.to_pylist()] == [
        dict(zip("ab", line.decode("cp1252").split(","), strict=True)) for line in good
    ]
    told = [batch.place.of({row: ""})[0] for batch in located for row in range(len(batch.rows))]
    assert [row.raw.rstrip(b"\n") for row in told] == good
    assert [[b"0,0", *lines][row.line - 2] for row in told] == good

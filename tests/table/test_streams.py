"""Batches one after the other are the table that is read whole, wherever pieces of the file end."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oddrow.exceptions import OddrowError
from oddrow.table import _csv_files, _located, _parquet, open_stream, read_table, write_table
from oddrow.table._csv_records import OPEN_QUOTE, Region, record_problem, records, whole_records
from strategies import any_tables

some_files = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)

FIELDS = ["1", "-2", "007", "2.5", "1e3", "true", "2024-02-29", "2024-02-29 12:00Z", "12:30", "NA", "", "?", "a", " b "]
FIELDS += ['""', '"x,y"', '"line\nend"', '"cr\rlf\r\n"', '"say ""so"""', '5" pipe', '"a"b', '"" c', "é", "'"]


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of so many bytes, batches of at most three rows."""

    def cut(n_bytes: int) -> None:
        monkeypatch.setattr(_csv_files, "MOST_BYTES", n_bytes)
        monkeypatch.setattr(_csv_files, "MOST_ROWS", 3)
        monkeypatch.setattr(_parquet, "MOST_ROWS", 3)

    return cut


def whole(stream) -> pa.Table:
    batches = list(stream)
    assert all(batch.schema == stream.schema for batch in batches)
    assert all(0 < batch.num_rows <= _located.MOST_ROWS for batch in batches)
    assert sum(batch.num_rows for batch in batches) == stream.n_rows
    assert [batch.num_rows for batch in stream] == [batch.num_rows for batch in batches]
    return pa.Table.from_batches(batches, stream.schema)


def same_as_read_whole(path: Path, **arguments) -> None:
    """The stream gives the rows that ``read_table`` gives, or is refused in the same words."""
    try:
        expected = read_table(path, **arguments)
    except OddrowError as error:
        with pytest.raises(type(error)) as caught:
            whole(open_stream(path, **arguments))
        assert str(caught.value) == str(error)
        return
    found = whole(open_stream(path, **arguments))
    assert found.schema == expected.schema
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
def test_what_is_no_csv_is_refused_in_the_same_words(tmp_path, small_pieces, noise, n_bytes):
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
            write_table(tables.training, path, force=True)
    except (OddrowError, pa.ArrowException, UnicodeDecodeError):
        return
    same_as_read_whole(path)

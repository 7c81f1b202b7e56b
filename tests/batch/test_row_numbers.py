"""Rows are numbered as an editor shows them, whatever was left out and however the stream is cut."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oddrow import files
from oddrow.batch._row_numbers import numbered
from oddrow.files import _csv_files, _table_file

GOOD, SHORT, OPEN = "{n},{n}", "{n}", '{n},"x{n}'


@pytest.fixture(params=[1, 3, 1000], ids="{} rows a batch".format)
def most_rows(request, monkeypatch):
    for module in (_csv_files, _table_file):
        monkeypatch.setattr(module, "MAX_BATCH_ROWS", request.param)
    monkeypatch.setattr(_csv_files, "MAX_BATCH_BYTES", 40)


def told(source):
    """(file, number, value of x) of each row."""
    return [
        (file.rsplit("/", 1)[-1], number, x)
        for located, file, numbers in numbered(files.open(source, on_error="skip").located())
        for number, x in zip(numbers.tolist(), map(int, located.rows.column("x").to_pylist()), strict=True)
    ]


@pytest.mark.usefixtures("most_rows")
@pytest.mark.parametrize(
    "kinds",
    [
        [GOOD] * 20,
        [SHORT, GOOD, GOOD, SHORT, SHORT, GOOD, GOOD, GOOD, SHORT],
        [GOOD, *[SHORT] * 12, GOOD, GOOD, SHORT, GOOD],
        [GOOD, OPEN, GOOD, GOOD, SHORT, GOOD],
        [SHORT, SHORT, SHORT, GOOD],
    ],
)
def test_a_row_has_the_number_of_its_record_in_the_file(tmp_path, kinds):
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(kind.format(n=n) + "\n" for n, kind in enumerate(kinds, 1)))
    assert told(tmp_path / "t.csv") == [("t.csv", n, n) for n, kind in enumerate(kinds, 1) if kind == GOOD]


@pytest.mark.usefixtures("most_rows")
def test_each_file_is_counted_by_itself(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,1\n2\n3,3\n")
    (tmp_path / "b.csv").write_text("x,y\n1,1\n2,2\n")
    assert told(tmp_path) == [("a.csv", 1, 1), ("a.csv", 3, 3), ("b.csv", 1, 1), ("b.csv", 2, 2)]


@pytest.mark.usefixtures("most_rows")
def test_a_line_break_in_a_field_and_a_blank_line_are_no_rows(tmp_path):
    (tmp_path / "t.csv").write_text('x,y\n1,"a\nb"\n\n2,c\n3\n4,d\n')
    assert told(tmp_path / "t.csv") == [("t.csv", 1, 1), ("t.csv", 2, 2), ("t.csv", 4, 4)]


@pytest.mark.usefixtures("most_rows")
def test_rows_of_parquet_have_numbers_too(tmp_path):
    pq.write_table(pa.table({"x": list(range(1, 8))}), tmp_path / "t.parquet", row_group_size=3)
    assert told(tmp_path / "t.parquet") == [("t.parquet", n, n) for n in range(1, 8)]

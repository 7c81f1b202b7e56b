"""Parquet in parts, whatever the engine: here one that works in this process."""

import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oddrow.distributed
from oddrow.distributed import ENGINES, _engines, score_files
from oddrow.distributed._parts import parts_of
from oddrow.exceptions import (
    DataError,
    MissingExtraError,
    OutputError,
    SchemaMismatchError,
    SettingError,
    TableReadError,
)

TOP = 2


@pytest.fixture
def here(monkeypatch):
    """An engine without an engine: it works on the last part first, and on one of them twice."""

    def work_on_parts(parts, packed, work, address, workers):
        batches = [parts.slice(place, 1).combine_chunks().to_batches()[0] for place in range(parts.num_rows)]
        list(work(packed.unpacked(), batches[:1]))
        return pa.Table.from_batches(work(packed.unpacked(), reversed(batches)))

    engine = replace(ENGINES["ray"], work_on_parts=work_on_parts)
    monkeypatch.setattr(_engines, "ENGINES", dict.fromkeys(ENGINES, engine))


@pytest.fixture
def scored(here, fitted, table_path, tmp_path):
    """What becomes of the table; the place of the output, and what the caller changes."""

    def score(table=table_path, output=tmp_path / "scored", **changed):
        settings = {"engine": "ray", "top": TOP, "part_rows": 250} | changed
        return score_files(table, fitted, output, **settings)

    return score


def read(paths):
    return pa.concat_tables(map(pq.read_table, paths))


def test_the_files_hold_all_rows_once_and_in_order(scored, whole, tmp_path):
    found = scored()
    assert read(found.paths).equals(whole)
    assert found.paths == tuple(sorted((tmp_path / "scored").iterdir()))
    assert (found.n_rows, found.n_odd) == (whole.num_rows, sum(whole["is_odd"].to_pylist()))


def test_a_folder_is_read_in_the_order_of_its_names(scored, whole, table, tmp_path):
    folder = tmp_path / "table"
    folder.mkdir()
    pq.write_table(table.slice(500), folder / "b.parquet")
    pq.write_table(table.slice(0, 0), folder / "aa.parquet")
    pq.write_table(table.slice(0, 500), folder / "a.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_metadata.parquet").touch()
    assert read(scored(folder).paths).equals(whole)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60))
def test_parts_hold_each_row_once_for_all_sizes_of_row_groups(tmp_path_factory, part_rows, group_rows, n_rows):
    path = tmp_path_factory.mktemp("parts") / "t.parquet"
    rows = pa.table({"row": pa.array(range(n_rows), pa.int64())})
    pq.write_table(rows, path, row_group_size=group_rows)
    if n_rows == 0:
        with pytest.raises(TableReadError, match="no rows"):
            parts_of([path], part_rows)
        return
    parts = parts_of([path], part_rows)
    assert all(part.n_rows <= part_rows for part in parts)
    read_back = [[row for batch in part.batches() for row in batch["row"].to_pylist()] for part in parts]
    assert [len(rows) for rows in read_back] == [part.n_rows for part in parts]
    assert sum(read_back, []) == list(range(n_rows))  # noqa: RUF017 - few parts


def test_only_the_output_of_an_earlier_job_is_replaced_and_only_with_force(scored, whole, tmp_path):
    output = tmp_path / "scored"
    scored(part_rows=100)
    with pytest.raises(OutputError, match=r"scored: exists already.*force=True"):
        scored()
    assert len(list(output.iterdir())) == 9
    scored(force=True)
    assert read(sorted(output.iterdir())).equals(whole)
    (output / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"the folder holds 'notes.txt', which is no part of a table"):
        scored(force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scored"]


@pytest.mark.parametrize("force", [True, False])
def test_the_error_of_wrong_rows_names_them_and_no_folder_is_written(scored, table, tmp_path, force):
    wrong = table.set_column(
        table.column_names.index("duration_s"),
        "duration_s",
        pa.array([float("inf") if row == 612 else 1.0 for row in range(900)]),
    )
    pq.write_table(wrong, tmp_path / "wrong.parquet")
    with pytest.raises(DataError, match=r"wrong\.parquet, rows 500 to 749: .*duration_s"):
        scored(tmp_path / "wrong.parquet", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.parquet"]


@pytest.mark.parametrize("rows_left", [None, 249])
def test_an_engine_that_leaves_rows_out_gives_an_error(scored, tmp_path, monkeypatch, rows_left):
    engine = _engines.ENGINES["ray"]

    def forgetful(parts, packed, work, *others):
        done = engine.work_on_parts(parts, packed, work, *others)
        path = work.folder / "part-000002.parquet"
        rows = pq.read_table(path)
        path.unlink()
        if rows_left is not None:
            pq.write_table(rows.slice(0, rows_left), path)
        return done

    monkeypatch.setattr(_engines, "ENGINES", {"ray": replace(engine, work_on_parts=forgetful)})
    with pytest.raises(OutputError, match=r"part-000002\.parquet: the engine ended without writing it .*same paths"):
        scored()
    assert list(tmp_path.iterdir()) == []


def test_files_half_written_by_a_killed_worker_are_left_out(scored, tmp_path, monkeypatch):
    engine = _engines.ENGINES["ray"]

    def leaving(parts, packed, work, *others):
        (work.folder / ".oddrow-0123456789abcdef.tmp").write_bytes(b"PAR1")
        return engine.work_on_parts(parts, packed, work, *others)

    monkeypatch.setattr(_engines, "ENGINES", {"ray": replace(engine, work_on_parts=leaving)})
    assert {path.suffix for path in scored().paths[0].parent.iterdir()} == {".parquet"}


def test_invalid_tables_are_refused_before_the_engine_starts(scored, table, tmp_path, monkeypatch):
    monkeypatch.setattr(_engines, "ENGINES", dict.fromkeys(ENGINES))
    with pytest.raises(TableReadError, match="no such file or folder"):
        scored(tmp_path / "nowhere")
    folder = tmp_path / "table"
    folder.mkdir()
    with pytest.raises(TableReadError, match=r"contains no \.parquet files"):
        scored(folder)
    (folder / "more").mkdir()
    with pytest.raises(TableReadError, match=r"contains 'more', which is no \.parquet file.* work without an engine"):
        scored(folder)
    (folder / "more").rmdir()
    pq.write_table(table, folder / "a.parquet")
    pq.write_table(table.drop_columns("row"), folder / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: its columns or their types differ from those of a\.parquet"):
        scored(folder)
    pq.write_table(table.drop_columns("bytes_sent"), tmp_path / "less.parquet")
    with pytest.raises(SchemaMismatchError, match="bytes_sent"):
        scored(tmp_path / "less.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(TableReadError, match=r"text\.parquet: is not a Parquet file.* without an engine"):
        scored(tmp_path / "text.parquet")


def test_invalid_settings_are_refused(scored):
    with pytest.raises(SettingError, match="'flink'; choose from ray, spark, dask"):
        scored(engine="flink")
    with pytest.raises(SettingError, match="part_rows is 0"):
        scored(part_rows=0)
    with pytest.raises(SettingError, match="decides on all rows together"):
        scored(policy=oddrow.FalseDiscoveryRate(0.1))


@pytest.mark.parametrize(("engine", "library"), [("ray", "ray"), ("spark", "pyspark.sql"), ("dask", "dask.dataframe")])
def test_the_error_of_a_missing_engine_names_the_install_command(
    engine, library, fitted, table_path, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, library, None)
    command = rf"run: pip install 'oddrow\[{engine}\]'$"
    with pytest.raises(MissingExtraError, match=command):
        score_files(table_path, fitted, tmp_path / "scored", engine=engine)
    with pytest.raises(MissingExtraError, match=command):
        getattr(oddrow.distributed, f"score_{engine}")(None, fitted)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_adapters_loads_no_engine():
    code = "import sys, oddrow.distributed; print({'ray', 'pyspark', 'dask', 'distributed'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

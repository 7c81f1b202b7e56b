"""A fit whose parts are sampled apart, whatever the engine: here one that works in this process."""

import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from oddrow.columns import Sampling
from oddrow.distributed import ENGINES, _engines, column_names, fit_files
from oddrow.distributed._gathering import RowSampling, merge_samples, whole_sample
from oddrow.exceptions import DataError, MissingExtraError, SchemaMismatchError, SettingError, TableReadError
from oddrow.table import SampleBounds
from testing.untrained import no_training
from tests.support.engines import small_samples


@pytest.fixture
def here(monkeypatch):
    """An engine without an engine: it samples the last part first, and merges some parts before others."""

    def gather_parts(parts, sample, address, workers):
        batches = [parts.slice(place, 1).combine_chunks().to_batches()[0] for place in range(parts.num_rows)]
        states = list(sample(reversed(batches)))
        return pa.Table.from_batches([batch for first in range(3) for batch in merge_samples(states[first::3])])

    engine = replace(ENGINES["ray"], gather_parts=gather_parts)
    monkeypatch.setattr(_engines, "ENGINES", dict.fromkeys(ENGINES, engine))


def same(one, other, rows):
    assert one.surprise(rows).tobytes() == other.surprise(rows).tobytes()
    assert one.model_.encoding == other.model_.encoding


@pytest.mark.parametrize("most_rows", [300, 10_000])
def test_the_model_is_the_same_as_on_one_machine(here, table, table_path, most_rows):
    with no_training(), small_samples(most_rows):
        expected = oddrow.VAEDetector(random_state=3).fit_batches(
            pq.read_table(table_path).to_batches(max_chunksize=130)
        )
        detector = oddrow.VAEDetector(random_state=3)
        found = fit_files(table_path, detector, engine="ray", part_rows=110)
    assert found is detector
    same(expected, found, table)


def test_the_index_of_a_data_frame_is_not_learned(here, table, tmp_path):
    frame = table.to_pandas().sample(frac=0.8, random_state=0)
    frame.to_parquet(tmp_path / "indexed.parquet")
    assert column_names(tmp_path / "indexed.parquet") == table.column_names
    with no_training():
        found = fit_files(tmp_path / "indexed.parquet", oddrow.VAEDetector(random_state=3), engine="ray")
    assert [column.name for column in found.model_.encoding.schema.columns] == table.column_names


def test_given_kinds_and_a_model_to_start_from_work_as_on_one_machine(here, table, table_path):
    columns = {"row": "ignore", "destination_port": "category"}
    with no_training(), small_samples(300):
        start = oddrow.VAEDetector(random_state=1, columns=columns).fit(table.slice(0, 500))
        expected = oddrow.VAEDetector(random_state=3, columns=columns).fit_batches([table], start_from=start)
        detector = oddrow.VAEDetector(random_state=3, columns=columns)
        found = fit_files(table_path, detector, engine="dask", part_rows=200, start_from=start)
    same(expected, found, table)
    assert found.model_.encoding == start.model_.encoding


def test_the_error_of_wrong_rows_names_file_and_rows(here, table, tmp_path):
    values = np.where(np.arange(900) == 612, np.inf, 1.0) + np.arange(900)
    place = table.column_names.index("duration_s")
    pq.write_table(table.set_column(place, "duration_s", pa.array(values)), tmp_path / "wrong.parquet")
    with pytest.raises(DataError, match=r"wrong\.parquet, rows 500 to 749: .*duration_s"):
        fit_files(tmp_path / "wrong.parquet", oddrow.VAEDetector(), engine="ray", part_rows=250)


def test_a_file_that_changes_during_the_fit_is_named(here, table, tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    pq.write_table(table, path)
    engine = _engines.ENGINES["ray"]

    def late(*arguments):
        pq.write_table(table.slice(0, 300), path)
        return engine.gather_parts(*arguments)

    monkeypatch.setattr(_engines, "ENGINES", {"ray": replace(engine, gather_parts=late)})
    with pytest.raises(TableReadError, match=r"table\.parquet, rows 250 to 499: the file has changed: it has 300 rows"):
        fit_files(path, oddrow.VAEDetector(), engine="ray", part_rows=250)


def test_pieces_with_the_same_rows_are_sampled_independently(table):
    sampling = Sampling(seed=0, bounds=SampleBounds(rows=300), n_rows=6_000)
    rows = table.slice(0, 300).to_batches()
    states = [batch for number in range(20) for batch in RowSampling(sampling, number)(rows)]
    sample = whole_sample(pa.Table.from_batches(states)).sample
    assert len(sample.position) == 300
    # of 300 draws among 300 rows 63 % are expected to be different; drawn alike in each piece they would be 15
    assert 150 < len(set(sample.rows["row"].to_pylist())) < 230


def test_blocks_that_begin_with_the_same_rows_are_refused(table):
    sampling = Sampling(seed=0)
    blocks = (table.slice(0, 300), table.slice(300, 300), table.slice(0, 300))
    states = [batch for block in blocks for batch in RowSampling(sampling)(block.combine_chunks().to_batches())]
    assert whole_sample(pa.Table.from_batches(states[:2])).n_rows == 600
    with pytest.raises(DataError, match="cannot be told apart; shuffle the rows"):
        whole_sample(pa.Table.from_batches(states))


def test_a_piece_sends_its_rows_without_the_table_behind_the_slice(table):
    (whole,) = RowSampling(Sampling(seed=0), 0)(table.combine_chunks().to_batches())
    (part,) = RowSampling(Sampling(seed=0), 0)(table.combine_chunks().slice(100, 9).to_batches())
    sizes = [len(state["sampled"][0].as_py()) for state in (whole, part)]
    assert sizes[1] < sizes[0] / 4


def test_pieces_with_different_columns_give_an_error_without_a_traceback(table):
    sampling = Sampling(seed=0)
    pieces = (table, table.drop_columns("service"), table)
    states = [
        batch for number, piece in enumerate(pieces) for batch in RowSampling(sampling, number)(piece.to_batches())
    ]
    (merged,) = merge_samples(states)
    with pytest.raises(DataError, match="another part"):
        whole_sample(pa.Table.from_batches([merged]))


def test_invalid_tables_and_settings_are_refused_before_the_engine_starts(table, table_path, tmp_path, monkeypatch):
    monkeypatch.setattr(_engines, "ENGINES", dict.fromkeys(ENGINES))
    detector = oddrow.VAEDetector()
    with pytest.raises(TableReadError, match="no such file or folder"):
        fit_files(tmp_path / "nowhere", detector, engine="ray")
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table.drop_columns("row"), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: its columns or their types differ from those of a\.parquet"):
        fit_files(tmp_path, detector, engine="ray")
    with pytest.raises(SettingError, match="'flink'; choose from ray, spark, dask"):
        fit_files(table_path, detector, engine="flink")
    with pytest.raises(SettingError, match="part_rows is 0"):
        fit_files(table_path, detector, engine="ray", part_rows=0)
    with pytest.raises(SettingError, match="settings is 'none'"):
        fit_files(table_path, oddrow.VAEDetector(settings="none"), engine="ray")
    with pytest.raises(SettingError, match="max_steps is -1"):
        fit_files(table_path, oddrow.VAEDetector(max_steps=-1), engine="ray")
    with pytest.raises(SettingError, match="column 'z' is named as 'number' but is not in the table"):
        fit_files(table_path, oddrow.VAEDetector(columns={"z": "number"}), engine="ray")
    with no_training():
        other = oddrow.VAEDetector().fit({"x": np.arange(9.0)})
    with pytest.raises(SchemaMismatchError, match="unlike the one of the model to start from"):
        fit_files(table_path, detector, engine="ray", start_from=other)
    assert not hasattr(detector, "model_")


@pytest.mark.parametrize(("engine", "library"), [("ray", "ray"), ("spark", "pyspark.sql"), ("dask", "dask.dataframe")])
def test_the_error_of_a_missing_engine_names_the_install_command(engine, library, table_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    command = rf"run: pip install 'oddrow\[{engine}\]'$"
    with pytest.raises(MissingExtraError, match=command):
        fit_files(table_path, oddrow.VAEDetector(), engine=engine)
    with pytest.raises(MissingExtraError, match=command):
        getattr(oddrow.distributed, f"fit_{engine}")(None, oddrow.VAEDetector())

"""A fit whose parts are sampled apart, whatever the engine: here one that works in this process."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from engines import small_samples
from oddrow.distributed import ENGINES, _fitting_files, fit_files
from oddrow.distributed._gathering import merge_samples
from oddrow.exceptions import DataError, MissingExtraError, SettingError, TableReadError
from untrained import no_training


@pytest.fixture
def here(monkeypatch):
    """An engine without an engine: it samples the last part first, and merges some parts before others."""

    def gather_parts(parts, sample, address, workers):
        batches = [parts.slice(place, 1).combine_chunks().to_batches()[0] for place in range(parts.num_rows)]
        states = list(sample(reversed(batches)))
        return pa.Table.from_batches([batch for first in range(3) for batch in merge_samples(states[first::3])])

    monkeypatch.setattr(_fitting_files, "_GATHER_PARTS", dict.fromkeys(ENGINES, gather_parts))


def same(one, other, rows):
    assert one.surprise(rows).tobytes() == other.surprise(rows).tobytes()
    assert one.model_.encoding == other.model_.encoding


@pytest.mark.parametrize("most_rows", [300, 10_000])
def test_the_model_is_that_of_one_machine(here, table, table_path, most_rows):
    with no_training(), small_samples(most_rows):
        expected = oddrow.VAEDetector(random_state=3).fit_batches(
            pq.read_table(table_path).to_batches(max_chunksize=130)
        )
        detector = oddrow.VAEDetector(random_state=3)
        found = fit_files(table_path, detector, engine="ray", part_rows=110)
    assert found is detector
    same(expected, found, table)


def test_kinds_and_a_model_to_start_from_count_as_on_one_machine(here, table, table_path):
    columns = {"row": "ignore", "destination_port": "category"}
    with no_training(), small_samples(300):
        start = oddrow.VAEDetector(random_state=1, columns=columns).fit(table.slice(0, 500))
        expected = oddrow.VAEDetector(random_state=3, columns=columns).fit_batches([table], start_from=start)
        detector = oddrow.VAEDetector(random_state=3, columns=columns)
        found = fit_files(table_path, detector, engine="dask", part_rows=200, start_from=start)
    same(expected, found, table)
    assert found.model_.encoding == start.model_.encoding


def test_rows_that_are_wrong_are_named(here, table, tmp_path):
    values = np.where(np.arange(900) == 612, np.inf, 1.0) + np.arange(900)
    place = table.column_names.index("duration_s")
    pq.write_table(table.set_column(place, "duration_s", pa.array(values)), tmp_path / "wrong.parquet")
    with pytest.raises(DataError, match=r"wrong\.parquet, rows 500 to 749: .*duration_s"):
        fit_files(tmp_path / "wrong.parquet", oddrow.VAEDetector(), engine="ray", part_rows=250)


def test_what_is_no_table_is_refused_before_the_engine_starts(table, table_path, tmp_path, monkeypatch):
    monkeypatch.setattr(_fitting_files, "_GATHER_PARTS", {})
    detector = oddrow.VAEDetector()
    with pytest.raises(TableReadError, match="no such file or folder"):
        fit_files(tmp_path / "nowhere", detector, engine="ray")
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table.drop_columns("row"), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet: its columns or their types are not those of a\.parquet"):
        fit_files(tmp_path, detector, engine="ray")
    with pytest.raises(SettingError, match="'flink'; choose from ray, spark, dask"):
        fit_files(table_path, detector, engine="flink")
    with pytest.raises(SettingError, match="part_rows is 0"):
        fit_files(table_path, detector, engine="ray", part_rows=0)
    with pytest.raises(SettingError, match="settings is 'none'"):
        fit_files(table_path, oddrow.VAEDetector(settings="none"), engine="ray")
    assert not hasattr(detector, "model_")


@pytest.mark.parametrize(("engine", "library"), [("ray", "ray"), ("spark", "pyspark.sql"), ("dask", "dask.dataframe")])
def test_a_missing_engine_is_answered_with_the_command_that_installs_it(engine, library, table_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    command = rf"run: pip install 'oddrow\[{engine}\]'$"
    with pytest.raises(MissingExtraError, match=command):
        fit_files(table_path, oddrow.VAEDetector(), engine=engine)
    with pytest.raises(MissingExtraError, match=command):
        getattr(oddrow.distributed, f"fit_{engine}")(None, oddrow.VAEDetector())

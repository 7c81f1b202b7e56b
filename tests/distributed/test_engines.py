"""The laws of every engine, each started for real: the bits of one machine, nothing lost, nothing twice."""

from collections import Counter
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from engine_work import KilledOnce, Loads
from oddrow.distributed import score_files
from oddrow.distributed._files import PartScoring, _parts
from oddrow.distributed._work import RowScoring
from oddrow.exceptions import SchemaMismatchError, SettingError

pytestmark = [
    pytest.mark.slow,
    # the engines warn of themselves: of settings of their own, of a pandas that is too new
    pytest.mark.filterwarnings("default"),
]
TOP = 2


def added(scored):
    """What scoring adds, as values: an engine may carry a text or a moment in another type of the same kind."""
    columns = ["row", "surprise", "p_value", "is_odd", *(name for name in scored.column_names if "reason" in name)]
    return scored.select(columns).to_pydict()


def test_rows_get_the_bits_that_they_get_on_one_machine(engine, table, model_path, whole):
    scored = engine.rows(engine.score(engine.dataset(table), model_path, top=TOP))
    assert scored.num_rows == table.num_rows
    assert added(scored) == added(whole)
    assert scored["bytes_sent"].to_pylist() == table["bytes_sent"].to_pylist()


def test_a_detector_and_a_policy_are_taken_as_they_are(engine, table, fitted):
    scored = engine.rows(engine.score(engine.dataset(table), fitted, policy=oddrow.FixedSurprise(3.0)))
    assert scored["is_odd"].to_pylist() == (fitted.surprise(table) > 3.0).tolist()
    assert not any("reason" in name for name in scored.column_names)


def test_what_no_row_can_cure_is_refused_before_any_row_is_scored(engine, table, fitted):
    dataset = engine.dataset(table)
    with pytest.raises(SettingError, match="decides on all rows together"):
        engine.score(dataset, fitted, policy=oddrow.FalseDiscoveryRate(0.1))
    with pytest.raises(SchemaMismatchError, match="bytes_sent"):
        engine.rows(engine.score(engine.dataset(table.drop_columns("bytes_sent")), fitted))


def test_a_process_reads_the_model_once_however_many_batches_it_gets(engine, table, packed):
    seen = engine.rows(engine.mapped(engine.dataset(table), packed, Loads()))
    loads = {(row["process"], row["loads"]) for row in seen.select(["process", "loads"]).to_pylist()}
    assert {count for _, count in loads} == {1}
    assert len(loads) <= 3  # two workers, and perhaps one that took another's place


def test_a_worker_killed_amid_its_rows_loses_and_doubles_nothing(engine, table, packed, whole, tmp_path):
    marker = tmp_path / "killed"
    work = KilledOnce(RowScoring(TOP), marker, "row", 450)
    scored = engine.rows(engine.mapped(engine.dataset(table), packed, work))
    assert marker.exists()
    assert added(scored) == added(whole)


def test_a_worker_killed_amid_the_parts_loses_and_doubles_nothing(engine, table_path, packed, whole, tmp_path):
    parts = _parts([table_path], part_rows=100)
    work = KilledOnce(PartScoring(tmp_path, RowScoring(TOP)), tmp_path / "killed", "number", 4)
    done = engine.work_on_parts(pa.Table.from_pylist([asdict(part) for part in parts]), packed, work)
    assert (tmp_path / "killed").exists()
    assert Counter(done["number"].to_pylist()) == Counter(range(9))
    assert sum(done["n_odd"].to_pylist()) == sum(whole["is_odd"].to_pylist())
    files = sorted(tmp_path.glob("part-*.parquet"))
    assert pa.concat_tables(map(pq.read_table, files)).equals(whole)


def test_a_table_of_files_becomes_a_folder_of_files_in_order(engine, table_path, model_path, whole, tmp_path):
    scored = score_files(
        table_path, model_path, tmp_path / "scored", engine=engine.name, workers=2, top=TOP, part_rows=200
    )
    assert [path.name for path in scored.paths] == [f"part-{number:06}.parquet" for number in range(5)]
    assert pa.concat_tables(map(pq.read_table, scored.paths)).equals(whole)
    assert (scored.n_rows, scored.n_odd) == (900, sum(whole["is_odd"].to_pylist()))


def test_ray_listens_on_this_machine_alone(ray_engine):
    import ray

    assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"]


def test_dask_leaves_index_and_divisions_and_scores_plain_pandas_in_threads_alike(
    dask_engine, table, model_path, whole
):
    import dask.dataframe

    frame = table.slice(0, 200).to_pandas().set_index("row", drop=False)
    dataset = dask.dataframe.from_pandas(frame, npartitions=3)
    scored = dask_engine.score(dataset, model_path)
    assert scored.divisions == dataset.divisions
    found = scored.compute(scheduler="threads")
    assert found[list(frame.columns)].equals(dataset.compute())
    assert found["surprise"].tolist() == whole["surprise"].to_pylist()[:200]

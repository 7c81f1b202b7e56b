"""The laws of every engine, each started for real: the bits of one machine, nothing lost, nothing twice."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from oddrow.distributed import fit_files, score_files
from oddrow.distributed._gathering import PartSampling, whole_sample
from oddrow.distributed._parts import described, parts_of
from oddrow.distributed._scoring_files import PartScoring
from oddrow.distributed._work import RowScoring
from oddrow.exceptions import DataError, SchemaMismatchError, SettingError
from testing.untrained import no_training
from tests.support.engine_work import KilledOnce, Loads, SamplerKilledOnce
from tests.support.engines import small_samples

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


def test_scores_have_the_same_bits_as_on_one_machine(engine, table, model_path, whole):
    scored = engine.rows(engine.score(engine.dataset(table), model_path, top=TOP))
    assert scored.num_rows == table.num_rows
    assert added(scored) == added(whole)
    assert scored["bytes_sent"].to_pylist() == table["bytes_sent"].to_pylist()


def test_a_detector_and_a_policy_can_be_given_directly(engine, table, fitted):
    scored = engine.rows(engine.score(engine.dataset(table), fitted, policy=oddrow.FixedSurprise(3.0)))
    assert scored["is_odd"].to_pylist() == (fitted.surprise(table) > 3.0).tolist()
    assert not any("reason" in name for name in scored.column_names)


def test_errors_that_do_not_depend_on_rows_are_raised_before_any_row_is_scored(engine, table, fitted):
    dataset = engine.dataset(table)
    with pytest.raises(SettingError, match="decides on all rows together"):
        engine.score(dataset, fitted, policy=oddrow.FalseDiscoveryRate(0.1))
    with pytest.raises(SchemaMismatchError, match="bytes_sent"):
        engine.rows(engine.score(engine.dataset(table.drop_columns("bytes_sent")), fitted))


def test_a_process_reads_the_model_once_for_all_batches(engine, table, packed):
    seen = engine.rows(engine.mapped(engine.dataset(table), packed, Loads()))
    loads = {(row["process"], row["loads"]) for row in seen.select(["process", "loads"]).to_pylist()}
    assert {count for _, count in loads} == {1}
    assert len(loads) <= 3  # two workers, and perhaps one that took another's place


def test_a_worker_killed_while_scoring_rows_loses_and_doubles_no_row(engine, table, packed, whole, tmp_path):
    marker = tmp_path / "killed"
    work = KilledOnce(RowScoring(TOP), marker, "row", 450)
    scored = engine.rows(engine.mapped(engine.dataset(table), packed, work))
    assert marker.exists()
    assert added(scored) == added(whole)


def test_a_worker_killed_while_scoring_parts_loses_and_doubles_no_row(engine, table_path, packed, whole, tmp_path):
    parts = parts_of([table_path], part_rows=100)
    work = KilledOnce(PartScoring(tmp_path, RowScoring(TOP)), tmp_path / "killed", "number", 4)
    done = engine.work_on_parts(described(parts), packed, work)
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


def test_a_fit_to_files_gives_the_model_of_one_machine(engine, table, table_path):
    with no_training(), small_samples(300):
        expected = oddrow.VAEDetector(random_state=3).fit_batches([pq.read_table(table_path)])
        detector = oddrow.VAEDetector(random_state=3)
        fit_files(table_path, detector, engine=engine.name, workers=2, part_rows=100)
    assert detector.surprise(table).tobytes() == expected.surprise(table).tobytes()
    assert detector.model_.encoding == expected.model_.encoding


def test_a_worker_killed_while_sampling_loses_and_doubles_no_row(engine, table, table_path, tmp_path):
    with small_samples(300):
        sampling = oddrow.VAEDetector(random_state=3).sampling()
    work = SamplerKilledOnce(PartSampling(sampling), tmp_path / "killed", 4)
    found = whole_sample(engine.gather_parts(described(parts_of([table_path], 100)), work))
    expected = sampling.part([pq.read_table(table_path)])
    assert (tmp_path / "killed").exists()
    assert found.n_rows == expected.n_rows == 900
    assert found.sample.ordered.equals(expected.sample.ordered)


def test_a_fit_to_the_engines_data_counts_all_rows_and_is_reproducible(engine, table):
    once = table.set_column(2, "service", pa.array(["once", *table["service"].to_pylist()[1:]]))
    with no_training(), small_samples(300):
        detectors = [oddrow.VAEDetector(random_state=3, columns={"row": "ignore"}) for _ in range(2)]
        for detector in detectors:
            assert engine.fit(engine.dataset(once), detector) is detector
        whole = oddrow.VAEDetector(random_state=3, columns={"row": "ignore"}).fit_batches([once])
    one, other = detectors
    assert one.surprise(table).tobytes() == other.surprise(table).tobytes()
    assert one.model_.calibration.n_rows == whole.model_.calibration.n_rows
    assert "once" in str(one.model_.encoding)


def test_unknown_columns_are_refused_before_any_row_is_sampled(engine, table, monkeypatch):
    monkeypatch.setattr(oddrow.VAEDetector, "fit_sampled", None)
    with pytest.raises(SettingError, match="column 'z' is named as 'number' but is not in the table"):
        engine.fit(engine.dataset(table), oddrow.VAEDetector(columns={"z": "number"}))


def test_rows_that_cannot_be_fitted_give_an_error_of_one_line(engine, table):
    wrong = table.set_column(0, table.column_names[0], pa.array([float("inf"), *np.arange(899.0)]))
    with pytest.raises(DataError, match=r"in one piece of the table: .*infinity"):
        engine.fit(engine.dataset(wrong), oddrow.VAEDetector(random_state=3))


def test_dask_reads_what_pandas_makes_of_files_with_missing_values(dask_engine, table, tmp_path):
    import dask.dataframe

    place = table.column_names.index("packets")
    lists = pa.array([[1]] * 450)
    for part, packets in enumerate((table["packets"].slice(0, 450), pa.array([None, *range(449)]))):
        rows = table.slice(450 * part, 450).set_column(place, "packets", packets).append_column("lists", lists)
        pq.write_table(rows, tmp_path / f"{part}.parquet")
    with no_training():
        detector = oddrow.VAEDetector(random_state=0, columns={"lists": "ignore"})
        dask_engine.fit(dask.dataframe.read_parquet(tmp_path), detector)
    assert detector.n_features_in_ == table.num_columns + 1


def test_dask_accepts_column_names_that_are_no_text(dask_engine):
    import dask.dataframe
    import pandas as pd

    frame = dask.dataframe.from_pandas(pd.DataFrame(np.arange(80.0).reshape(40, 2)), npartitions=2)
    with no_training():
        detector = dask_engine.fit(frame, oddrow.VAEDetector(random_state=0, columns={"1": "ignore"}))
    assert detector.feature_names_in_.tolist() == ["0", "1"]


def test_a_ray_dataset_without_rows_is_refused(ray_engine):
    import ray

    with pytest.raises(DataError, match="the table has no rows"):
        ray_engine.fit(ray.data.from_items([]), oddrow.VAEDetector())


def test_ray_listens_only_on_this_machine(ray_engine):
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

"""``oddrow compare`` without ``--label``."""

import json

import pyarrow as pa
import pytest

from oddrow.datasets import make_connections
from oddrow.files import write_table
from testing.typed_reading import read_table


@pytest.fixture(scope="module")
def normal_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("rank") / "normal.csv"
    write_table(make_connections(200, odd_share=0, random_state=0).table, str(path), force=False)
    return path


def test_without_a_label_methods_are_ranked_by_probes(run, normal_csv, tmp_path):
    output = tmp_path / "ranking.csv"
    outcome = run("compare", normal_csv, "--methods", "knn1,ecod", "--seeds", 2, "-o", output)
    assert outcome.code == 0, outcome.err
    assert "normal.csv: no labels" in outcome.out
    assert "swapped" in outcome.out
    assert "seeds, Holm" in outcome.out
    table = read_table(output)
    assert set(table["method"].to_pylist()) == {"knn1", "ecod"}
    assert set(table["probes"].to_pylist()) >= {"swapped", "tail", "unseen"}


def test_json_is_the_ranking(run, normal_csv):
    outcome = run("compare", normal_csv, "--methods", "knn1,ecod", "--seeds", 1, "--json")
    found = json.loads(outcome.out)
    assert found["recommended"] == found["ranking"][0]["method"]
    assert found["rows"] == 200


@pytest.mark.parametrize("option", [("--normal", "x"), ("--contaminated",), ("--picture", "p.png")])
def test_options_that_need_labels_are_refused_without_them(run, normal_csv, option):
    outcome = run("compare", normal_csv, *option)
    assert outcome.code == 2
    assert "give --label COL" in outcome.err


def test_a_table_without_probes_is_a_data_error(run, tmp_path):
    path = tmp_path / "short.csv"
    write_table(pa.table({"x": range(9)}), str(path), force=False)
    outcome = run("compare", path, "--methods", "knn1")
    assert outcome.code == 3
    assert "needs at least 20" in outcome.err


def test_tune_ranks_settings_and_prints_the_recommended_one(run, normal_csv, untrained, tmp_path):
    output = tmp_path / "tuned.csv"
    outcome = run("tune", normal_csv, "--seeds", 1, "--max-rows", 60, "-o", output)
    assert outcome.code == 0, outcome.err
    assert "weak-kl" in outcome.out
    assert "default" in outcome.out
    assert set(read_table(output)["method"].to_pylist()) >= {"default", "weak-kl", "short"}
    assert run("tune", normal_csv, "-o", output).code == 1  # it exists
    assert "60 rows" in outcome.out

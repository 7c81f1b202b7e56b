"""A flood of flagged rows is said by every command that decides, and can end a script."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import oddrow
from oddrow.detector import _find
from oddrow.files import write_table
from oddrow.policies import RareRows
from testing.typed_reading import read_table

ENDING = "this looks like a changed column, not 570 odd rows. These rows are not like the training rows."


@pytest.fixture(scope="session")
def normal_csv(labelled_csv):
    """The rows that the model learned from: ordinary beyond doubt."""
    table = read_table(labelled_csv)
    path = labelled_csv.with_name("normal.csv")
    write_table(table.filter(pc.equal(table["label"], "normal")), path, force=True)
    return path


@pytest.fixture(scope="session")
def changed_csv(normal_csv):
    """The same rows, one column in another unit."""
    table = read_table(normal_csv)
    place = table.column_names.index("destination_port")
    changed = pc.add(table["destination_port"], 1_000_000_000)
    path = normal_csv.with_name("changed.csv")
    write_table(table.set_column(place, "destination_port", changed), path, force=True)
    return path


def test_the_note_of_score_names_the_column_that_changed(run, changed_csv, model_file, tmp_path):
    outcome = run("score", changed_csv, "-m", model_file, "-o", tmp_path / "out.csv")
    assert outcome.code == 0
    assert "note: 570 of 570 rows are flagged where about 5 were expected" in outcome.err
    assert "of them first by destination_port: " in outcome.err
    assert ENDING in outcome.err


@pytest.mark.parametrize("policy", [(), ("--fdr", "0.1"), ("--alerts", "10/500"), ("--surprise", "5")])
def test_a_flood_is_in_the_json_and_in_python(run, changed_csv, model_file, tmp_path, policy):
    found = json.loads(run("score", changed_csv, "-m", model_file, "-o", tmp_path / "out.csv", "--json", *policy).out)
    chosen = {
        (): None,
        ("--fdr", "0.1"): oddrow.FalseDiscoveryRate(0.1),
        ("--alerts", "10/500"): oddrow.AlertBudget(10, 500),
        ("--surprise", "5"): oddrow.FixedSurprise(5.0),
    }[policy]
    decision = oddrow.load(model_file).decide(read_table(changed_csv), chosen)
    assert found["note"] == decision.note
    assert ENDING in decision.note
    assert found["odd"] == decision.is_odd.sum()


def test_ordinary_rows_get_no_note(run, normal_csv, model_file, tmp_path):
    arguments = ("score", normal_csv, "-m", model_file, "-o", tmp_path / "out.csv", "--json", "--fail-on-flood")
    outcome = run(*arguments)
    assert outcome.code == 0
    assert json.loads(outcome.out)["note"] is None
    assert oddrow.load(model_file).decide(read_table(normal_csv)).note is None


def test_a_flood_can_end_a_script_after_the_output_is_written(run, changed_csv, model_file, tmp_path):
    output = tmp_path / "out.csv"
    outcome = run("score", changed_csv, "-m", model_file, "-o", output, "--fail-on-flood")
    assert outcome.code == 10
    assert read_table(output).num_rows == 570
    labels = ("--label", "label", "--normal", "normal")
    assert run("evaluate", changed_csv, "-m", model_file, *labels).code == 0
    assert run("evaluate", changed_csv, "-m", model_file, *labels, "--fail-on-flood").code == 10


def test_an_odd_row_can_end_a_script(run, normal_csv, model_file, tmp_path):
    arguments = ("score", normal_csv, "-m", model_file, "-o", tmp_path / "out.csv", "--force", "--fail-on-anomaly")
    surprise = oddrow.load(model_file).surprise(read_table(normal_csv))
    assert run(*arguments, "--surprise", surprise.max() - 1e-6).code == 10
    assert run(*arguments, "--surprise", surprise.max() + 1e-6).code == 0


def test_evaluate_prints_the_note_as_text_and_in_json(run, changed_csv, normal_csv, model_file):
    labels = ("--label", "label", "--normal", "normal")
    assert ENDING in run("evaluate", changed_csv, "-m", model_file, *labels).out
    assert ENDING in json.loads(run("evaluate", changed_csv, "-m", model_file, *labels, "--json").out)["note"]
    assert json.loads(run("evaluate", normal_csv, "-m", model_file, *labels, "--json").out)["note"] is None


def test_a_stream_in_parts_gives_the_note_of_the_whole_table(run, changed_csv, model_file, tmp_path, monkeypatch):
    whole = run("score", changed_csv, "-m", model_file, "-o", tmp_path / "whole.csv", "--json")
    for module in ("_csv_files", "_table_file"):
        monkeypatch.setattr(f"oddrow.files.{module}.MAX_BATCH_ROWS", 100)
    parts = run("score", changed_csv, "-m", model_file, "-o", tmp_path / "parts.csv", "--json", "--resume")
    assert json.loads(whole.out)["note"] == json.loads(parts.out)["note"] is not None


@pytest.mark.usefixtures("untrained")
def test_find_gives_a_note_if_the_estimate_does_not_explain_the_flagged_rows(run, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    write_table(pa.table({"x": rng.normal(size=900), "y": rng.normal(size=900)}), tmp_path / "t.csv")
    quiet = run("find", tmp_path / "t.csv", "--json", "--fail-on-flood")
    assert quiet.code == 0
    assert json.loads(quiet.out)["note"] is None
    scored = _find._scored

    def half_of_them_rare(*arguments):
        return scored(*arguments)[0], [RareRows(300, 150, {"y": 140, "x": 10})] * 3

    monkeypatch.setattr(_find, "_scored", half_of_them_rare)
    flood = run("find", tmp_path / "t.csv", "--fail-on-flood")
    assert flood.code == 10
    assert "note: 450 of 900 rows are flagged where about" in flood.out
    assert "420 of them first by y" in flood.out

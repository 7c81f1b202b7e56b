"""``oddrow find``: what is printed, written and kept."""

import json

import numpy as np
import pytest

import oddrow
from testing.typed_reading import read_table


@pytest.fixture(autouse=True)
def _no_training(untrained):
    """What the command does does not depend on how good the fit is."""


def test_find_shows_the_strangest_rows_and_says_how_many_stand_out(run, labelled_csv):
    outcome = run("find", labelled_csv, "--top", 4, "--ignore", "label")
    assert outcome.code == 0, outcome.err
    assert "the 4 strangest of 600 rows" in outcome.out
    assert "rows surely stands out" in outcome.out or "rows stand out" in outcome.out
    assert "95 %" in outcome.out
    assert "a model that never saw it" in outcome.out
    assert outcome.err.splitlines() == [line for line in outcome.err.splitlines() if line.startswith("note: 'started'")]


def test_find_writes_all_rows_in_order(run, labelled_csv, tmp_path):
    output = tmp_path / "found.csv"
    assert run("find", labelled_csv, "-o", output, "--ignore", "label").code == 0
    table, scored = read_table(labelled_csv), read_table(output)
    assert scored.column("source_port").equals(table.column("source_port"))
    added = scored.column_names[table.num_columns :]
    assert added[:4] == ["surprise", "p_value", "is_odd", "reason_1"]
    assert added[-1] == "reason_3_share"
    assert run("find", labelled_csv, "-o", output).code == 1  # it exists


def test_find_writes_csv_to_stdout_and_only_that(run, labelled_csv):
    outcome = run("find", labelled_csv, "-o", "-", "--ignore", "label")
    assert len(outcome.out.splitlines()) == 601
    assert "strangest" not in outcome.out


def test_find_json_is_the_result_of_the_library(run, labelled_csv):
    found = json.loads(run("find", labelled_csv, "--top", 3, "--ignore", "label", "--json").out)
    library = oddrow.find(read_table(labelled_csv).drop_columns("label"), top=3)
    assert [row["row"] for row in found["strangest"]] == [row.row + 1 for row in library.strangest]
    assert found["rows"] == 600
    assert found["flagged"] == int(np.sum(library.is_odd))
    assert found["odd_share"]["low"] <= found["odd_share"]["estimate"] <= found["odd_share"]["high"]


def test_find_json_has_the_notes_on_columns(run, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["number,level", *(f"{row},{row * 7 % 11}.5" for row in range(200))]))
    outcome = run("find", table, "--json")
    (note,) = json.loads(outcome.out)["notes"]
    assert "'number' runs on from row to row" in note
    assert "note: 'number' runs on" in outcome.err


def test_find_refuses_rows_and_json_on_stdout_together(run, labelled_csv):
    outcome = run("find", labelled_csv, "-o", "-", "--json")
    assert outcome.code == 2
    assert "--json and -o -" in outcome.err


def test_find_keeps_a_model(run, labelled_csv, tmp_path):
    model = tmp_path / "m.oddrow"
    assert run("find", labelled_csv, "--keep", model, "--ignore", "label").code == 0
    assert oddrow.load(model).clean == "robust"
    found = json.loads(run("info", model, "--json").out)
    assert found["cleaning"]["n_rows"] == 600
    assert "stand out and were set aside" in run("info", model).out


def test_fit_can_be_robust(run, labelled_csv, tmp_path):
    model = tmp_path / "m.oddrow"
    outcome = run("fit", labelled_csv, "-o", model, "--clean", "robust", "--ignore", "label")
    assert outcome.code == 0
    assert "cleaned:" in outcome.err
    assert oddrow.load(model).cleaning_.n_rows == 600


@pytest.fixture
def beside(tmp_path):
    """A file of 300 normal rows, and one of 200 rows of which 80 differ, with an identifier of its own."""
    rng = np.random.default_rng(0)
    normal, table = rng.normal(size=(300, 2)), rng.normal(size=(200, 2))
    table[:80] = 0.1 * table[:80] + [1.7, -1.7]
    paths = tmp_path / "normal.csv", tmp_path / "table.csv"
    paths[0].write_text("\n".join(["x,y", *(f"{x:.6f},{y:.6f}" for x, y in normal)]))
    paths[1].write_text("\n".join(["id,x,y", *(f"r{row},{x:.6f},{y:.6f}" for row, (x, y) in enumerate(table))]))
    return paths


def test_find_beside_normal_rows_is_the_result_of_the_library(run, beside, tmp_path):
    normal, table = beside
    outcome = run("find", table, "--normal", normal, "--id", "id", "--top", 5, "--json", "-o", tmp_path / "all.csv")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    library = oddrow.find(read_table(table), normal=read_table(normal), top=5)
    assert found["whole_table_counts"] is library.batch.is_used is True
    assert found["odd_share"]["estimate"] == library.batch.share
    assert [row["row"] for row in found["strangest"]] == [row.row + 1 for row in library.strangest]
    first = found["strangest"][0]
    parts = [reason["nats"] for reason in first["reasons"]]
    parts += [first[name] for name in ("combination_nats", "other_nats", "batch_nats")]
    assert sum(parts) == pytest.approx(first["surprise"])
    assert first["id"]["id"].startswith("r")
    assert read_table(tmp_path / "all.csv").column("surprise").to_pylist() == pytest.approx(library.surprise.tolist())


def test_find_beside_normal_rows_says_that_it_looked_at_the_whole_table(run, beside, tmp_path):
    normal, table = beside
    outcome = run("find", table, "--normal", normal, "--top", 3, "--keep", tmp_path / "m.oddrow")
    assert outcome.code == 0, outcome.err
    assert "the 3 strangest of 200 rows" in outcome.out
    assert "the table as a whole" in outcome.out
    assert "counts in the scores" in outcome.err
    kept = oddrow.load(tmp_path / "m.oddrow")
    assert kept.clean == "assume"
    assert kept.model_.calibration.n_rows == 60  # a fifth of the normal rows


def test_find_refuses_a_table_that_lacks_a_column_of_the_normal_rows(run, beside, labelled_csv):
    outcome = run("find", labelled_csv, "--normal", beside[0])
    assert outcome.code == 3
    assert "the table has no column 'x', which the normal rows have" in " ".join(outcome.err.split())

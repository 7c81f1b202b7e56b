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

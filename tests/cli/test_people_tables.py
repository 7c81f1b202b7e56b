"""Tables as people have them: inspected, fitted, and the next part scored, with false alarms as promised."""

import csv
import io
import json

import numpy as np
import pytest
from scipy.stats import betabinom

import oddrow
from tests.support.people_tables import german_excel, network_flows, plant_export

ROWS, NEXT_ROWS = 1_200, 800
TABLES = {
    "german.csv": (german_excel, (), ()),
    "flows.csv": (network_flows, (), ("--label", "Label", "--normal", "BENIGN")),
    "plant.csv": (plant_export, ("--skip", "3"), ()),
}
KINDS = {
    "german.csv": ["counter", "timestamp", "timestamp", "category", "number", "number", "category", "ignore"],
    "flows.csv": ["number", "number", "number", "number", "number", "ignore"],
    "plant.csv": ["counter", "timestamp", "ignore", "number", "number", *["ignore"] * 5, "category"],
}


@pytest.fixture(autouse=True)
def _no_training(untrained):
    """What is promised does not depend on how good the fit is."""


@pytest.mark.parametrize("name", TABLES)
def test_the_next_part_of_a_table_has_the_promised_false_alarms(run, tmp_path, name):
    make, reading, labels = TABLES[name]
    first, following, model = tmp_path / name, tmp_path / f"next_{name}", tmp_path / "m.oddrow"
    first.write_bytes(make(ROWS))
    following.write_bytes(make(NEXT_ROWS, ROWS))
    inspected = run("inspect", first, *reading, *labels[:2], "--json")
    assert inspected.code == 0, inspected.err
    assert [column["kind"] for column in json.loads(inspected.out)["columns"]] == KINDS[name]
    fitted = run("fit", first, *reading, *labels, "-o", model)
    assert fitted.code == 0, fitted.err
    scored = run("score", following, "-m", model)  # no option again
    assert scored.code == 0, scored.err
    rows = list(csv.reader(io.StringIO(scored.out)))
    assert len(rows) == NEXT_ROWS + 1
    n_rows = oddrow.load(model).model_.calibration.n_rows
    count = max(int(0.01 * (n_rows + 1)), 1)
    low, high = betabinom(NEXT_ROWS, count, n_rows + 1 - count).interval(0.999)
    assert low <= sum(row[-1] == "true" for row in rows[1:]) <= high


@pytest.mark.parametrize("name", TABLES)
def test_every_field_comes_back_as_it_was_written(run, tmp_path, name):
    make, reading, labels = TABLES[name]
    table, model = tmp_path / name, tmp_path / "m.oddrow"
    table.write_bytes(make(60))
    assert run("fit", table, *reading, *labels, "-o", model).code == 0
    scored = run("score", table, "-m", model)
    assert scored.code == 0, scored.err
    sign = ";" if name == "german.csv" else ","
    lines = make(60).decode("cp1252").splitlines()[-60:]
    written = [row[: lines[0].count(sign) + 1] for row in csv.reader(io.StringIO(scored.out))][1:]
    assert written == list(csv.reader(lines, delimiter=sign))


def test_a_preamble_is_passed_over_by_inspect_and_named_by_fit_with_the_option_for_it(run, tmp_path):
    (tmp_path / "plant.csv").write_bytes(plant_export(60))
    inspected = run("inspect", tmp_path / "plant.csv", "--json")
    assert inspected.code == 0, inspected.err
    assert "the first 3 lines are passed over; fit needs --skip 3" in inspected.err
    assert json.loads(inspected.out)["columns"][0]["name"] == "Row"
    fitted = run("fit", tmp_path / "plant.csv", "-o", tmp_path / "m.oddrow")
    assert fitted.code == 3
    assert "--skip 3" in fitted.err


def test_inspect_names_the_option_that_answers_each_suspicion(run, tmp_path):
    (tmp_path / "german.csv").write_bytes(german_excel(200))
    outcome = run("inspect", tmp_path / "german.csv")
    assert outcome.code == 0
    assert "'Nr' runs on from row to row" in outcome.out
    assert "--keep Nr treats it as any other column" in outcome.out
    assert "'Leer' is empty: it is left out" in outcome.out
    fitted = run("fit", tmp_path / "german.csv", "-o", tmp_path / "m.oddrow")
    assert "note: 'Nr' runs on from row to row" in fitted.err
    assert "note: 'Leer' is empty" in fitted.err


def test_options_set_the_kinds_and_formats_of_columns(run, tmp_path):
    rows = [f"{row % 7}.5,{'n/v' if row % 9 == 0 else row % 5},TX{row:05},{row}" for row in range(60)]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["size,level,ticket,number", *rows]))

    def kinds(*options):
        outcome = run("inspect", table, *options, "--json")
        assert outcome.code == 0, outcome.err
        return {column["name"]: column["kind"] for column in json.loads(outcome.out)["columns"]}

    assert kinds() == {"size": "number", "level": "category", "ticket": "ignore", "number": "counter"}
    assert kinds("--missing", "n/v")["level"] == "number"
    assert kinds("--number", "level")["level"] == "number"
    assert kinds("--keep", "ticket", "--keep", "number") == {
        "size": "number",
        "level": "category",
        "ticket": "text",
        "number": "number",
    }
    assert kinds("--decimal", ",")["size"] == "category"
    wrong = run("inspect", table, "--decimal", "x")
    assert wrong.code == 2
    assert "all columns: decimal='x' is no sign that numbers are written with" in wrong.err


def test_an_ambiguous_date_is_an_error_that_names_the_option_for_it(run, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{rng.integers(1, 13):02}/{rng.integers(1, 13):02}/2024,{rng.normal():.3f}" for _ in range(60)]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["day,x", *rows]))
    outcome = run("inspect", table)
    assert "day and month cannot be told apart" in outcome.out
    assert "--timestamp day=dmy or --timestamp day=mdy reads it" in outcome.out
    answered = json.loads(run("inspect", table, "--timestamp", "day=dmy", "--json").out)
    assert answered["columns"][0]["kind"] == "timestamp"

"""``oddrow compare``: what is printed, written and drawn."""

import json

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.files import write_table
from testing.report_files import read_report
from testing.typed_reading import read_table

COMMON = ("--label", "label", "--normal", "normal", "--methods", "knn1,pca", "--seeds", 2)


@pytest.fixture(autouse=True)
def _no_training(untrained):
    """What the command does does not depend on how good the fit is."""


def test_compare_prints_the_methods_best_first_and_sentences_about_differences(run, labelled_csv):
    outcome = run("compare", labelled_csv, *COMMON)
    assert outcome.code == 0, outcome.err
    assert "600 rows, 30 anomalies; 285 normal training rows, 315 test rows; 2 seeds" in outcome.out
    library = oddrow.compare(read_table(labelled_csv), "label", normal="normal", methods=["knn1", "pca"], seeds=2)
    places = [outcome.out.index(f" {row.method} ") for row in library.summary]
    assert places == sorted(places)
    best = library.summary[0].auroc
    assert f"{best.mean:.3f} ({best.low:.3f}-{best.high:.3f})".replace("(0.", "(.").replace("-0.", "-.") in outcome.out
    for sentence in library.sentences:
        assert sentence in outcome.out


def test_compare_json_is_the_comparison(run, labelled_csv):
    outcome = run("compare", labelled_csv, *COMMON, "--json", "--seed", 5)
    library = oddrow.compare(
        read_table(labelled_csv), "label", normal="normal", methods=["knn1", "pca"], seeds=2, random_state=5
    )
    found, expected = json.loads(outcome.out), library.to_dict()
    timeless = [{**run, "fit_seconds": 0, "score_seconds": 0} for run in found["runs"]]
    assert timeless == [{**run, "fit_seconds": 0, "score_seconds": 0} for run in expected["runs"]]
    assert found["sentences"] == expected["sentences"]


def test_compare_writes_runs_and_a_picture(run, labelled_csv, tmp_path):
    table, picture = tmp_path / "runs.csv", tmp_path / "methods.png"
    outcome = run("compare", labelled_csv, *COMMON, "-o", table, "--picture", picture)
    assert outcome.code == 0, outcome.err
    rows = read_table(table).to_pylist()
    assert [(row["method"], row["seed"]) for row in rows] == [("knn1", 0), ("pca", 0), ("knn1", 1), ("pca", 1)]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run("compare", labelled_csv, *COMMON, "-o", table).code == 1  # it exists
    assert run("compare", labelled_csv, *COMMON, "--picture", picture).code == 1
    assert run("compare", labelled_csv, *COMMON, "-o", table, "--picture", picture, "--force").code == 0


def test_compare_writes_csv_to_stdout_and_only_that(run, labelled_csv):
    outcome = run("compare", labelled_csv, *COMMON, "-o", "-")
    assert len(outcome.out.splitlines()) == 5
    assert run("compare", labelled_csv, *COMMON, "-o", "-", "--json").code == 2


def test_compare_takes_ignore_max_rows_and_contaminated(run, labelled_csv):
    options = ("--max-rows", 200, "--contaminated", "--ignore", "source_port", "--json")
    found = json.loads(run("compare", labelled_csv, *COMMON, *options).out)
    assert (found["rows"], found["anomalies"], found["rows_train"]) == (200, 10, 200)
    assert found["contaminated"]
    assert run("compare", labelled_csv, *COMMON, "--ignore", "nothing").code == 2


def test_compare_runs_oddrows_own_detector(run, labelled_csv):
    outcome = run("compare", labelled_csv, *COMMON[:4], "--methods", "oddrow,knn1", "--seeds", 1)
    assert outcome.code == 0, outcome.err
    assert " oddrow " in outcome.out
    assert "one seed: no interval" in outcome.out


def test_compare_fails_if_every_method_fails(run, tmp_path):
    path = tmp_path / "endless.parquet"
    values = [float("inf"), *np.random.default_rng(0).normal(size=59)]
    write_table(pa.table({"x": values, "label": [row % 2 for row in range(60)]}), path)
    outcome = run("compare", path, "--label", "label", "--methods", "oddrow", "--seeds", 1, "--contaminated")
    assert outcome.code == 1
    assert "failed" in outcome.out
    assert "every method failed" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--contaminated"], 2, "give --label COL"),
        (["--label", "nothing"], 3, "no label column 'nothing'"),
        (["--label", "label"], 2, "which label is normal"),
        (["--label", "label", "--normal", "normal", "--methods", "knn1,knn2"], 2, "'knn2' is no method"),
        (["--label", "label", "--normal", "normal", "--methods", ","], 2, "methods is empty"),
        (["--label", "label", "--normal", "normal", "--seeds", "0"], 2, "--seeds"),
    ],
)
def test_compare_refuses_invalid_options(run, labelled_csv, arguments, code, words):
    outcome = run("compare", labelled_csv, *arguments)
    assert outcome.code == code
    assert words in outcome.err


def test_compare_writes_a_report_of_the_test_rows_of_its_first_split(run, labelled_csv, tmp_path):
    page = tmp_path / "triage.html"
    methods = ("--methods", "knn1,oddrow", "--seeds", 2, "--report", page)
    outcome = run("compare", labelled_csv, *COMMON[:4], *methods)
    assert outcome.code == 0, outcome.err
    file = read_report(page.read_bytes())
    assert file.summary["table"]["rows"] == 315
    assert file.summary["truth"]["anomalies"] == file.blocks["truth"].sum() == 30
    labels = read_table(labelled_csv).column("label").to_pylist()
    numbers = [int(text) for text in file.summary["cells"]["values"][0]]
    assert file.summary["cells"]["columns"][0] == "row in table"
    assert [labels[number - 1] == "odd" for number in numbers] == file.blocks["truth"][: len(numbers)].tolist()
    library = oddrow.compare(
        read_table(labelled_csv), "label", normal="normal", methods=["knn1", "oddrow"], seeds=2, report_name="t"
    )
    run_of = next(one for one in library.runs if one.method == "oddrow" and one.seed == 0)
    figures = {figure["name"]: figure["value"] for figure in file.summary["truth"]["figures"]}
    assert figures["AUROC"] == f"{run_of.figures.auroc:.3f}"
    assert library.report.summary.policy.alerts == file.summary["policy"]["alerts"]


def test_compare_reports_no_method_without_reasons(run, labelled_csv, tmp_path):
    page = tmp_path / "triage.html"
    outcome = run("compare", labelled_csv, *COMMON, "--report", page)
    assert outcome.code == 2
    assert "add oddrow" in outcome.err
    assert not page.exists()


def test_the_report_of_a_thinned_table_has_the_numbers_of_the_whole_one(run, labelled_csv, tmp_path):
    page = tmp_path / "triage.html"
    outcome = run(
        "compare", labelled_csv, *COMMON[:4], "--methods", "oddrow", "--seeds", 1, "--max-rows", 200, "--report", page
    )
    assert outcome.code == 0, outcome.err
    file = read_report(page.read_bytes())
    numbers = [int(text) for text in file.summary["cells"]["values"][0]]
    labels = read_table(labelled_csv).column("label").to_pylist()
    assert max(numbers) > 200
    assert [labels[number - 1] == "odd" for number in numbers] == file.blocks["truth"][: len(numbers)].tolist()

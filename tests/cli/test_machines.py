"""What a program gets from the command line: one JSON object, where a model comes from, exit codes, a closed pipe."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

import oddrow
from testing.typed_reading import read_table

NORMAL = ("--label", "label", "--normal", "normal")


@pytest.fixture
def fitted(run, labelled_csv, tmp_path, untrained):
    def fit(name, *options):
        outcome = run("fit", labelled_csv, "-o", tmp_path / name, *NORMAL, *options)
        assert outcome.code == 0, outcome.err
        return outcome

    return fit


def test_fit_prints_one_object_and_nothing_else(run, fitted, labelled_csv, tmp_path):
    outcome = fitted("m.oddrow", "--json")
    assert outcome.err == ""
    found = json.loads(outcome.out)
    assert found["model"] == str(tmp_path / "m.oddrow")
    assert found["table"] == str(labelled_csv)
    info = json.loads(run("info", tmp_path / "m.oddrow", "--json").out)
    assert {name: found[name] for name in info} == info
    assert set(found) - set(info) == {"model", "table", "notes"}


def test_score_prints_one_object_and_nothing_else(run, labelled_csv, model_file, tmp_path):
    output = tmp_path / "out.jsonl"
    bad = tmp_path / "bad.csv"
    outcome = run("score", labelled_csv, "-m", model_file, "-o", output, "--json", "--on-error", "quarantine", bad)
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    decision = oddrow.load(model_file).decide(read_table(labelled_csv))
    assert found == {
        "table": str(labelled_csv),
        "rows": 600,
        "scored": 600,
        "odd": int(decision.is_odd.sum()),
        "skipped": 0,
        "unscored": 0,
        "events": None,
        "written": 600,
        "threshold": decision.threshold,
        "promise": str(decision.promise),
        "promised": {
            "rate": decision.promise.rate,
            "low": decision.promise.low,
            "high": decision.promise.high,
            "rows": decision.promise.n_rows,
            "independent_rows": None,
            "source": "held-out",
        },
        "note": decision.note,
        "outputs": [str(output), str(bad)],
        "notes": ["note: columns the model does not know are ignored: label"],
    }
    assert read_table(output).num_rows == 600


def test_rows_and_json_on_stdout_together_are_refused(run, labelled_csv, model_file):
    outcome = run("score", labelled_csv, "-m", model_file, "--json")
    assert outcome.code == 2
    assert "--json and -o - both print on stdout" in outcome.err


def test_an_infinite_threshold_is_null_in_json(run, labelled_csv, model_file, tmp_path):
    arguments = ("-o", tmp_path / "out.csv", "--json", "--fdr", "0.01")
    outcome = run("score", labelled_csv, "-m", model_file, *arguments)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["threshold"] is None


# Where a model comes from -------------------------------------------------------------------------------------------


def test_a_model_stores_its_table_version_and_date(run, fitted, labelled_csv, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    fitted("m.oddrow")
    digest = hashlib.sha256(labelled_csv.read_bytes()).hexdigest()
    origin = json.loads(run("info", tmp_path / "m.oddrow", "--json").out)["origin"]
    assert origin["created"] == "2023-11-14T22:13:20+00:00"
    assert (origin["oddrow"], origin["table"]) == (version("oddrow"), str(labelled_csv))
    assert origin["sha256"] == digest
    said = run("info", tmp_path / "m.oddrow").out
    assert (
        f"fitted 2023-11-14T22:13:20+00:00 by oddrow {version('oddrow')} to {labelled_csv} (SHA-256 {digest})" in said
    )


def test_the_same_fit_at_the_same_moment_gives_the_same_file(fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    fitted("one.oddrow")
    fitted("two.oddrow")
    assert (tmp_path / "one.oddrow").read_bytes() == (tmp_path / "two.oddrow").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    fitted("later.oddrow")
    assert (tmp_path / "one.oddrow").read_bytes() != (tmp_path / "later.oddrow").read_bytes()


def test_a_model_kept_by_find_stores_its_origin_and_decide_keeps_it(run, labelled_csv, tmp_path, untrained):
    model = tmp_path / "m.oddrow"
    assert run("find", labelled_csv, "--ignore", "label", "--keep", model).code == 0
    origin = oddrow.load(model).model_.origin
    assert origin.sha256 == hashlib.sha256(labelled_csv.read_bytes()).hexdigest()
    assert run("decide", model, "--surprise", "5").code == 0
    assert oddrow.load(model).model_.origin == origin


def test_a_fit_in_python_stores_no_origin(labelled_csv, untrained):
    detector = oddrow.VAEDetector(random_state=0).fit(read_table(labelled_csv))
    assert detector.model_.origin is None


# Quiet, and a pipe that closes --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untrained")
def test_quiet_keeps_the_results_on_stdout(run, labelled_csv, tmp_path):
    for arguments, sentence in (
        (("find", labelled_csv, "--ignore", "label", "--top", 1), "are flagged, each by a model"),
        (("compare", labelled_csv, *NORMAL, "--methods", "knn1,pca", "--seeds", 2), "Holm"),
    ):
        loud, quiet = run(*arguments), run(*arguments, "-q")
        assert (quiet.code, quiet.err) == (0, "")
        assert sentence in quiet.out
        assert len(quiet.out.splitlines()) == len(loud.out.splitlines())
    found = run("find", labelled_csv, "--ignore", "label", "-o", "-")
    assert "are flagged" in found.err  # rows alone go to stdout


@pytest.mark.skipif(os.name != "posix", reason="a closed pipe is told otherwise elsewhere")
@pytest.mark.parametrize("options", [(), ("--sort", "surprise"), ("--explain", "2")])
def test_a_closed_stdout_is_no_error(labelled_csv, model_file, options):
    command = [sys.executable, "-m", "oddrow", "score", str(labelled_csv), "-m", str(model_file), "-q", *options]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")

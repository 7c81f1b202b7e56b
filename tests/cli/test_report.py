"""``oddrow report`` and ``oddrow find --report``: the file, the decisions in it, and what is refused."""

import hashlib

import numpy as np
import pytest

from oddrow import files
from testing.report_files import read_report


def test_a_report_has_the_scores_and_decisions_of_score(run, labelled_csv, model_file, tmp_path):
    page, scored = tmp_path / "triage.html", tmp_path / "scored.parquet"
    policy = ("--surprise", "3.5")
    outcome = run(
        "report", labelled_csv, "-m", model_file, "-o", page, "--label", "label", "--normal", "normal", *policy
    )
    assert outcome.code == 0, outcome.err
    assert outcome.err.rstrip().endswith(f"wrote {page}: open it in a browser")
    assert run("score", labelled_csv, "-m", model_file, "-o", scored, *policy).code == 0
    found, rows = read_report(page.read_bytes()), files.open(scored).read()
    order = found.blocks["row"].astype(int) - 1
    surprise = rows.column("surprise").to_numpy()
    assert sorted(order) == list(range(600))
    np.testing.assert_array_equal(found.blocks["level"], np.ceil(surprise[order] * 1024))
    is_odd = rows.column("is_odd").to_numpy(zero_copy_only=False)
    assert found.summary["policy"]["alerts"] == is_odd.sum() > 0
    assert is_odd[order[: is_odd.sum()]].all()
    assert found.summary["truth"]["anomalies"] == 30
    assert found.summary["model"]["hash"] == hashlib.sha256(model_file.read_bytes()).hexdigest()
    assert "--surprise 3.5" in found.summary["policy"]["command"]


def test_ids_are_shown_and_no_values_hides_them(run, labelled_csv, model_file, tmp_path):
    for name, options in (("shown", ()), ("hidden", ("--no-values",))):
        outcome = run(
            "report", labelled_csv, "-m", model_file, "-o", tmp_path / f"{name}.html", "--id", "label", *options
        )
        assert outcome.code == 0, outcome.err
    shown, hidden = (read_report((tmp_path / f"{name}.html").read_bytes()).summary for name in ("shown", "hidden"))
    assert shown["cells"]["columns"][0] == "label"
    assert hidden["cells"]["values"] == []
    assert hidden["valuesHidden"]
    assert "https" in str(shown)
    assert "https" not in str(hidden)


def test_an_existing_report_is_kept_unless_forced(run, labelled_csv, model_file, tmp_path):
    page = tmp_path / "triage.html"
    page.write_text("mine")
    outcome = run("report", labelled_csv, "-m", model_file, "-o", page)
    assert outcome.code == 1
    assert "--force" in outcome.err
    assert page.read_text() == "mine"
    assert run("report", labelled_csv, "-m", model_file, "-o", page, "--force").code == 0
    assert page.stat().st_size > 100_000


@pytest.mark.parametrize(
    ("content", "options", "code", "said"),
    [
        ("a,b\n1,2\n", (), 3, "bytes_received"),
        (None, ("--id", "hots"), 2, "hots"),
        (None, ("--label", "label"), 2, "--normal"),
        (None, ("--false-alarms", "0.000001"), 2, "cannot be promised"),
    ],
)
def test_wrong_input_is_refused_in_a_line(run, labelled_csv, model_file, tmp_path, content, options, code, said):
    table = labelled_csv
    if content is not None:
        table = tmp_path / "other.csv"
        table.write_text(content)
    outcome = run("report", table, "-m", model_file, "-o", tmp_path / "page.html", *options)
    assert (outcome.code, said in outcome.err) == (code, True), outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "page.html").exists()


def test_find_writes_a_report_of_its_own_scores(run, labelled_csv, tmp_path):
    page, scored = tmp_path / "found.html", tmp_path / "found.parquet"
    outcome = run("find", labelled_csv, "--ignore", "label", "-o", scored, "--report", page)
    assert outcome.code == 0, outcome.err
    surprise = files.open(scored).read().column("surprise").to_numpy()
    found = read_report(page.read_bytes())
    order = found.blocks["row"].astype(int) - 1
    np.testing.assert_array_equal(found.blocks["level"], np.ceil(surprise[order] * 1024))


def test_find_with_normal_rows_has_no_report(run, labelled_csv, tmp_path):
    page = tmp_path / "page.html"
    outcome = run("find", labelled_csv, "--normal", labelled_csv, "--report", page)
    assert outcome.code == 2
    assert (
        f"Give --keep MODEL in place of --report, then: oddrow report {labelled_csv} -m MODEL -o {page}" in outcome.err
    )

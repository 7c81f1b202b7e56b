"""``oddrow report`` at its edges: few rows, and no model."""

import pytest

from testing.report_files import read_report


@pytest.mark.parametrize("n_rows", [0, 1])
def test_a_file_of_few_rows_has_a_report(run, labelled_csv, model_file, tmp_path, n_rows):
    few, page = tmp_path / "few.csv", tmp_path / "few.html"
    few.write_text("".join(labelled_csv.read_text().splitlines(keepends=True)[: n_rows + 1]))
    outcome = run("report", few, "-m", model_file, "-o", page)
    assert outcome.code == 0, outcome.err
    assert read_report(page.read_bytes()).summary["table"]["scored"] == n_rows


def test_a_missing_model_is_named_in_a_line(run, labelled_csv, tmp_path):
    outcome = run("report", labelled_csv, "-m", tmp_path / "absent.oddrow", "-o", tmp_path / "page.html")
    assert outcome.code == 4
    assert "absent.oddrow" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert not (tmp_path / "page.html").exists()

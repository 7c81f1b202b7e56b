"""Rows that can be found again: one numbering, ids, the odd ones alone, the strangest first, tables without rows."""

import json

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.files import write_table
from testing.model_files import golden
from testing.typed_reading import read_table
from tests.support.make_golden import columns

ROWS = 60


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "model.oddrow"
    path.write_bytes(golden("vae"))
    return path


@pytest.fixture
def table():
    return pa.table({"ticket": [f"T{n:03}" for n in range(1, ROWS + 1)], **columns(ROWS, seed=3)})


@pytest.fixture
def csv(table, tmp_path):
    write_table(table, tmp_path / "t.csv")
    return tmp_path / "t.csv"


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    for module in ("_csv_files", "_table_file"):
        monkeypatch.setattr(f"oddrow.files.{module}.MAX_BATCH_ROWS", 7)
    monkeypatch.setattr("oddrow.files._csv_files.MAX_BATCH_BYTES", 900)


def spoil(path, row):
    """Cut a data row (from 1) of a CSV file short, so that it cannot be read."""
    lines = path.read_text().splitlines()
    lines[row] = lines[row].split(",")[0]
    path.write_text("\n".join(lines) + "\n")


# What is written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [("--surprise", "1.5"), ("--alerts", "3/20")], ids=["each row", "all rows"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_sort_writes_the_strangest_rows_first_and_only_odd_the_odd_rows(
    run, csv, model_file, tmp_path, suffix, policy, monkeypatch
):
    whole, plain = tmp_path / f"whole{suffix}", ("score", csv, "-m", model_file, *policy, "--explain", 1)
    assert run(*plain, "-o", whole).code == 0
    scored = read_table(whole)
    order = np.argsort(-scored["surprise"].to_numpy(), kind="stable")
    for most_bytes in (1, 2000, 1 << 28):  # put in order row by row, some at once, all at once
        monkeypatch.setattr("oddrow.batch._scoring_job.MAX_SORTED_BYTES", most_bytes)
        out = tmp_path / f"out{suffix}"
        assert run(*plain, "-o", out, "--sort", "surprise", "--force").code == 0
        assert read_table(out).equals(scored.take(order))
        outcome = run(*plain, "-o", out, "--sort", "surprise", "--only-odd", "--force", "--json")
        found = scored.take(order)
        odd = found.filter(found["is_odd"])
        assert 0 < odd.num_rows < ROWS
        assert read_table(out).to_pylist() == odd.to_pylist()
        assert (json.loads(outcome.out)["written"], json.loads(outcome.out)["scored"]) == (odd.num_rows, ROWS)
        assert run(*plain, "-o", out, "--only-odd", "--force").code == 0
        assert read_table(out).to_pylist() == scored.filter(scored["is_odd"]).to_pylist()
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", whole.name, out.name}  # nothing else is left


def test_only_odd_without_an_odd_row_writes_no_row(run, csv, model_file, tmp_path):
    arguments = ("-o", tmp_path / "out.csv", "--surprise", "500", "--only-odd", "--sort", "surprise")
    assert run("score", csv, "-m", model_file, *arguments).code == 0
    assert (tmp_path / "out.csv").read_text().count("\n") == 1


def test_rows_are_numbered_in_their_file(run, csv, model_file, tmp_path):
    spoil(csv, 9)
    outcome = run("score", csv, "-m", model_file, "-o", tmp_path / "out.csv", "--with-row", "--on-error", "skip")
    assert outcome.code == 0, outcome.err
    scored = read_table(tmp_path / "out.csv")
    assert scored.column_names[-4:] == ["row", "surprise", "p_value", "is_odd"]
    assert scored["row"].to_pylist() == [row for row in range(1, ROWS + 1) if row != 9]
    assert scored["ticket"].to_pylist() == [f"T{row:03}" for row in scored["row"].to_pylist()]


def test_rows_that_the_model_cannot_score_have_numbers_too(run, table, model_file, tmp_path):
    bytes_ = table["bytes"].to_numpy().astype(float)
    bytes_[[4, 40]] = np.inf
    write_table(table.set_column(1, "bytes", pa.array(bytes_)), tmp_path / "t.parquet")
    arguments = ("-o", tmp_path / "out.csv", "--with-row", "--on-error", "skip", "--sort", "surprise")
    assert run("score", tmp_path / "t.parquet", "-m", model_file, *arguments).code == 0
    scored = read_table(tmp_path / "out.csv").sort_by("row")
    assert scored["row"].to_pylist() == [row for row in range(1, ROWS + 1) if row not in (5, 41)]
    assert scored["ticket"].to_pylist() == [f"T{row:03}" for row in scored["row"].to_pylist()]


def test_rows_of_several_files_name_their_file(run, table, model_file, tmp_path):
    (tmp_path / "in").mkdir()
    for name, start in (("a.csv", 0), ("b.csv", 20)):
        write_table(table.slice(start, 20), tmp_path / "in" / name)
    out = tmp_path / "out.csv"
    assert run("score", tmp_path / "in", "-m", model_file, "-o", out, "--with-row", "--resume").code == 0
    scored = read_table(out)
    assert scored["row"].to_pylist() == [*range(1, 21)] * 2
    assert scored["file"].to_pylist() == [str(tmp_path / "in" / name) for name in ("a.csv", "b.csv") for _ in range(20)]
    assert scored.column_names[-5:] == ["file", "row", "surprise", "p_value", "is_odd"]


def test_a_column_named_row_is_not_overwritten(run, table, model_file, tmp_path):
    write_table(table.append_column("row", pa.array(range(ROWS))), tmp_path / "t.csv")
    outcome = run("score", tmp_path / "t.csv", "-m", model_file, "-o", tmp_path / "out.csv", "--with-row")
    assert outcome.code == 3
    assert "already has a column 'row', which is to be added; rename or drop it, or leave out --with-row" in outcome.err


def test_an_id_is_shown_and_not_noted_as_an_ignored_column(run, csv, model_file, tmp_path):
    out = tmp_path / "out.csv"
    assert "ignored: ticket" in run("score", csv, "-m", model_file, "-o", out).err
    assert "ignored" not in run("score", csv, "-m", model_file, "-o", out, "--id", "ticket", "--force").err
    outcome = run("score", csv, "-m", model_file, "-o", out, "--id", "tickets", "--force")
    assert outcome.code == 2
    assert "--id tickets: the table has no such column; it has 'ticket', 'bytes'" in outcome.err


# A table without rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [(), ("--fdr", "0.5"), ("--alerts", "5/day", "--time", "at")])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".jsonl"])
def test_a_table_without_rows_gives_an_output_without_rows(run, table, model_file, tmp_path, suffix, policy):
    empty, some = tmp_path / f"empty{suffix}", tmp_path / f"some{suffix}"
    write_table(table.slice(0, 0), empty)
    write_table(table, some)
    for source in (empty, some):
        arguments = ("-o", tmp_path / f"{source.stem}.out{suffix}", "--explain", 2, "--with-row", *policy)
        outcome = run("score", source, "-m", model_file, *arguments)
        assert outcome.code == 0, outcome.err
        assert ("has no rows" in outcome.err) == (source == empty)
    written = read_table(tmp_path / f"empty.out{suffix}", may_be_empty=True)
    assert written.num_rows == 0
    if suffix != ".jsonl":
        assert written.column_names == read_table(tmp_path / f"some.out{suffix}").column_names
    else:
        assert (tmp_path / "empty.out.jsonl").read_bytes() == b""


def test_a_table_without_rows_to_stdout_and_in_json(run, csv, model_file, tmp_path):
    csv.write_text(csv.read_text().splitlines()[0] + "\n")
    outcome = run("score", csv, "-m", model_file, "--sort", "surprise", "--fail-on-flood", "--fail-on-anomaly")
    assert outcome.code == 0
    assert outcome.out.endswith("surprise,p_value,is_odd\n")
    found = json.loads(run("score", csv, "-m", model_file, "-o", tmp_path / "out.csv", "--json").out)
    assert (found["rows"], found["odd"], found["note"]) == (0, 0, None)


def test_a_missing_column_is_an_error_without_rows_too(run, csv, model_file, tmp_path):
    csv.write_text("ticket,bytes\n")
    outcome = run("score", csv, "-m", model_file, "-o", tmp_path / "out.csv")
    assert outcome.code == 3
    assert "'load'" in outcome.err


def test_no_rows_are_no_error_in_python(table, model_file):
    detector, none = oddrow.load(model_file), table.slice(0, 0)
    for method in ("surprise", "p_value", "predict", "score_samples", "decision_function", "explain", "embed"):
        assert len(getattr(detector, method)(none)) == 0, method
    assert len(detector.decide(none).is_odd) == 0


# One row ------------------------------------------------------------------------------------------------------------


def test_explain_takes_the_number_that_score_and_an_editor_show(run, csv, model_file, tmp_path):
    spoil(csv, 9)
    out = tmp_path / "out.csv"
    run("score", csv, "-m", model_file, "-o", out, "--with-row", "--on-error", "skip")
    scored = {row["row"]: row for row in read_table(out).to_pylist()}
    for row in (1, 8, 10, 37, ROWS):
        outcome = run("explain", csv, "-m", model_file, "--row", row, "--id", "ticket", "--json")
        found = json.loads(outcome.out)
        assert found["surprise"] == scored[row]["surprise"]
        assert (found["row"], found["place"]) == (row, f"{csv}, line {row + 1}")
        assert found["id"] == {"ticket": f"T{row:03}"}
        assert outcome.err == ""
    said = run("explain", csv, "-m", model_file, "--row", 10, "--id", "ticket").out
    assert "row 10 (" in said
    assert "ticket T010" in " ".join(said.split())
    for row in (0, ROWS + 1):
        outcome = run("explain", csv, "-m", model_file, "--row", row)
        assert outcome.code == 2
        assert f"row {row}: {csv} has rows 1 to {ROWS}" in outcome.err


def test_a_row_that_cannot_be_read_or_judged_is_named_by_its_line(run, csv, model_file):
    spoil(csv, 9)
    spoil(csv, 21)
    for row in (9, 21):
        outcome = run("explain", csv, "-m", model_file, "--row", row)
        assert outcome.code == 3
        assert f"row {row} ({csv}, line {row + 1}): cannot be read: expected 9 fields, found 1" in outcome.err
    lines = csv.read_text().splitlines()
    lines[15] = lines[15].replace(lines[15].split(",")[1], "many", 1)
    csv.write_text("\n".join(lines) + "\n")
    outcome = run("explain", csv, "-m", model_file, "--row", 15)
    assert outcome.code == 3
    assert f"{csv}, line 16: column 'bytes'" in outcome.err
    assert run("explain", csv, "-m", model_file, "--row", 16).code == 0


def test_explain_decides_as_the_whole_table_does(run, csv, model_file, tmp_path):
    model = tmp_path / "budget.oddrow"
    model.write_bytes(model_file.read_bytes())
    assert run("decide", model, "--alerts", "3/20").code == 0
    spoil(csv, 9)
    run("score", csv, "-m", model, "-o", tmp_path / "out.csv", "--with-row", "--on-error", "skip")
    scored = {row["row"]: row for row in read_table(tmp_path / "out.csv").to_pylist()}
    decided = {}
    for row in (1, 10, *(row for row, one in scored.items() if one["is_odd"])):
        found = json.loads(run("explain", csv, "-m", model, "--row", row, "--json").out)
        decided[row] = found["is_odd"]
        assert (found["is_odd"], found["surprise"]) == (scored[row]["is_odd"], scored[row]["surprise"])
    assert True in decided.values()


def test_a_row_of_several_files_needs_its_file(run, table, model_file, tmp_path):
    for name in ("a.csv", "b.csv"):
        write_table(table, tmp_path / name)
    outcome = run("explain", tmp_path / "*.csv", "-m", model_file, "--row", 3)
    assert outcome.code == 2
    assert "has 2 files, and each has a row 3; give the file of the row" in outcome.err


# Find ---------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untrained")
def test_find_shows_the_ids_or_the_first_values_of_a_row(run, csv, tmp_path):
    found = json.loads(run("find", csv, "--id", "ticket", "--top", 5, "--json").out)
    assert [row["id"]["ticket"] for row in found["strangest"]] == [f"T{row['row']:03}" for row in found["strangest"]]
    assert not any(reason["column"] == "ticket" for row in found["strangest"] for reason in row["reasons"])
    said = run("find", csv, "--id", "ticket", "--top", 5).out
    first = found["strangest"][0]
    assert any(line.split()[:2] == [str(first["row"]), first["id"]["ticket"]] for line in said.splitlines())
    plain = run("find", csv, "--ignore", "ticket", "--top", 1).out
    assert f"{first['id']['ticket']}, " in plain  # without an id it is known by what it begins with


@pytest.mark.usefixtures("untrained")
def test_find_writes_the_odd_rows_the_strangest_first(run, tmp_path):
    n_rows = 300  # enough for some to be flagged
    csv = tmp_path / "t.csv"
    write_table(pa.table({"ticket": [f"T{n:03}" for n in range(1, n_rows + 1)], **columns(n_rows, seed=3)}), csv)
    for name, options in (("all.csv", ()), ("odd.csv", ("--only-odd", "--sort", "surprise"))):
        outcome = run("find", csv, "--id", "ticket", "-o", tmp_path / name, "--with-row", *options)
        assert outcome.code == 0, outcome.err
    whole, odd = read_table(tmp_path / "all.csv"), read_table(tmp_path / "odd.csv", may_be_empty=True)
    assert whole["row"].to_pylist() == [*range(1, n_rows + 1)]
    assert whole.column_names[9] == "row"
    order = np.argsort(-whole["surprise"].to_numpy(), kind="stable")
    ordered = whole.take(order)
    expected = ordered.filter(ordered["is_odd"])
    assert odd.select(["row", "surprise", "ticket"]).equals(expected.select(["row", "surprise", "ticket"]))
    assert 0 < odd.num_rows < n_rows
    outcome = run("find", csv, "--only-odd")
    assert outcome.code == 2
    assert "give -o OUT" in outcome.err

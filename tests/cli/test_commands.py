import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from pyarrow.csv import write_csv

import oddrow
from testing.typed_reading import read_table


def test_inspect_shows_each_column_with_its_kind_and_reason(run, labelled_csv):
    outcome = run("inspect", labelled_csv)
    assert outcome.code == 0
    for word in ("started", "timestamp", "protocol", "category", "bytes_sent", "number", "encrypted", "boolean"):
        assert word in outcome.out


def test_the_columns_file_can_be_edited_and_given_to_fit(run, labelled_csv, tmp_path):
    columns, model = tmp_path / "columns.json", tmp_path / "m.oddrow"
    assert run("inspect", labelled_csv, "-o", columns).code == 0
    content = json.loads(columns.read_text())
    for column in content["columns"]:
        column["kind"] = {"destination_port": "category", "started": "ignore"}.get(column["name"], column["kind"])
    columns.write_text(json.dumps(content))
    fitted = run("fit", labelled_csv, "-o", model, "--columns", columns, "--label", "label", "--normal", "normal")
    assert fitted.code == 0, fitted.err
    kinds = {entry["name"]: entry["kind"] for entry in json.loads(run("info", model, "--json").out)["columns"]}
    assert kinds["destination_port"] == "category"
    assert kinds["started"] == "ignore"
    assert "label" not in kinds


def test_score_keeps_the_rows_in_order_and_adds_columns(run, labelled_csv, model_file, tmp_path):
    output = tmp_path / "scored.csv"
    outcome = run("score", labelled_csv, "-m", model_file, "-o", output, "--explain", "2")
    assert outcome.code == 0
    assert "label" in outcome.err  # the column that the model does not know is named
    table, scored = read_table(labelled_csv), read_table(output)
    assert scored.column("source_port").equals(table.column("source_port"))
    added = scored.column_names[len(table.column_names) :]
    assert added[:3] == ["surprise", "p_value", "is_odd"]
    assert [name for name in added if name.startswith("reason_")] == [
        f"reason_{place}{part}" for place in (1, 2) for part in ("", "_value", "_expected", "_usual", "_share")
    ]
    expected = oddrow.load(model_file).surprise(table)
    np.testing.assert_allclose(scored.column("surprise").to_numpy(), expected, rtol=1e-12)


def test_score_writes_csv_to_stdout_and_only_that(run, labelled_csv, model_file):
    outcome = run("score", labelled_csv, "-m", model_file)
    lines = outcome.out.splitlines()
    assert len(lines) == 601
    assert lines[0].endswith("surprise,p_value,is_odd")


def test_score_reads_stdin(labelled_csv, model_file):
    command = [sys.executable, "-m", "oddrow", "score", "-", "-m", str(model_file), "--quiet"]
    with labelled_csv.open("rb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == 601
    assert done.stderr == b""


def test_scoring_parquet_gives_the_same_surprise_as_csv(run, labelled_csv, model_file, tmp_path):
    parquet, output = tmp_path / "t.parquet", tmp_path / "scored.parquet"
    pyarrow.parquet.write_table(read_table(labelled_csv), parquet)
    assert run("score", parquet, "-m", model_file, "-o", output).code == 0
    surprise = pyarrow.parquet.read_table(output).column("surprise").to_numpy()
    assert (surprise == oddrow.load(model_file).surprise(read_table(labelled_csv))).all()


def test_explain_parts_add_up(run, labelled_csv, model_file):
    outcome = run("explain", labelled_csv, "-m", model_file, "--row", "7", "--json")
    found = json.loads(outcome.out)
    total = sum(reason["nats"] for reason in found["reasons"]) + found["combination_nats"]
    assert found["row"] == 7
    assert total == pytest.approx(found["surprise"], abs=1e-9)
    assert "(combination of columns)" in run("explain", labelled_csv, "-m", model_file, "--row", "7").out


def test_evaluate_agrees_with_the_library(run, labelled_csv, model_file):
    outcome = run("evaluate", labelled_csv, "-m", model_file, "--label", "label", "--normal", "normal", "--json")
    found = json.loads(outcome.out)
    table = read_table(labelled_csv)
    odd = np.array(table.column("label").to_pylist()) == "odd"
    detector = oddrow.load(model_file)
    assert found["anomalies"] == odd.sum()
    assert found["flagged_share"] == pytest.approx(np.mean(detector.predict(table) == -1))
    assert "auroc" in run("evaluate", labelled_csv, "-m", model_file, "--label", "label", "--normal", "normal").out


def test_map_draws_every_picture(run, labelled_csv, model_file, tmp_path):
    arguments = ("map", labelled_csv, "-m", model_file, "-o", tmp_path, "--label", "label", "--normal", "normal")
    assert run(*arguments).code == 0
    names = {path.name for path in tmp_path.iterdir()}
    for stem in (
        "latent_by_surprise",
        "latent_by_decision",
        "latent_by_truth",
        "surprise_distribution",
        "learning_curve",
    ):
        assert {f"{stem}.png", f"{stem}.svg"} <= names
    again = run(*arguments)
    assert again.code == 1
    assert "--force" in again.err


def test_info_says_what_the_model_is(run, model_file):
    found = json.loads(run("info", model_file, "--json").out)
    assert found["detector"] == "vae"
    assert found["policy"] == {"rate": 0.01, "kind": "false-alarm-rate"}
    assert found["promise"].startswith("about 0.87 in 100 normal rows, between")  # one of 115
    assert "learned from" in run("info", model_file).out


def test_fit_never_sees_the_label(run, model_file):
    names = [column["name"] for column in json.loads(run("info", model_file, "--json").out)["columns"]]
    assert "label" not in names


def test_options_of_fit_are_passed_to_the_detector(run, labelled_csv, tmp_path):
    model = tmp_path / "m.oddrow"
    options = (
        "--kl-weight",
        "0.5",
        "--contamination",
        "0.1",
        "--ignore",
        "label",
        "--category",
        "packets",
        "--seed",
        "4",
    )
    assert run("fit", labelled_csv, "-o", model, *options).code == 0
    detector = oddrow.load(model)
    assert (detector.kl_weight, detector.contamination, detector.random_state) == (0.5, 0.1, 4)
    assert np.mean(detector.predict(read_table(labelled_csv)) == -1) == pytest.approx(0.1)


def test_the_autoencoder_can_be_chosen(run, labelled_csv, tmp_path):
    model = tmp_path / "m.oddrow"
    assert run("fit", labelled_csv, "-o", model, "--detector", "autoencoder", "--ignore", "label").code == 0
    assert isinstance(oddrow.load(model), oddrow.AutoencoderDetector)


BAD_TABLES = {
    "empty.csv": (b"", "empty"),
    "header.csv": (b"a,b\n", "no rows"),
    "ragged.csv": (b"a,b\n1,2\n3\n", "line 3"),
    "one.csv": (b"a,b\n1,2\n", "at least 2"),
    "binary.csv": (bytes(range(256)), "binary"),
    "nothing.csv": (b"a,b\n,\n,\n,\n", "'b' is empty"),
    "table.xyz": (b"a,b\n1,2\n", ".csv"),
    "broken.parquet": (b"PAR1 not really", "broken.parquet"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_gives_a_short_error_and_leaves_nothing(run, tmp_path, name):
    content, expected = BAD_TABLES[name]
    table, model = tmp_path / name, tmp_path / "m.oddrow"
    table.write_bytes(content)
    outcome = run("fit", table, "-o", model)
    assert outcome.code == 3
    assert expected in outcome.err
    assert outcome.err.startswith("error: ")
    assert len(outcome.err.splitlines()) <= 2
    assert outcome.out == ""
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_table_is_an_error(run, tmp_path):
    outcome = run("fit", tmp_path / "none.csv", "-o", tmp_path / "m.oddrow")
    assert outcome.code == 3
    assert "none.csv" in outcome.err


def test_a_wrong_delimiter_is_named(run, tmp_path):
    (tmp_path / "t.csv").write_text("a;b,c\n1;2,5\n3;4,6\n")
    outcome = run("inspect", tmp_path / "t.csv", "--delimiter", "|")
    assert outcome.code == 3
    assert "delimiter" in outcome.err


def test_a_missing_or_unsuitable_label_is_an_error(run, labelled_csv, tmp_path):
    model = tmp_path / "m.oddrow"
    never = run("fit", labelled_csv, "-o", model, "--label", "label", "--normal", "fine")
    assert never.code == 3
    assert "'fine'" in never.err and "'normal'" in never.err
    unknown = run("fit", labelled_csv, "-o", model, "--label", "truth", "--normal", "normal")
    assert unknown.code == 3
    assert "'truth'" in unknown.err
    alone = run("fit", labelled_csv, "-o", model, "--label", "label")
    assert alone.code == 2
    assert "--normal" in alone.err
    assert not model.exists()


def test_an_existing_output_is_not_overwritten(run, labelled_csv, model_file):
    before = model_file.read_bytes()
    outcome = run("fit", labelled_csv, "-o", model_file)
    assert outcome.code == 1
    assert "--force" in outcome.err
    assert model_file.read_bytes() == before


def test_a_column_missing_at_scoring_is_named(run, labelled_csv, model_file, tmp_path):
    short = tmp_path / "short.csv"
    write_csv(read_table(labelled_csv).drop_columns(["packets"]), short)
    outcome = run("score", short, "-m", model_file, "-o", tmp_path / "out.csv")
    assert outcome.code == 3
    assert "'packets'" in outcome.err
    assert not (tmp_path / "out.csv").exists()


def test_a_column_whose_type_changed_is_named(run, labelled_csv, model_file, tmp_path):
    lines = labelled_csv.read_text().splitlines()
    place = lines[0].replace('"', "").split(",").index("packets")
    fields = lines[1].split(",")
    fields[place] = "many"
    (tmp_path / "t.csv").write_text("\n".join([lines[0], ",".join(fields), *lines[2:5]]) + "\n")
    outcome = run("score", tmp_path / "t.csv", "-m", model_file)
    assert outcome.code == 3
    assert "'packets'" in outcome.err and "'many'" in outcome.err


def test_a_table_with_columns_of_scores_is_refused(run, labelled_csv, model_file, tmp_path):
    output = tmp_path / "scored.csv"
    run("score", labelled_csv, "-m", model_file, "-o", output)
    outcome = run("score", output, "-m", model_file)
    assert outcome.code == 3
    assert "'surprise'" in outcome.err


def test_a_missing_or_damaged_model_file_is_an_error(run, labelled_csv, model_file, tmp_path):
    for name, content in {
        "foreign": b"hello",
        "cut": model_file.read_bytes()[:1000],
        "newer": model_file.read_bytes()[:8] + (99).to_bytes(4, "little") + model_file.read_bytes()[12:],
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        outcome = run("score", labelled_csv, "-m", path)
        assert outcome.code == 4, name
        assert len(outcome.err.splitlines()) == 1
    assert "newer" in outcome.err
    assert run("info", tmp_path / "missing").code == 4


def test_a_full_disk_leaves_the_old_file_or_none(run, labelled_csv, model_file, tmp_path, monkeypatch):
    output = tmp_path / "scored.csv"

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcome = run("score", labelled_csv, "-m", model_file, "-o", output)
    assert outcome.code == 1
    assert list(tmp_path.iterdir()) == []


def test_usage_errors_exit_with_2(run, labelled_csv, model_file):
    assert run("nonsense").code == 2
    assert run("score").code == 2
    assert run("explain", labelled_csv, "-m", model_file, "--row", "100000").code == 2
    assert run("fit", labelled_csv, "-o", "x", "--contamination", "0.9").code == 2
    assert run("fit", labelled_csv, "-o", "x", "--kl-weight", "-1").code == 2


def test_quiet_prints_no_notes_and_may_be_given_anywhere(run, labelled_csv, model_file, tmp_path):
    assert run("score", labelled_csv, "-m", model_file, "-o", tmp_path / "a.csv", "--quiet").err == ""
    assert run("--quiet", "score", labelled_csv, "-m", model_file, "-o", tmp_path / "b.csv").err == ""


def test_debug_shows_the_traceback(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["oddrow", "info", str(tmp_path / "none"), "--debug"])
    with pytest.raises(oddrow.exceptions.ModelFileError):
        oddrow.cli.main()


def test_version_and_module_entry():
    done = subprocess.run([sys.executable, "-m", "oddrow", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("oddrow ")


def loaded_by(libraries: set[str], *arguments: object) -> str:
    """Return which of the libraries a command loads in a process of its own; empty if none."""
    code = (
        "import sys; from oddrow.__main__ import start\n"
        f"sys.argv = {['oddrow', *map(str, arguments)]!r}\n"
        "try:\n    start()\n"
        "except SystemExit as left:\n"
        "    if left.code: raise\n"
        f"print(*sorted({libraries!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_scoring_loads_neither_the_training_libraries_nor_others_that_it_does_not_need(labelled_csv, model_file):
    slow = {"jax", "optax", "matplotlib", "sklearn", "scipy", "pandas", "narwhals", "rich"}
    assert not loaded_by(slow, "score", labelled_csv, "-m", model_file, "--explain", "2", "-q")


def test_fitting_loads_no_library_that_takes_longer_than_the_steps_of_a_small_table(labelled_csv, tmp_path):
    slow = {"matplotlib", "sklearn", "scipy", "pandas", "narwhals"}
    output = tmp_path / "m.oddrow"
    assert not loaded_by(slow, "fit", labelled_csv, "-o", output, "--max-steps", "50", "-q")
    assert output.exists()


def test_demo_fits_scores_explains_and_draws(run, tmp_path, monkeypatch):
    monkeypatch.setattr("oddrow.cli._demo.TRAINING_ROWS", 1_500)
    monkeypatch.setattr("oddrow.cli._demo.NEW_ROWS", 600)
    outcome = run("demo", "-o", tmp_path / "demo")
    assert outcome.code == 0, outcome.err
    assert "true reason was among the first 3" in outcome.out
    names = {path.name for path in Path(tmp_path / "demo").iterdir()}
    assert names == {
        "connections.oddrow",
        "maps",
        "new_connections.parquet",
        "labelled_connections.csv",
        "normal_connections.parquet",
        "scored.csv",
        "triage.html",
    }
    assert outcome.err.rstrip().endswith(f"open {tmp_path / 'demo' / 'triage.html'} in a browser.")
    again = run("demo", "-o", tmp_path / "demo")
    assert again.code == 1
    assert "--force" in again.err


def test_fit_of_a_folder_is_the_fit_of_its_rows_in_one_file(run, labelled_csv, model_file, tmp_path):
    rows = read_table(labelled_csv)
    (tmp_path / "parts").mkdir()
    for part, start in enumerate(range(0, 600, 250)):
        pyarrow.parquet.write_table(rows.slice(start, 250), tmp_path / "parts" / f"{part}.parquet")
    pyarrow.parquet.write_table(rows, tmp_path / "whole.parquet")
    of_normal = ("--label", "label", "--normal", "normal")
    for source, model in (("parts", "a.oddrow"), ("whole.parquet", "b.oddrow")):
        outcome = run("fit", tmp_path / source, "-o", tmp_path / model, *of_normal)
        assert outcome.code == 0, outcome.err
    fitted = [oddrow.load(tmp_path / name) for name in ("a.oddrow", "b.oddrow")]
    assert fitted[0].model_.origin.table != fitted[1].model_.origin.table
    for name, detector in zip("ab", fitted, strict=True):  # but for where they come from they are the same
        detector.model_ = replace(detector.model_, origin=None)
        oddrow.save(detector, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_fit_says_when_no_row_is_normal(run, labelled_csv, tmp_path):
    outcome = run("fit", labelled_csv, "-o", tmp_path / "m.oddrow", "--label", "label", "--normal", "usual")
    assert outcome.code == 3
    assert "never has the value 'usual' that marks normal rows; it has 'normal', 'odd'" in outcome.err
    assert not (tmp_path / "m.oddrow").exists()


def test_fit_starts_from_a_model_of_the_same_columns_only(run, labelled_csv, model_file, tmp_path):
    model, of_normal = tmp_path / "m.oddrow", ("--label", "label", "--normal", "normal")
    outcome = run("fit", labelled_csv, "-o", model, "--start-from", model_file, "--seed", 3, *of_normal)
    assert outcome.code == 0, outcome.err
    assert oddrow.load(model).model_.encoding == oddrow.load(model_file).model_.encoding
    refused = run("fit", labelled_csv, "-o", tmp_path / "n.oddrow", "--start-from", model_file)
    assert refused.code == 3
    assert "a further column 'label'" in refused.err
    refused = run("fit", labelled_csv, "-o", tmp_path / "n.oddrow", "--start-from", labelled_csv)
    assert refused.code == 4


@pytest.mark.parametrize(("typed", "meant"), [("scor", "score"), ("fnd", "find"), ("mapp", "map")])
def test_the_error_of_a_misspelt_command_suggests_the_right_one(run, typed, meant):
    outcome = run(typed)
    assert outcome.code == 2
    assert f"Did you mean '{meant}'?" in outcome.err


def test_scoring_loads_no_other_command():
    code = (
        "import sys; from oddrow.cli import main; sys.argv = ['oddrow', 'score', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit(sorted(name for name in sys.modules if name in {'oddrow.cli._fit', 'oddrow.cli._find'}) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0

"""How a table is to be read is said once, at fit; files as people have them end in no dead end."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from oddrow.files import CsvReading
from testing.typed_reading import read_table

NAMES = ["duration", "protocol", "bytes", "label"]
COLUMNS = {"duration": "number", "protocol": "category", "bytes": "number"}


def lines_of(n_rows: int, seed: int, delimiter: str = ",", label: bool = True) -> list[str]:
    rng = np.random.default_rng(seed)
    rows = zip(rng.normal(size=n_rows), rng.choice(["tcp", "udp"], n_rows), rng.integers(0, 999, n_rows), strict=True)
    return [delimiter.join([f"{a:.4f}", b, f"{c:03}", *(["1.0"] if label else [])]) for a, b, c in rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("reading")
    kinds = [{"name": name, "kind": kind} for name, kind in COLUMNS.items()]
    (path / "columns.json").write_text(json.dumps({"columns": kinds}))
    (path / "kdd.data").write_text("\n".join(lines_of(300, 0)) + "\n")
    return path


@pytest.fixture
def model(run, folder) -> Path:
    """Fitted once, to a file without a header."""
    path = folder / "model.oddrow"
    if not path.exists():
        options = [
            "--names",
            ",".join(NAMES),
            "--label",
            "label",
            "--normal",
            "1",
            "--columns",
            folder / "columns.json",
        ]
        outcome = run("fit", folder / "kdd.data", "-o", path, "--no-header", *options)
        assert outcome.code == 0, outcome.err
    return path


def test_a_model_stores_how_its_table_was_read(model):
    assert oddrow.load(model).model_.origin.csv == CsvReading(False, tuple(NAMES), ",")


def test_options_need_not_be_repeated_for_a_file_of_the_same_format(run, model, folder, tmp_path):
    (tmp_path / "next.data").write_text("\n".join(lines_of(20, 1)) + "\n")
    outcome = run("score", tmp_path / "next.data", "-m", model, "-o", tmp_path / "out.csv")
    assert outcome.code == 0, outcome.err
    written = (tmp_path / "out.csv").read_text().splitlines()
    assert written[0] == "duration,protocol,bytes,label,surprise,p_value,is_odd"
    assert [line.rsplit(",", 3)[0] for line in written[1:]] == lines_of(20, 1)
    scores = read_table(tmp_path / "out.csv")["surprise"].to_pylist()
    for command in (["explain", "--row", 3], ["evaluate", "--label", "label", "--normal", 1]):
        assert run(command[0], tmp_path / "next.data", "-m", model, *command[1:]).code == 0
    # with a header, lines before it, and another delimiter, the rows and their scores are the same
    text = "Export of site 7\nmade 2024\n\n duration;protocol;bytes;label\n"
    (tmp_path / "next.csv").write_text(text + "\n".join(lines_of(20, 1, ";")) + "\n")
    outcome = run("score", tmp_path / "next.csv", "-m", model, "-o", tmp_path / "other.csv")
    assert outcome.code == 0, outcome.err
    assert read_table(tmp_path / "other.csv")["surprise"].to_pylist() == scores


def test_options_take_precedence_over_what_the_model_stores(run, model, tmp_path):
    (tmp_path / "next.data").write_text("\n".join(["a report", *lines_of(20, 1, ";")]) + "\n")
    wrong = run("score", tmp_path / "next.data", "-m", model)
    assert wrong.code == 3
    assert "line 1: expected 4 fields, found 1" in wrong.err
    outcome = run("score", tmp_path / "next.data", "-m", model, "--skip", 1, "--delimiter", ";")
    assert outcome.code == 0, outcome.err
    assert len(outcome.out.splitlines()) == 21


def test_the_header_of_the_next_file_is_the_line_that_names_the_columns(run, folder, tmp_path):
    text = "duration,protocol,bytes\n" + "\n".join(lines_of(200, 0, label=False)) + "\n"
    (tmp_path / "train.csv").write_text(text)
    fit = run("fit", tmp_path / "train.csv", "-o", tmp_path / "m.oddrow", "--columns", folder / "columns.json")
    assert fit.code == 0, fit.err
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    plain.write_text("duration,protocol,bytes\n" + "\n".join(lines_of(9, 5, label=False)))
    other.write_text(
        "Export, 2024\n\n bytes;protocol;duration \n"
        + "\n".join(";".join(reversed(line.split(","))) for line in lines_of(9, 5, label=False))
    )
    scored = []
    for path in (plain, other):
        outcome = run("score", path, "-m", tmp_path / "m.oddrow", "-o", tmp_path / f"{path.stem}.parquet")
        assert outcome.code == 0, outcome.err
        scored.append(read_table(tmp_path / f"{path.stem}.parquet"))
    assert "the header is line 3, which names the model's columns; lines 1 to 2 are passed over" in outcome.err
    assert "'duration ' is 'duration', ' bytes' is 'bytes'" in outcome.err
    assert scored[0]["surprise"].equals(scored[1]["surprise"])


def test_an_error_after_rows_were_dropped_names_the_line_of_the_file(run, folder, tmp_path):
    lines = lines_of(60, 2)
    for place in range(0, 40, 2):
        lines[place] = lines[place].replace(",1.0", ",2")
    lines[45] = "much,tcp"
    (tmp_path / "bad.csv").write_text("\n".join([",".join(NAMES), *lines]) + "\n")
    options = ["--label", "label", "--normal", "1", "--columns", folder / "columns.json"]
    outcome = run("fit", tmp_path / "bad.csv", "-o", tmp_path / "m.oddrow", *options)
    assert outcome.code == 3
    assert "bad.csv, line 47: expected 4 fields, found 2" in outcome.err
    assert "counted from" not in outcome.err


def test_a_column_that_differs_by_blanks_is_found_with_a_note(run, folder, tmp_path):
    text = "duration,protocol, bytes, Label\n" + "\n".join(lines_of(40, 3)) + "\n"
    (tmp_path / "cic.csv").write_text(text)
    outcome = run("inspect", tmp_path / "cic.csv", "--label", "Label", "--ignore", "bytes")
    assert outcome.code == 0, outcome.err
    assert "note: --label Label: the column is ' Label'" in outcome.err
    assert "note: --ignore bytes: the column is ' bytes'" in outcome.err


def test_columns_that_the_model_does_not_use_pass_through_to_the_output(run, model, tmp_path):
    known = read_table(io.BytesIO("\n".join(lines_of(9, 4)).encode()), column_names=NAMES)
    nested = known.append_column("tags", pa.array([["a", "b"]] * 9)).append_column("raw", pa.array([b"x"] * 9))
    pq.write_table(nested, tmp_path / "new.parquet")
    for suffix, tags in (("parquet", ["a", "b"]), ("csv", '["a", "b"]'), ("jsonl", ["a", "b"])):
        out = tmp_path / f"out.{suffix}"
        outcome = run("score", tmp_path / "new.parquet", "-m", model, "-o", out)
        assert outcome.code == 0, outcome.err
        assert read_table(out)["tags"].to_pylist()[0] == tags
    refused = run("fit", tmp_path / "new.parquet", "-o", tmp_path / "m.oddrow")
    assert refused.code == 3
    assert "--ignore 'tags' --ignore 'raw'" in refused.err


def test_json_lines_come_on_standard_input_with_keys_that_are_absent(run, model, tmp_path, monkeypatch):
    rows = read_table(io.BytesIO("\n".join(lines_of(9, 4)).encode()), column_names=NAMES).to_pylist()
    buffer = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    monkeypatch.setattr(sys, "stdin", type("Standard", (), {"buffer": buffer}))
    outcome = run("score", "-", "-m", model, "--format", "jsonl")
    assert outcome.code == 0, outcome.err
    assert len(outcome.out.splitlines()) == 10
    refused = run("score", "-", "-m", model, "--format", "jsonl", "--skip", 1)
    assert refused.code == 2
    assert "for CSV and TSV only" in refused.err

"""``--engine`` of ``score`` and ``fit``: what goes in, what is said; the engine itself works in this process."""

import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from oddrow.batch import scored_table
from oddrow.cli._engines import EngineName
from oddrow.distributed import ENGINES, _engines
from oddrow.files import write_table
from testing.typed_reading import read_table


@pytest.fixture
def asked(monkeypatch):
    """What the engines are asked for."""
    asked = []

    def engine(name):
        def work_on_parts(parts, packed, work, address, workers):
            asked.append((name, address, workers))
            return pa.Table.from_batches(work(packed.unpacked(), parts.to_batches()))

        return work_on_parts

    monkeypatch.setattr(
        _engines, "ENGINES", {name: replace(ENGINES[name], work_on_parts=engine(name)) for name in ENGINES}
    )
    return asked


@pytest.fixture
def parquet(labelled_csv, tmp_path):
    path = tmp_path / "table.parquet"
    write_table(read_table(labelled_csv), path)
    return path


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_writes_a_folder_with_the_rows_that_score_writes(run, asked, parquet, model_file, tmp_path, name):
    output = tmp_path / "scored"
    cluster = ("--engine", name, "--address", "there:1", "--workers", 3)
    outcome = run("score", parquet, "-m", model_file, "-o", output, "--explain", 2, "--surprise", 2.5, *cluster)
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert asked == [(name, "there:1", 3)]
    expected = scored_table(oddrow.load(model_file).model_, read_table(parquet), 2, oddrow.FixedSurprise(2.5)).rows
    (part,) = output.iterdir()
    assert pq.read_table(part).equals(expected)
    n_odd = sum(expected["is_odd"].to_pylist())
    assert f"{n_odd} of 600 rows are odd (surprise above 2.50 nats" in outcome.err
    assert f"wrote 1 files in {output}" in outcome.err
    assert run("score", parquet, "-m", model_file, "-o", output, *cluster).code == 1  # it exists
    assert run("score", parquet, "-m", model_file, "-o", output, "--force", *cluster).code == 0


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--address", "there:1"), 2, "--address and --workers need --engine"),
        (("--engine", "ray", "--delimiter", ";"), 2, "cannot be given with --engine"),
        (("--engine", "ray", "--resume"), 2, "cannot be given with --engine"),
        (("--engine", "ray"), 1, "name it with -o FOLDER"),
        (("--engine", "ray", "-o", "scored", "--fdr", "0.1"), 2, "decides on all rows together"),
    ],
)
def test_options_that_cannot_be_combined_are_refused(run, asked, parquet, model_file, options, code, text):
    outcome = run("score", parquet, "-m", model_file, *options)
    assert (outcome.code, asked) == (code, [])
    assert text in outcome.err


def test_the_error_of_a_missing_engine_names_the_install_command(run, parquet, model_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    outcome = run("score", parquet, "-m", model_file, "-o", tmp_path / "scored", "--engine", "ray")
    assert outcome.code == 1
    assert "run: pip install 'oddrow[ray]'" in outcome.err


def test_a_fit_by_an_engine_writes_the_model_of_one_machine(run, parquet, tmp_path, monkeypatch):
    asked = []

    def gather_parts(parts, sample, address, workers):
        asked.append((address, workers))
        return pa.Table.from_batches(sample(parts.to_batches()))

    monkeypatch.setattr(_engines, "ENGINES", {"spark": replace(ENGINES["spark"], gather_parts=gather_parts)})
    plain, by_engine = tmp_path / "plain.oddrow", tmp_path / "engine.oddrow"
    options = ("--seed", 3, "--max-steps", 20, "--ignore", "label")
    assert run("fit", parquet, "-o", plain, *options).code == 0
    outcome = run(
        "fit", parquet, "-o", by_engine, *options, "--engine", "spark", "--address", "there:1", "--workers", 3
    )
    assert outcome.code == 0, outcome.err
    assert asked == [("there:1", 3)]
    assert f"wrote {by_engine}" in outcome.err
    rows = read_table(parquet)
    assert oddrow.load(by_engine).surprise(rows).tobytes() == oddrow.load(plain).surprise(rows).tobytes()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--address", "there:1"), "--address and --workers need --engine"),
        (("--engine", "ray", "--label", "label", "--normal", "normal"), "do not go with fit --engine"),
        (("--engine", "ray", "--delimiter", ";"), "do not go with fit --engine"),
    ],
)
def test_options_that_a_fit_by_an_engine_does_not_take_are_refused(run, parquet, tmp_path, options, text):
    outcome = run("fit", parquet, "-o", tmp_path / "model.oddrow", *options)
    assert outcome.code == 2
    assert text in outcome.err
    assert not (tmp_path / "model.oddrow").exists()


def test_the_command_line_offers_the_engines_that_there_are():
    """It has a list of its own, because to import the engines takes a twelfth of the time of scoring a row."""
    assert [engine.value for engine in EngineName] == list(ENGINES)

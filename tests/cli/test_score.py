"""``oddrow score`` of tables of any size: what is read, what is left out, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

import oddrow
from oddrow.files import write_table
from testing.model_files import golden
from testing.typed_reading import read_table
from tests.support.make_golden import columns

N_FILES, ROWS = 6, 40


@pytest.fixture(scope="module")
def model_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "model.oddrow"
    path.write_bytes(golden("vae"))
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """A table in several files, in folders that name their day."""
    for place in range(N_FILES):
        path = tmp_path / "logs" / f"day={place // 2 + 1}" / f"{place}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(pa.table(columns(ROWS, seed=place)), path)
    return tmp_path / "logs"


@pytest.mark.parametrize("pattern", ["", "day=*/*.csv", "**/*.csv", "day=*"])
def test_a_folder_and_a_pattern_are_one_table(run, folder, model_file, tmp_path, pattern):
    outcome = run("score", folder / pattern, "-m", model_file, "-o", tmp_path / "out.parquet")
    assert outcome.code == 0, outcome.err
    assert "ignored: day" in outcome.err
    rows = pa.concat_tables([read_table(path, as_written=True) for path in sorted(folder.rglob("*.csv"))])
    scored = read_table(tmp_path / "out.parquet")
    assert scored["bytes"].equals(rows["bytes"])
    assert scored["day"].to_pylist() == [day for day in "123" for _ in range(2 * ROWS)]
    assert scored["surprise"].to_pylist() == oddrow.load(model_file).surprise(rows).tolist()


def test_rows_left_out_are_counted_and_written_to_the_file_named(run, folder, model_file, tmp_path):
    path = folder / "day=2" / "2.csv"
    path.write_bytes(path.read_bytes() + b"1,2\n")
    stopped = run("score", folder, "-m", model_file, "-o", tmp_path / "out.csv")
    assert stopped.code == 3
    assert f"2.csv, line {ROWS + 2}: expected 8 fields, found 2" in stopped.err
    skipped = run("score", folder, "-m", model_file, "-o", tmp_path / "out.csv", "--on-error", "skip")
    assert skipped.code == 0
    assert f"1 of {N_FILES * ROWS + 1} rows of {folder} were left out\n" in skipped.err
    told = tmp_path / "bad.csv"
    arguments = ("-o", tmp_path / "again.csv", "--on-error", "quarantine", told)
    assert f"left out, written to {told}" in run("score", folder, "-m", model_file, *arguments).err
    assert read_table(told)["raw"].to_pylist() == ["1,2"]
    told_again = tmp_path / "bad again.csv"
    arguments = ("-o", tmp_path / "third.csv", "--quarantine", told_again)
    assert f"left out, written to {told_again}" in run("score", folder, "-m", model_file, *arguments).err
    assert told_again.read_bytes() == told.read_bytes()
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()


def test_invalid_options_are_refused_before_any_row_is_scored(run, folder, model_file, tmp_path):
    for arguments, words in (
        (("--on-error", "quarantine"), "give --quarantine FILE"),
        (("--quarantine", tmp_path / "out.csv", "-o", tmp_path / "out.csv"), "give two files"),
        (("--on-error", "quarantine", tmp_path / "out.csv", "-o", tmp_path / "out.csv"), "give two files"),
        (("--resume",), "give --output OUT"),
    ):
        outcome = run("score", folder, "-m", model_file, *arguments)
        assert outcome.code == 2
        assert words in outcome.err
    assert run("score", "-", "-m", model_file, "--resume").code == 2


def test_evaluate_reads_a_folder_as_the_table_that_it_is(run, folder, model_file, tmp_path):
    rows = pa.concat_tables([read_table(path, as_written=True) for path in sorted(folder.rglob("*.csv"))])
    write_table(rows, tmp_path / "one.csv")
    arguments = ("-m", model_file, "--label", "zone", "--normal", "a", "--json")
    whole, parts = (run("evaluate", table, *arguments) for table in (tmp_path / "one.csv", folder))
    assert whole.code == 3  # the label is a column that the model reads
    assert "'zone'" in whole.err and "'zone'" in parts.err
    labelled = rows.append_column("label", pa.array(["odd", "fine"] * (len(rows) // 2)))
    write_table(labelled, tmp_path / "labelled.csv")
    for place in range(3):
        write_table(labelled.slice(80 * place, 80), tmp_path / f"part-{place}.csv")
    arguments = ("-m", model_file, "--label", "label", "--normal", "fine", "--json")
    whole, parts = (run("evaluate", tmp_path / name, *arguments) for name in ("labelled.csv", "part-*.csv"))
    assert whole.code == 0, whole.err
    assert whole.out == parts.out
    never = run("evaluate", tmp_path / "labelled.csv", "-m", model_file, "--label", "label", "--normal", "never")
    assert "never has the value 'never'" in never.err and "'fine'" in never.err


def test_a_map_of_many_rows_shows_a_sample_of_them(run, folder, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr("oddrow.cli._map.MAX_DRAWN", 100)
    outcome = run("map", folder, "-m", model_file, "-o", tmp_path)
    assert outcome.code == 0, outcome.err
    assert "one row in 3 of 240" in (tmp_path / "latent_by_surprise.svg").read_text()


def test_a_process_killed_again_and_again_ends_with_the_same_file(run, folder, model_file, tmp_path):
    whole, out, partial = (tmp_path / name for name in ("whole.parquet", "out.parquet", "out.parquet.partial"))
    assert run("score", folder, "-m", model_file, "-o", whole).code == 0
    command = [sys.executable, "-m", "oddrow", "score", str(folder), "-m", str(model_file), "-o", str(out), "-q"]
    for n_parts in (1, 3):
        process = subprocess.Popen([*command, "--resume"])
        while process.poll() is None and not (partial / f"part-{n_parts:08}.arrow").exists():
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run("score", folder, "-m", model_file, "-o", out, "--resume", "--force").code == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not partial.exists()


def test_a_job_is_resumed_unless_its_table_has_changed(run, folder, model_file, tmp_path, monkeypatch):
    arguments = ("score", folder, "-m", model_file, "-o", tmp_path / "out.csv")
    room = 5

    def fsync(descriptor: int) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        assert "the disk is full" in run(*arguments, "--resume").err
    assert not (tmp_path / "out.csv").exists()
    assert list((tmp_path / "out.csv.partial").glob("part-*"))
    path = folder / "day=2" / "2.csv"
    before = path.stat()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    refused = run(*arguments, "--resume")
    assert refused.code == 4
    assert f"other or changed files ({path} of " in refused.err
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(*arguments, "--resume").code == 0
    resumed = (tmp_path / "out.csv").read_bytes()
    assert run(*arguments, "--force").code == 0
    assert resumed == (tmp_path / "out.csv").read_bytes()

"""A table in a stream is scored into the file that the whole table gives, whatever happens on the way."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pyarrow as pa
import pytest

import oddrow
from oddrow import files
from oddrow.batch import KeptParts, ScoringOptions, score_stream, scored_table, scoring_identity
from oddrow.container import JobIdentity
from oddrow.exceptions import CheckpointError, OutputError, SchemaMismatchError, TableReadError
from oddrow.files import ReadingOptions, _csv_files, _table_file, write_table
from oddrow.policies import AlertBudget, FalseDiscoveryRate, FixedSurprise
from testing.model_files import golden
from testing.typed_reading import read_table
from tests.support.make_golden import columns

ROWS = 50


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "model.oddrow"
    path.write_bytes(golden("vae"))
    return oddrow.load(path).model_


@pytest.fixture(autouse=True)
def _batches_of_seven(monkeypatch):
    for module in (_csv_files, _table_file):
        monkeypatch.setattr(module, "MAX_BATCH_ROWS", 7)
    monkeypatch.setattr(_csv_files, "MAX_BATCH_BYTES", 900)


@pytest.fixture
def table_file(tmp_path) -> Path:
    path = tmp_path / "table.csv"
    write_table(pa.table(columns(ROWS, seed=3)), path)
    return path


def kill_after(rows: int):
    def on_progress(done: int, total: int) -> None:
        if done >= rows:
            raise Killed

    return on_progress


POLICIES = {
    "its own": None,
    "each row": FixedSurprise(1.5),
    "windows": AlertBudget(2, 10),
    "days": AlertBudget(5, "day", "at"),
    "discoveries": FalseDiscoveryRate(0.5),
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".arrow", ".jsonl"])
def test_scoring_a_stream_gives_the_result_of_the_whole_table(model, table_file, tmp_path, suffix, policy):
    whole = scored_table(model, read_table(table_file, as_written=True), 2, policy)
    write_table(whole.rows, tmp_path / f"whole{suffix}")
    target = tmp_path / f"parts{suffix}"
    count = score_stream(model, files.open(table_file), str(target), ScoringOptions(2, policy))
    if suffix == ".arrow":  # which has the batches that it was given
        assert files.open(target).read().equals(whole.rows)
    else:
        assert target.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert (count.scored, count.odd, count.skipped) == (ROWS, whole.decision.is_odd.sum(), 0)
    assert count.decision.threshold == whole.decision.threshold
    assert count.decision.promise == whole.decision.promise
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", f"whole{suffix}", f"parts{suffix}"}


# Jobs that are killed -----------------------------------------------------------------------------------------------


def job(table_file, options: str = "") -> JobIdentity:
    stream = files.open(table_file, on_error="skip")
    return scoring_identity(stream, "digest of the model", {"policy": options})


@pytest.mark.parametrize("policy", [None, FalseDiscoveryRate(0.5)], ids=["each row", "all rows"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.zst", ".parquet"])
def test_a_killed_and_resumed_job_gives_the_same_bytes(model, table_file, tmp_path, suffix, policy):
    expected, target = tmp_path / f"expected{suffix}", tmp_path / f"out{suffix}"
    score_stream(model, files.open(table_file), str(expected), ScoringOptions(policy=policy))
    kept = KeptParts(tmp_path / "out.partial")
    scored_from = []
    for rows in (10, 30, ROWS + 1):
        kept.begin(job(table_file), resume=True)
        scored_from.append(kept.n_parts)
        options = ScoringOptions(policy=policy, on_progress=kill_after(rows))
        try:
            score_stream(model, files.open(table_file), str(target), options, kept)
        except Killed:
            assert not target.exists()
    assert 0 == scored_from[0] < scored_from[1] < scored_from[2]
    assert target.read_bytes() == expected.read_bytes()
    kept.discard()
    assert not kept.folder.exists()


def test_parts_are_never_scored_again(model, table_file, tmp_path):
    kept = KeptParts(tmp_path / "out.partial")
    kept.begin(job(table_file), resume=True)
    with pytest.raises(Killed):
        score_stream(
            model, files.open(table_file), str(tmp_path / "o.csv"), ScoringOptions(on_progress=kill_after(20)), kept
        )
    before = {path.name: path.stat().st_mtime_ns for path in kept.folder.iterdir()}
    score_stream(model, files.open(table_file), str(tmp_path / "o.csv"), kept=kept)
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in kept.folder.iterdir()}.items()


def test_parts_of_another_job_are_refused(table_file, tmp_path):
    kept = KeptParts(tmp_path / "out.partial")
    kept.begin(job(table_file), resume=True)
    kept.begin(job(table_file), resume=True)
    with pytest.raises(OutputError, match=r"out.partial: keeps a job that has not ended; go on with it by resume=True"):
        kept.begin(job(table_file), resume=False)
    other_model = scoring_identity(files.open(table_file), "another", {"policy": ""})
    for identity, message in (
        (job(table_file, "other"), "its parts belong to other options .policy  there and other here.; remove it"),
        (other_model, "belong to another model"),
    ):
        with pytest.raises(CheckpointError, match=message):
            kept.begin(identity, resume=True)
    before = table_file.stat()
    os.utime(table_file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(CheckpointError, match=r"other or changed files \(.*table.csv of .* there and of .* here\)"):
        kept.begin(job(table_file), resume=True)


@pytest.mark.parametrize("damage", ["cut", "emptied", "one bit", "foreign", "no job", "foreign job", "odd job"])
def test_a_damaged_folder_is_refused(model, table_file, tmp_path, damage):
    kept = KeptParts(tmp_path / "out.partial")
    kept.begin(job(table_file), resume=True)
    with pytest.raises(Killed):
        score_stream(
            model, files.open(table_file), str(tmp_path / "o.csv"), ScoringOptions(on_progress=kill_after(20)), kept
        )
    part, said = kept.folder / "part-00000000.scored", kept.folder / "job.json"
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:500])
    elif damage == "emptied":
        part.write_bytes(b"")
    elif damage == "one bit":
        content = part.read_bytes()
        part.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif damage == "foreign":
        part.write_bytes(golden("vae"))
    elif damage == "odd job":
        said.write_text('{"protocol": 1, "facts": 7}')
    elif damage == "no job":
        said.unlink()
    else:
        said.write_text('{"protocol": 1}')
    with pytest.raises(CheckpointError, match=r"out.partial: cannot go on from this folder: .*remove it to begin anew"):
        kept.begin(job(table_file), resume=True)
        score_stream(model, files.open(table_file), str(tmp_path / "o.csv"), kept=kept)
    assert not (tmp_path / "o.csv").exists()


# Rows that cannot be read or judged ---------------------------------------------------------------------------------

BAD_LINES = {
    3: b"1,2",
    8: b'many,0.1,22,a,true,2024-03-01,note,"home"',
    9: b"5,0.1,22,a,true,2024-02-30,note,home",
    20: b"5,many,22,a,true,2024-03-01,note,home",
    21: b"5,0.1,22,a,true,2024-03-01,not \xff UTF-8,home",
    48: b"5,0.1,22,a,true,2024-03-01,note,home,away",
    58: b'5,"0.1,22,a,true,2024-03-01,note,home',
}


@pytest.fixture
def spoiled(table_file) -> Path:
    """The same rows with bad lines among them, by the number of the line that they have."""
    lines = table_file.read_bytes().splitlines()
    fields = lines[1].split(b",")
    lines[1] = b",".join([b"NA", *fields[1:]])
    table_file.write_bytes(b"\n".join(lines) + b"\n")
    for number, line in BAD_LINES.items():
        lines.insert(number - 1, line)
    path = table_file.with_name("spoiled.csv")
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_rows_left_out_are_reported_and_the_others_keep_their_scores(model, table_file, spoiled, tmp_path):
    out, quarantine = tmp_path / "out.csv", tmp_path / "bad.csv"
    stream = files.open(spoiled, ReadingOptions(encoding="utf-8"), on_error="skip")
    count = score_stream(model, stream, str(out), ScoringOptions(skips=True, quarantine=quarantine))
    assert (count.scored, count.skipped) == (ROWS, len(BAD_LINES))
    with quarantine.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        told = list(csv.DictReader(file))
    assert {int(row["line"]): row["raw"].encode("utf-8", "surrogateescape") for row in told} == BAD_LINES
    assert {row["file"] for row in told} == {str(spoiled)}
    reasons = [row["reason"] for row in told]
    for reason, words in zip(
        reasons,
        (
            "found 2",
            "'many', expected a number",
            "'2024-02-30', expected",
            "'many', expected",
            "UTF-8",
            "found 9",
            "a quote",
        ),
        strict=True,
    ):
        assert words in reason
    expected = scored_table(model, read_table(table_file)).rows
    assert read_table(out)["surprise"].equals(expected["surprise"])


def test_a_quarantine_is_resumed_too(model, spoiled, tmp_path):
    def run(name: str, kept: KeptParts | None, rows: int = 10**9) -> bytes:
        options = ScoringOptions(skips=True, quarantine=tmp_path / name, force=True, on_progress=kill_after(rows))
        stream = files.open(spoiled, ReadingOptions(encoding="utf-8"), on_error="skip")
        score_stream(model, stream, str(tmp_path / "out.csv"), options, kept)
        return (tmp_path / name).read_bytes()

    kept = KeptParts(tmp_path / "out.partial")
    kept.begin(job(spoiled), resume=True)
    with pytest.raises(Killed):
        run("bad.csv", kept, 25)
    assert not (tmp_path / "bad.csv").exists()
    assert run("bad.csv", kept) == run("again.csv", None)


def test_on_error_stop_names_the_line_and_leaves_no_output(model, spoiled, tmp_path):
    with pytest.raises(TableReadError, match=r"spoiled.csv, line 3: expected 8 fields, found 2"):
        score_stream(model, files.open(spoiled), str(tmp_path / "out.csv"))
    lines = spoiled.read_bytes().splitlines(keepends=True)
    readable = [line for number, line in enumerate(lines, 1) if number not in (3, 21, 48, 58)]
    spoiled.write_bytes(b"".join(readable))
    stream = files.open(spoiled)
    with pytest.raises(
        SchemaMismatchError, match=r"spoiled.csv, line 7: column 'bytes' is treated as number: holds 'many'"
    ):
        score_stream(model, stream, str(tmp_path / "out.csv"))
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", "spoiled.csv"}


def test_a_table_in_which_no_row_can_be_scored_gives_an_output_without_rows(model, table_file, tmp_path):
    rows = read_table(table_file)
    write_table(rows.set_column(0, "bytes", pa.array(["many"] * ROWS)), tmp_path / "words.csv")
    stream = files.open(tmp_path / "words.csv", on_error="skip")
    count = score_stream(model, stream, str(tmp_path / "out.csv"), ScoringOptions(skips=True))
    assert (count.scored, count.skipped) == (0, ROWS)
    assert (tmp_path / "out.csv").read_text().endswith("surprise,p_value,is_odd\n")


def test_a_table_that_changes_while_it_is_read_leaves_no_output(model, table_file, tmp_path):
    stream = files.open(table_file)
    assert stream.n_rows > 0
    table_file.write_bytes(b"".join(table_file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(oddrow.exceptions.DataError, match=r"table.csv: the file changed while it was read"):
        score_stream(model, stream, str(tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()

"""``oddrow windows``: a table of windows of a table of any size."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from oddrow.cli import _sequences
from oddrow.columns import sampled
from oddrow.files import write_table
from oddrow.sequences import Windows
from oddrow.table import SampleBounds
from testing.typed_reading import read_table
from tests.cli.conftest import Run

ROWS = 90
SPEC = ("--time", "at", "--entity", "machine", "--length", "5")


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "at": pa.array(1_714_557_600 + np.cumsum(rng.integers(20, 100, ROWS)), pa.timestamp("s")),
            "machine": rng.choice(["a", "b"], ROWS),
            "pressure": rng.normal(50, 2, ROWS).round(3),
            "state": rng.choice(["ok", "warm", "hot"], ROWS),
        }
    )


@pytest.fixture
def csv(table: pa.Table, tmp_path: Path) -> Path:
    write_table(table, tmp_path / "t.csv")
    return tmp_path / "t.csv"


def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("_csv_files", "_table_file"):
        monkeypatch.setattr(f"oddrow.files.{module}.MAX_BATCH_ROWS", 7)
    monkeypatch.setattr("oddrow.files._csv_files.MAX_BATCH_BYTES", 300)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_the_windows_of_a_file_are_those_of_the_table_in_memory(
    run: Run, table: pa.Table, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch)
    source, target = tmp_path / f"t{suffix}", tmp_path / f"windows{suffix}"
    write_table(table, source)
    done = run("windows", source, *SPEC, "-o", target)
    assert (done.code, done.out) == (0, "")
    found, expected = read_table(target), Windows("at", "machine", length=5).table(table)
    assert found.column_names == expected.column_names
    for name in expected.column_names[2:]:
        assert found[name].to_pylist() == expected[name].to_pylist()
    assert done.err.splitlines() == [
        "82 windows over the last 5 rows, from 90 rows of 2 entities",
        "8 rows without a window, as they come before the first full window of their entity",
    ]


def test_the_batches_of_a_file_change_no_byte_of_the_output(
    run: Run, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--time", "at", "--span", "5min", "--step", "1min", "--lag", 1, "--lag", 2)
    whole = run("windows", csv, *arguments)
    small_batches(monkeypatch)
    parts = run("windows", csv, *arguments, "-o", tmp_path / "parts.csv")
    assert whole.code == parts.code == 0
    assert (tmp_path / "parts.csv").read_text() == whole.out
    assert "pressure.lag2" in whole.out


def test_standard_input_is_read_as_a_file_is(run: Run, csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_file = run("windows", csv, *SPEC)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(csv.read_bytes())))
    assert run("windows", "-", *SPEC).out == of_file.out


def test_a_table_larger_than_the_sample_has_the_usual_spacing_of_its_successive_rows(
    run: Run, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = partial(sampled, bounds=SampleBounds(rows=30))
    monkeypatch.setattr(_sequences, "sampled", small)
    lines = csv.read_text().splitlines(keepends=True)
    csv.write_text("".join([*lines, lines[-1].replace("2024-05-01", "2024-05-02")]))
    done = run("windows", csv, *SPEC)
    assert done.code == 0
    assert len(done.out.splitlines()) == 1 + 83
    assert "1 gap longer than 10 times the usual" in done.err
    assert "--max-gap" in done.err
    split = run("windows", csv, *SPEC, "--max-gap", "1h", "--quiet")
    assert len(split.out.splitlines()) == 1 + 82
    assert split.err == ""


def test_an_unsorted_file_is_an_error_that_names_the_line_and_leaves_no_output(
    run: Run, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch)
    lines = csv.read_text().splitlines(keepends=True)
    lines[60:80] = reversed(lines[60:80])
    csv.write_text("".join(lines))
    done = run("windows", csv, *SPEC, "-o", tmp_path / "windows.csv")
    assert done.code == 3
    assert f"{csv}, line 6" in done.err
    assert "before the row before it of the same machine; sort the rows by time" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--time", "when", "--length", 3), "--time when: the table has no such column; it has 'at', 'machine'"),
        (("--time", "at", "--entity", "who", "--length", 3), "--entity who: the table has no such column"),
        (("--time", "at"), "give one of --length N, the rows of a window, and --span TIME"),
        (("--time", "at", "--length", 3, "--span", "1h"), "give one of --length N"),
        (("--time", "at", "--length", 1), "length=1 is not a whole number from 2 to 1,000,000 rows"),
        (("--time", "at", "--span", "soon"), "span='soon' is not a duration"),
    ],
)
def test_a_wrong_option_is_a_usage_error(run: Run, csv: Path, arguments: tuple[object, ...], text: str) -> None:
    done = run("windows", csv, *arguments)
    assert (done.code, done.out) == (2, "")
    assert text in done.err


def test_dates_that_can_be_read_in_two_ways_are_refused_with_the_options_to_give(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text("day,x\n" + "".join(f"0{n % 9 + 1}/04/2024,{n * n % 7}\n" for n in range(9)))
    done = run("windows", path, "--time", "day", "--length", 3)
    assert done.code == 3
    assert "say it with --timestamp 'day'=dmy or --timestamp 'day'=mdy" in done.err
    assert run("windows", path, "--time", "day", "--length", 3, "--timestamp", "day=dmy").code == 0


def test_an_output_that_exists_is_kept_without_force(run: Run, csv: Path, tmp_path: Path) -> None:
    target = tmp_path / "windows.csv"
    target.write_text("kept")
    assert run("windows", csv, *SPEC, "-o", target).code == 1
    assert target.read_text() == "kept"
    assert run("windows", csv, *SPEC, "-o", target, "--force").code == 0
    assert target.read_text() != "kept"


def test_columns_are_treated_as_the_options_say(run: Run, csv: Path) -> None:
    header = run("windows", csv, *SPEC, "--ignore", "state", "--category", "pressure").out.splitlines()[0]
    names = header.split(",")
    assert "pressure.distinct" in names
    assert "pressure.mean" not in names
    assert not [name for name in names if name.startswith("state")]

"""Windows and entity features on the command line: fit, score from file to file, and every other command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pytest

import oddrow
from oddrow import VAEDetector
from oddrow.files import write_table
from oddrow.sequences import EntityHistory, WindowPlan, Windows
from testing.typed_reading import read_table
from testing.untrained import no_training
from tests.cli.conftest import Run

ROWS = 100
WINDOWS = ("--windows", "4", "--entity", "machine", "--time", "at")
HISTORY = ("--entity", "machine", "--time", "at")


def make_rows(n_rows: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(0)
    pressure = rng.normal(50, 2, n_rows).round(2)
    pressure[n_rows // 2 : n_rows // 2 + 3] = 90.0
    at = np.datetime64("2024-05-01", "s") + np.cumsum(rng.integers(20, 300, n_rows)).astype("timedelta64[s]")
    return pa.table(
        {
            "at": at,
            "machine": rng.choice(["a", "b"], n_rows),
            "pressure": pressure,
            "state": rng.choice(["ok", "warm", "hot"], n_rows),
        }
    )


TABLE = make_rows()


@pytest.fixture(autouse=True)
def _no_training(untrained: None) -> None:
    """What the commands do does not depend on the weights."""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    write_table(TABLE, tmp_path / "log.csv")
    return tmp_path / "log.csv"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sequences")
    specs = {"windows": Windows("at", "machine", length=4), "history": EntityHistory("machine", "at")}
    with no_training():
        for name, spec in specs.items():
            detector = VAEDetector(sequences=spec, calibration="split", settings="article", random_state=0).fit(TABLE)
            detector.set_policy(oddrow.FixedSurprise(1.0))
            oddrow.save(detector, folder / name)
    return {name: folder / name for name in specs}


@pytest.fixture(params=["windows", "history"])
def model(request: pytest.FixtureRequest, models: dict[str, Path]) -> Path:
    return models[request.param]


# Fit ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        (WINDOWS, Windows("at", "machine", length=4)),
        (HISTORY, EntityHistory("machine", "at")),
        (
            ("--windows", "10min", "--time", "at", "--step", "2min", "--max-gap", "1h"),
            Windows("at", span="10min", step="2min", max_gap="1h"),
        ),
    ],
    ids=["windows", "history", "span"],
)
def test_fit_writes_the_model_that_python_fits(
    run: Run, csv: Path, options: tuple[str, ...], spec: Windows | EntityHistory
) -> None:
    path = csv.with_name("model")
    fitted = run(
        "fit", csv, "-o", path, *options, "--calibration", "split", "--ignore", "state", "--settings", "article"
    )
    assert fitted.code == 0, fitted.err
    loaded = oddrow.load(path)
    with no_training():
        by_hand = VAEDetector(
            sequences=spec, calibration="split", settings="article", columns={"state": "ignore"}, random_state=0
        )
        by_hand.fit(TABLE)
    kinds = [(one.name, one.kind) for one in loaded.model_.encoding.schema.columns]
    assert kinds == [(one.name, one.kind) for one in by_hand.model_.encoding.schema.columns]
    assert np.array_equal(loaded.surprise(TABLE), by_hand.surprise(TABLE), equal_nan=True)
    assert loaded.surprise(read_table(csv)).tobytes() == loaded.surprise(TABLE).tobytes()


def test_fit_calibrates_by_blocks_of_time_unless_told_otherwise(run: Run, csv: Path) -> None:
    assert run("fit", csv, "-o", csv.with_name("model"), *WINDOWS, "--settings", "article").code == 0
    loaded = oddrow.load(csv.with_name("model"))
    assert loaded.model_.calibration.source == "block cross-fitted"
    assert loaded.time == "at"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--windows", "4"), "--windows and --entity need the time of each row; give its column with --time COL"),
        (("--entity", "machine"), "give its column with --time COL"),
        (("--step", "2"), "--step and --max-gap are about windows; give --windows too"),
        ((*HISTORY, "--max-gap", "1h"), "--step and --max-gap are about windows; give --windows too"),
        (("--windows", "4", "--time", "when"), "--time when: the table has no such column; it has 'at', 'machine'"),
        (("--windows", "4", "--time", "order"), "--time order: the table has no such column"),
        ((*WINDOWS[:2], "--entity", "card", "--time", "at"), "--entity card: the table has no such column"),
        (("--windows", "1", "--time", "at"), "length=1 is not a whole number from 2 to 1,000,000 rows"),
        (("--windows", "soon", "--time", "at"), "span='soon' is not a duration"),
        ((*WINDOWS, "--step", "1min"), "step='1min' is a duration, which needs a span"),
        ((*WINDOWS, "--label", "state", "--normal", "ok"), "--windows and --entity need all rows in order"),
    ],
)
def test_options_that_say_no_windows_are_a_usage_error(
    run: Run, csv: Path, options: tuple[str, ...], what: str
) -> None:
    refused = run("fit", csv, "-o", csv.with_name("model"), *options)
    assert (refused.code, refused.out) == (2, "")
    assert what in refused.err
    assert not csv.with_name("model").exists()


def test_a_table_that_is_too_short_is_said_to_be(run: Run, csv: Path) -> None:
    refused = run("fit", csv, "-o", csv.with_name("model"), "--windows", "200", "--time", "at")
    assert refused.code == 3
    assert "no full window ends in the table; fitting needs at least 2" in refused.err


@pytest.mark.parametrize("options", [WINDOWS, HISTORY], ids=["windows", "history"])
def test_fit_names_the_line_of_a_row_that_is_out_of_order_or_has_no_time(
    run: Run, csv: Path, options: tuple[str, ...]
) -> None:
    lines = csv.read_text().splitlines()
    csv.write_text("\n".join([*lines[:50], *lines[60:], *lines[50:60]]) + "\n")
    refused = run("fit", csv, "-o", csv.with_name("model"), *options)
    assert refused.code == 3
    assert "line 92: " in refused.err and "sort the rows by" in refused.err
    csv.write_text("\n".join([*lines[:50], "," + lines[50].partition(",")[2], *lines[51:]]) + "\n")
    refused = run("fit", csv, "-o", csv.with_name("model"), *options)
    assert refused.code == 3
    assert "line 51: " in refused.err and "time" in refused.err and "missing" in refused.err


# Score ----------------------------------------------------------------------------------------------------------------


def test_score_adds_scores_and_writes_events(run: Run, model: Path, csv: Path, tmp_path: Path) -> None:
    arguments = ("score", csv, "-m", model, "-o", tmp_path / "out.parquet", "--explain", "1")
    done = run(*arguments, "--events", tmp_path / "events.csv", "--json")
    assert done.code == 0, done.err
    values = json.loads(done.out)
    assert values["scored"] + values["unscored"] == values["rows"] == ROWS
    assert values["unscored"] == (6 if model.name == "windows" else 0)
    assert values["outputs"] == [str(tmp_path / "out.parquet"), str(tmp_path / "events.csv")]
    events = read_table(tmp_path / "events.csv")
    assert events.num_rows == values["events"] > 0
    assert sum(events["alerts"].to_pylist()) == values["odd"]
    expected = oddrow.load(model).surprise(TABLE)
    found = read_table(tmp_path / "out.parquet")["surprise"].to_numpy()
    assert np.array_equal(found, expected, equal_nan=True)
    again = run(*arguments, "--events", tmp_path / "events.csv", "--force")
    assert again.code == 0
    assert f"{values['events']:,} events" in again.err


def test_a_second_file_continues_where_the_first_ended(run: Run, model: Path, csv: Path, tmp_path: Path) -> None:
    lines = csv.read_text().splitlines(keepends=True)
    (tmp_path / "one.csv").write_text("".join(lines[:41]))
    (tmp_path / "two.csv").write_text("".join([lines[0], *lines[41:]]))
    assert run("score", csv, "-m", model, "-o", tmp_path / "whole.csv").code == 0
    state = tmp_path / "state"
    first = run("score", tmp_path / "one.csv", "-m", model, "-o", tmp_path / "one.out.csv", "--state", state)
    assert f"note: {state} does not exist yet: all sequences begin empty" in first.err
    after_one = state.read_bytes()
    second = ("score", tmp_path / "two.csv", "-m", model, "-o", tmp_path / "two.out.csv", "--state", state)
    assert run(*second).code == 0
    scored = [(tmp_path / name).read_text().splitlines(keepends=True) for name in ("one.out.csv", "two.out.csv")]
    assert "".join(scored[0] + scored[1][1:]) == (tmp_path / "whole.csv").read_text()
    after_two, out = state.read_bytes(), (tmp_path / "two.out.csv").read_bytes()
    assert after_two != after_one
    # the same file again
    refused = run(*second, "--force")
    assert refused.code == 3
    assert "line 2: " in refused.err and "leave them out if they have been read before" in refused.err
    assert (state.read_bytes(), (tmp_path / "two.out.csv").read_bytes()) == (after_two, out)
    # a job that was killed after its output and before its state
    state.write_bytes(after_one)
    assert run(*second, "--force").code == 0
    assert (state.read_bytes(), (tmp_path / "two.out.csv").read_bytes()) == (after_two, out)


def test_a_job_that_fails_leaves_the_state_as_it_was(run: Run, model: Path, csv: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    lines = csv.read_text().splitlines(keepends=True)
    (tmp_path / "one.csv").write_text("".join(lines[:41]))
    (tmp_path / "two.csv").write_text("".join([lines[0], *lines[41:], lines[45]]))
    assert run("score", tmp_path / "one.csv", "-m", model, "-o", tmp_path / "one.out.csv", "--state", state).code == 0
    before = state.read_bytes()
    assert run("score", tmp_path / "two.csv", "-m", model, "-o", tmp_path / "two.out.csv", "--state", state).code == 3
    assert state.read_bytes() == before


def test_a_resumed_job_continues_from_the_state_it_began_with(
    run: Run, model: Path, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("_csv_files", "_table_file"):
        monkeypatch.setattr(f"oddrow.files.{module}.MAX_BATCH_ROWS", 16)
    lines = csv.read_text().splitlines(keepends=True)
    (tmp_path / "one.csv").write_text("".join(lines[:41]))
    (tmp_path / "two.csv").write_text("".join([lines[0], *lines[41:]]))
    state = tmp_path / "state"
    assert run("score", tmp_path / "one.csv", "-m", model, "-o", tmp_path / "one.out.csv", "--state", state).code == 0
    second = ("score", tmp_path / "two.csv", "-m", model, "--state", state)
    before = state.read_bytes()
    assert run(*second, "-o", tmp_path / "expected.csv").code == 0
    after = state.read_bytes()
    state.write_bytes(before)

    def fails(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("oddrow.batch._scoring_job._write", fails)
        assert run(*second, "-o", tmp_path / "out.csv", "--resume").code != 0
    assert (tmp_path / "out.csv.partial").exists()
    assert state.read_bytes() == before
    assert run(*second, "-o", tmp_path / "out.csv", "--resume").code == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()
    assert state.read_bytes() == after


def test_a_state_of_another_model_and_a_damaged_one_are_refused(
    run: Run, models: dict[str, Path], csv: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    assert run("score", csv, "-m", models["windows"], "-o", tmp_path / "out.csv", "--state", state).code == 0
    other = run("score", csv, "-m", models["history"], "-o", tmp_path / "other.csv", "--state", state)
    assert other.code == 4 and "it belongs to another model" in other.err
    state.write_bytes(state.read_bytes()[:-9])
    damaged = run("score", csv, "-m", models["windows"], "-o", tmp_path / "other.csv", "--state", state)
    assert damaged.code == 4 and str(state) in damaged.err
    assert not (tmp_path / "other.csv").exists()


def test_two_outputs_are_two_files(run: Run, model: Path, csv: Path, tmp_path: Path) -> None:
    one, score = tmp_path / "one.csv", ("score", csv, "-m", model, "-o", tmp_path / "one.csv")
    for options, what in (
        (("--state", one), "scored rows and for the state"),
        (("--events", one), "scored rows and for the events"),
        (("--events", tmp_path / "e", "--state", tmp_path / "." / "e"), "events and for the state"),
    ):
        refused = run(*score, *options)
        assert refused.code == 2 and f"is given for the {what}; give two files" in refused.err
    assert not one.exists()
    nowhere = run(*score, "--state", tmp_path / "no folder" / "state")
    assert nowhere.code == 1 and "no folder" in nowhere.err
    assert not one.exists()


def test_a_model_of_single_rows_takes_no_state_and_no_events(
    run: Run, model_file: Path, labelled_csv: Path, tmp_path: Path
) -> None:
    for option in ("--state", "--events"):
        refused = run("score", labelled_csv, "-m", model_file, "-o", tmp_path / "out.csv", option, tmp_path / "file")
        assert refused.code == 2 and "scores each row by itself" in refused.err
    assert not list(tmp_path.iterdir())


# Other commands -------------------------------------------------------------------------------------------------------


def test_info_says_what_is_derived(run: Run, models: dict[str, Path]) -> None:
    windows = "windows over the last 4 rows of each 'machine', in the order of 'at'"
    assert f"\nscores {windows}\n" in run("info", models["windows"]).out
    values = json.loads(run("info", models["windows"], "--json").out)
    assert values["preparation"]["summary"] == windows
    assert values["preparation"]["columns"] == ["at", "machine", "pressure", "state"]
    assert "features of the earlier rows of each 'machine', in the order of 'at'" in run("info", models["history"]).out


def test_the_summary_of_windows_says_their_step_and_gap() -> None:
    plan: WindowPlan = Windows("at", span="10min", step="2min", max_gap="1h").learn(TABLE)
    assert plan.summary == (
        "windows over the last 10 min, in the order of 'at', at least 2 min apart, without gaps of more than 1 h"
    )
    assert Windows("at", length=8, step=4).learn(TABLE).summary.endswith("'at', one at every 4 rows")


def test_explain_explains_the_row_at_which_a_window_ends(run: Run, model: Path, csv: Path) -> None:
    explained = run("explain", csv, "-m", model, "--row", "53", "--json")
    assert explained.code == 0, explained.err
    expected = oddrow.load(model).surprise(TABLE)[52]
    assert json.loads(explained.out)["surprise"] == expected
    first = run("explain", csv, "-m", model, "--row", "1")
    assert first.code == (2 if model.name == "windows" else 0)
    assert ("row 1: no full window ends there" in first.err) == (model.name == "windows")


def test_evaluate_and_decide_use_the_rows_with_a_score(
    run: Run, models: dict[str, Path], csv: Path, tmp_path: Path
) -> None:
    labels = pa.array(["odd" if 50 <= row < 53 else "ok" for row in range(ROWS)])
    write_table(TABLE.append_column("label", labels), tmp_path / "labelled.csv")
    labelled = ("--label", "label", "--normal", "ok")
    evaluated = run("evaluate", tmp_path / "labelled.csv", "-m", models["windows"], *labelled, "--json")
    assert json.loads(evaluated.out)["rows"] == ROWS - 6
    copied = tmp_path / "model"
    copied.write_bytes(models["windows"].read_bytes())
    assert run("decide", copied, "--cost", "10:1", "--sample", tmp_path / "labelled.csv", *labelled).code == 0
    assert run("decide", copied, "--alerts", "9/day").code == 0
    assert oddrow.load(copied).policy == oddrow.AlertBudget(9, "day")
    scored = run("score", csv, "-m", copied, "-o", tmp_path / "out.csv", "--events", tmp_path / "events.csv")
    assert scored.code == 0, scored.err


def test_map_draws_the_rows_with_a_score(run: Run, models: dict[str, Path], csv: Path, tmp_path: Path) -> None:
    drawn = run("map", csv, "-m", models["windows"], "-o", tmp_path / "maps")
    assert drawn.code == 0, drawn.err
    assert (tmp_path / "maps" / "latent_maps.png").exists()


@pytest.mark.parametrize("command", ["map", "evaluate"])
def test_a_table_without_a_window_has_no_figures(
    run: Run, models: dict[str, Path], csv: Path, tmp_path: Path, command: str
) -> None:
    labels = pa.array(["odd", "ok"])
    write_table(TABLE.slice(0, 2).append_column("label", labels), tmp_path / "short.csv")
    options = ("-o", tmp_path / "maps") if command == "map" else ("--label", "label", "--normal", "ok")
    refused = run(command, tmp_path / "short.csv", "-m", models["windows"], *options)
    assert refused.code == 3 and "no full window ends in it" in refused.err


def test_a_graph_takes_the_derived_columns_and_says_so(run: Run, models: dict[str, Path], tmp_path: Path) -> None:
    exported = run("export", models["windows"], "-o", tmp_path / "model.onnx")
    assert exported.code == 0, exported.err
    assert "note: the columns in are those of derived rows (windows over the last 4 rows" in exported.err
    names = oddrow.load(models["windows"]).model_.encoding.names
    assert tuple(value.name for value in onnx.load(tmp_path / "model.onnx").graph.input) == names


def test_an_engine_neither_fits_nor_scores_ordered_rows(run: Run, model: Path, tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.parquet")
    scored = run("score", tmp_path / "t.parquet", "-m", model, "-o", tmp_path / "folder", "--engine", "dask")
    assert scored.code == 2 and "the model scores rows by the rows before them" in scored.err
    fitted = run("fit", tmp_path / "t.parquet", "-o", tmp_path / "model", *WINDOWS, "--engine", "dask")
    assert fitted.code == 2 and "need all rows in order, and cannot be given with --engine" in fitted.err
    state = run(
        "score", tmp_path / "t.parquet", "-m", model, "-o", tmp_path / "folder", "--engine", "dask", "--state", "s"
    )
    assert state.code == 2 and "--state" in state.err
    assert {path.name for path in tmp_path.iterdir()} == {"t.parquet"}

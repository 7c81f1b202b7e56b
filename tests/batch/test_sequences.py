"""Streams of ordered rows: how they are cut, interrupted or continued changes no score and no event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from oddrow import AlertBudget, FalseDiscoveryRate, FixedSurprise, VAEDetector, files
from oddrow.batch import (
    KeptParts,
    ScoringOptions,
    explain_row,
    score_stream,
    scored_batches,
    scored_table,
    scoring_identity,
    stream_scores,
)
from oddrow.exceptions import DataError, OutputError, SchemaMismatchError, SettingError
from oddrow.files import _csv_files, _table_file
from oddrow.sequences import EntityHistory, Windows, merge_events, prepared_table, read_state, write_state
from testing.untrained import no_training

SPECS = {
    "windows": Windows("at", "machine", length=3),
    "windows of a span": Windows("at", span="10min", step="2min", max_gap="1h"),
    "history": EntityHistory("machine", "at"),
}
ROWS = 40


class Killed(BaseException):
    """Stands for the end of the process."""


def make_rows(n_rows=ROWS, seed=0, start="2024-05-01"):
    rng = np.random.default_rng(seed)
    at = np.datetime64(start, "s") + np.cumsum(rng.integers(1, 300, n_rows)).astype("timedelta64[s]")
    pressure = np.round(rng.normal(50, 2, n_rows), 2)
    pressure[n_rows // 2 : n_rows // 2 + 4] = 90.0
    return pa.table(
        {
            "at": at,
            "machine": rng.choice(["a", "b"], n_rows),
            "pressure": pressure,
            "state": rng.choice(["ok", "warm", "hot"], n_rows),
            "note": [f"row {row}" for row in range(n_rows)],
        }
    )


TABLE = make_rows()


@pytest.fixture(scope="module")
def models():
    columns = {"note": "ignore"}
    with no_training():
        return {
            name: VAEDetector(sequences=spec, columns=columns, calibration="split", settings="article", random_state=0)
            .fit(make_rows(150, seed=7))
            .model_
            for name, spec in SPECS.items()
        }


@pytest.fixture(params=SPECS)
def model(request, models):
    return models[request.param]


def cut(monkeypatch, rows):
    """Read batches of this many rows."""
    for module in (_csv_files, _table_file):
        monkeypatch.setattr(module, "MAX_BATCH_ROWS", rows)
    monkeypatch.setattr(_csv_files, "MAX_BATCH_BYTES", 60 * rows)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    cut(monkeypatch, 9)


@pytest.fixture
def table_file(tmp_path):
    path = tmp_path / "table.csv"
    pyarrow.csv.write_csv(TABLE, path)
    return path


def scored(model, path, target, on_error="stop", kept=None, **options):
    """The bytes of the scored file, and the count."""
    skips = on_error == "skip"
    stream = files.open(path, on_error=on_error, expects=model.sources, may_be_empty=True)
    count = score_stream(model, stream, str(target), ScoringOptions(skips=skips, force=True, **options), kept)
    return target.read_bytes(), count


def columns(path):
    return {name: column.to_pylist() for name, column in zip(*_columns(files.open(path).read()), strict=True)}


def _columns(table):
    return table.column_names, table.columns


# How a stream is cut --------------------------------------------------------------------------------------------------

POLICIES = {
    "each row": FixedSurprise(1.0),
    "days": AlertBudget(5, "day", "at"),
    "discoveries": FalseDiscoveryRate(0.9),
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_any_cut_gives_the_bytes_of_the_whole_table(model, table_file, tmp_path, monkeypatch, policy):
    options = {"top": 2, "policy": policy, "events": tmp_path / "events.csv"}
    found = []
    for rows in (1000, 11, 3):
        cut(monkeypatch, rows)
        out, count = scored(model, table_file, tmp_path / "out.csv", **options)
        figures = count.scored, count.odd, count.events, count.decision.threshold, str(count.decision.promise)
        found.append((out, (tmp_path / "events.csv").read_bytes(), figures))
    assert found[0] == found[1] == found[2]


def test_a_stream_has_the_scores_of_the_table(model, table_file, tmp_path):
    scored(model, table_file, tmp_path / "out.parquet", policy=FixedSurprise(1.0))
    found = files.open(tmp_path / "out.parquet").read()
    expected = scored_table(model, TABLE, None, FixedSurprise(1.0), prepared_table(model.preparation, TABLE)).rows
    for name in ("surprise", "p_value", "is_odd"):
        assert found[name].to_pylist() == expected[name].to_pylist()


def test_rows_without_a_window_have_no_score_and_are_counted(models, table_file, tmp_path):
    _, count = scored(models["windows"], table_file, tmp_path / "out.parquet", policy=FixedSurprise(0.0), top=1)
    found = files.open(tmp_path / "out.parquet").read()
    assert count.unscored == 4
    assert count.scored + count.unscored == count.written == ROWS
    for name in ("surprise", "p_value", "is_odd", "reason_1"):
        assert found[name].null_count >= 4
    assert found["surprise"].null_count == 4
    assert count.odd == found["is_odd"].to_pylist().count(True)


@pytest.mark.parametrize("policy", [FixedSurprise(0.0), FalseDiscoveryRate(0.9)], ids=["each row", "all rows"])
def test_sorted_rows_have_those_without_a_score_last_and_odd_rows_have_scores(models, table_file, tmp_path, policy):
    model = models["windows"]
    scored(model, table_file, tmp_path / "out.parquet", policy=policy, by_surprise=True)
    surprise = files.open(tmp_path / "out.parquet").read()["surprise"].to_pylist()
    assert surprise[-4:] == [None] * 4
    assert surprise[:-4] == sorted(surprise[:-4], reverse=True)
    _, count = scored(model, table_file, tmp_path / "odd.parquet", policy=policy, by_surprise=True, only_odd=True)
    odd = files.open(tmp_path / "odd.parquet").read()["surprise"].to_pylist()
    assert odd == surprise[: len(odd)]
    assert len(odd) == count.odd > 0


def test_a_file_without_rows_gives_a_file_without_rows(model, tmp_path):
    (tmp_path / "empty.csv").write_text("at,machine,pressure,state,note\n")
    out, count = scored(model, tmp_path / "empty.csv", tmp_path / "out.csv", events=tmp_path / "events.csv", top=1)
    assert out.decode().startswith("at,machine,pressure,state,note,surprise,")
    assert (count.scored, count.unscored, count.events) == (0, 0, 0)
    assert len((tmp_path / "events.csv").read_text().splitlines()) == 1


# Rows that do not fit -------------------------------------------------------------------------------------------------

BAD = {10: ("pressure", "high"), 23: ("at", ""), 24: ("at", "soon"), 31: ("pressure", "1e999")}


@pytest.fixture
def damaged_file(table_file):
    lines = table_file.read_text().splitlines()
    for row, (name, value) in BAD.items():
        cells = lines[row + 1].split(",")
        cells[TABLE.column_names.index(name)] = value
        lines[row + 1] = ",".join(cells)
    path = table_file.with_name("damaged.csv")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_left_out_are_as_if_they_were_not_there(model, damaged_file, tmp_path, monkeypatch):
    kept = TABLE.take(pa.array([row for row in range(ROWS) if row not in BAD]))
    pyarrow.csv.write_csv(kept, tmp_path / "kept.csv")
    expected, _ = scored(model, tmp_path / "kept.csv", tmp_path / "expected.csv", policy=FixedSurprise(1.0))
    for rows in (1000, 7):
        cut(monkeypatch, rows)
        quarantine = tmp_path / "left_out.csv"
        found, count = scored(
            model, damaged_file, tmp_path / "out.csv", "skip", policy=FixedSurprise(1.0), quarantine=quarantine
        )
        assert found == expected
        assert count.skipped == len(BAD)
        assert [int(line) for line in columns(quarantine)["line"]] == [row + 2 for row in BAD]


def test_the_first_row_that_does_not_fit_ends_the_job_and_is_named(model, damaged_file, tmp_path):
    with pytest.raises(SchemaMismatchError, match=r"damaged.csv, line 12: column 'pressure'"):
        scored(model, damaged_file, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("on_error", ["stop", "skip"])
def test_a_row_out_of_order_ends_the_job_and_is_named(models, tmp_path, monkeypatch, on_error):
    cut(monkeypatch, 1_100)
    order = np.arange(1500)
    order[[1200, 1495]] = order[[1495, 1200]]
    pyarrow.csv.write_csv(make_rows(1500).take(pa.array(order)), tmp_path / "table.csv")
    with pytest.raises(DataError, match=r"table.csv, line \d+: .*sort the rows by") as caught:
        scored(models["windows"], tmp_path / "table.csv", tmp_path / "out.csv", on_error)
    assert "counted from 0" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_row_without_a_time_is_named(model, table_file, tmp_path):
    lines = table_file.read_text().splitlines()
    lines[31] = "," + lines[31].split(",", 1)[1]
    table_file.write_text("\n".join(lines))
    with pytest.raises(SchemaMismatchError, match=r"table.csv, line 32: column 'at'.* the time is missing"):
        scored(model, table_file, tmp_path / "out.csv")


# Jobs that are killed, and files that continue ------------------------------------------------------------------------


def kill_after(rows):
    def on_progress(done, total):
        if done >= rows:
            raise Killed

    return on_progress


@pytest.mark.parametrize("policy", [None, FalseDiscoveryRate(0.9)], ids=["each row", "all rows"])
def test_a_killed_and_resumed_job_gives_the_same_bytes(model, table_file, tmp_path, policy):
    options = {"policy": policy, "top": 1, "events": tmp_path / "events.csv"}
    expected, _ = scored(model, table_file, tmp_path / "expected.csv", **options)
    events = (tmp_path / "events.csv").read_bytes()
    (tmp_path / "events.csv").unlink()
    kept = KeptParts(tmp_path / "out.partial")
    stream = files.open(table_file, expects=model.sources)
    for rows in (10, 25, ROWS + 1):
        kept.begin(scoring_identity(stream, "digest of the model", {}), resume=True)
        try:
            found, _ = scored(
                model, table_file, tmp_path / "out.csv", kept=kept, on_progress=kill_after(rows), **options
            )
        except Killed:
            assert not (tmp_path / "out.csv").exists()
    assert found == expected
    assert (tmp_path / "events.csv").read_bytes() == events


@pytest.mark.parametrize("at", [1, 20, 39])
def test_a_second_file_that_continues_from_the_state_gives_what_one_file_gives(model, table_file, tmp_path, at):
    whole, _ = scored(model, table_file, tmp_path / "whole.csv", policy=FixedSurprise(1.0), top=2)
    found, state = [], None
    for part in (TABLE.slice(0, at), TABLE.slice(at)):
        pyarrow.csv.write_csv(part, tmp_path / "part.csv")
        run = model.preparation.begin(state)
        out, _ = scored(model, tmp_path / "part.csv", tmp_path / "o.csv", run=run, policy=FixedSurprise(1.0), top=2)
        found.append(out.decode().split("\n", 1))
        write_state(tmp_path / "state", run.state, model.preparation)
        state = read_state(tmp_path / "state", model.preparation)
    assert found[0][0] == found[1][0]
    assert found[0][0] + "\n" + found[0][1] + found[1][1] == whole.decode()


def test_a_file_that_was_read_before_is_refused(model, table_file, tmp_path):
    run = model.preparation.begin()
    scored(model, table_file, tmp_path / "out.csv", run=run)
    again = model.preparation.begin(run.state)
    with pytest.raises(DataError, match=r"table.csv, line 2: .*leave them out if they have been read before"):
        scored(model, table_file, tmp_path / "again.csv", run=again)


# Events ---------------------------------------------------------------------------------------------------------------


def test_events_are_those_of_the_scored_rows(model, table_file, tmp_path):
    _, count = scored(
        model, table_file, tmp_path / "out.parquet", policy=FixedSurprise(1.0), events=tmp_path / "events.parquet"
    )
    rows = files.open(tmp_path / "out.parquet").read()
    rows = rows.append_column("row", pa.array(range(1, ROWS + 1))).filter(pa.compute.is_valid(rows["surprise"]))
    entity = None if model.preparation.entity is None else rows["machine"]
    expected = merge_events(rows["row"], rows["surprise"], rows["is_odd"], entity, max_gap=model.preparation.max_gap)
    assert count.events == len(expected) > 1
    events = files.open(tmp_path / "events.parquet").read().to_pydict()
    times = files.open(table_file).read()["at"].to_pylist()
    for name in ("start", "peak", "end"):
        assert events[name] == [times[getattr(event, name) - 1] for event in expected]
    assert events["first_row"] == [event.start for event in expected]
    assert events["last_row"] == [event.end for event in expected]
    assert events["alerts"] == [event.n_alerts for event in expected]
    assert events["peak_surprise"] == [event.peak_surprise for event in expected]
    assert sum(events["alerts"]) == count.odd
    if entity is None:
        assert "machine" not in events
    else:
        assert events["machine"] == [event.entity for event in expected]


def test_the_reasons_of_an_event_name_the_original_columns(models, table_file, tmp_path):
    scored(models["windows"], table_file, tmp_path / "out.csv", events=tmp_path / "e.csv", policy=FixedSurprise(1.0))
    events = columns(tmp_path / "e.csv")
    names = {text.partition(":")[0] for text in events["reason_1"] + events["reason_2"] if text}
    assert {"pressure", "state"} <= names <= {*TABLE.column_names}
    assert any("over the last 3 rows" in text for text in events["reason_1"])


@pytest.mark.parametrize("policy", [FixedSurprise(1.0), FalseDiscoveryRate(0.9)], ids=["each row", "all rows"])
def test_events_depend_neither_on_the_order_of_the_output_nor_on_the_rows_in_it(model, table_file, tmp_path, policy):
    found = []
    for options in ({}, {"by_surprise": True}, {"only_odd": True}, {"by_surprise": True, "only_odd": True}):
        out, _ = scored(
            model, table_file, tmp_path / "out.csv", policy=policy, events=tmp_path / "events.csv", **options
        )
        assert b"event_reasons" not in out
        found.append((tmp_path / "events.csv").read_bytes())
    assert found == found[:1] * 4
    assert found[0].count(b"\n") > 1


def test_entities_that_are_written_in_several_ways_are_one(tmp_path):
    rows = TABLE.set_column(1, "machine", pa.array([7] * ROWS))
    with no_training():
        model = VAEDetector(sequences=SPECS["windows"], calibration="split", random_state=0).fit(rows).model_
    pyarrow.csv.write_csv(rows, tmp_path / "table.csv")
    written = (tmp_path / "table.csv").read_text()
    _, count = scored(
        model, tmp_path / "table.csv", tmp_path / "o.csv", policy=FixedSurprise(0.0), events=tmp_path / "e.csv"
    )
    lines = written.splitlines()
    mixed = [line.replace(",7,", ",7.0,") if row % 2 else line for row, line in enumerate(lines)]
    (tmp_path / "mixed.csv").write_text("\n".join(mixed) + "\n")
    _, mixed_count = scored(
        model, tmp_path / "mixed.csv", tmp_path / "o.csv", policy=FixedSurprise(0.0), events=tmp_path / "m.csv"
    )
    assert (count.odd, count.events) == (mixed_count.odd, mixed_count.events)


def test_an_entity_with_the_name_of_a_column_of_events_is_refused_before_the_work(tmp_path):
    rows = TABLE.rename_columns(["at", "peak", "pressure", "state", "note"])
    with no_training():
        detector = VAEDetector(sequences=Windows("at", "peak", length=3), calibration="split", random_state=0).fit(rows)
    pyarrow.csv.write_csv(rows, tmp_path / "table.csv")
    with pytest.raises(SettingError, match="'peak' of the entity has the name of a column of events"):
        scored(detector.model_, tmp_path / "table.csv", tmp_path / "o.csv", events=tmp_path / "e.csv")
    assert not (tmp_path / "o.csv").exists()


def test_a_model_of_single_rows_has_no_events(table_file, tmp_path):
    with no_training():
        model = VAEDetector(calibration="split", random_state=0).fit(TABLE).model_
    with pytest.raises(SettingError, match="scores each row by itself"):
        scored(model, table_file, tmp_path / "out.csv", events=tmp_path / "events.csv")
    assert not (tmp_path / "out.csv").exists()


def test_events_replace_no_file_without_force(model, table_file, tmp_path):
    (tmp_path / "events.csv").write_text("mine")
    options = ScoringOptions(events=tmp_path / "events.csv")
    with pytest.raises(OutputError):
        score_stream(model, files.open(table_file), str(tmp_path / "out.csv"), options)
    assert (tmp_path / "events.csv").read_text() == "mine"
    assert not (tmp_path / "out.csv").exists()


# One row, and figures of a stream -------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [FixedSurprise(1.0), FalseDiscoveryRate(0.9)], ids=["each row", "all rows"])
def test_one_row_is_explained_as_in_the_stream(model, table_file, policy):
    model = replace(model, policy=policy)
    prepared = prepared_table(model.preparation, TABLE)
    expected = scored_table(model, TABLE, 1, policy, prepared).rows
    for row in (prepared.row[0], 31, prepared.row[-1]):
        if row not in prepared.row:
            continue
        found = explain_row(model, files.open(table_file, expects=model.sources), int(row) + 1)
        assert found.explanation.surprise == expected["surprise"][int(row)].as_py()
        assert found.explanation.is_odd == expected["is_odd"][int(row)].as_py()
        assert found.explanation.reasons[0].column == (
            expected["reason_1"][int(row)].as_py() or found.explanation.reasons[0].column
        )
        assert found.explanation.row == row
        assert found.number == row + 1
        assert found.values["note"] == f"row {row}"


def test_a_row_without_a_window_has_nothing_to_explain(models, table_file):
    with pytest.raises(SettingError, match="row 1: no full window ends there"):
        explain_row(models["windows"], files.open(table_file), 1)
    with pytest.raises(SettingError, match=r"row 41: .* has rows 1 to 40"):
        explain_row(models["windows"], files.open(table_file), 41)


def test_a_row_that_does_not_fit_is_not_explained_and_those_after_it_are(models, damaged_file):
    model = models["windows"]
    with pytest.raises(SchemaMismatchError, match=r"damaged.csv, line 12: column 'pressure'"):
        explain_row(model, files.open(damaged_file, on_error="skip"), 11)
    found = explain_row(model, files.open(damaged_file, on_error="skip"), 38)
    assert found.values["note"] == "row 37"


def test_figures_of_a_stream_are_of_the_rows_with_a_score(model, table_file, tmp_path):
    labels = pa.array(["odd" if 20 <= row < 24 else "normal" for row in range(ROWS)])
    pyarrow.csv.write_csv(TABLE.append_column("label", labels), tmp_path / "labelled.csv")
    found = stream_scores(model, files.open(tmp_path / "labelled.csv"), ("label", "normal"), max_sampled=10)
    prepared = prepared_table(model.preparation, TABLE)
    assert found.surprise.tolist() == model.score(prepared.table).surprise.tolist()
    assert found.is_normal.tolist() == [not 20 <= row < 24 for row in prepared.row]
    assert found.sample.num_rows == len(found.sampled) <= 10
    assert found.sample["at"].to_pylist() == [
        str(value).replace("T", " ") for value in TABLE["at"].to_numpy()[prepared.row[found.sampled]]
    ]


def test_batches_without_an_order_are_refused(model):
    with pytest.raises(SettingError, match="by the rows before them"):
        next(iter(scored_batches(model, TABLE.to_batches())))

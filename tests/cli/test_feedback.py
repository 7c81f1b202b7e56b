"""``oddrow feedback``: verdicts on a report become mute rules of a new model file."""

import hashlib
import json

import pyarrow.csv
import pytest

from oddrow.batch import shown
from oddrow.datasets import make_connections

AT = "2026-11-28T09:00:00.000Z"


@pytest.fixture
def write(model_file, tmp_path):
    """Write verdicts on the model file."""

    def written(*kinds, model=..., name="v.json", verdicts=()):
        content = {
            "format": "oddrow-verdicts",
            "version": 1,
            "report": name,
            "model": hashlib.sha256(model_file.read_bytes()).hexdigest() if model is ... else model,
            "table": {"name": "t", "rows": 600},
            "verdicts": list(verdicts),
            "kinds": [
                {"column": column, "direction": direction, "value": None, "verdict": verdict, "note": "n", "at": AT}
                for column, direction, verdict in kinds
            ],
        }
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="session")
def many_odd(tmp_path_factory):
    """Rows of which one in five is odd."""
    path = tmp_path_factory.mktemp("feedback") / "odd.csv"
    pyarrow.csv.write_csv(make_connections(300, odd_share=0.2, random_state=3).table, path)
    return path


@pytest.fixture
def muted_file(run, write, model_file, tmp_path):
    path = tmp_path / "muted.oddrow"
    verdicts = write(("failed_logins", "above", "false alarm"), ("round_trip_ms", "above", "false alarm"))
    found = run("feedback", model_file, "--verdicts", verdicts, "-o", path, "--expires", "2999-12-31")
    assert found.code == 0, found.err
    assert "mute rule, until 2999-12-31: failed_logins too high as the leading reason" in found.err
    assert f"oddrow feedback {path} --without-rules" in found.err
    return path


def read(path):
    return pyarrow.csv.read_csv(path)


@pytest.mark.parametrize(
    "policy", [(), ("--alerts", "40/300"), ("--fdr", "0.2"), ("--sort", "surprise"), ("--explain", "1")], ids=str
)
def test_score_says_what_each_rule_hid(run, model_file, muted_file, many_odd, tmp_path, policy):
    for name, model in (("before", model_file), ("after", muted_file)):
        assert run("score", many_odd, "-m", model, "-o", tmp_path / f"{name}.csv", *policy).code == 0
    before, after = read(tmp_path / "before.csv"), read(tmp_path / "after.csv")
    assert "muted_by" not in before.column_names
    assert before["surprise"] == after["surprise"]
    muted = after["muted_by"].to_pylist()
    hidden = [text not in (None, "") for text in muted]
    assert sum(hidden) > 5
    was_odd = [str(one).lower() == "true" for one in before["is_odd"].to_pylist()]
    is_odd = [str(one).lower() == "true" for one in after["is_odd"].to_pylist()]
    if "--alerts" not in policy:
        assert all(was or not now for was, now in zip(was_odd, is_odd, strict=True))
    assert all(was and not now for was, now, hid in zip(was_odd, is_odd, hidden, strict=True) if hid)
    found = run("score", many_odd, "-m", muted_file, "-o", tmp_path / "j.csv", *policy, "--json")
    counts = {one["rule"]: one["alerts"] for one in json.loads(found.out)["muted"]}
    assert counts == {rule: muted.count(rule) for rule in counts}
    assert sum(counts.values()) == sum(hidden)
    found = run("score", many_odd, "-m", muted_file, "-o", tmp_path / "k.csv", *policy)
    for rule, count in counts.items():
        assert f"{count} alert{'' if count == 1 else 's'} hidden by the mute rule: {rule}" in found.err
    assert "2 mute rules hide alerts, so the rate of false alarms is at most this" in found.err


def test_batches_and_kept_parts_decide_alike(run, muted_file, many_odd, tmp_path):
    assert run("score", many_odd, "-m", muted_file, "-o", tmp_path / "a.csv").code == 0
    assert run("score", many_odd, "-m", muted_file, "-o", tmp_path / "b.csv", "--resume").code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_info_and_evaluate_show_the_rules_and_there_is_a_way_back(
    run, model_file, muted_file, labelled_csv, many_odd, tmp_path
):
    found = run("info", muted_file)
    assert "mute rule: failed_logins too high as the leading reason; of 2026-11-28, until 2999-12-31" in found.out
    assert "kinds 0 real, 2 false alarm, 0 unsure" in found.out
    values = json.loads(run("info", muted_file, "--json").out)["feedback"]
    assert [rule["column"] for rule in values["rules"]] == ["failed_logins", "round_trip_ms"]
    assert values["made_from"] == [hashlib.sha256(model_file.read_bytes()).hexdigest()]
    found = run("evaluate", labelled_csv, "-m", muted_file, "--label", "label", "--normal", "normal")
    assert "hidden by the mute rule: failed_logins too high as the leading reason" in found.out
    back = tmp_path / "back.oddrow"
    assert run("feedback", muted_file, "--without-rules", "-o", back).code == 0
    for name, model in (("1.csv", model_file), ("2.csv", back)):
        assert run("score", many_odd, "-m", model, "-o", tmp_path / name).code == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert "kinds 0 real, 2 false alarm, 0 unsure" in run("info", back).out
    assert "feedback" not in json.loads(run("info", model_file, "--json").out)


def test_explain_and_report_say_that_a_row_is_muted(run, muted_file, many_odd, tmp_path):
    assert run("score", many_odd, "-m", muted_file, "-o", tmp_path / "s.csv").code == 0
    words = [None if text in (None, "") else text for text in read(tmp_path / "s.csv")["muted_by"].to_pylist()]
    number = next(place for place, text in enumerate(words, 1) if text)
    assert f"muted by the rule: {words[number - 1]}" in " ".join(
        run("explain", many_odd, "-m", muted_file, "--row", number).out.split()
    )
    found = json.loads(run("explain", many_odd, "-m", muted_file, "--row", number, "--json").out)
    assert shown(found["muted_by"]) == words[number - 1]
    assert run("report", many_odd, "-m", muted_file, "-o", tmp_path / "r.html").code == 0


def test_wrong_verdicts_leave_no_model(run, write, model_file, tmp_path):
    kind = ("failed_logins", "above", "false alarm")
    out = tmp_path / "m2.oddrow"
    cases = [
        ((write(kind, model="0" * 64, name="other.json"),), 3, "belong to the model with SHA-256 000000000000"),
        ((write(("no", "above", "real"), name="column.json"),), 3, "column.json: kinds.0.column is 'no'"),
        ((write(("failed_logins", "up", "real"), name="up.json"),), 3, "up.json: kinds.0.direction is 'up'"),
        ((tmp_path / "none.json",), 3, "none.json: cannot be read"),
        ((write(kind), "--expires", "soon"), 2, "'soon'"),
        ((write(kind), "--up-to", "-1"), 2, "is -1.0, which is no number of nats >= 0; give one with --up-to 7.5"),
        ((write(kind), "--without-rules"), 2, "either --verdicts FILE, or --without-rules"),
    ]
    for (verdicts, *options), code, text in cases:
        found = run("feedback", model_file, "--verdicts", verdicts, "-o", out, *options)
        assert (found.code, text in found.err) == (code, True), found.err
        assert not out.exists()
    assert run("feedback", model_file, "-o", out).code == 2
    assert run("feedback", model_file, "--without-rules", "--expires", "never", "-o", out).code == 2
    assert run("feedback", model_file, "--without-weights", "--table", out, "-o", out).code == 2
    assert run("feedback", model_file, "--without-weights", "--no-weights", "-o", out).code == 2
    out.write_text("kept")
    assert run("feedback", model_file, "--verdicts", write(kind), "-o", out).code == 1
    assert out.read_text() == "kept"
    assert run("feedback", model_file, "--verdicts", write(kind), "-o", out, "--force").code == 0


def test_conflicts_and_verdicts_without_a_rule_are_said(run, write, model_file, tmp_path):
    row = {"row": 1, "verdict": "false alarm", "note": "", "at": AT, "reasons": [], "kind": None}
    one = write(("failed_logins", "above", "false alarm"), name="1.json", verdicts=[row], model=None)
    two = write(("failed_logins", "above", "real"), name="2.json")
    found = run("feedback", model_file, "--verdicts", one, "--verdicts", two, "-o", tmp_path / "m.oddrow")
    assert found.code == 0
    assert "1 kind had different verdicts; the latest counts" in found.err
    assert "1 verdict on rows changed no weights" in found.err
    assert "give the report's table as well, with --table TABLE" in found.err
    assert "1.json names no model file: only its columns were checked" in found.err
    assert "mute rule," not in found.err


def test_marked_rows_change_scores_until_the_weights_are_taken_back(run, write, model_file, many_odd, tmp_path):
    rows = [
        {"row": number, "verdict": verdict, "note": "", "at": AT, "reasons": [], "kind": None}
        for number, verdict in ((1, "false alarm"), (2, "real"), (9, "real"))
    ]
    marked = write(verdicts=rows)
    content = json.loads(marked.read_text(encoding="utf-8"))
    marked.write_text(json.dumps(content | {"table": {"name": "t", "rows": 300}}), encoding="utf-8")
    weighed, plain, back = (tmp_path / f"{name}.oddrow" for name in ("weighed", "plain", "back"))
    found = run("feedback", model_file, "--verdicts", marked, "--table", many_odd, "-o", weighed)
    assert found.code == 0, found.err
    assert "weights learned from 2 real rows and 1 false alarm; calibrated anew by" in found.err
    assert f"oddrow feedback {weighed} --without-weights" in found.err
    told = run("info", weighed)
    assert "factors of the views: likelihood " in told.out
    values = json.loads(run("info", weighed, "--json").out)["learned_weights"]
    assert (values["rows_real"], values["rows_false_alarm"]) == (2, 1)
    options = ("--verdicts", marked, "--table", many_odd, "--no-weights")
    assert run("feedback", model_file, *options, "-o", plain).code == 0
    taken_back = run("feedback", weighed, "--without-weights", "-o", back)
    assert taken_back.code == 0
    assert "note" not in taken_back.err
    nothing = run("feedback", back, "--without-weights", "--without-rules", "-o", tmp_path / "same.oddrow")
    assert "the model has no learned weights" in nothing.err
    assert "the model has no mute rules in force" in nothing.err
    surprises = {}
    for path in (model_file, weighed, plain, back):
        assert run("score", many_odd, "-m", path, "-o", tmp_path / "s.csv", "--force").code == 0
        surprises[path] = read(tmp_path / "s.csv")["surprise"].to_pylist()
    assert surprises[weighed] != surprises[model_file]
    assert surprises[plain] == surprises[back] == surprises[model_file]

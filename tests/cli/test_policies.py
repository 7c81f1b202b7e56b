"""The policies on the command line: of one scoring, or stored in the model file."""

import json

import pyarrow.parquet as pq
import pytest

import oddrow
from testing.typed_reading import read_table


def scored(run, labelled_csv, model, tmp_path, *options):
    output = tmp_path / "scored.parquet"
    outcome = run("score", labelled_csv, "-m", model, "-o", output, "--force", *options)
    assert outcome.code == 0, outcome.err
    return pq.read_table(output), outcome.err


@pytest.fixture
def model(model_file, tmp_path):
    """A copy that a test may change."""
    path = tmp_path / "model.oddrow"
    path.write_bytes(model_file.read_bytes())
    return path


OPTIONS = [
    (("--false-alarms", "0.05"), oddrow.FalseAlarmRate(0.05)),
    (("--alerts", "3/100"), oddrow.AlertBudget(3, per=100)),
    (("--alerts", "3/day"), oddrow.AlertBudget(3, per="day")),
    (("--alerts", "5/day", "--time", "started"), oddrow.AlertBudget(5, per="day", column="started")),
    (("--fdr", "0.2"), oddrow.FalseDiscoveryRate(0.2)),
    (("--fdr", "0.2", "--conservative"), oddrow.FalseDiscoveryRate(0.2, conservative=True)),
    (("--surprise", "2.5"), oddrow.FixedSurprise(2.5)),
]


@pytest.mark.parametrize(("options", "policy"), OPTIONS)
def test_score_decides_by_the_policy_of_its_options(run, labelled_csv, model, tmp_path, options, policy):
    detector, table = oddrow.load(model), read_table(labelled_csv)
    if policy == OPTIONS[3][1]:
        (name,) = [column.name for column in detector.model_.encoding.schema.used if column.kind.value == "timestamp"]
        options, policy = ("--alerts", "5/day", "--time", name), oddrow.AlertBudget(5, per="day", column=name)
    rows, said = scored(run, labelled_csv, model, tmp_path, *options)
    decision = detector.decide(table, policy)
    assert rows["is_odd"].to_pylist() == decision.is_odd.tolist()
    assert f"{decision.is_odd.sum()} of 600 rows are odd" in said
    assert str(decision.promise) in said


@pytest.mark.parametrize(("options", "policy"), [OPTIONS[0], OPTIONS[1], OPTIONS[4], OPTIONS[6]])
def test_decide_stores_a_policy_that_score_uses(run, labelled_csv, model, tmp_path, options, policy):
    before = scored(run, labelled_csv, model, tmp_path)[0]
    outcome = run("decide", model, *options)
    assert outcome.code == 0, outcome.err
    assert f"wrote {model}; odd: " in outcome.err
    after = scored(run, labelled_csv, model, tmp_path)[0]
    assert after.drop_columns("is_odd").equals(before.drop_columns("is_odd"))
    assert after["is_odd"].to_pylist() == oddrow.load(model).decide(read_table(labelled_csv), policy).is_odd.tolist()
    found = json.loads(run("info", model, "--json").out)
    assert found["policy"]["kind"] == policy.kind
    assert found["promise"] in run("info", model).out


def test_decide_learns_a_cost_from_a_labelled_table(run, labelled_csv, model):
    sample = ("--sample", labelled_csv, "--label", "label", "--normal", "normal")
    outcome = run("decide", model, "--cost", "20:1", *sample)
    assert outcome.code == 0, outcome.err
    assert "cheapest on 600 labelled rows" in outcome.err
    assert oddrow.load(model).policy.miss == 20


def test_evaluate_map_and_explain_decide_by_the_stored_policy(run, labelled_csv, model, tmp_path):
    assert run("decide", model, "--alerts", "3/100").code == 0
    odd = oddrow.load(model).predict(read_table(labelled_csv)) == -1
    figures = run("evaluate", labelled_csv, "-m", model, "--label", "label", "--normal", "normal", "--json")
    assert json.loads(figures.out)["flagged_share"] == pytest.approx(odd.mean())
    row = int(odd.argmax())
    assert odd[row]
    explained = json.loads(run("explain", labelled_csv, "-m", model, "--row", row + 1, "--json").out)
    assert explained["is_odd"]
    assert explained["row"] == row + 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--false-alarms", "0.01", "--fdr", "0.1"), "--false-alarms and --fdr both decide"),
        (("--false-alarms", "1e-6"), "cannot be promised from 114 calibration rows: it takes at least 999,999"),
        (("--false-alarms", "2"), "rate is 2.0; give a share"),
        (("--alerts", "50"), "--alerts 50: give alerts and rows as 50/10000, or alerts a day as 50/day"),
        (("--alerts", "50/10"), "per is 10; give more rows than alerts"),
        (("--alerts", "5/100", "--time", "x"), "--time goes with --alerts N/day"),
        (("--time", "x"), "--time goes with --alerts N/day"),
        (("--conservative",), "--conservative goes with --fdr"),
        (("--surprise", "-1"), "surprise is -1.0; give a number of nats"),
    ],
)
def test_an_invalid_policy_is_a_usage_error(run, labelled_csv, model, options, text):
    before = model.read_bytes()
    for arguments in (("score", labelled_csv, "-m", model), ("decide", model)):
        outcome = run(*arguments, *options)
        assert outcome.code == 2, outcome.err
        assert text in outcome.err
        assert len(outcome.err.splitlines()) == 1
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--fdr", "0.1", "--sample", "CSV"), "--sample, --label and --normal go with --cost"),
        ((), "give one of --false-alarms, --alerts, --fdr, --surprise, --cost"),
        (("--cost", "10:1"), "--cost goes with --sample TABLE"),
        (
            ("--cost", "10", "--sample", "CSV", "--label", "label", "--normal", "normal"),
            "--cost 10: give the cost of a miss",
        ),
    ],
)
def test_the_errors_of_decide_name_the_missing_options(run, labelled_csv, model, options, text):
    outcome = run("decide", model, *[labelled_csv if option == "CSV" else option for option in options])
    assert outcome.code == 2
    assert text in outcome.err

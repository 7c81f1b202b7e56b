"""The summary of a report: the scores, decisions and reasons of the command line, and what the page counts with."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.batch import scored_table
from oddrow.calibration import Calibration
from oddrow.exceptions import DataError, SettingError
from oddrow.policies import AlertBudget, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise, RowScores
from oddrow.report import ReportOptions, triage
from oddrow.report._collect import summary_of
from oddrow.report._model_facts import calibration_plot
from oddrow.report._packing import facts_json
from oddrow.report._promise_blocks import exceedance_intervals, levels
from oddrow.report._scored_rows import score_rows
from testing.report_files import read_report


@pytest.fixture(scope="module")
def twice(labelled):
    """Rows of which each occurs twice, so that surprise is tied."""
    return pa.concat_tables([labelled.table, labelled.table.slice(0, 300)])


@pytest.fixture(scope="module")
def model(vae):
    return vae.model_


@pytest.fixture(scope="module")
def summary(model, twice):
    return triage(model, twice)


@pytest.fixture(scope="module")
def surprise(model, twice):
    return model.score(twice).surprise


def descending(steps):
    steps = steps.astype(np.int64)
    return np.concatenate([steps[:1], steps[0] - np.cumsum(steps[1:])])


def test_rows_are_in_the_order_of_their_surprise_with_the_scores_of_the_command_line(summary, model, twice):
    scored = scored_table(model, twice).rows
    surprise, p_value, is_odd = (
        scored.column(name).to_numpy(zero_copy_only=False) for name in ("surprise", "p_value", "is_odd")
    )
    rows = summary.blocks["row"].astype(np.int64) - 1
    assert rows.tolist() == sorted(range(len(surprise)), key=lambda row: (-surprise[row], row))
    assert [one.surprise for one in summary.details] == surprise[rows].tolist()
    assert [one.p for one in summary.details] == p_value[rows].tolist()
    assert summary.policy.alerts == summary.policy.prefix == is_odd.sum()
    assert is_odd[rows[: summary.policy.alerts]].all()


def test_leading_rows_are_the_decision_of_a_fixed_surprise_at_every_level(summary, model, surprise):
    level, calibration = (descending(summary.blocks[name]) for name in ("level", "calibration"))
    scores = RowScores(surprise, np.zeros_like(surprise))
    thresholds = {
        *range(0, int(level[0]) + 2, int(level[0]) // 700),
        *level[:300].tolist(),
        *(level[:300] - 1).tolist(),
    }
    assert len(thresholds) > 1000
    for k in sorted(thresholds):
        policy = FixedSurprise(k / 1024)
        decision = policy.decide(scores, model.calibration)
        assert int(np.sum(level > k)) == int(decision.is_odd.sum())
        above = int(np.sum(calibration > k))
        assert above == model.calibration.exceedances(k / 1024)
        promise = decision.promise
        if above:
            assert promise.rate == pytest.approx((above + 0.5) / (len(calibration) + 1), rel=1e-14)
            assert promise.low == pytest.approx(summary.blocks["low"][above - 1], rel=1e-9)
            high = summary.blocks["high"][above] if above < len(calibration) else 1.0
            assert promise.high == pytest.approx(high, rel=1e-9)
        else:
            assert promise.high == pytest.approx(summary.blocks["high"][0], rel=1e-9)


def test_a_level_is_above_k_exactly_where_the_surprise_is():
    surprise = np.array([0.0, 1 / 1024, np.nextafter(1 / 1024, 2), 3.0, np.nextafter(3.0, 0)])
    assert levels(surprise).tolist() == [0, 1, 2, 3072, 3072]


def test_counts_above_the_calibration_rows_are_decisions_of_false_alarm_rates_and_budgets(summary, model, surprise):
    above, n = summary.blocks["above"], len(surprise)
    m = model.calibration.n_rows
    scores = RowScores(surprise, np.zeros_like(surprise))
    for count in range(1, m + 1):
        policy = FalseAlarmRate(min(count / (m + 1), 0.9999))
        decision = policy.decide(scores, model.calibration)
        assert decision.is_odd.sum() == above[count - 1]
        assert decision.promise.low == pytest.approx(summary.blocks["low"][count - 1], rel=1e-9)
        assert decision.promise.high == pytest.approx(summary.blocks["high"][count - 1], rel=1e-9)
    for budget in range(max(n // m + 1, 1), n, 37):
        decision = AlertBudget(budget, per=n).decide(scores, model.calibration)
        count = max(int(budget / n * (m + 1) + 1e-9), 1)
        assert decision.is_odd.sum() == min(budget, above[count - 1])
        order = np.argsort(-surprise, kind="stable")
        assert decision.is_odd[order[: decision.is_odd.sum()]].all()


@pytest.mark.parametrize("worth", [None, 57.3])
def test_intervals_are_those_of_the_promises(model, worth):
    calibration = dataclasses.replace(model.calibration, n_effective=worth)
    low, high = exceedance_intervals(calibration)
    for above in (0, 1, 17, calibration.n_rows - 1):
        promise = (
            FalseAlarmRate((above + 1) / (calibration.n_rows + 1)).promise(
                dataclasses.replace(calibration, n_effective=None) if worth is None else calibration
            )
            if worth is None or (above + 1) / (calibration.n_rows + 1) * (worth + 1) >= 1
            else None
        )
        if promise is not None:
            assert (low[above], high[above]) == pytest.approx((promise.low, promise.high), rel=1e-9)


def test_a_decision_that_is_no_prefix_is_told_row_by_row(model, twice):
    policy = AlertBudget(2, per=100)
    summary = triage(model, twice, ReportOptions(policy=policy))
    decision = model.decide(model.score(twice), twice, policy)
    rows = summary.blocks["row"].astype(np.int64) - 1
    assert summary.policy.prefix is None
    assert (summary.blocks["flagged"] == decision.is_odd[rows]).all()
    assert summary.policy.promise == str(decision.promise)


@pytest.mark.parametrize("policy", [None, FalseDiscoveryRate(0.1), FixedSurprise(3.25), FalseAlarmRate(0.004)])
def test_the_policy_is_the_one_asked_for(model, twice, policy):
    summary = triage(model, twice, ReportOptions(policy=policy))
    decision = model.decide(model.score(twice), twice, policy)
    found = summary.policy
    assert (found.alerts, found.promise, found.note) == (decision.is_odd.sum(), str(decision.promise), decision.note)
    assert "flagged" not in summary.blocks
    python = found.python.removeprefix("detector.set_policy(").removesuffix(")")
    assert eval(python, {"oddrow": oddrow}) == (policy or model.policy)  # noqa: S307 - our own text


def test_parts_of_a_row_add_up_to_its_surprise(summary):
    for one in summary.details:
        total = sum(reason.nats for reason in one.reasons) + one.combination + one.other
        assert total == pytest.approx(one.surprise, abs=1e-3)
        assert [reason.nats for reason in one.reasons] == sorted((reason.nats for reason in one.reasons), reverse=True)


def test_ids_are_shown_without_being_learned_from(model, twice, summary):
    names = [f"host {row}" for row in range(twice.num_rows)]
    found = triage(model, twice.append_column("host", pa.array(names)), ReportOptions(ids=["host"]))
    rows = found.blocks["row"].astype(np.int64) - 1
    assert found.cells.columns[0] == "host"
    assert list(found.cells.values[0]) == [names[row] for row in rows[: found.cells.rows]]
    assert (found.blocks["level"] == summary.blocks["level"]).all()
    assert not any("host" in note for note in found.notes)
    with pytest.raises(SettingError, match="no column 'hots'"):
        triage(model, twice, ReportOptions(ids=["hots"]))


def test_cells_are_those_of_the_table(summary, twice):
    rows = summary.blocks["row"].astype(np.int64)[: summary.cells.rows] - 1
    place = summary.cells.columns.index("service")
    assert list(summary.cells.values[place]) == twice.column("service").take(pa.array(rows)).to_pylist()


def test_labels_are_shown_and_give_figures(model, labelled):
    labels = np.where(labelled.is_odd, "odd", "ok")
    table = labelled.table.append_column("truth", pa.array(labels))
    summary = triage(model, table, ReportOptions(label="truth", normal="ok"))
    rows = summary.blocks["row"].astype(np.int64) - 1
    assert (summary.blocks["truth"] == labelled.is_odd[rows]).all()
    assert summary.truth.anomalies == labelled.is_odd.sum()
    assert [figure.name for figure in summary.truth.figures][:2] == ["AUROC", "average precision"]
    assert "truth" not in summary.cells.columns
    with pytest.raises(DataError, match="never has the value 'fine'"):
        triage(model, table, ReportOptions(label="truth", normal="fine"))
    with pytest.raises(SettingError, match="column of labels"):
        triage(model, table, ReportOptions(label="truth", normal="ok", ids=["truth"]))


def test_the_band_of_the_calibration_plot_holds_95_percent_of_new_normal_rows(model, fresh):
    rng = np.random.default_rng(0)
    inside, small = [], []
    for _ in range(400):
        calibration = Calibration.learn(rng.normal(size=200))
        plot = calibration_plot(calibration.p_value(rng.normal(size=300)), None, calibration)
        bands = zip(plot.low, plot.observed, plot.high, strict=True)
        within = [low <= seen <= high for low, seen, high in bands]
        large = np.asarray(plot.expected) > 0.05
        inside.append(np.asarray(within)[large & (np.asarray(plot.expected) < 1)])
        small.append(np.asarray(within)[~large])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)
    assert np.mean(small) > 0.85  # where few rows are expected, the share has few values
    shown = triage(model, fresh).model.calibration_plot
    assert list(shown.expected) == sorted(shown.expected)
    assert shown.observed[-1] == 1.0


def test_all_numbers_are_json_and_the_same_rows_have_the_same_identity(model, twice, summary):
    again = triage(model, twice)
    assert again.id == summary.id != triage(model, twice.slice(1)).id
    assert b"NaN" not in facts_json(summary)
    assert b"Infinity" not in facts_json(summary)


def test_each_part_has_what_the_page_expects(vae, twice, summary):
    file = read_report(vae.report(twice).html)
    assert file.summary["format"] == "oddrow-report"
    assert file.summary["valuesHidden"] is False
    n = file.summary["table"]["scored"]
    assert {len(file.blocks[name]) for name in ("row", "level", "x", "y")} == {n}
    assert {len(file.blocks[name]) for name in ("calibration", "above", "low", "high")} == {summary.calibration.rows}
    shaded = [index for index, column in enumerate(file.summary["columns"]) if column["shade"] is not None]
    assert shaded
    assert {f"shade-{index}" for index in shaded} == {name for name in file.blocks if name.startswith("shade")}
    assert all(len(file.blocks[f"shade-{index}"]) == n for index in shaded)
    for detail in file.summary["details"]:
        assert -1 <= detail["kind"] < len(file.summary["kinds"])
        assert all(place < file.summary["normalRows"]["rows"] for place in detail["nearest"])
        for reason in detail["reasons"]:
            bars = file.summary["columns"][reason["c"]]["distribution"]
            assert reason["place"] is None or reason["place"] < len(bars["labels"])


def test_the_level_blocks_are_what_a_reader_restores(vae, twice, surprise):
    file = read_report(vae.report(twice).html)
    assert (file.blocks["level"] == np.sort(np.ceil(surprise * 1024))[::-1]).all()


def test_scored_rows_of_a_part_of_the_table_have_the_same_bits(model, twice, monkeypatch):
    monkeypatch.setattr("oddrow.report._scored_rows.SLAB", 170)
    parts = []
    rows = score_rows(model, twice, on_progress=lambda done, total: parts.append((done, total)))
    assert parts[-1] == (twice.num_rows, twice.num_rows)
    assert rows.scored.surprise.tobytes() == model.score(twice).surprise.tobytes()
    whole = triage(model, twice)
    again = summary_of(rows, None, ReportOptions())
    assert all((again.blocks[name] == whole.blocks[name]).all() for name in whole.blocks)


def test_places_on_the_map_are_those_of_the_latent_projection(vae, twice, summary):
    """The first axis is x, the second y, within the steps of the grid; rows outside the window are at its border."""
    expected = vae.latent_map(twice)[summary.blocks["row"].astype(np.int64) - 1]
    low, high = np.array(summary.map.low), np.array(summary.map.high)
    found = low + np.stack([summary.blocks["x"], summary.blocks["y"]], axis=1) / 65_535 * (high - low)
    np.testing.assert_allclose(found, np.clip(expected, low, high), atol=1e-3 * float((high - low).max()))
    assert summary.map.outside == np.any((expected < low) | (expected > high), axis=1).sum()


def test_a_report_says_that_weights_were_learned_and_holds_the_learned_scores(vae, labelled, summary, monkeypatch):
    monkeypatch.setattr("oddrow.surprise._reweighting._ranked", lambda *_: 1.0)  # whether they help does not matter
    table = labelled.table.slice(0, 120)
    answers = {row: "real" if odd else "false alarm" for row, odd in enumerate(labelled.is_odd[:40].tolist())}
    weighed = vae.with_feedback(answers, table).model_
    after = triage(weighed, table)
    assert {one.name: one.value for one in after.model.settings}["weights"] == "learned from 40 marked rows"
    assert "weights" not in {one.name for one in summary.model.settings}
    assert sorted(one.surprise for one in after.details) == sorted(weighed.score(table).surprise.tolist())

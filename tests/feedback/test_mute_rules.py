"""Mute rules hide alerts and change nothing else, however the rows arrive and whatever policy decides."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.artifact import dumps
from oddrow.batch import scored_batches, scored_table
from oddrow.distributed._work import PackedModel, RowScoring, schema_after
from oddrow.exceptions import DataError, OutputError, SettingError
from oddrow.explanation import MOST_LEADING, LeadingReasons, explain
from oddrow.feedback import Feedback, MuteRule, _rules
from oddrow.policies import RowScores
from oddrow.sequences import Windows

AT = "2026-11-28T09:00:00.000Z"
ABOVE = ("bytes_sent", "above", None)
UNSEEN = ("service", "unseen", None)
ICMP = ("protocol", "value", "icmp")
POLICIES = [
    oddrow.FalseAlarmRate(0.01),
    oddrow.FixedSurprise(5.0),
    oddrow.AlertBudget(150, per=1000),
    oddrow.AlertBudget(20, per="day"),
    oddrow.FalseDiscoveryRate(0.2),
]


def kind(column, direction, value, verdict="false alarm", at=AT, note=""):
    return {"column": column, "direction": direction, "value": value, "verdict": verdict, "note": note, "at": at}


def row(number, verdict, of=None, at=AT):
    named = None if of is None else dict(zip(("column", "direction", "value"), of, strict=True))
    return {"row": number, "verdict": verdict, "note": "", "at": at, "reasons": [], "kind": named}


def verdicts(*kinds, rows=(), report="r1", model=None):
    return {
        "format": "oddrow-verdicts",
        "version": 1,
        "report": report,
        "model": model,
        "table": {"name": "t", "rows": 1000},
        "verdicts": list(rows),
        "kinds": list(kinds),
    }


@pytest.fixture(scope="module")
def muted(vae):
    return vae.with_feedback(verdicts(kind(*ABOVE), kind(*UNSEEN), kind(*ICMP)))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.kind)
def test_a_rule_hides_alerts_and_changes_no_score(vae, muted, labelled, policy):
    table = labelled.table
    before, after = vae.decide(table, policy), muted.decide(table, policy)
    np.testing.assert_array_equal(muted.surprise(table), vae.surprise(table))
    np.testing.assert_array_equal(muted.p_value(table), vae.p_value(table))
    hidden = after.muted.rule >= 0
    assert hidden.any()
    assert not (after.is_odd & hidden).any()
    assert (before.is_odd[hidden]).all()
    assert sum(count for _, count in after.muted.counts) == hidden.sum()
    scored = vae.model_.score(table)
    assert (scored.surprise[after.is_odd] > after.threshold).all()
    if isinstance(
        policy, oddrow.AlertBudget
    ):  # the places of hidden alerts are free for other rows above the threshold
        assert after.is_odd.sum() <= 150 if policy.per == 1000 else True
        assert after.threshold == before.threshold
    else:
        assert not (after.is_odd & ~before.is_odd).any()


def test_an_alert_budget_is_not_used_by_hidden_alerts(vae, muted, labelled):
    policy = oddrow.AlertBudget(150, per=1000)
    before, after = vae.decide(labelled.table, policy), muted.decide(labelled.table, policy)
    assert before.is_odd.sum() == after.is_odd.sum() == 150
    assert (before.is_odd & ~after.is_odd).sum() == (after.muted.rule >= 0).sum() > 0


def test_exactly_the_rows_with_the_leading_reason_are_hidden(vae, labelled):
    policy = oddrow.FalseAlarmRate(0.01)
    model, table = vae.model_, labelled.table
    explanations = explain(model, table, None)
    reasons = LeadingReasons.of(model, table)
    leading = [reasons.leading(place, one) for place, one in enumerate(explanations)]
    for of in (ABOVE, UNSEEN, ICMP):
        after = vae.with_feedback(verdicts(kind(*of))).decide(table, policy)
        expected = [
            one.reason is not None
            and (one.reason.column, one.direction) == of[:2]
            and of[2] in (None, one.value)
            and explanations[place].is_odd
            for place, one in enumerate(leading)
        ]
        assert sum(expected) > 5
        np.testing.assert_array_equal(after.muted.rule >= 0, expected)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batches_are_decided_as_the_whole_table(muted, labelled, size):
    table = labelled.table.slice(0, 60) if size == 1 else labelled.table
    whole = scored_table(muted.model_, table).rows
    parts = pa.Table.from_batches(scored_batches(muted.model_, table.to_batches(max_chunksize=size)))
    for name in ("is_odd", "muted_by", "surprise"):
        assert whole.column(name).to_pylist() == parts.column(name).to_pylist()
    assert set(whole.column("muted_by").to_pylist()) > {None}


def test_predict_explain_and_decision_function_follow_the_rules(vae, muted, labelled):
    table = labelled.table
    decision = muted.decide(table)
    hidden = decision.muted.rule >= 0
    np.testing.assert_array_equal(muted.predict(table) == -1, decision.is_odd)
    assert (muted.decision_function(table)[hidden] == 0).all()
    for one, before, words in zip(muted.explain(table), vae.explain(table), decision.muted.words, strict=True):
        assert one.muted_by == words
        assert one == replace(before, is_odd=one.is_odd, muted_by=words)
    first = int(np.flatnonzero(hidden)[0])
    assert f"muted by the rule: {decision.muted.words[first]}" in repr(muted.explain(table)[first])


def test_a_rule_with_a_limit_leaves_stranger_rows_of_its_kind(vae, labelled):
    table, surprise = labelled.table, vae.surprise(labelled.table)
    every = vae.with_feedback(verdicts(kind(*ABOVE))).decide(table)
    hidden = surprise[every.muted.rule >= 0]
    limit = float(np.median(hidden))
    some = vae.with_feedback(verdicts(kind(*ABOVE)), up_to=limit)
    np.testing.assert_array_equal(some.decide(table).muted.rule >= 0, (every.muted.rule >= 0) & (surprise <= limit))
    assert some.decide(table).muted.words[np.argmin(surprise + 1e9 * (every.muted.rule < 0))].endswith("nats")
    for wrong in (-1.0, float("nan"), "7", True):
        with pytest.raises(SettingError, match="no number of nats >= 0; give one with up_to"):
            vae.with_feedback(verdicts(kind(*ABOVE)), up_to=wrong)


def test_the_promise_says_that_it_is_an_upper_bound(vae, muted, labelled):
    before, after = vae.decide(labelled.table).promise, muted.decide(labelled.table).promise
    assert str(after) == f"{before}; 3 mute rules hide alerts, so the rate of false alarms is at most this"
    assert (after.rate, after.low, after.high) == (before.rate, before.low, before.high)


def test_the_old_detector_is_unchanged_and_there_is_a_way_back(vae, muted, labelled):
    assert vae.model_.feedback is None
    back = muted.without_rules()
    before, after = vae.decide(labelled.table), back.decide(labelled.table)
    np.testing.assert_array_equal(before.is_odd, after.is_odd)
    assert str(before.promise) == str(after.promise)
    assert after.muted is None
    assert "muted_by" not in scored_table(back.model_, labelled.table).rows.column_names
    assert back.model_.feedback.reports == muted.model_.feedback.reports
    assert len(muted.model_.feedback.rules) == 3


def test_a_rule_is_in_force_until_the_end_of_its_last_day(vae, labelled, monkeypatch):
    detector = vae.with_feedback(verdicts(kind(*ABOVE)), expires="2030-05-06")
    for day, in_force in ((6, True), (7, False)):
        monkeypatch.setattr(_rules, "today", lambda day=day: dt.date(2030, 5, day))
        monkeypatch.setattr("oddrow.feedback._feedback.today", lambda day=day: dt.date(2030, 5, day))
        decision = detector.decide(labelled.table)
        assert (decision.muted is not None) == in_force
        assert ("mute rule" in str(decision.promise)) == in_force
        dated = detector.model_.dated()
        monkeypatch.setattr("oddrow.feedback._feedback.today", lambda: dt.date(2031, 1, 1))
        assert bool(dated.feedback.in_force) == in_force  # one job decides all its rows by one day


def test_a_model_file_holds_the_feedback(muted, labelled, tmp_path):
    dated = muted.with_feedback(
        verdicts(kind("failed_logins", "above", None, note="cron"), report="r2"), expires="2030-01-01"
    )
    oddrow.save(dated, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    assert loaded.model_.feedback == dated.model_.feedback
    assert len(loaded.model_.feedback.rules) == 4
    before, after = dated.decide(labelled.table), loaded.decide(labelled.table)
    np.testing.assert_array_equal(before.is_odd, after.is_odd)
    assert before.muted.words == after.muted.words


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([("bytes", "above", None)], "'bytes'"),
        ([ABOVE, ABOVE], "two mute rules"),
        ([("bytes_sent", "whole", None)], "direction"),
        ([(f"{number}", "above", None) for number in range(1001)], "1,001 mute rules"),
    ],
)
def test_a_model_file_with_impossible_rules_is_refused(vae, rules, reason):
    made = tuple(MuteRule(*rule, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "r") for rule in rules)
    detector = vae.without_rules()
    detector.model_ = replace(detector.model_, feedback=Feedback(made))
    with pytest.raises(OutputError, match=reason):
        dumps(detector)


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.TrainingHealthWarning")
def test_windows_are_muted_at_the_row_where_they_end():
    rng = np.random.default_rng(0)
    rows = pa.table({"at": pa.array(np.arange(600), pa.int64()), "load": rng.normal(size=600)})
    detector = oddrow.VAEDetector(random_state=0, max_steps=50, sequences=Windows(time="at", length=4)).fit(rows)
    odd = rows.set_column(1, "load", pa.array(np.where(np.arange(600) > 590, 40.0, rows["load"].to_numpy())))
    names = [(one.reasons[0].column) for one in detector.explain(odd) if one.is_odd]
    kinds = [kind(name, direction, None) for name in set(names) for direction in ("above", "below")]
    muted = detector.with_feedback(verdicts(*kinds))
    before, after = detector.decide(odd), muted.decide(odd)
    assert before.is_odd.sum() > after.is_odd.sum()
    assert len(after.muted.rule) == 600
    np.testing.assert_array_equal(before.is_odd, after.is_odd | (after.muted.rule >= 0))


def test_an_export_to_onnx_is_refused_with_a_way_out(muted, tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(SettingError, match=r"without_rules\(\)"):
        oddrow.export_onnx(muted, tmp_path / "m.onnx", missing_text="-")
    assert not list(tmp_path.iterdir())


def test_the_kinds_of_a_report_are_what_rules_hide(vae, labelled):
    """Marking a kind on the page hides exactly the alerts that the page counts in it, and single rows like them."""
    summary = vae.report(labelled.table).summary
    names = [column.name for column in summary.columns]
    numbers = summary.blocks["row"].astype(int) - 1
    before = vae.decide(labelled.table).is_odd
    of_row = {int(numbers[rank]): detail.kind for rank, detail in enumerate(summary.details)}
    tried = 0
    for place, one in enumerate(summary.kinds):
        if one.column < 0 or not one.alerts:
            continue
        hidden = vae.with_feedback(verdicts(kind(names[one.column], one.direction, one.value))).decide(labelled.table)
        found = set(np.flatnonzero(hidden.muted.rule >= 0).tolist())
        counted = {row for row, own in of_row.items() if own == place and before[row]}
        assert counted <= found
        assert len(counted) == one.alerts
        others = {of_row[row] for row in found - counted} - {-1}
        assert all(summary.kinds[other].column == one.column and one.value is None for other in others)
        tried += 1
    assert tried >= 6


def test_words_of_a_rule_are_one_line_without_control_characters(vae):
    detector = vae.with_feedback(verdicts(kind("service", "unseen", "\x1b[2J\n\u2028\u202e" + "x" * 9_000)))
    (words,) = detector.model_.feedback.in_force
    assert words.isprintable()
    assert len(words) < 400


def test_workers_of_an_engine_get_the_rules_that_are_in_force(muted, labelled, monkeypatch):
    packed = PackedModel.of(muted.with_feedback(verdicts(kind(*ABOVE)), expires="2030-05-06"))
    monkeypatch.setattr("oddrow.feedback._feedback.today", lambda: dt.date(2031, 1, 1))  # a worker in another year
    batches = labelled.table.to_batches(max_chunksize=300)
    found = pa.Table.from_batches(RowScoring()(packed.unpacked(), batches))
    assert found.schema == schema_after(RowScoring(), packed, batches[0].schema)
    assert found["muted_by"].to_pylist() == scored_table(muted.model_, labelled.table).rows["muted_by"].to_pylist()


def test_scores_of_no_rows_are_decided(muted, labelled):
    assert len(muted.decide(labelled.table.slice(0, 0)).is_odd) == 0
    assert muted.model_.decide_scores(RowScores.empty(), muted.model_.policy).muted is None


# Verdicts ------------------------------------------------------------------------------------------------------------


def rules_of(detector):
    return {rule.key[:3] for rule in detector.model_.feedback.rules}


def test_only_kinds_marked_as_false_alarms_make_rules(vae):
    rows = [row(1, "false alarm", ABOVE), row(2, "unsure", ABOVE)]
    detector = vae.with_feedback(
        verdicts(kind(*ABOVE, "unsure"), kind(*UNSEEN, "real"), kind("", "whole", None), kind(*ICMP), rows=rows)
    )
    assert rules_of(detector) == {ICMP}
    (counts,) = detector.model_.feedback.reports
    assert (counts.rows_real, counts.rows_false_alarm, counts.rows_unsure) == (0, 1, 1)
    assert (counts.kinds_real, counts.kinds_false_alarm, counts.kinds_unsure) == (1, 2, 1)


def test_a_kind_with_a_real_row_or_a_real_kind_inside_gets_no_rule(vae):
    assert rules_of(vae.with_feedback(verdicts(kind(*ABOVE), rows=[row(3, "real", ABOVE)]))) == set()
    assert rules_of(vae.with_feedback(verdicts(kind(*ABOVE), rows=[row(3, "real", UNSEEN)]))) == {ABOVE}
    wide = ("protocol", "value", None)
    assert rules_of(vae.with_feedback(verdicts(kind(*wide), kind(*ICMP, "real")))) == set()


def test_a_later_verdict_takes_an_earlier_rule_back(muted):
    assert rules_of(muted.with_feedback(verdicts(kind(*ABOVE, "unsure")))) == {UNSEEN, ICMP}
    assert rules_of(muted.with_feedback(verdicts(rows=[row(3, "real", ABOVE)]))) == {UNSEEN, ICMP}
    again = muted.with_feedback(verdicts(kind(*ABOVE, note="again")), expires="2030-01-01")
    assert rules_of(again) == {ABOVE, UNSEEN, ICMP}
    assert {rule.expires for rule in again.model_.feedback.rules} == {None, dt.date(2030, 1, 1)}


@pytest.mark.parametrize("swapped", [False, True])
def test_the_latest_verdict_counts_in_any_order_of_files(vae, swapped):
    early, late = verdicts(kind(*ABOVE)), verdicts(kind(*ABOVE, "real", at="2026-11-28T11:00:00+01:00"), report="r2")
    assert rules_of(vae.with_feedback([late, early] if swapped else [early, late])) == {ABOVE} - {ABOVE}
    later = verdicts(kind(*ABOVE, at="2026-11-28T10:00:00.001Z"), report="r3")
    assert rules_of(vae.with_feedback([late, later, early] if swapped else [early, later, late])) == {ABOVE}
    same = verdicts(kind(*ABOVE, "real"), report="r2")  # at the same time: the careful one
    assert rules_of(vae.with_feedback([same, early] if swapped else [early, same])) == set()


def test_verdicts_must_belong_to_the_model_or_the_one_it_was_made_from(vae):
    first = vae.with_feedback(verdicts(kind(*ABOVE), model="a" * 64), model_hash="a" * 64)
    assert first.model_.feedback.made_from == ("a" * 64,)
    second = first.with_feedback(verdicts(kind(*ICMP), model="a" * 64), model_hash="b" * 64)
    assert second.model_.feedback.made_from == ("a" * 64, "b" * 64)
    with pytest.raises(DataError, match=r"cccccccccccc.*give the model that the report was made with"):
        second.with_feedback(verdicts(kind(*ICMP), model="c" * 64), model_hash="d" * 64)
    with pytest.raises(DataError, match="belong to 2 models"):
        vae.with_feedback([verdicts(model="a" * 64), verdicts(model="b" * 64)])


def test_settings_that_make_no_sense_are_refused(vae):
    with pytest.raises(SettingError, match="at least one"):
        vae.with_feedback([])
    with pytest.raises(SettingError, match="2027-01-31, or never"):
        vae.with_feedback(verdicts(), expires="tomorrow")
    with pytest.raises(DataError, match=r"kinds\.0\.column is 'bytes'"):
        vae.with_feedback(verdicts(kind("bytes", "above", None)))


def test_a_rule_with_a_second_reason_hides_only_rows_that_have_it(vae, labelled):
    """Of the rows that a kind's leading reason hides, the rule of the refined kind hides those with its second one."""
    table = labelled.table
    policy = oddrow.FixedSurprise(2.0)
    model = vae.model_
    flagged = np.flatnonzero(vae.decide(table, policy).is_odd)
    rows = table.take(flagged)
    explanations = explain(model, rows, MOST_LEADING)
    reasons = LeadingReasons.of(model, rows)
    keys = []
    for place, explanation in enumerate(explanations):
        leading = reasons.leading(place, explanation)
        second = reasons.second(place, explanation, leading)
        first = None if leading.reason is None else (leading.reason.column, leading.direction)
        keys.append((first, None if second is None else (second.reason.column, second.direction)))
    (first, also), count = Counter(key for key in keys if None not in key).most_common(1)[0]
    assert count >= 2
    assert count < sum(key[0] == first for key in keys)
    refined = kind(*first, None) | {"also": dict(zip(("column", "direction"), also, strict=True))}
    for verdict, expected in (
        (refined, [key == (first, also) for key in keys]),
        (kind(*first, None), [key[0] == first for key in keys]),
    ):
        decision = vae.with_feedback(verdicts(verdict)).decide(table, policy)
        np.testing.assert_array_equal(decision.muted.rule[flagged] >= 0, expected)

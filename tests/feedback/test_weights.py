"""Verdicts on rows change weights: what counts, in which order, from which table, and how it is taken back."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.artifact import dumps
from oddrow.batch import scored_table
from oddrow.calibration import Calibration
from oddrow.cli._render_feedback import weight_lines
from oddrow.detector import feedback_taken
from oddrow.distributed._work import PackedModel, RowScoring
from oddrow.exceptions import DataError, SettingError
from oddrow.sequences import Windows
from oddrow.surprise import Reweighting, ScoreParts
from oddrow.table import as_texts

EARLY, LATE = "2026-11-28T09:00:00.000Z", "2026-11-29T09:00:00.000Z"


def file_of(rows, report="r1", n_rows=1000, **other):
    return {
        "format": "oddrow-verdicts", "version": 1, "report": report, "model": None,
        "table": {"name": "t", "rows": n_rows}, "verdicts": list(rows), "kinds": [], **other,
    }  # fmt: skip


def row(index, verdict, at=EARLY, **other):
    return {"row": index + 1, "verdict": verdict, "note": "", "at": at, "reasons": [], "kind": None, **other}


@pytest.fixture(scope="session")
def answers(vae, labelled):
    """The truth about 30 of the 600 strangest of 1,000 rows, by index: both kinds are among them."""
    strangest = np.argsort(-vae.surprise(labelled.table))[:600:20]
    return {int(index): "real" if labelled.is_odd[index] else "false alarm" for index in strangest}


@pytest.fixture(scope="session")
def weighed(vae, labelled, answers):
    return vae.with_feedback(answers, labelled.table)


@pytest.fixture
def rows(labelled):
    return labelled.table


def as_file(answers, **other):
    return file_of([row(index, verdict) for index, verdict in answers.items()], **other)


def same(one, other):
    return dumps(one) == dumps(other)


def test_labelled_rows_change_scores_and_the_calibration_rows_stay(vae, weighed, rows, answers):
    before, after = vae.model_.surprise_model, weighed.model_.surprise_model
    assert vae.model_.feedback is None
    assert not np.array_equal(vae.surprise(rows), weighed.surprise(rows))
    assert after.parts is before.parts
    assert after.calibration.n_rows == before.calibration.n_rows
    judge = after.evidence_model
    raw = after.reweighting.raw(before.parts, judge.scales.weights, judge.scales.constants.power)
    np.testing.assert_array_equal(after.calibration.scores, np.sort(raw))
    assert [(label.row - 1) in answers for label in weighed.model_.feedback.labels] == [True] * len(answers)


def test_the_parts_of_calibration_rows_give_their_raw_scores(vae):
    model = vae.model_.surprise_model
    power = model.evidence_model.scales.constants.power
    ones = replace(model.reweighted(None), parts=model.parts)
    neutral = Reweighting(
        np.ones(len(model.evidence_model.views.names)), np.ones(model.parts.shares.shape[1]), model.parts
    )
    raw = neutral.raw(model.parts, model.evidence_model.scales.weights, power)
    np.testing.assert_allclose(np.sort(raw), ones.calibration.scores, rtol=1e-5)


def test_verdicts_in_parts_in_any_order_or_in_one_file_give_the_same_model(vae, weighed, rows, answers):
    items = list(answers.items())
    halves = [dict(items[:13]), dict(items[13:])]
    for first, second in (halves, halves[::-1]):
        in_turn = vae.with_feedback(first, rows).with_feedback(second, rows)
        assert in_turn.model_.feedback == weighed.model_.feedback
        assert same(in_turn, weighed)
    files = [as_file(half) for half in halves]
    one, other = vae.with_feedback(files, rows), vae.with_feedback(files[::-1], rows)
    assert same(one, other)
    assert same_scores(one, weighed, rows)


def same_scores(one, other, rows):
    return one.surprise(rows).tobytes() == other.surprise(rows).tobytes()


def test_the_later_verdict_on_a_row_counts_and_unsure_takes_a_label_back(vae, rows, answers):
    index, verdict = next(iter(answers.items()))
    opposite = "real" if verdict == "false alarm" else "false alarm"
    late = file_of([row(index, verdict, LATE)])
    assert same_scores(
        vae.with_feedback([late, file_of([row(index, opposite)])], rows), vae.with_feedback(late, rows), rows
    )
    turned = vae.with_feedback(late, rows).with_feedback(file_of([row(index, opposite)]), rows)
    assert [label.is_real for label in turned.model_.feedback.labels] == [opposite == "real"]
    unsure = turned.with_feedback(file_of([row(index, "unsure")]), rows)
    assert unsure.model_.feedback.labels == ()
    assert same_scores(unsure, vae, rows)


def test_the_way_back_gives_the_scores_of_the_fit(vae, weighed, rows, tmp_path):
    oddrow.save(weighed, tmp_path / "weighed.oddrow")
    loaded = oddrow.load(tmp_path / "weighed.oddrow")
    assert same_scores(loaded, weighed, rows)
    np.testing.assert_array_equal(loaded.p_value(rows), weighed.p_value(rows))
    back = loaded.without_weights()
    assert same_scores(back, vae, rows)
    np.testing.assert_array_equal(back.p_value(rows), vae.p_value(rows))
    assert back.model_.feedback.labels == ()
    assert back.model_.feedback.reports == weighed.model_.feedback.reports
    assert same_scores(loaded.without_rules(), weighed, rows)


def test_reasons_add_up_and_engines_and_streams_score_with_learned_weights(weighed, rows):
    surprise = weighed.surprise(rows)
    for explanation in weighed.explain(rows.slice(0, 20), top=99):
        total = sum(reason.nats for reason in explanation.reasons) + explanation.combination_nats
        assert total == pytest.approx(explanation.surprise, abs=1e-9)
    in_parts = [scored_table(weighed.model_, part).rows["surprise"].to_numpy() for part in (rows[:300], rows[300:])]
    assert np.concatenate(in_parts).tobytes() == surprise.tobytes()
    done = pa.Table.from_batches(RowScoring()(PackedModel.of(weighed).unpacked(), rows.to_batches()))
    assert done["surprise"].to_numpy().tobytes() == surprise.tobytes()


def test_weights_that_do_not_help_leave_scores_and_remember_the_verdicts(vae, rows, answers, tmp_path, monkeypatch):
    ranks = iter([0.4, 0.5])  # of the learned weights, and of those of the fit
    monkeypatch.setattr("oddrow.surprise._reweighting._ranked", lambda *_: next(ranks))
    kept = vae.with_feedback(answers, rows)
    oddrow.save(kept, tmp_path / "kept.oddrow")
    for detector in (kept, oddrow.load(tmp_path / "kept.oddrow")):
        assert same_scores(detector, vae, rows)
        np.testing.assert_array_equal(detector.p_value(rows), vae.p_value(rows))
        assert len(detector.model_.feedback.labels) == len(answers)
        assert weight_lines(detector.model_)[0].startswith("the weights of the fit stay")


def test_without_weighing_scores_stay(vae, rows, answers):
    muted = vae.with_feedback(answers, rows, weighs=False)
    assert same_scores(muted, vae, rows)
    assert muted.model_.feedback.labels == ()
    _, found = feedback_taken(vae, answers, rows, weighs=False)
    assert "30 verdicts on rows changed no weights, as asked" in found.notes
    assert sum(one.rows_real + one.rows_false_alarm for one in muted.model_.feedback.reports) == len(answers)


def test_the_values_of_verdicts_take_the_place_of_the_table(vae, rows, answers):
    texts = {name: as_texts(rows[name]).to_pylist() for name in rows.column_names}
    surprise = vae.surprise(rows)

    def with_values(index, **changed):
        values = {name: column[index] for name, column in texts.items()} | changed
        return row(index, answers[index], values=values, surprise=float(surprise[index]))

    by_values = vae.with_feedback(file_of([with_values(index) for index in answers]))
    assert same_scores(by_values, vae.with_feedback(as_file(answers), rows), rows)
    first, second, third, *_ = answers
    cut, lacking, rounded = (
        with_values(first, service="a\u2026"),
        with_values(second),
        with_values(third, bytes_sent="7"),
    )
    del lacking["values"]["service"]
    changed, found = feedback_taken(vae, file_of([cut, lacking, rounded]))
    assert same_scores(changed, vae, rows)
    assert "3 verdicts on rows changed no weights" in found.notes[0]
    assert "give the report's table" in found.notes[0]
    later, found = feedback_taken(by_values, file_of([cut, lacking, rounded], report="r2"))
    assert later.model_.feedback.labels == by_values.model_.feedback.labels
    again = by_values.with_feedback(file_of([with_values(index) for index in list(answers)[3:]], report="r1"))
    assert again.model_.feedback.labels == by_values.model_.feedback.labels


def test_rows_that_the_model_was_fitted_to_are_no_evidence(vae, connections, rows):
    changed, found = feedback_taken(vae, {0: "false alarm", 1: "real"}, connections)
    assert found.notes == (
        "2 verdicts on rows changed no weights: the rows equal rows that the model was fitted to or calibrated by, so "
        "they are no new evidence",
    )
    assert same_scores(changed, vae, connections)


def test_rows_of_the_fit_are_recognised_where_duplicates_are_common_and_where_they_are_not_remembered(
    vae, rows, answers, short_training
):
    few = np.random.default_rng(0).poisson(2.0, (400, 3)).astype(float)
    detector = oddrow.VAEDetector(random_state=0).fit(few)
    changed, _ = feedback_taken(detector, dict.fromkeys(range(0, 400, 20), "false alarm"), few)
    assert changed.model_.feedback.labels == ()
    calibrating = oddrow.VAEDetector(random_state=0)
    vars(calibrating).update(vars(vae))
    one = next(iter(answers))
    model = vae.model_.surprise_model
    encoded = vae.model_.encoding.encode(rows.slice(one, 1))
    _, parts = model.evidence_model.parts(model.evidence_model.views.of(encoded))
    kept = ScoreParts.joined([model.parts.take(np.arange(1, len(model.parts))), parts])
    calibrating.model_ = replace(vae.model_, surprise_model=replace(model, parts=kept))
    changed, _ = feedback_taken(calibrating, answers, rows)
    assert len(changed.model_.feedback.labels) == len(answers) - 1


def test_the_same_row_in_two_reports_counts_once_with_the_later_verdict(vae, rows, answers):
    first = as_file(answers, report="r1")
    turned = {index: "real" if verdict == "false alarm" else "false alarm" for index, verdict in answers.items()}
    again = vae.with_feedback(first, rows).with_feedback(as_file(turned, report="r2"), rows)
    assert {label.report for label in again.model_.feedback.labels} == {"r2"}
    assert same_scores(again, vae.with_feedback(as_file(turned, report="r2"), rows), rows)


def test_a_calibration_by_dependent_rows_keeps_the_worth_of_a_row(numbers):
    detector = oddrow.VAEDetector(random_state=0, max_steps=50, time="order").fit(np.cumsum(numbers, axis=0)[:300])
    model = detector.model_.surprise_model
    half = replace(model, parts=model.parts.take(np.arange(0, len(model.parts), 2)))  # as if more rows calibrated
    detector.model_ = replace(detector.model_, surprise_model=half, policy=oddrow.FixedSurprise(3.0))
    weighed = detector.with_feedback({0: "real", 1: "false alarm"}, numbers[300:] * 5)
    assert weighed.model_.calibration.n_rows == 150
    before, after = detector.model_.calibration, weighed.model_.calibration
    assert before.n_effective is not None
    assert after.n_effective / after.n_rows == pytest.approx(before.n_effective / before.n_rows)


@pytest.mark.filterwarnings("ignore::oddrow.exceptions.TrainingHealthWarning")
def test_windows_learn_from_the_rows_at_which_one_ends():
    rng = np.random.default_rng(0)
    rows = pa.table({"at": pa.array(np.arange(600), pa.int64()), "load": rng.normal(size=600)})
    detector = oddrow.VAEDetector(random_state=0, max_steps=50, sequences=Windows(time="at", length=4)).fit(rows)
    new = rows.set_column(1, "load", pa.array(rng.normal(size=600)))
    changed, found = feedback_taken(detector, {1: "real", 50: "real", 51: "false alarm"}, new)
    assert [label.row - 1 for label in changed.model_.feedback.labels] == [50, 51]
    assert "1 verdict on rows changed no weights: their rows have no score" in found.notes


def test_evidence_without_views_and_files_of_earlier_versions_learn_no_weights(article, vae, rows, answers):
    new = np.random.default_rng(6).normal(size=(50, 4))
    changed, found = feedback_taken(article, {0: "real"}, new)
    assert same_scores(changed, article, new)
    assert "it has no views to weigh" in found.notes[0]
    earlier = oddrow.VAEDetector(random_state=0)
    vars(earlier).update(vars(vae))
    earlier.model_ = replace(vae.model_, surprise_model=replace(vae.model_.surprise_model, parts=None))
    changed, found = feedback_taken(earlier, answers, rows)
    assert same_scores(changed, vae, rows)
    assert "fit it again" in found.notes[0]


def test_a_policy_that_fewer_calibration_rows_cannot_support_is_refused(vae, rows, answers):
    model = vae.model_.surprise_model
    kept = model.parts.take(np.arange(30))
    few = oddrow.VAEDetector(random_state=0)
    vars(few).update(vars(vae))
    few.model_ = replace(vae.model_, surprise_model=replace(model, parts=kept))
    with pytest.raises(SettingError, match="30"):
        few.with_feedback(answers, rows)
    assert isinstance(few.model_.calibration, Calibration)


def test_wrong_verdicts_and_wrong_tables_are_refused_by_name(vae, rows, answers):
    n_rows = rows.num_rows
    cases = [
        (({n_rows: "real"}, rows), DataError, f"verdict on row {n_rows}"),
        (({0: "odd"}, rows), DataError, "'odd'; choose from 'real', 'false alarm', 'unsure'"),
        (({0: "real"},), SettingError, "give rows"),
        (({"0": "real"}, rows), SettingError, "the index of a row is '0'; give whole numbers"),
        (({True: "real"}, rows), SettingError, "the index of a row is True"),
        (({}, rows), SettingError, "there are no verdicts"),
        ((None, rows), SettingError, "verdicts are of type NoneType"),
        (([0, 1], rows), SettingError, "verdicts are of type int"),
        ((as_file(answers), rows[:10]), DataError, "a table of 1,000 rows, and the given table has 10"),
        (([as_file(answers), as_file(answers, report="r2")], rows), SettingError, "2 reports"),
        ((file_of([row(0, "real", surprise=-1.0)]),), DataError, "surprise"),
    ]
    for given, error, text in cases:
        with pytest.raises(error, match=text):
            vae.with_feedback(*given)

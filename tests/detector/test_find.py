"""One unknown table: every row is scored by a model that never saw it, and the odd ones come first."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import oddrow
import oddrow.detector._find as finding
from oddrow import AutoencoderDetector, VAEDetector
from oddrow.calibration import Calibration
from oddrow.datasets import make_connections
from oddrow.exceptions import DataError, SettingError
from oddrow.fitting import Cleaning, fit_model
from oddrow.policies import RareRows
from testing.untrained import no_training


@pytest.fixture(scope="module")
def dirty():
    """float64 [600, 4], 30 rows odd, all of them together, at known places."""
    rows = np.random.default_rng(0).normal(size=(600, 4))
    odd = np.arange(7, 600, 20)
    rows[odd] += 7.0
    return rows, odd


@pytest.fixture(scope="module")
def found(dirty):
    with no_training():
        return oddrow.find(dirty[0], top=25)


def test_no_row_reaches_the_fit_that_scores_it(untrained, dirty, monkeypatch):
    """Whatever a fit is given is spied on at its door: the rows of its fold are not there."""
    rows, _ = dirty
    given = []

    def spy(plan, table, rng):
        given.append(table)
        return fit_model(plan, table, rng)

    monkeypatch.setattr(finding, "fit_model", spy)
    found = oddrow.find(rows, top=1, explain_all=False)
    assert len(given) == finding.FIND_FOLDS
    for part, table in enumerate(given):
        seen, scored = set(table.column("x0").to_pylist()), set(rows[found.fold == part, 0])
        assert not seen & scored
        assert seen | scored == set(rows[:, 0])


def test_a_row_changes_nothing_of_the_model_that_scores_it(untrained, found, dirty):
    """The proof from without: however one row is changed, its fold's other rows keep their scores to the bit."""
    rows, _ = dirty
    changed = rows.copy()
    changed[3] = [50.0, -50.0, 50.0, 0.1234]
    before, after = found, oddrow.find(changed, top=1, explain_all=False)
    np.testing.assert_array_equal(before.fold, after.fold)
    same_fold = (before.fold == before.fold[3]) & (np.arange(600) != 3)
    assert before.surprise[same_fold].tobytes() == after.surprise[same_fold].tobytes()
    assert (before.surprise[~same_fold] != after.surprise[~same_fold]).any()
    assert after.surprise[3] > before.surprise[3]


def test_the_odd_rows_come_first_with_their_numbers_and_reasons(found, dirty):
    rows, odd = dirty
    assert len(found.strangest) == 25
    assert len({explanation.row for explanation in found.strangest} & set(odd)) >= 23
    surprises = [explanation.surprise for explanation in found.strangest]
    assert surprises == sorted(surprises, reverse=True)
    for explanation in found.strangest:
        assert explanation.surprise == found.surprise[explanation.row]
        assert len(explanation.reasons) == 3
        for reason in explanation.reasons:
            assert reason.value == rows[explanation.row, int(reason.column[1:])]


def test_the_estimate_holds_the_true_number(found):
    assert found.cleaning.n_rows == 600
    assert found.cleaning.low <= 0.05 <= found.cleaning.high
    assert found.cleaning.share > 0.02


def test_in_a_table_without_odd_rows_none_surely_stands_out(untrained):
    tables = [np.random.default_rng(seed).normal(size=(400, 3)) for seed in range(5)]
    shares = [oddrow.find(table, top=1, explain_all=False).cleaning.share for table in tables]
    assert sorted(shares)[3] == 0
    assert max(shares) < 0.02


def test_rows_stay_in_order_and_keep_their_columns(untrained):
    table = make_connections(300, odd_share=0.05, random_state=1).table
    found = oddrow.find(table, reasons=2)
    assert found.scored.select(table.column_names).equals(table)
    added = found.scored.column_names[table.num_columns :]
    assert added[:4] == ["surprise", "p_value", "is_odd", "reason_1"]
    assert "reason_2_share" in added
    assert "reason_3" not in added


def test_each_fold_has_a_third_and_flags_few_normal_rows(untrained):
    found = oddrow.find(np.random.default_rng(3).normal(size=(1500, 3)), top=1, explain_all=False)
    assert np.bincount(found.fold).tolist() == [500, 500, 500]
    # p-values of rows that calibrated nothing are uniform, but for what three calibrations of 200 rows leave open
    for share in (0.05, 0.2, 0.5):
        assert np.mean(found.p_value <= share) == pytest.approx(share, abs=0.05)


def test_the_same_seed_finds_the_same(untrained, dirty):
    def surprise(seed):
        pattern = VAEDetector(clean="robust", random_state=seed)
        return oddrow.find(dirty[0], pattern, top=1, explain_all=False).surprise.tobytes()

    assert surprise(4) == surprise(4)
    assert surprise(4) != surprise(5)


def test_a_kept_detector_is_the_robust_fit_of_the_whole_table(untrained, found, dirty, tmp_path):
    rows, _ = dirty
    kept = oddrow.find(rows, keep=True, top=1, explain_all=False)
    alone = VAEDetector(clean="robust", random_state=0).fit(rows)
    assert kept.detector.cleaning_ == alone.cleaning_ == kept.cleaning
    oddrow.save(kept.detector, tmp_path / "m.oddrow")
    assert oddrow.load(tmp_path / "m.oddrow").surprise(rows).tobytes() == alone.surprise(rows).tobytes()
    assert found.detector is None


def test_the_pattern_is_not_changed_and_its_options_act(untrained, dirty):
    pattern = AutoencoderDetector(columns={"x3": "ignore"}, random_state=0)
    found = oddrow.find(dirty[0], pattern, explain_all=False)
    assert not hasattr(pattern, "model_")
    assert "x3" not in {name for row in found.strangest for name in [reason.column for reason in row.reasons]}


def test_the_progress_is_that_of_all_its_fits(short_training, numbers):
    seen = []
    oddrow.find(numbers[:60], VAEDetector(random_state=0, on_progress=lambda *step: seen.append(step)), keep=True)
    assert seen[-1][:2] == (400, 400)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_a_category_that_only_one_fold_has_is_no_error(untrained):
    table = pa.table({"kind": ["a", "b"] * 29 + ["once", None], "size": [float(i % 7) for i in range(60)]})
    found = oddrow.find(table)
    assert {58, 59} <= {explanation.row for explanation in found.strangest}
    assert np.isfinite(found.surprise).all()


@pytest.mark.parametrize("options", [{"top": 0}, {"reasons": 0}])
def test_zero_strangest_rows_or_reasons_are_an_error(numbers, options):
    (name,) = options
    with pytest.raises(SettingError, match=f"{name} is 0; give 1 or more"):
        oddrow.find(numbers, **options)


def test_too_few_rows_are_an_error():
    with pytest.raises(DataError, match=r"the table has 5 rows; finding odd rows among them needs at least 6"):
        oddrow.find(np.zeros((5, 2)))


@pytest.mark.parametrize("n_rows", [6, 9])
def test_the_fewest_rows_are_enough(untrained, n_rows):
    assert len(oddrow.find(np.random.default_rng(0).normal(size=(n_rows, 2))).strangest) == n_rows


@pytest.mark.parametrize("policy", [oddrow.AlertBudget(1, per=100), oddrow.FalseDiscoveryRate(0.1)])
def test_a_policy_that_looks_at_the_batch_is_refused(policy):
    with pytest.raises(SettingError, match="give a policy that decides a row by itself"):
        oddrow.find(np.zeros((10, 2)), VAEDetector(policy=policy, random_state=0))


@pytest.mark.parametrize("pattern", [VAEDetector, "vae"])
def test_a_pattern_that_is_no_detector_is_named(pattern):
    with pytest.raises(SettingError, match="give a VAEDetector or an AutoencoderDetector as a pattern"):
        oddrow.find(np.zeros((10, 2)), pattern)


def test_rows_that_stand_out_and_few_others_are_flagged_in_a_small_table(untrained):
    """Too few rows calibrate to show what one normal row in a hundred reaches."""
    values = np.append(np.resize([20.0, 21.0, 22.0, 23.0], 40), 5000.0)
    found = oddrow.find(values[:, None], top=2)
    assert round(found.cleaning.share * 41) == 1
    assert np.flatnonzero(found.is_odd).tolist() == [40]
    assert str(found.promise).startswith("too few rows to be sure: 5 held-out rows show no rate below 1 in 6")
    assert [explanation.is_odd for explanation in found.strangest] == [True, False]
    ordinary = oddrow.find(np.random.default_rng(0).normal(size=(150, 2)), top=1)
    assert np.sum(ordinary.is_odd) <= 1
    assert "at most 1 of the strangest others" in str(ordinary.promise)


def test_a_given_policy_keeps_its_rate_in_a_small_table(untrained):
    rows = np.random.default_rng(0).normal(size=(60, 2))
    found = oddrow.find(rows, VAEDetector(policy=oddrow.FixedSurprise(0.5), random_state=0))
    np.testing.assert_array_equal(found.is_odd, found.surprise > 0.5)


def test_the_strangest_are_explained_as_in_the_table_of_all_reasons(untrained, found, dirty):
    every, few = found, oddrow.find(dirty[0], top=25, explain_all=False)
    assert "reason_1" not in few.scored.column_names
    assert few.surprise.tobytes() == every.surprise.tobytes()
    for explanation, other in zip(every.strangest, few.strangest, strict=True):
        assert explanation == other
        assert explanation.surprise == every.surprise[explanation.row]
        for place, reason in enumerate(explanation.reasons):
            assert every.scored.column(f"reason_{place + 1}")[explanation.row].as_py() == reason.column


def test_phases_are_reported_in_order(untrained, dirty):
    phases = []
    oddrow.find(dirty[0][:100], top=1, on_phase=phases.append)
    fits = [f"{name} {part} of 3" for part in (1, 2, 3) for name in ("cleaning", "fitting", "calibrating")]
    assert phases == ["cleaning", *fits, *(f"scoring {part} of 3" for part in (1, 2, 3)), "explaining"]


def test_the_index_of_a_data_frame_is_kept(untrained, dirty):
    frame = pd.DataFrame(dirty[0][:100], index=[f"r{n}" for n in range(100)])
    assert all(row.index == f"r{row.row}" for row in oddrow.find(frame, top=5).strangest)


@pytest.mark.parametrize(("high", "is_said"), [(0.0, True), (0.1, True), (0.3, False)])
def test_odd_rows_within_the_estimate_are_not_a_flood(high, is_said):
    model = SimpleNamespace(policy=oddrow.FalseAlarmRate(0.01), calibration=Calibration(np.arange(999.0)))
    cleaning = Cleaning(600, high / 2, 0.0, high, (), ())
    rare = [RareRows(200, 50, {"memo": 45, "x": 5})] * 3
    note = finding._flood_note([model] * 3, rare, cleaning)
    assert (note is not None) == is_said
    if is_said:
        expected = 600 * (0.01 + high / 2)
        assert note.startswith(f"150 of 600 rows are flagged where about {expected:.0f} were expected, 135 of them ")
        assert "first by memo" in note


def test_flags_of_a_lenient_policy_are_not_a_flood(untrained):
    rows = np.random.default_rng(1).normal(size=(600, 2))
    detector = VAEDetector(clean="robust", contamination=0.4, random_state=0)
    found = oddrow.find(rows, detector, top=1)
    assert found.is_odd.mean() > 0.2
    assert found.note is None

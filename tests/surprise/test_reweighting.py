"""Learned weights of views and columns: known answers, parts that add up, and a promise that stays valid."""

from dataclasses import replace

import numpy as np
import pytest

import oddrow
from oddrow.calibration import Calibration
from oddrow.surprise import Reweighting, ScoreParts, kept_rows
from oddrow.surprise._reweighting import _ranked
from oddrow.table import as_table

POWER = 0.25


def some_parts(n_rows, n_views=3, n_columns=4, seed=0):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(n_columns + 1, 0.3), n_rows)
    nats = rng.exponential(1.0, (n_rows, n_views))
    return ScoreParts(nats, rng.exponential(0.1, n_rows), shares)


def unit_factors(n_views, n_columns):
    return Reweighting.neutral(some_parts(1, n_views, n_columns))


@pytest.fixture
def seen(vae, fresh):
    """A detector's views of the rows of a table."""
    judge = vae.model_.surprise_model.evidence_model
    return judge, judge.scales.scaled(judge.views.of(vae.model_.encoding.encode(as_table(fresh))))


def test_with_all_factors_one_the_score_is_that_of_the_default_weights(seen):
    judge, scaled = seen
    plain = scaled.combined(judge.scales.weights)
    reweighting = unit_factors(len(judge.views.names), plain.column.shape[1])
    found = reweighting.evidence(scaled, ScoreParts.of(scaled, plain), judge.scales.weights)
    np.testing.assert_allclose(found.raw, plain.raw, rtol=1e-5)
    np.testing.assert_allclose(found.column, plain.column, rtol=1e-4, atol=1e-6)


def test_the_parts_of_a_reweighted_score_add_up_and_follow_the_factors(seen):
    judge, scaled = seen
    plain = scaled.combined(judge.scales.weights)
    n_columns = plain.column.shape[1]
    columns = np.ones(n_columns + 1)
    columns[0] = 0.25
    reweighting = replace(unit_factors(len(judge.views.names), n_columns), columns=columns)
    rows = ScoreParts.of(scaled, plain)
    found = reweighting.evidence(scaled, rows, judge.scales.weights)
    np.testing.assert_allclose(found.raw, reweighting.raw(rows, judge.scales.weights, scaled.power), rtol=1e-9)
    share = plain.column[:, 0] / plain.raw
    np.testing.assert_allclose(found.raw, plain.raw * (1.0 - 0.75 * share), rtol=1e-4)
    np.testing.assert_allclose(
        found.column[:, 0] / found.raw, 0.25 * share / (1.0 - 0.75 * share), rtol=1e-3, atol=1e-6
    )


def test_the_factor_of_a_view_multiplies_its_weight_in_the_power_mean():
    rows, weights = some_parts(50), np.array([1.0, 0.5, 0.2])
    factors = np.array([0.5, 1.0, 4.0])
    reweighting = replace(unit_factors(3, 4), views=factors)
    powers = np.exp(rows.nats * POWER)
    mean = (powers * (weights * factors)).sum(axis=1) / (weights * factors).sum()
    np.testing.assert_allclose(reweighting.raw(rows, weights, POWER), np.log(mean) / POWER + rows.novelty, rtol=1e-9)


def test_a_score_with_learned_weights_does_not_depend_on_the_other_rows():
    rows, weights = some_parts(300), np.array([1.0, 0.5, 0.0])
    learned = Reweighting.learn(rows.take(np.arange(20)), np.arange(20) % 3 == 0, weights, POWER)
    together = learned.raw(rows, weights, POWER)
    alone = [learned.raw(rows.take(np.array([row])), weights, POWER)[0] for row in range(300)]
    assert together.tolist() == alone


@pytest.mark.parametrize("is_real", [True, False])
def test_the_column_and_the_view_that_tell_classes_apart_gain_or_lose(is_real):
    rows = some_parts(40)
    marked = np.arange(40) < 10
    nats, shares = np.full((40, 3), 3.0), np.full((40, 5), 0.2)
    nats[marked, 1] = 9.0
    shares[marked] = [0.05, 0.05, 0.8, 0.05, 0.05]
    rows = ScoreParts(nats, rows.novelty * 0, shares)
    learned = Reweighting.learn(rows, marked == is_real, np.ones(3), POWER)
    sign = 1 if is_real else -1
    assert sign * (learned.views[1] - 1.0) > 0.05
    assert sign * (learned.columns[2] - learned.columns[0]) > 0.1
    np.testing.assert_allclose(learned.views.mean(), 1.0)


def test_few_verdicts_change_little_and_equal_rows_change_nothing_between_columns():
    rows = some_parts(1)
    one = Reweighting.learn(rows, np.array([True]), np.ones(3), POWER)
    assert np.abs(np.log(one.views)).max() < 0.3
    shares = np.full((20, 5), 0.2)
    same = ScoreParts(np.full((20, 3), 2.0), np.zeros(20), shares)
    learned = Reweighting.learn(same, np.arange(20) < 10, np.ones(3), POWER)
    np.testing.assert_allclose(learned.views, 1.0, rtol=1e-12)
    np.testing.assert_allclose(learned.columns, learned.columns[0], rtol=1e-12)


def test_more_steps_of_mirror_descent_change_the_factors_by_less_than_two_hundredths(monkeypatch):
    rows = some_parts(50, seed=3)
    is_real = rows.nats[:, 0] > 1
    found = Reweighting.learn(rows, is_real, np.ones(3), POWER)
    monkeypatch.setattr("oddrow.surprise._reweighting.STEPS", 3_000)
    longer = Reweighting.learn(rows, is_real, np.ones(3), POWER)
    np.testing.assert_allclose(found.views, longer.views, atol=0.02)
    np.testing.assert_allclose(found.columns, longer.columns, atol=0.02)


def test_factors_that_do_not_rank_left_out_rows_better_are_not_used():
    """Labels that have nothing to do with the rows: factors fit them, and seldom help for the rows left out."""
    found = []
    for seed in range(40):
        rows, is_real = some_parts(20, seed=seed), np.random.default_rng(seed).permutation(20) < 10
        found.append(Reweighting.learn(rows, is_real, np.ones(3), POWER).is_neutral)
    assert 0.2 < np.mean(found) < 0.8
    rows = some_parts(20)
    is_real = rows.shares[:, 0] > np.median(rows.shares[:, 0])
    assert not Reweighting.learn(rows, is_real, np.ones(3), POWER).is_neutral


def test_a_rank_is_the_share_of_pairs_in_order_with_ties_as_one_half():
    scores, is_real = np.array([3.0, 1.0, 2.0, 2.0, 0.0]), np.array([True, False, True, False, False])
    assert _ranked(scores, is_real) == (3 + 2.5) / 6


def test_rows_without_any_evidence_keep_the_score_zero():
    rows = ScoreParts(np.zeros((2, 3)), np.zeros(2), np.zeros((2, 5)))
    learned = Reweighting.learn(rows, np.array([True, False]), np.ones(3), POWER)
    assert learned.raw(rows, np.ones(3), POWER).tolist() == [0.0, 0.0]


def test_kept_calibration_rows_are_evenly_spread_and_within_both_limits():
    assert kept_rows(12, 40).tolist() == list(range(12))
    assert len(kept_rows(50_000, 40)) == 10_000
    wide = kept_rows(50_000, 10_000)
    assert len(wide) == 104
    assert set(np.diff(wide)) <= {485, 486}


def test_the_promise_holds_after_weights_were_learned_from_the_strangest_rows():
    """200 repeats: calibration, shown and new rows are drawn anew; the oracle answers the strangest of the shown rows.

    The rate among new rows is that of k of n calibration rows, 1 in 20, with the law of a beta-binomial.
    """
    rng = np.random.default_rng(5)
    normal = rng.normal(size=(400, 3))
    normal[:, 1] += normal[:, 0] ** 2
    detector = oddrow.VAEDetector(random_state=0, max_steps=50).fit(normal)
    judge = detector.model_.surprise_model.evidence_model
    n_repeats, n_calibration, n_shown, n_new = 200, 99, 60, 60
    drawn = rng.normal(size=(n_repeats * (n_calibration + n_shown + n_new), 3))
    drawn[:, 1] += drawn[:, 0] ** 2
    odd = rng.normal(size=(n_repeats * 5, 3)) + np.array([0.0, -4.0, 0.0])
    names = [f"x{place}" for place in range(3)]

    def parts_of(rows):
        table = as_table(dict(zip(names, rows.T, strict=True)))
        return judge.parts(judge.views.of(detector.model_.encoding.encode(table)))[1]

    of_normal, of_odd = parts_of(drawn), parts_of(odd)
    weights, power = judge.scales.weights, judge.scales.constants.power
    rates, changed = [], []
    for repeat, places in enumerate(np.split(np.arange(len(drawn)), n_repeats)):
        calibrating, shown, new = np.split(places, [n_calibration, n_calibration + n_shown])
        pool = ScoreParts.joined([of_normal.take(shown), of_odd.take(np.arange(5 * repeat, 5 * repeat + 5))])
        ones = unit_factors(len(weights), 3)
        asked = np.argsort(-ones.raw(pool, weights, power))[:30]
        learned = Reweighting.learn(pool.take(asked), asked >= n_shown, weights, power)
        calibration = Calibration.learn(learned.raw(of_normal.take(calibrating), weights, power))
        p_value = calibration.p_value(learned.raw(of_normal.take(new), weights, power))
        rates.append((p_value <= 0.05).mean())
        changed.append(np.abs(np.log(learned.columns)).max())
    assert np.median(changed) > 0.3  # else nothing was learned, and the test shows nothing
    share, n_all = 0.05, n_calibration + 1
    variance = share * (1 - share) * (1 / (n_all + 1) + (n_all / (n_all + 1)) / n_new)
    assert abs(np.mean(rates) - share) < 3.5 * np.sqrt(variance / n_repeats)
    assert 0.8 < np.var(rates) / variance < 1.25

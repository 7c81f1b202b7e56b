"""p-values of calibrated scores are valid, and surprise increases strictly with the score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, genpareto, kstest

from oddrow.calibration import Calibration, TailCurve, TailFit

# multiples of 0.001, so that two different scores differ by more than rounding errors
scores = st.lists(st.integers(0, 10**6).map(lambda thousandths: thousandths / 1000), min_size=1, max_size=60).map(
    np.array
)


def p_value(held_out, raw):
    """Return p-values by their definition, one score at a time."""
    return np.array([(1 + sum(one >= r for one in held_out)) / (len(held_out) + 1) for r in raw])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(0.0, 1.0), (1.0, 1.0), (1.5, 4 / 5), (2.0, 4 / 5), (3.0, 3 / 5), (3.5, 2 / 5), (4.0, 2 / 5), (4.1, 1 / 5)],
)
def test_p_values_of_four_scores_are_known(raw, expected):
    calibration = Calibration.learn(np.array([4.0, 2.0, 1.0, 3.0]))
    assert calibration.p_value(np.array([raw])) == pytest.approx([expected])


@given(scores, scores)
def test_a_p_value_counts_the_calibration_scores_that_are_at_least_as_high(held_out, raw):
    raw = np.concatenate([raw, held_out])
    np.testing.assert_allclose(Calibration.learn(held_out).p_value(raw), p_value(held_out, raw), rtol=1e-15)


def test_surprise_at_a_calibration_score_is_minus_ln_p():
    # k of the 99 calibration scores are at least as high as the k-th highest, so p = (1 + k) / 100
    calibration = Calibration.learn(np.arange(1.0, 100.0))
    at = calibration.surprise(np.array([99.0, 90.0, 50.0, 2.0, 1.0]))
    np.testing.assert_allclose(at, -np.log([0.02, 0.11, 0.51, 0.99, 0.995]))


def test_surprise_is_linear_between_calibration_scores():
    calibration = Calibration.learn(np.arange(1.0, 100.0))
    low, middle, high = calibration.surprise(np.array([70.0, 70.25, 71.0]))
    assert middle == pytest.approx(0.75 * low + 0.25 * high)


@given(scores, scores)
def test_a_higher_score_has_a_higher_surprise(held_out, raw):
    raw = np.unique(np.concatenate([held_out, raw, held_out.max() + np.logspace(0, 9, 10), [-1.0, -100.0]]))
    surprise = Calibration.learn(held_out).surprise(raw)
    assert (np.diff(surprise) > 0).all()
    assert (surprise > 0).all()


@given(scores, scores)
def test_within_the_calibration_scores_surprise_is_at_most_minus_ln_p(held_out, raw):
    calibration = Calibration.learn(held_out)
    raw = np.concatenate([held_out, raw[raw <= held_out.max()]])
    half_a_row = -np.log1p(-0.5 / (len(held_out) + 1))
    most = np.maximum(-np.log(calibration.p_value(raw)), half_a_row)
    assert (calibration.surprise(raw) <= most + 1e-12).all()


@given(scores)
def test_surprise_increases_above_the_highest_calibration_score_and_stays_finite(held_out):
    calibration = Calibration.learn(held_out)
    raw = held_out.max() + np.array([0.0, 1e-3, 1.0, 1e3, 1e9, 1e100, 1e250])
    surprise = calibration.surprise(raw)
    assert np.isfinite(surprise).all()
    assert (np.diff(surprise) > 0).all()
    np.testing.assert_allclose(calibration.p_value(raw[1:]), 1 / (len(held_out) + 1))


@given(scores)
def test_the_order_of_the_calibration_scores_does_not_matter(held_out):
    raw = np.linspace(-1, 1001, 20)
    one, other = Calibration.learn(held_out), Calibration.learn(held_out[::-1])
    assert one.surprise(raw).tobytes() == other.surprise(raw).tobytes()


@pytest.mark.parametrize("held_out", [[3.0], [3.0, 3.0, 3.0], [0.0] * 50])
def test_surprise_increases_around_calibration_scores_that_are_all_equal(held_out):
    calibration = Calibration.learn(np.array(held_out))
    (value, *_), count = held_out, len(held_out)
    below, at, above, far = calibration.surprise(np.array([value - 1, value, value + 0.5, value + 1000]))
    assert 0 < below < at < above < far < np.inf
    np.testing.assert_allclose(
        calibration.p_value(np.array([value - 1, value, value + 0.5])), [1.0, 1.0, 1 / (count + 1)]
    )


@pytest.mark.parametrize("decimals", [6, 1, 0])
@pytest.mark.parametrize("n_held_out", [9, 60])
def test_p_values_of_exchangeable_rows_are_super_uniform(n_held_out, decimals):
    """In 2,000 repeats with one new row each, the share with p <= a is at most a, by a test at the level 1e-4.

    Without ties p is uniform on its n + 1 steps, so the share is at least the largest step below a as well.
    """
    rng = np.random.default_rng(20)
    p = np.empty(2000)
    for repeat in range(len(p)):
        drawn = np.round(rng.exponential(size=n_held_out + 1), decimals)  # from one distribution
        p[repeat] = Calibration.learn(drawn[:-1]).p_value(drawn[-1:])[0]
    for share in (0.1, 0.2, 0.5, 0.8):
        reached = int(np.sum(p <= share + 1e-12))
        steps = np.floor(share * (n_held_out + 1) + 1e-9) / (n_held_out + 1)  # the exact probability without ties
        assert reached <= binom.ppf(1 - 1e-4, len(p), share)
        if decimals == 6:
            assert reached >= binom.ppf(1e-4, len(p), steps)


def test_surprise_above_the_highest_score_has_the_slope_of_an_exponential_tail():
    """With P(score > t) = exp(-t) a score higher by 1 adds 1 nat; the positive shape reduces it slightly."""
    gained = []
    for seed in range(20):
        held_out = np.random.default_rng(seed).exponential(size=2000)
        gained.append(np.diff(Calibration.learn(held_out).surprise(held_out.max() + np.array([0.0, 1.0]))))
    assert 0.65 < np.mean(gained) < 1.0


@given(st.integers(300, 2000), st.integers(2, 40))
def test_a_thinned_curve_keeps_its_ends_and_its_tail_and_increases(count, most_knots):
    held_out = np.random.default_rng(count).gamma(2.0, size=count)
    whole, thinned = TailCurve.learn(held_out), TailCurve.learn(held_out, most_knots)
    assert len(thinned.knots) <= most_knots < len(whole.knots)
    outside = np.array([held_out.min() - 1, held_out.min(), held_out.max(), held_out.max() + 1, 1e6])
    np.testing.assert_array_equal(thinned(outside), whole(outside))
    assert (np.diff(thinned(np.linspace(0, 2 * held_out.max(), 500))) > 0).all()


# The tail above the highest score ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [0.1, 0.3, 0.6])
def test_a_pareto_tail_is_recognised_in_at_least_95_percent_of_samples(shape):
    kinds = []
    for seed in range(200):
        uniform = np.random.default_rng(seed).uniform(size=3000)
        kinds.append(TailFit.learn(np.sort(2.0 * (uniform**-shape - 1) / shape)).kind)
    assert kinds.count("generalised Pareto") >= 190


def test_the_fit_recovers_the_shape_and_the_scale_of_a_pareto_tail():
    fits = []
    for seed in range(50):
        uniform = np.random.default_rng(seed).uniform(size=5000)
        fits.append(TailFit.learn(np.sort(2.0 * (uniform**-0.4 - 1) / 0.4)))
    assert np.mean([fit.shape for fit in fits]) == pytest.approx(0.4, abs=0.05)
    # the excess of a Pareto variable over a threshold is Pareto, with a scale larger by shape * threshold
    assert np.mean([fit.scale / (2.0 + 0.4 * fit.start) for fit in fits]) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("draw", [lambda rng, n: rng.uniform(size=n), lambda rng, n: rng.integers(0, 12, n) / 10])
def test_a_tail_that_is_not_pareto_is_fitted_as_exponential(draw):
    tail = TailFit.learn(np.sort(draw(np.random.default_rng(0), 5000)))
    assert tail.kind == "exponential"
    assert 0 < tail.scale < np.inf


def test_too_few_scores_for_a_fit_have_a_tail_of_the_kind_spread():
    assert TailFit.learn(np.arange(50.0)).kind == "spread"


def test_the_distance_to_the_fitted_tail_equals_that_of_scipy():
    excess = np.sort(np.random.default_rng(0).pareto(3, 200))
    fit = TailFit(0.0, 0.4, 0.3, 200, "generalised Pareto")
    expected = kstest(excess, genpareto(0.3, scale=0.4).cdf).statistic
    assert fit.distance(excess) == pytest.approx(expected)


def test_scores_that_differ_only_by_rounding_have_the_same_surprise():
    scores = np.array([1.0, 2.0, 2.0, 3.0] * 20)
    rounded = scores * (1.0 + 1e-15 * np.random.default_rng(0).integers(-2, 3, len(scores)))
    at = np.linspace(0.5, 4.0, 50)
    np.testing.assert_allclose(TailCurve.learn(rounded)(at), TailCurve.learn(scores)(at), rtol=1e-9)
    same = np.full(20, 2.0)
    noisy = same * (1.0 + 1e-15 * np.random.default_rng(1).integers(-2, 3, len(same)))
    np.testing.assert_allclose(TailCurve.learn(noisy)(at), TailCurve.learn(same)(at), rtol=1e-9)


@pytest.mark.parametrize(
    "scores", [np.zeros(11), np.arange(5.0), np.array([1.0]), np.r_[np.zeros(40), 1.0], np.arange(90.0)]
)
def test_too_few_rows_for_a_tail_exceed_the_smallest_p_value_by_less_than_7_nats(scores):
    calibration = Calibration.learn(scores)
    assert calibration.tail.kind == "spread"
    last = calibration.scores[-1]
    raw = np.concatenate([calibration.scores[[0, -1]], last + np.geomspace(1e-6, 1e300, 60)])
    surprise = calibration.surprise(raw)
    assert np.all(np.diff(surprise[1:]) > 0)
    assert surprise[1] <= calibration.most_supported == pytest.approx(-np.log(calibration.p_value(raw).min()))
    spreads = (raw - last).clip(0) / calibration.tail.scale
    assert np.all(surprise - calibration.most_supported <= np.log1p(np.log1p(spreads)) + 1e-12)
    assert surprise[-1] < calibration.most_supported + 7


def test_a_fitted_tail_continues_the_surprise():
    scores = np.random.default_rng(0).exponential(size=400)
    raw = np.linspace(0, 60, 50)
    np.testing.assert_array_equal(Calibration.learn(scores).surprise(raw), Calibration(np.sort(scores)).surprise(raw))

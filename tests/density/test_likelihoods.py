"""Nats of each column against SciPy, and probabilities that add up to one."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from oddrow.columns import FeatureLayout
from oddrow.density import MixedLikelihood, SquaredError
from oddrow.density._likelihoods import MAX_LOG_VARIANCE, MIN_LOG_VARIANCE, _sigmoid

# Five columns: 0 a number that may be missing, 1 a flag that may be missing, 2 a category of three places and one for
# the never seen, 3 a time of five features, 4 a category of two places that may be missing, 5 a constant that may be.
LAYOUT = FeatureLayout(
    n_features=19,
    n_columns=6,
    gaussian=(0, 8, 9, 10, 11, 12),
    gaussian_column=(0, 3, 3, 3, 3, 3),
    binary=(1, 2, 3, 16, 17),
    binary_column=(0, 1, 1, 4, 5),
    is_presence_flag=(True, False, True, True, True),
    groups=((4, 5, 6), (13, 14)),
    group_column=(2, 4),
    feature_column=(0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5),
)
FLAG_OF_COLUMN = {0: 1, 1: 3, 4: 16, 5: 17}
LIKELIHOOD = MixedLikelihood(LAYOUT)
N_ROWS = 50
MEANS, LOG_VARIANCES, LOGITS, CATEGORIES = slice(0, 6), slice(6, 12), slice(12, 17), (slice(17, 20), slice(20, 22))


def made_rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Encoded rows and presence as an encoding makes them: what is missing is zero, and its flag too."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((N_ROWS, LAYOUT.n_features))
    presence = np.ones((N_ROWS, LAYOUT.n_columns), np.bool_)
    rows[:, LAYOUT.gaussian] = rng.normal(size=(N_ROWS, 6))
    rows[:, 2] = rng.integers(0, 2, N_ROWS)
    for group in LAYOUT.groups:
        rows[np.arange(N_ROWS), rng.choice(group, N_ROWS)] = 1.0
    for column, flag in FLAG_OF_COLUMN.items():
        presence[:, column] = rng.random(N_ROWS) < 0.7
        rows[np.ix_(~presence[:, column], np.flatnonzero(np.array(LAYOUT.feature_column) == column))] = 0.0
        rows[:, flag] = presence[:, column]
    return rows, presence


def made_outputs(seed: int, scale: float = 1.5) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=(N_ROWS, LIKELIHOOD.n_outputs))


ROWS, PRESENCE = made_rows(0)
OUTPUTS = made_outputs(1)


def nats(outputs: np.ndarray, rows: np.ndarray, presence: np.ndarray) -> np.ndarray:
    return LIKELIHOOD.negative_log_likelihood(np, outputs, rows, presence)


def reference(output: np.ndarray, row: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The same with SciPy, one row, feature by feature."""
    found = np.zeros(LAYOUT.n_columns)
    for place, (feature, column) in enumerate(zip(LAYOUT.gaussian, LAYOUT.gaussian_column, strict=True)):
        if there[column]:
            deviation = np.exp(0.5 * np.clip(output[LOG_VARIANCES][place], MIN_LOG_VARIANCE, MAX_LOG_VARIANCE))
            found[column] -= scipy.stats.norm.logpdf(row[feature], output[MEANS][place], deviation)
    for place, (feature, column) in enumerate(zip(LAYOUT.binary, LAYOUT.binary_column, strict=True)):
        if there[column] or LAYOUT.is_presence_flag[place]:
            probability = scipy.special.expit(output[LOGITS][place])
            found[column] -= scipy.stats.bernoulli.logpmf(row[feature], probability)
    for group, column, logits in zip(LAYOUT.groups, LAYOUT.group_column, CATEGORIES, strict=True):
        if there[column]:
            probabilities = scipy.special.softmax(output[logits])
            found[column] -= scipy.stats.multinomial.logpmf(row[list(group)], 1, probabilities)
    return found


def test_the_nats_are_those_of_scipy_for_present_and_missing_values() -> None:
    assert LIKELIHOOD.n_outputs == 22
    expected = np.array([reference(*row) for row in zip(OUTPUTS, ROWS, PRESENCE, strict=True)])
    np.testing.assert_allclose(nats(OUTPUTS, ROWS, PRESENCE), expected, rtol=1e-10)
    assert not PRESENCE.all()


def test_numpy_and_jax_agree() -> None:
    outputs, rows = OUTPUTS.astype(np.float32), ROWS.astype(np.float32)
    for likelihood, width in ((LIKELIHOOD, 22), (SquaredError(LAYOUT), 19)):
        first = likelihood.negative_log_likelihood(np, outputs[:, :width], rows, PRESENCE)
        second = likelihood.negative_log_likelihood(jnp, outputs[:, :width], rows, jnp.asarray(PRESENCE, jnp.float32))
        assert second.dtype == jnp.float32
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


def test_the_probabilities_of_the_categories_add_up_to_one() -> None:
    for group, column in zip(LAYOUT.groups, LAYOUT.group_column, strict=True):
        total = np.zeros(N_ROWS)
        features = np.array(LAYOUT.feature_column) == column
        for category in group:
            rows, presence = ROWS.copy(), PRESENCE.copy()
            rows[:, features] = 0.0
            rows[:, category] = 1.0
            presence[:, column] = True
            missing = {4: 16}.get(column)
            flag_nats = np.logaddexp(0, OUTPUTS[:, 12 + LAYOUT.binary.index(missing)]) if missing else 0.0
            total += np.exp(flag_nats - nats(OUTPUTS, rows, presence)[:, column])
        np.testing.assert_allclose(total, 1.0, rtol=1e-10)


def test_the_probabilities_of_a_flag_and_its_absence_add_up_to_one() -> None:
    total = np.zeros(N_ROWS)
    for value, there in ((0.0, True), (1.0, True), (0.0, False)):
        rows, presence = ROWS.copy(), PRESENCE.copy()
        rows[:, 2], rows[:, 3], presence[:, 1] = value, there, there
        total += np.exp(-nats(OUTPUTS, rows, presence)[:, 1])
    np.testing.assert_allclose(total, 1.0, rtol=1e-10)


def test_the_density_of_a_number_and_the_probability_of_its_absence_add_up_to_one() -> None:
    def density(value: float) -> float:
        rows, presence = ROWS[:1].copy(), PRESENCE[:1].copy()
        rows[:, 0], rows[:, 1], presence[:, 0] = value, 1.0, True
        return float(np.exp(-nats(OUTPUTS[:1], rows, presence)[0, 0]))

    rows, presence = ROWS[:1].copy(), PRESENCE[:1].copy()
    rows[:, 0], rows[:, 1], presence[:, 0] = 0.0, 0.0, False
    absence = float(np.exp(-nats(OUTPUTS[:1], rows, presence)[0, 0]))
    assert absence > 0.01
    area, _ = scipy.integrate.quad(density, -40, 40, points=[OUTPUTS[0, 0]])
    assert area + absence == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("column", "flag"), FLAG_OF_COLUMN.items())
def test_the_presence_of_a_value_has_a_likelihood_also_where_it_is_missing(column: int, flag: int) -> None:
    rows, presence = ROWS.copy(), PRESENCE.copy()
    rows[:, np.array(LAYOUT.feature_column) == column] = 0.0
    presence[:, column] = False
    logit = OUTPUTS[:, 12 + LAYOUT.binary.index(flag)]
    np.testing.assert_allclose(nats(OUTPUTS, rows, presence)[:, column], np.logaddexp(0, logit), rtol=1e-10)


def test_a_missing_value_has_no_likelihood() -> None:
    """Whatever stands in the place of a missing number or flag changes nothing."""
    rows, presence = ROWS.copy(), PRESENCE.copy()
    presence[:, [0, 1, 3]] = False
    expected = nats(OUTPUTS, rows, presence)
    rows[:, [0, 2, 8, 9, 10, 11, 12]] += 3.0
    np.testing.assert_array_equal(nats(OUTPUTS, rows, presence), expected)
    assert (expected[:, 3] == 0).all()


def test_a_category_never_seen_has_no_likelihood() -> None:
    rows, presence = ROWS.copy(), PRESENCE.copy()
    rows[:, 4:7], rows[:, 7], presence[:, 2] = 0.0, 1.0, False
    assert (nats(OUTPUTS, rows, presence)[:, 2] == 0).all()


def test_the_nats_of_a_column_depend_only_on_its_own_features_and_outputs() -> None:
    before = nats(OUTPUTS, ROWS, PRESENCE)
    other_rows, other_presence = made_rows(7)
    outputs_of = {
        0: [0, 6, 12],
        1: [13, 14],
        2: [17, 18, 19],
        3: [*range(1, 6), *range(7, 12)],
        4: [15, 20, 21],
        5: [16],
    }
    for column, places in outputs_of.items():
        outputs, rows, presence = made_outputs(9), other_rows.copy(), other_presence.copy()
        features = np.array(LAYOUT.feature_column) == column
        outputs[:, places] = OUTPUTS[:, places]
        rows[:, features], presence[:, column] = ROWS[:, features], PRESENCE[:, column]
        np.testing.assert_allclose(nats(outputs, rows, presence)[:, column], before[:, column], rtol=1e-12)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_extreme_outputs_give_finite_nats(xp: object) -> None:
    for scale in (1e2, 1e6, 1e12):
        outputs = made_outputs(3, scale).astype(np.float32)
        found = LIKELIHOOD.negative_log_likelihood(xp, outputs, ROWS.astype(np.float32), PRESENCE)
        assert np.isfinite(np.asarray(found)).all()


def test_the_variance_has_a_floor_and_a_ceiling() -> None:
    rows, presence = ROWS.copy(), np.ones_like(PRESENCE)
    outputs = OUTPUTS.copy()
    for place, (log_variance, bound) in {1: (-50.0, MIN_LOG_VARIANCE), 2: (50.0, MAX_LOG_VARIANCE)}.items():
        outputs[:, 6 + place] = log_variance
        at_bound = outputs.copy()
        at_bound[:, 6 + place] = bound
        np.testing.assert_array_equal(nats(outputs, rows, presence), nats(at_bound, rows, presence))
    outputs[:, MEANS], outputs[:, LOG_VARIANCES] = rows[:, list(LAYOUT.gaussian)], -50.0
    best = -scipy.stats.norm.logpdf(0.0, 0.0, 0.1)
    np.testing.assert_allclose(nats(outputs, rows, presence)[:, 3], 5 * best)  # a tenth of a deviation, five features


def test_the_expected_row_is_the_most_probable_one() -> None:
    rows, there = LIKELIHOOD.expected_rows(OUTPUTS)
    everywhere = np.ones((N_ROWS, 6), np.bool_)
    best = nats(OUTPUTS, rows, everywhere)
    assert rows.shape == (N_ROWS, 19)
    assert there.shape == (N_ROWS, 6)
    for seed in range(20):
        candidate, _ = made_rows(seed)
        for group in LAYOUT.groups:  # a category is there, so that each candidate is a row
            none = candidate[:, list(group)].sum(axis=1) == 0
            candidate[none, group[0]] = 1.0
        assert (best <= nats(OUTPUTS, candidate, everywhere) + 1e-6).all()


def test_a_value_is_expected_to_be_present_where_its_flag_says_so() -> None:
    _, there = LIKELIHOOD.expected_rows(OUTPUTS)
    for column in range(6):
        flag = FLAG_OF_COLUMN.get(column)
        expected = OUTPUTS[:, 12 + LAYOUT.binary.index(flag)] > 0 if flag else np.ones(N_ROWS, np.bool_)
        np.testing.assert_array_equal(there[:, column], expected)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_a_table_of_constants_has_no_likelihood(xp: object) -> None:
    nothing = MixedLikelihood(FeatureLayout(0, 2, (), (), (), (), (), (), (), ()))
    empty = np.zeros((3, 0), np.float32)
    found = nothing.negative_log_likelihood(xp, empty, empty, np.ones((3, 2), np.bool_))
    np.testing.assert_array_equal(found, np.zeros((3, 2)))
    rows, there = nothing.expected_rows(empty)
    assert rows.shape == (3, 0)
    assert there.all()


# The article's reconstruction


def test_the_squared_error_is_that_of_the_sigmoid_by_column() -> None:
    outputs = made_outputs(1)[:, :19]
    error = ROWS - scipy.special.expit(outputs)
    likelihood = SquaredError(LAYOUT)
    found = likelihood.negative_log_likelihood(np, outputs, ROWS, PRESENCE)
    for column in range(6):
        features = np.array(LAYOUT.feature_column) == column
        np.testing.assert_allclose(found[:, column], (error[:, features] ** 2).sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(
        likelihood.mean_absolute_error(outputs, ROWS).sum(axis=1), np.abs(error).mean(axis=1), rtol=1e-10
    )


def test_the_articles_reconstruction_is_the_sigmoid() -> None:
    outputs = 1e4 * made_outputs(2)[:, :19]
    outputs[0] = 0.0
    rows, there = SquaredError(LAYOUT).expected_rows(outputs)
    np.testing.assert_allclose(rows, scipy.special.expit(outputs), atol=1e-6)
    assert there.all()


def test_the_sigmoid_of_scoring_is_exact_without_a_warning_for_every_logit() -> None:
    logits = np.concatenate([np.linspace(-50, 50, 301), [-1e300, -800.0, 800.0, 1e300, -0.0]])
    np.testing.assert_allclose(_sigmoid(logits), scipy.special.expit(logits), rtol=1e-14, atol=1e-300)

"""The one loop: the loss falls, the best weights are kept, and the same seed gives the same weights bit for bit."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density import (
    FittedNetwork,
    LossParts,
    MixedLikelihood,
    NetworkShape,
    Rollback,
    initial_parameters,
    loss_parts,
)
from oddrow.exceptions import TrainingError
from oddrow.training import TrainingSettings, _program, fit_network
from oddrow.training._program import compiled_steps, initial_optimiser, optimiser_of, steps_at_once
from oddrow.training._watching import WatchedRows

# Four numbers on a curve, a flag and a category that follow from it.
LAYOUT = FeatureLayout(
    n_features=8,
    n_columns=6,
    gaussian=(0, 1, 2, 3),
    gaussian_column=(0, 1, 2, 3),
    binary=(4,),
    binary_column=(4,),
    is_presence_flag=(False,),
    groups=((5, 6),),
    group_column=(5,),
    feature_column=(0, 1, 2, 3, 4, 5, 5, 5),
)
LIKELIHOOD = MixedLikelihood(LAYOUT)
SHAPE = NetworkShape(n_inputs=8, hidden=(16,), n_latent=2, n_outputs=LIKELIHOOD.n_outputs, is_variational=True)
SETTINGS = TrainingSettings(
    batch_rows=16, max_steps=3000, steps_per_check=20, learning_rate=1e-2, anneal=False, clip_norm=0.5, patience=5
)


def made_rows(n_rows: int, seed: int) -> EncodedTable:
    rng = np.random.default_rng(seed)
    place = rng.uniform(-2, 2, n_rows)
    rows = np.zeros((n_rows, 8), np.float32)
    rows[:, :4] = np.column_stack([place, np.sin(2 * place), -place, place**2 - 1]) + 0.2 * rng.normal(size=(n_rows, 4))
    rows[:, 4] = place > 0
    rows[np.arange(n_rows), np.where(np.abs(place) < 1, 5, 6)] = 1.0
    return EncodedTable(rows, np.ones((n_rows, 6), np.bool_), np.zeros((n_rows, 6)))


TRAINING, HELD_OUT = made_rows(48, seed=0), made_rows(64, seed=1)


def fit(
    seed: int = 0,
    training: EncodedTable = TRAINING,
    held_out: EncodedTable | None = HELD_OUT,
    settings: TrainingSettings = SETTINGS,
    on_progress: Callable[[int, int, float], None] | None = None,
) -> FittedNetwork:
    return fit_network(SHAPE, LIKELIHOOD, training, held_out, settings, np.random.default_rng(seed), on_progress)


@pytest.fixture(scope="module")
def progress() -> list[tuple[int, int, float]]:
    """What the fit of the next fixture told while it ran."""
    return []


@pytest.fixture(scope="module")
def fitted(progress: list[tuple[int, int, float]]) -> FittedNetwork:
    return fit(on_progress=lambda *told: progress.append(told))


def loss_of(parameters: dict[str, np.ndarray], encoded: EncodedTable, noise: np.ndarray | None = None) -> LossParts:
    """The loss of all rows, by NumPy."""
    if noise is None:
        noise = np.random.default_rng(5).normal(size=(len(encoded.rows), SHAPE.n_latent)).astype(np.float32)
    return loss_parts(np, SHAPE, LIKELIHOOD, parameters, encoded.rows, encoded.presence, noise)


def watched_noise(seed: int, watched: EncodedTable) -> np.ndarray:
    """The noise that the fit of a seed watched its rows with."""
    rng = np.random.default_rng(seed)
    initial_parameters(SHAPE, rng)
    return WatchedRows.draw(SHAPE, TRAINING, watched, rng).noise


def assert_same_weights(first: FittedNetwork, second: FittedNetwork) -> None:
    assert list(first.parameters) == list(second.parameters)
    for name, value in first.parameters.items():
        np.testing.assert_array_equal(value, second.parameters[name])


def test_the_weights_have_the_names_and_shapes_of_the_network(fitted: FittedNetwork) -> None:
    expected = initial_parameters(SHAPE, np.random.default_rng(0))
    assert fitted.shape == SHAPE
    assert {name: value.shape for name, value in fitted.parameters.items()} == {
        name: value.shape for name, value in expected.items()
    }
    assert all(isinstance(value, np.ndarray) and value.dtype == np.float32 for value in fitted.parameters.values())


def test_the_same_seed_gives_the_same_weights_bit_for_bit(fitted: FittedNetwork) -> None:
    again = fit()
    assert_same_weights(again, fitted)
    np.testing.assert_array_equal(again.learning_curve.held_out_loss, fitted.learning_curve.held_out_loss)


def test_another_seed_gives_other_weights_of_about_the_same_loss(fitted: FittedNetwork) -> None:
    other = fit(seed=1)
    for name, value in fitted.parameters.items():
        assert (other.parameters[name] != value).any()
    first, second = loss_of(fitted.parameters, HELD_OUT), loss_of(other.parameters, HELD_OUT)
    assert first.total == pytest.approx(second.total, abs=2.0)


def test_fitting_lowers_the_loss_of_rows_never_trained_on(fitted: FittedNetwork) -> None:
    fresh = made_rows(500, seed=2)
    untrained = loss_of(initial_parameters(SHAPE, np.random.default_rng(0)), fresh).total
    assert loss_of(fitted.parameters, fresh).total < untrained - 2.0


def test_the_network_learns_the_relation_between_columns(fitted: FittedNetwork) -> None:
    """Rows with the same values, shuffled within each column, are less probable."""
    fresh = made_rows(500, seed=2)
    rng = np.random.default_rng(0)
    shuffled = fresh.rows.copy()
    for column in range(6):
        features = np.array(LAYOUT.feature_column) == column
        shuffled[:, features] = shuffled[rng.permutation(500)][:, features]
    mixed = replace(fresh, rows=shuffled)
    assert loss_of(fitted.parameters, mixed).total > loss_of(fitted.parameters, fresh).total + 1.0


def test_the_latent_is_used_and_its_kl_is_counted(fitted: FittedNetwork) -> None:
    curve = fitted.learning_curve
    assert (curve.kl > 0).all()
    assert curve.kl.max() > 0.5
    np.testing.assert_allclose(curve.held_out_loss, curve.reconstruction + curve.kl, rtol=1e-5)


def test_a_larger_kl_weight_lowers_the_kl_and_raises_the_reconstruction_loss(fitted: FittedNetwork) -> None:
    heavy = fit(settings=SETTINGS.with_kl_weight(20.0))
    first, second = loss_of(fitted.parameters, HELD_OUT), loss_of(heavy.parameters, HELD_OUT)
    assert second.kl.sum() < 0.2 * first.kl.sum()
    assert second.reconstruction.sum() > first.reconstruction.sum() + 1.0
    curve = heavy.learning_curve
    np.testing.assert_allclose(curve.held_out_loss, curve.reconstruction + 20.0 * curve.kl, rtol=1e-5)


def test_outputs_of_a_value_that_is_always_missing_keep_their_initial_weights() -> None:
    """The outputs that no row of the training judged keep the weights they were born with."""
    presence = TRAINING.presence.copy()
    presence[:, 0] = False
    last = fit(training=replace(TRAINING, presence=presence)).parameters["decoder_1_bias"]
    judged = np.ones(len(last), np.bool_)
    judged[[0, 4]] = False  # the mean and the log-variance of the first number
    assert not last[~judged].any()
    assert last[judged].all()


def test_the_gradient_of_a_sum_is_clipped_as_that_of_a_mean_so_many_times_as_long(fitted: FittedNetwork) -> None:
    clip_norm = 0.5 * SETTINGS.batch_rows
    summed = fit(settings=replace(SETTINGS, sum_over_batch=True, clip_norm=clip_norm, max_steps=20))
    first, second = summed.learning_curve.training_loss[0], fitted.learning_curve.training_loss[0]
    assert first == pytest.approx(second, rel=2e-4)  # Adam's epsilon is not as many times as long


# The best weights


def test_the_weights_kept_are_those_of_the_lowest_held_out_loss(fitted: FittedNetwork) -> None:
    curve = fitted.learning_curve
    best = int(np.argmin(curve.held_out_loss))
    found = loss_of(fitted.parameters, HELD_OUT, watched_noise(0, HELD_OUT))
    assert curve.best_step == curve.step[best]
    assert found.total == pytest.approx(curve.held_out_loss[best], rel=1e-4)
    assert found.kl.sum() == pytest.approx(curve.kl[best], rel=1e-4)
    assert curve.best_step < curve.step[-1]  # the last weights would be others


def test_the_fit_ends_after_patience_checks_without_a_better_loss(fitted: FittedNetwork) -> None:
    curve = fitted.learning_curve
    assert curve.step[-1] < SETTINGS.max_steps
    assert curve.step[-1] - curve.best_step == SETTINGS.patience * SETTINGS.steps_per_check
    np.testing.assert_array_equal(np.diff(curve.step), SETTINGS.steps_per_check)
    assert curve.step[0] == SETTINGS.steps_per_check


def test_the_curve_has_one_entry_per_check(fitted: FittedNetwork) -> None:
    curve = fitted.learning_curve
    parts = (curve.training_loss, curve.held_out_loss, curve.reconstruction, curve.kl)
    assert {part.shape for part in parts} == {curve.step.shape}
    assert curve.training_loss[-1] < curve.training_loss[0] - 1.0


@pytest.fixture(scope="module")
def patient() -> TrainingSettings:
    """The same steps without an end by patience, and few of them; compiled once more."""
    return replace(SETTINGS, patience=None, max_steps=50)


def test_without_held_out_rows_the_last_weights_are_kept(patient: TrainingSettings) -> None:
    told = []
    fitted = fit(held_out=None, settings=patient, on_progress=lambda *one: told.append(one))
    curve = fitted.learning_curve
    found = loss_of(fitted.parameters, TRAINING, watched_noise(0, TRAINING))
    assert curve.step.tolist() == [20, 40, 60]  # whole checks: the last one may overrun
    assert [step for step, _, _ in told] == [20, 40, 50]
    assert curve.best_step == 60
    assert found.total == pytest.approx(curve.held_out_loss[-1], rel=1e-4)


def test_watched_rows_are_not_trained_on(fitted: FittedNetwork) -> None:
    """Other held-out rows change which weights are kept, not how they are reached."""
    other = fit(held_out=made_rows(64, seed=9)).learning_curve.training_loss
    n_checks = min(len(other), len(fitted.learning_curve.training_loss))
    np.testing.assert_array_equal(other[:n_checks], fitted.learning_curve.training_loss[:n_checks])


# Progress and failure


def test_progress_is_reported_after_each_check_in_rising_steps(
    fitted: FittedNetwork, progress: list[tuple[int, int, float]]
) -> None:
    steps, at_most, losses = (list(part) for part in zip(*progress, strict=True))
    assert steps == fitted.learning_curve.step.tolist()
    assert (np.diff(steps) > 0).all()
    assert set(at_most) == {SETTINGS.max_steps}
    assert max(steps) <= SETTINGS.max_steps
    np.testing.assert_array_equal(losses, fitted.learning_curve.training_loss)


@pytest.mark.parametrize("part", ["training", "held_out"])
def test_a_loss_that_is_not_finite_stops_the_fit_and_names_the_step_and_the_rate(part: str) -> None:
    wild = {"training": TRAINING, "held_out": HELD_OUT}
    rows = wild[part].rows.copy()
    rows[3, 0] = 1e30
    wild[part] = replace(wild[part], rows=rows)
    message = r"not finite at step 20 \(training .*, held out .*\), although .* lowered 3 times from 0\.01 to"
    with pytest.raises(TrainingError, match=message):
        fit(**wild)


def test_a_learning_rate_that_overflows_the_weights_stops_the_fit() -> None:
    """The same with ordinary rows: at this rate the weights leave float32 within the first check."""
    told = []
    with pytest.raises(TrainingError, match=r"at step 20 .* lowered 3 times from 1e\+30 to"):
        fit(settings=replace(SETTINGS, learning_rate=1e30), on_progress=lambda *one: told.append(one))
    assert told == []


def test_a_loss_that_is_not_finite_restarts_the_fit_with_a_quarter_of_the_learning_rate(small_fit) -> None:
    wild = small_fit(learning_rate=1e4, anneal=False, max_steps=100, patience=None)
    rates = [2500.0, 625.0]
    assert wild.health.rollbacks == tuple(Rollback(step=20, back_to=0, learning_rate=rate) for rate in rates)
    assert (wild.learning_curve.learning_rate == 625.0).all()
    assert wild.learning_curve.step.tolist() == [20, 40, 60, 80, 100]
    assert np.isfinite(wild.learning_curve.held_out_loss).all()


def test_a_row_that_overflows_costs_a_rollback_each_time_it_is_drawn(patient: TrainingSettings) -> None:
    """2000 rows are six and a bit chunks of 20 batches: the wild one comes in the middle of the fit."""
    many = made_rows(2000, seed=0)
    many.rows[3, 0] = 1e30
    told = []
    wild = fit(training=many, settings=patient, on_progress=lambda *one: told.append(one[0]))
    curve, (first, *_) = wild.learning_curve, wild.health.rollbacks
    assert first.step == first.back_to + 20
    assert first.back_to > 0
    assert curve.step.tolist() == [20, 40, 60]
    falls = np.round(np.log(0.01 / curve.learning_rate) / np.log(4)).astype(int)
    assert falls.tolist() == [sum(one.back_to < step for one in wild.health.rollbacks) for step in curve.step]
    assert np.isfinite(curve.training_loss).all()
    assert np.diff(told).min() >= 0


def test_the_curve_holds_the_learning_rate_of_each_check(small_fit, fitted: FittedNetwork) -> None:
    """The step size of each check's last step, which had as many before it as the check, less one."""
    annealed = small_fit().learning_curve
    share = (annealed.step - 1) / 200
    np.testing.assert_allclose(
        annealed.learning_rate, 0.01 * (0.02 + 0.98 * (1 + np.cos(np.pi * share)) / 2), rtol=1e-5
    )
    np.testing.assert_allclose(fitted.learning_curve.learning_rate, 0.01)


# Sizes


def test_a_table_of_two_rows_can_be_fitted() -> None:
    rows = np.array([0, 1])
    fitted = fit(training=TRAINING.take(rows), held_out=HELD_OUT.take(rows[:1]))
    assert np.isfinite(fitted.learning_curve.held_out_loss).all()
    assert (
        loss_of(fitted.parameters, TRAINING.take(rows)).total
        < loss_of(initial_parameters(SHAPE, np.random.default_rng(0)), TRAINING.take(rows)).total
    )


@pytest.mark.parametrize("n_columns", [1, 300])
def test_a_table_of_one_column_and_one_of_300_can_be_fitted(n_columns: int) -> None:
    columns = tuple(range(n_columns))
    layout = FeatureLayout(n_columns, n_columns, columns, columns, (), (), (), (), (), columns)
    likelihood = MixedLikelihood(layout)
    shape = NetworkShape(n_columns, (8,), 2, likelihood.n_outputs, is_variational=True)
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(64, 1)) * rng.choice([-1, 1], n_columns) * 0.8 + 0.3).astype(np.float32)
    encoded = EncodedTable(rows, np.ones_like(rows, np.bool_), np.zeros(rows.shape))
    settings = TrainingSettings(batch_rows=16, max_steps=200, steps_per_check=40, learning_rate=1e-2)
    curve = fit_network(shape, likelihood, encoded, encoded, settings, rng).learning_curve
    assert curve.held_out_loss.min() < curve.training_loss[0] - 0.01 * n_columns


# The optimiser


def moved(settings: TrainingSettings, *gradients: list[float], steps: int = 100) -> np.ndarray:
    """Where the optimiser takes three weights from zero, given the gradients one after another."""
    optimiser = optimiser_of(settings)
    weights = np.zeros(3, np.float32)
    state = initial_optimiser(settings, weights)
    for gradient, rate in zip(gradients, settings.learning_rates(steps, 0, len(gradients)), strict=True):
        direction, state = optimiser.update(jnp.asarray(gradient), state)
        weights = weights - np.float32(rate) * np.asarray(direction)
    return weights


def test_the_first_step_is_the_learning_rate_against_the_gradient() -> None:
    settings = TrainingSettings(learning_rate=0.03)
    np.testing.assert_allclose(moved(settings, [2.0, -0.1, 0.0]), [-0.03, 0.03, 0.0], rtol=1e-4)


def test_the_step_falls_along_half_a_cosine() -> None:
    """Under a gradient that stays, Adam's step is its rate: half of it midway, next to nothing at the end."""
    settings = TrainingSettings(learning_rate=0.01)
    gradients = [[1.0, 1.0, 1.0]] * 21
    path = np.array([moved(settings, *gradients[:count], steps=20)[0] for count in (0, 1, 10, 11, 20, 21)])
    first, _, middle, _, last = -np.diff(path)
    assert first == pytest.approx(0.01, rel=1e-3)
    assert middle == pytest.approx(0.0051, rel=1e-2)
    assert last == pytest.approx(0.0002, rel=1e-2)
    steady = replace(settings, anneal=False)
    np.testing.assert_allclose(moved(steady, *gradients[:20], steps=20), -0.2, rtol=1e-3)


@pytest.mark.parametrize(
    ("bound", "first", "second"),
    [
        ({"clip_norm": None, "clip_elements": 0.5}, [300.0, -400.0, 0.25], [0.5, -0.5, 0.25]),
        ({"clip_norm": 10.0, "clip_elements": None}, [300.0, -400.0, 0.0], [6.0, -8.0, 0.0]),
        ({"clip_norm": None, "clip_elements": None}, [300.0, -400.0, 0.25], [300.0, -400.0, 0.25]),
    ],
)
def test_a_gradient_is_clipped_as_the_settings_say(bound: dict, first: list[float], second: list[float]) -> None:
    """Adam forgets a gradient's size, but not beside the one of the step before."""
    clipped = TrainingSettings(learning_rate=1e-3, **bound)
    free = replace(clipped, clip_norm=None, clip_elements=None)
    small = [0.01, 0.01, 0.01]
    np.testing.assert_allclose(moved(clipped, small, first), moved(free, small, second), rtol=1e-5)
    if first != second:
        assert np.abs(moved(free, small, first) - moved(free, small, second)).max() > 1e-6


def test_the_state_before_the_first_step_is_that_of_optax() -> None:
    weights = np.ones(3, np.float32)
    ours, theirs = initial_optimiser(SETTINGS, weights), optimiser_of(SETTINGS).init(weights)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


# Programs


def test_steps_in_several_programs_equal_the_steps_in_one(
    fitted: FittedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table so wide that few of its batches go into one program is fitted as any other."""
    batch_bytes = SETTINGS.batch_rows * (4 * LAYOUT.n_features + LAYOUT.n_columns)
    compiled_steps.cache_clear()
    monkeypatch.setattr(_program, "STEPS_BYTES", 7 * batch_bytes)
    assert steps_at_once(SETTINGS, LAYOUT.n_features, LAYOUT.n_columns) == 5
    in_parts = fit()
    compiled_steps.cache_clear()
    np.testing.assert_allclose(
        in_parts.learning_curve.training_loss[0], fitted.learning_curve.training_loss[0], rtol=1e-6
    )
    for name, value in fitted.parameters.items():
        np.testing.assert_allclose(in_parts.parameters[name], value, atol=1e-5)


@pytest.mark.parametrize("n_features", [1, 100, 10_000, 1_000_000])
def test_a_program_has_as_many_steps_as_its_maximum_of_bytes_allows(n_features: int) -> None:
    steps = steps_at_once(TrainingSettings(), n_features, n_features)
    assert TrainingSettings().steps_per_check % steps == 0
    assert steps == 1 or steps * 256 * 5 * n_features <= _program.STEPS_BYTES
    assert (steps == TrainingSettings().steps_per_check) == (n_features <= 100)


def test_learning_rates_ends_and_the_number_of_rows_share_one_program() -> None:
    fit(settings=replace(SETTINGS, max_steps=20))
    before = compiled_steps.cache_info()
    fit(settings=replace(SETTINGS, learning_rate=1e-3, anneal=True, max_steps=40, patience=None))
    fit(training=made_rows(300, seed=3), settings=replace(SETTINGS, max_steps=20))
    after = compiled_steps.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 2)

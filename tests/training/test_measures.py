"""What is measured of a fit: known answers, and each fault provoked by a fit that has it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from oddrow import AutoencoderDetector, VAEDetector
from oddrow.columns import EncodedTable, FeatureLayout
from oddrow.density import MixedLikelihood, SquaredError
from oddrow.exceptions import TrainingHealthWarning
from oddrow.training._measures import _shuffled, strongest_dependence

# a number, a number that may be missing, a flag, and a name of two
LAYOUT = FeatureLayout(
    n_features=7,
    n_columns=4,
    gaussian=(0, 1),
    gaussian_column=(0, 1),
    binary=(2, 3),
    binary_column=(1, 2),
    is_presence_flag=(True, False),
    groups=((4, 5),),
    group_column=(3,),
    feature_column=(0, 1, 1, 2, 3, 3, 3),
)


def encoded(n_rows: int = 500) -> EncodedTable:
    rng = np.random.default_rng(0)
    rows = np.zeros((n_rows, 7), np.float32)
    rows[:, :2] = rng.normal([0.5, -1.0], [1.0, 2.0], (n_rows, 2))
    rows[:, 2] = rng.random(n_rows) < 0.7
    rows[:, 3] = rng.random(n_rows) < 0.2
    rows[np.arange(n_rows), np.where(rng.random(n_rows) < 0.9, 4, 5)] = 1.0
    presence = np.ones((n_rows, 4), np.bool_)
    presence[:, 1] = rows[:, 2] > 0
    return EncodedTable(rows, presence, np.zeros((n_rows, 4)))


def nats(likelihood, outputs: np.ndarray, part: EncodedTable) -> float:
    outputs = np.broadcast_to(outputs, (len(part.rows), outputs.shape[-1]))
    rows = part.rows.astype(np.float64)
    return float(likelihood.negative_log_likelihood(np, outputs, rows, part.presence).sum(axis=1).mean())


@pytest.mark.parametrize("likelihood", [MixedLikelihood(LAYOUT), SquaredError(LAYOUT)])
def test_no_constant_prediction_beats_the_best_one_and_none_equals_a_copy(likelihood) -> None:
    part = encoded()
    if isinstance(likelihood, SquaredError):  # its encoding is min-max
        part = EncodedTable(np.clip(part.rows, 0, 1), part.presence, part.novelty)
    best = likelihood.constant_outputs(part.rows, part.presence)
    found = nats(likelihood, best, part)
    rng = np.random.default_rng(1)
    for step in (0.05, 0.3):
        for _ in range(20):
            assert nats(likelihood, best + step * rng.normal(size=best.shape), part) > found - 1e-4
    copied = likelihood.copied_outputs(part.rows.astype(np.float64))
    assert nats(likelihood, copied, part) < found
    expected, _ = likelihood.expected_rows(copied)
    there = part.presence[:, np.array(LAYOUT.feature_column)]
    np.testing.assert_allclose(np.where(there, expected, 0)[:, :6], np.where(there, part.rows, 0)[:, :6], atol=1e-6)


def test_the_best_constant_prediction_costs_the_entropies_of_the_columns() -> None:
    """Normal: half the log of 2 pi e times the variance; a flag and a name: theirs; a missing number: nothing."""
    part = encoded(20_000)
    likelihood = MixedLikelihood(LAYOUT)
    found = nats(likelihood, likelihood.constant_outputs(part.rows, part.presence), part)
    normal = 0.5 * np.log(2 * np.pi * np.e)
    flags = sum(-p * np.log(p) - (1 - p) * np.log(1 - p) for p in (0.7, 0.2, 0.9))
    assert found == pytest.approx(normal + 0.7 * (normal + np.log(2.0)) + flags, abs=0.03)


def test_shuffling_keeps_the_values_of_each_column_and_breaks_their_relation() -> None:
    part = encoded()
    shuffled = _shuffled(LAYOUT, part, np.random.default_rng(0))
    for column in range(4):
        features = np.array(LAYOUT.feature_column) == column
        with_presence = [np.column_stack([one.rows[:, features], one.presence[:, column]]) for one in (part, shuffled)]
        np.testing.assert_array_equal(*(rows[np.lexsort(rows.T)] for rows in with_presence))
    assert (shuffled.rows != part.rows).any(axis=1).mean() > 0.9
    assert (shuffled.rows[:, 2] == shuffled.presence[:, 1]).all()  # a column moves whole


@pytest.mark.parametrize("slope", [0.0, 0.6, -0.95])
def test_dependence_is_the_largest_correlation_between_columns(slope: float) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5000, 7)).astype(np.float32)
    rows[:, 3] = slope * rows[:, 0] + np.sqrt(1 - slope**2) * rows[:, 3]
    rows[:, 2] = rows[:, 1]  # within a column nothing is meant by it
    assert strongest_dependence(LAYOUT, rows) == pytest.approx(abs(slope), abs=0.06)


def test_two_rare_flags_that_occur_together_once_are_no_dependence() -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32)
    rows[:, [0, 3]] = 0.0
    rows[7, [0, 3]] = 1.0
    assert strongest_dependence(LAYOUT, rows) < 0.2


def test_a_table_without_features_has_no_dependence() -> None:
    empty = FeatureLayout(0, 0, (), (), (), (), (), (), (), ())
    assert strongest_dependence(empty, np.zeros((5, 0), np.float32)) == 0.0


# Faults provoked -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def related() -> np.ndarray:
    """float64 [700, 4]: four readings of one thing."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(700, 1)) * [1, -1, 2, 0.5] + 0.3 * rng.normal(size=(700, 4))


def warned(detector, rows: np.ndarray) -> list[str]:
    """Names of the diagnoses, each of which must have been warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrainingHealthWarning)
        detector.fit(rows)
    assert [str(one.message) for one in caught] == [one.text for one in detector.health_.diagnoses if one.is_certain]
    return [one.name for one in detector.health_.diagnoses if one.is_certain]


def test_a_healthy_fit_gives_no_warning_and_uses_its_latent(vae, autoencoder) -> None:
    """On made-up connections; a warning would have failed the fixtures."""
    assert vae.health_.diagnoses == autoencoder.health_.diagnoses == ()
    assert vae.health_.n_active > 0
    assert vae.health_.copying.real > vae.health_.copying.shuffled + 0.3
    assert vae.health_.gain.held_out > 5.0
    assert (vae.health_.rows_trained, vae.health_.rows_watched) == (2100, 300)
    assert vae.health_.n_parameters == sum(value.size for value in vae.model_.network.parameters.values())
    assert sum(vae.health_.kl) == pytest.approx(vae.health_.learning_curve.kl.max(), rel=0.5)


def test_a_huge_kl_weight_collapses_the_posterior(related: np.ndarray) -> None:
    detector = VAEDetector(kl_weight=1000.0, random_state=0)
    assert warned(detector, related) == ["posterior_collapsed"]
    assert detector.health_.n_active == 0


@pytest.mark.parametrize("detector", [AutoencoderDetector(random_state=0), VAEDetector(kl_weight=0.0, random_state=0)])
def test_a_latent_wider_than_the_table_learns_to_copy_without_a_kl(detector) -> None:
    rows = np.random.default_rng(0).normal(size=(700, 4))
    assert warned(detector, rows) == ["learned_identity"]


def test_a_fit_of_few_steps_is_not_converged(related: np.ndarray) -> None:
    assert warned(VAEDetector(max_steps=150, random_state=0), related) == ["not_converged"]


def test_a_fit_with_a_short_time_limit_is_not_converged(related: np.ndarray) -> None:
    detector = VAEDetector(time_limit=1e-9, random_state=0)
    assert warned(detector, related) == ["not_converged"]
    assert "its time limit was reached after 50 of 1,500 steps" in detector.health_.diagnoses[0].text


def test_what_few_rows_of_many_columns_teach_does_not_hold_on_held_out_rows() -> None:
    """Without a KL a wide network learns 500 rows of noise by heart."""
    rows = np.random.default_rng(0).normal(size=(500, 60))
    assert "too_few_rows" in warned(AutoencoderDetector(random_state=0), rows)


def test_a_fit_to_a_tiny_table_gives_no_warning() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 3))
    assert warned(VAEDetector(max_steps=50, random_state=0), rows) == []

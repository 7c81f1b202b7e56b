"""Figures of a fit become words: each fault by itself, and silence where nothing is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from oddrow.density import CopyingShare, FitEnd, Gain, LearningCurve, Rollback, TrainingHealth


def curve(*held_out: float) -> LearningCurve:
    loss = np.array(held_out)
    step = 50 * np.arange(1, len(loss) + 1)
    best = int(step[np.argmin(loss)])
    return LearningCurve(step, loss, loss, loss, np.zeros(len(loss)), np.full(len(loss), 1e-3), best)


SETTLED = curve(10.0, 5.0, 3.0, 2.5, 2.3, 2.2, 2.15, 2.13, 2.12, 2.11)
FALLING = curve(10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0)

HEALTHY = TrainingHealth(
    learning_curve=SETTLED,
    end=FitEnd.MAX_STEPS,
    steps_at_most=500,
    rows_trained=700,
    rows_watched=100,
    n_parameters=50_000,
    kl_weight=1.0,
    kl=(2.0, 1.0, 0.0),
    latent_variance=(0.9, 0.5, 0.001),
    strongest_dependence=0.9,
    copying=CopyingShare(real=0.7, shuffled=-0.5),
    gain=Gain(training=5.0, held_out=4.5),
)


def named(**changed) -> list[str]:
    return [diagnosis.name for diagnosis in replace(HEALTHY, **changed).diagnoses]


def text(**changed) -> str:
    (diagnosis,) = replace(HEALTHY, **changed).diagnoses
    return diagnosis.text


def test_a_healthy_fit_has_no_diagnosis() -> None:
    assert HEALTHY.diagnoses == ()


def test_active_units_are_those_whose_mean_varies_by_more_than_a_hundredth() -> None:
    """Burda, Grosse and Salakhutdinov (2016): the variance over the rows of the latent's mean, above 0.01."""
    assert HEALTHY.n_active == 2
    assert replace(HEALTHY, latent_variance=(0.0101, 0.01, 0.0)).n_active == 1


def test_an_unused_latent_with_dependent_columns_is_a_collapse() -> None:
    silent = {"kl": (0.001, 0.002), "latent_variance": (0.001, 0.0)}
    assert named(**silent) == ["posterior_collapsed"]
    assert "0 of 2 latent units are active" in text(**silent, kl_weight=100.0)
    assert "lower kl_weight from 100" in text(**silent, kl_weight=100.0)
    assert "give more rows" in text(**silent)


@pytest.mark.parametrize("silent", [{"latent_variance": (0.01, 0.0, 0.0)}, {"kl": (0.005, 0.004, 0.0)}])
def test_a_latent_is_unused_without_an_active_unit_or_without_kl(silent) -> None:
    """Each by itself: a mean that does not vary, and a posterior that is the prior."""
    assert named(**silent) == ["posterior_collapsed"]


def test_an_unused_latent_is_no_fault_without_dependent_columns() -> None:
    assert named(kl=(0.001,), latent_variance=(0.001,), strongest_dependence=0.2) == []


def test_an_autoencoder_has_no_posterior_to_collapse() -> None:
    assert named(kl=(), latent_variance=(0.0,)) == []


@pytest.mark.parametrize(
    ("real", "shuffled", "found"),
    [(0.97, 0.95, True), (0.97, 0.3, False), (0.5, 0.5, False), (0.79, 0.95, False), (0.95, 0.79, False)],
)
def test_copying_is_reconstructing_shuffled_rows_as_well_as_real_rows(
    real: float, shuffled: float, found: bool
) -> None:
    assert named(copying=CopyingShare(real, shuffled)) == ["learned_identity"] * found


def test_the_remedy_for_copying_is_the_kl() -> None:
    copying = CopyingShare(0.97, 0.95)
    assert "use the variational detector" in text(copying=copying, kl=())
    assert "raise kl_weight from 0 to 1" in text(copying=copying, kl_weight=0.0)


@pytest.mark.parametrize(
    ("end", "way_out"),
    [
        (FitEnd.MAX_STEPS, "more steps (max_steps)"),
        (FitEnd.TIME_LIMIT, "more time (time_limit)"),
        (FitEnd.INTERRUPTED, "resume it"),
    ],
)
def test_a_fit_cut_off_while_falling_has_not_converged(end: FitEnd, way_out: str) -> None:
    said = text(learning_curve=FALLING, end=end, steps_at_most=1500)
    assert said.startswith("not converged: ")
    assert "after 500 of 1,500 steps" in said
    assert "still falling (2 nats a row in the last fifth)" in said
    assert way_out in said


def test_a_fit_ended_by_patience_has_converged_and_so_has_one_with_a_rising_loss() -> None:
    assert named(learning_curve=FALLING, end=FitEnd.PATIENCE) == []
    assert named(learning_curve=curve(3.0, 2.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)) == []


def test_a_fall_within_the_noise_is_no_fall() -> None:
    assert named(learning_curve=curve(2.04, 2.03, 2.02, 2.01, 2.0)) == []


def test_a_fit_with_a_single_check_is_not_converged() -> None:
    assert named(learning_curve=curve(3.0), end=FitEnd.TIME_LIMIT) == ["not_converged"]


def test_an_unfinished_fit_is_not_called_collapsed() -> None:
    silent = {"kl": (0.0,), "latent_variance": (0.0,), "learning_curve": FALLING}
    assert named(**silent) == ["not_converged"]
    assert named(**silent, kl_weight=1000.0) == ["not_converged", "posterior_collapsed"]


@pytest.mark.parametrize(
    ("gain", "found"),
    [
        (Gain(10.0, 4.0), True),
        (Gain(10.0, -30.0), True),
        (Gain(10.0, 6.0), False),
        (Gain(0.2, -1.0), False),
        (Gain(-3.0, -4.0), False),
    ],
)
def test_a_gain_that_does_not_hold_on_held_out_rows_means_too_few_rows(gain: Gain, found: bool) -> None:
    assert named(gain=gain) == ["too_few_rows"] * found
    assert named(gain=gain, rows_trained=60_000) == []


def test_a_loss_that_was_not_finite_is_always_diagnosed() -> None:
    rollbacks = (Rollback(100, 50, 2.5e-4), Rollback(150, 100, 6.25e-5))
    said = text(rollbacks=rollbacks, rows_watched=0)
    assert "2 times, last at step 150; the fit went on from step 100 with learning rate 6.25e-05" in said
    assert replace(HEALTHY, rollbacks=rollbacks, rows_watched=0).diagnoses[0].is_certain


@pytest.mark.parametrize(("watched", "certain"), [(0, False), (49, False), (50, True)])
def test_a_diagnosis_from_few_held_out_rows_is_not_certain(watched: int, certain: bool) -> None:
    (diagnosis,) = replace(HEALTHY, learning_curve=FALLING, rows_watched=watched).diagnoses
    assert diagnosis.is_certain is certain


def test_only_a_fit_ended_from_outside_can_be_continued() -> None:
    assert [end for end in FitEnd if end.is_final] == [FitEnd.PATIENCE, FitEnd.MAX_STEPS]
    assert len({end.sentence for end in FitEnd}) == len(FitEnd)

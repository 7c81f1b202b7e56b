"""What ends a fit early: the clock, an interrupt that is asked about, and nothing else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import numpy as np
import pytest

from oddrow.density import FitEnd, FittedNetwork
from oddrow.training import Interruption

SmallFit = Callable[..., FittedNetwork]


def press_at(*steps: int) -> Callable[[int, int, float], None]:
    """Ctrl-C at each of these steps."""

    def on_progress(done: int, at_most: int, loss: float) -> None:
        if done in steps:
            signal.raise_signal(signal.SIGINT)

    return on_progress


@pytest.fixture(autouse=True)
def _handler_stays():
    """Whatever a fit does, the interrupt's handler is afterwards the one before."""
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


# The clock


def test_a_time_limit_keeps_the_best_weights_of_at_least_one_check(small_fit: SmallFit) -> None:
    short = small_fit(interruption=Interruption(time_limit=1e-9))
    assert short.health.end is FitEnd.TIME_LIMIT
    assert short.learning_curve.step.tolist() == [20]
    assert short.learning_curve.best_step == 20


def test_a_limit_that_is_never_reached_changes_nothing(small_fit: SmallFit) -> None:
    limited, free = small_fit(interruption=Interruption(time_limit=3600.0)), small_fit()
    assert limited.health.end is free.health.end
    for name, value in free.parameters.items():
        np.testing.assert_array_equal(limited.parameters[name], value)


# The interrupt


def test_without_a_handler_an_interrupt_raises_keyboard_interrupt(small_fit: SmallFit) -> None:
    with pytest.raises(KeyboardInterrupt):
        small_fit(on_progress=press_at(40))


def test_ending_at_an_interrupt_keeps_the_best_weights_so_far(small_fit: SmallFit) -> None:
    kept = small_fit(interruption=Interruption(on_interrupt=lambda: True), on_progress=press_at(40))
    assert kept.health.end is FitEnd.INTERRUPTED
    assert kept.learning_curve.step.tolist() == [20, 40]


def test_going_on_after_an_interrupt_gives_the_uninterrupted_fit(small_fit: SmallFit) -> None:
    asked = []

    def go_on() -> bool:
        asked.append(True)
        return False

    went_on = small_fit(interruption=Interruption(on_interrupt=go_on), on_progress=press_at(40, 80))
    whole = small_fit()
    assert len(asked) == 2
    assert went_on.health.end is whole.health.end
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(went_on.parameters[name], value)


def test_a_handler_may_raise_keyboard_interrupt(small_fit: SmallFit) -> None:
    def no() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_fit(interruption=Interruption(on_interrupt=no), on_progress=press_at(40))


def test_a_second_interrupt_raises_at_once(small_fit: SmallFit) -> None:
    def twice(done: int, at_most: int, loss: float) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        small_fit(interruption=Interruption(on_interrupt=lambda: True), on_progress=twice)


def test_a_fit_in_another_thread_leaves_signals_alone(small_fit: SmallFit) -> None:
    fitted = []

    def fit() -> None:
        fitted.append(small_fit(interruption=Interruption(on_interrupt=lambda: True)))

    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    assert fitted[0].health.end is small_fit().health.end

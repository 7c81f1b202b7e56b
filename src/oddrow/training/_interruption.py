"""Checkpoints, time limits and interrupts of a fit."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeAlias

OnInterrupt: TypeAlias = Callable[[], bool]
"""Called at the next check after an interrupt (Ctrl-C): True ends the fit with the best weights, False goes on."""


@dataclass(frozen=True)
class Interruption:
    """What may end a fit early, and where its checkpoint is kept.

    Attributes
    ----------
    checkpoint : folder of the checkpoint, None for no checkpoint
    resume : whether to go on from the checkpoint in the folder; without a checkpoint there the fit starts from step 0
    time_limit : seconds > 0 after which the next check ends the fit with the best weights; None for no limit
    on_interrupt : see :data:`OnInterrupt`; without it an interrupt raises KeyboardInterrupt at once
    part : number of this fit among several that share the folder
    """

    checkpoint: Path | None = None
    resume: bool = False
    time_limit: float | None = None
    on_interrupt: OnInterrupt | None = None
    part: int = 0

    def clock(self) -> Callable[[], bool]:
        """Start the clock, and return a function that says whether the time limit has passed."""
        if self.time_limit is None:
            return lambda: False
        end = time.monotonic() + self.time_limit
        return lambda: time.monotonic() >= end


UNINTERRUPTED = Interruption()


@contextmanager
def interrupts_asked(on_interrupt: OnInterrupt | None) -> Iterator[Callable[[], bool]]:
    """Delay an interrupt until the yielded function is called, which then calls ``on_interrupt``.

    A second interrupt before that call raises KeyboardInterrupt at once. Python handles signals only in the main
    thread, so in any other thread no interrupt is delayed.
    """
    if on_interrupt is None or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    is_pressed = False

    def press(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's signature
        nonlocal is_pressed
        if is_pressed:
            raise KeyboardInterrupt
        is_pressed = True

    def is_to_end() -> bool:
        nonlocal is_pressed
        if not is_pressed:
            return False
        is_kept = on_interrupt()
        is_pressed = False
        return is_kept

    before = signal.signal(signal.SIGINT, press)
    try:
        yield is_to_end
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)

"""What may end a fit before its time, and what then remains."""

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
"""Asked after an interrupt (Ctrl-C) at the next check: True keeps the best weights so far, False goes on."""


@dataclass(frozen=True)
class Interruption:
    """What may end a fit early, and where it is kept meanwhile.

    Attributes
    ----------
    checkpoint : folder that keeps the state of the fit, None for none
    resume : whether to go on from the checkpoint there; where there is none the fit begins anew
    time_limit : seconds > 0 after which the best weights so far are kept, at the first check or later; None for none
    on_interrupt : see :data:`OnInterrupt`; without it an interrupt is a KeyboardInterrupt, at once
    part : which of several fits that share the folder
    """

    checkpoint: Path | None = None
    resume: bool = False
    time_limit: float | None = None
    on_interrupt: OnInterrupt | None = None
    part: int = 0

    def clock(self) -> Callable[[], bool]:
        """Start the time; the function given back tells whether it is over."""
        if self.time_limit is None:
            return lambda: False
        end = time.monotonic() + self.time_limit
        return lambda: time.monotonic() >= end


UNINTERRUPTED = Interruption()


@contextmanager
def interrupts_asked(on_interrupt: OnInterrupt | None) -> Iterator[Callable[[], bool]]:
    """Hold an interrupt back until the function given is called, which then asks; a second one is not held back.

    Signals can be handled in the main thread alone, so elsewhere nothing is held back.
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

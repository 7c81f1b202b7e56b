"""How a fit runs: progress reports, early ends, checkpoints and the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oddrow.density import FitEnd, TrainingHealth
from oddrow.exceptions import SettingError

if TYPE_CHECKING:
    from oddrow.training import Interruption

MIN_SECONDS = 1e-9
"""A time limit that ends a fit at its first check."""


@dataclass(frozen=True)
class RunControl:
    """How a fit runs, independent of the model and the rows.

    Attributes
    ----------
    on_progress : called as ``on_progress(steps_done, steps_at_most, training_loss)``
    on_phase : called as ``on_phase(name)`` when "cleaning", "fitting" or "calibrating" begins
    on_interrupt, checkpoint, resume, time_limit : see :class:`oddrow.training.Interruption`
    max_steps : the maximum number of training steps; None for that of the recipe
    device : the device that trains: "auto", or a platform of JAX
    fit_index : which of several fits that share the checkpoint folder this is, from 0
    """

    on_progress: Callable[[int, int, float], None] | None = None
    on_phase: Callable[[str], None] | None = None
    on_interrupt: Callable[[], bool] | None = None
    max_steps: int | None = None
    time_limit: float | None = None
    checkpoint: Path | None = None
    resume: bool = False
    device: str = "auto"
    fit_index: int = 0

    def begin(self, phase: str) -> None:
        """Report that a phase begins."""
        if self.on_phase is not None:
            self.on_phase(phase)

    def stage(self, index: int, count: int) -> RunControl:
        """Return the control of one of several fits: progress counts all steps, and each fit gets an equal time."""
        report, limit = self.on_progress, self.time_limit
        return replace(
            self,
            fit_index=index,
            time_limit=None if limit is None else limit / count,
            on_progress=report and (lambda done, total, loss: report(index * total + done, count * total, loss)),
        )

    def after(self, health: TrainingHealth) -> RunControl:
        """Return the control of the fits that follow one of this health.

        A fit that was cut off continues when it is resumed. The fits that follow then start again, because the state of
        the random generator differs, so they keep no checkpoint.
        """
        if health.end.is_final:
            return self
        is_interrupted = health.end is FitEnd.INTERRUPTED
        time_limit = MIN_SECONDS if is_interrupted else self.time_limit
        return replace(self, checkpoint=None, resume=False, time_limit=time_limit)

    def spent_checkpoint(self, health: TrainingHealth) -> Path | None:
        """Return the checkpoint folder, if the last fit ended with this health and nothing can be resumed from it."""
        return self.checkpoint if health.end.is_final else None

    def interruption(self) -> Interruption:
        """Return the settings of the training loop that may end the fit early."""
        from oddrow.training import Interruption  # loads JAX

        return Interruption(self.checkpoint, self.resume, self.time_limit, self.on_interrupt, self.fit_index)


def checked_max_steps(steps: object) -> int | None:
    """Return the maximum number of training steps.

    Raises
    ------
    SettingError
        If it is neither None nor a whole number >= 1.
    """
    if steps is None or (isinstance(steps, int | np.integer) and steps >= 1):
        return None if steps is None else int(steps)
    raise SettingError(f"max_steps is {steps!r}; give a whole number >= 1, or None")


def checked_time_limit(seconds: object) -> float | None:
    """Return the maximum training time in seconds.

    Raises
    ------
    SettingError
        If it is neither None nor a positive number.
    """
    if seconds is None or (isinstance(seconds, int | float | np.number) and seconds > 0):
        return None if seconds is None else float(seconds)
    raise SettingError(f"time_limit is {seconds!r}; give seconds > 0, or None for no limit")


def checked_checkpoint(folder: str | Path | None, resume: bool, random_state: object) -> Path | None:
    """Return the folder that keeps the state of a fit.

    Raises
    ------
    SettingError
        If it is not a path, or if a fit could not be resumed because there is no random state or no folder.
    """
    if folder is None:
        if resume:
            raise SettingError("resume needs a checkpoint folder to go on from; give checkpoint too")
        return None
    if not isinstance(folder, str | Path):
        raise SettingError(f"checkpoint is {folder!r}; give the path of a folder, or None")
    if random_state is None:
        raise SettingError("a checkpoint needs a random_state: without one a fit begun again draws other rows")
    return Path(folder)

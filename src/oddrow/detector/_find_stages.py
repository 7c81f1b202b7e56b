"""The fits of ``find``: their phases, their progress, and the detector that is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sklearn.base import clone

from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
from oddrow.fitting import RunControl


def fitted_to_all(
    pattern: VAEDetector | AutoencoderDetector, table: Any, control: RunControl
) -> VAEDetector | AutoencoderDetector:
    """Return a detector fitted to the whole table, with the parameters of the pattern."""
    detector: VAEDetector | AutoencoderDetector = clone(pattern)
    detector.set_params(on_progress=control.on_progress, on_phase=control.on_phase, time_limit=control.time_limit)
    detector.fit(table)
    detector.set_params(on_progress=pattern.on_progress, on_phase=pattern.on_phase, time_limit=pattern.time_limit)
    return detector


def stage(control: RunControl, index: int, count: int, on_phase: Callable[[str], None] | None) -> RunControl:
    """Return the control of one of several fits, whose phases are reported with its number."""
    numbered = on_phase and (lambda phase: on_phase(f"{phase} {index + 1} of {count}"))
    return replace(control.stage(index, count), on_phase=numbered)


def begin(on_phase: Callable[[str], None] | None, phase: str) -> None:
    if on_phase is not None:
        on_phase(phase)

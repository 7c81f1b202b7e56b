"""The named choices of encoding, network and hold-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from oddrow.columns import EncodingStyle
from oddrow.exceptions import SettingError
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants


@dataclass(frozen=True)
class DetectorSettings:
    """One named choice of encoding, network and hold-out.

    ``stopping_share`` of the training table is watched for early stopping and sets the scale of the views,
    ``calibration_share`` calibrates the surprise; neither trains. Both zero: the training rows calibrate, as in the
    article. ``constants`` define the scores.
    """

    style: EncodingStyle
    hidden: tuple[int, ...]
    n_latent: int
    stopping_share: float
    calibration_share: float
    constants: ScoringConstants = DEFAULT_CONSTANTS


SETTINGS: Mapping[str, DetectorSettings] = {
    "default": DetectorSettings("standard", (256, 256), 32, stopping_share=0.1, calibration_share=0.2),
    "narrow": DetectorSettings("standard", (64, 64), 8, stopping_share=0.1, calibration_share=0.2),
    "article": DetectorSettings("article", (60,), 40, stopping_share=0.0, calibration_share=0.0),
}


def checked_settings(name: str) -> DetectorSettings:
    """The settings of this name.

    Raises
    ------
    SettingError
        If there are none.
    """
    if not isinstance(name, str) or name not in SETTINGS:
        raise SettingError(f"settings is {name!r}; choose from {', '.join(map(repr, SETTINGS))}")
    return SETTINGS[name]


def checked_calibration(name: str) -> Literal["split", "cross"]:
    """The calibration of this name.

    Raises
    ------
    SettingError
        If there is none.
    """
    if name == "split":
        return "split"
    if name == "cross":
        return "cross"
    raise SettingError(f"calibration is {name!r}; choose from 'split', 'cross'")


def checked_max_steps(steps: object) -> int | None:
    """Steps at most.

    Raises
    ------
    SettingError
        If they are neither None nor a whole number >= 1.
    """
    if steps is None or (isinstance(steps, int | np.integer) and steps >= 1):
        return None if steps is None else int(steps)
    raise SettingError(f"max_steps is {steps!r}; give a whole number >= 1, or None")


def checked_time_limit(seconds: object) -> float | None:
    """Seconds at most.

    Raises
    ------
    SettingError
        If they are neither None nor a positive number.
    """
    if seconds is None or (isinstance(seconds, int | float | np.number) and seconds > 0):
        return None if seconds is None else float(seconds)
    raise SettingError(f"time_limit is {seconds!r}; give seconds > 0, or None for no limit")


def checked_checkpoint(folder: str | Path | None, resume: bool, random_state: object) -> Path | None:
    """The folder that keeps a fit.

    Raises
    ------
    SettingError
        If it is no path, or nothing could go on from it: without a random state, or a folder to resume from.
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

"""The ways to calibrate, by name. This module is apart from the recipes because model files name the way too."""

from __future__ import annotations

from typing import Literal

from oddrow.exceptions import SettingError

CalibrationName = Literal["split", "cross"]


def checked_calibration(name: object) -> CalibrationName:
    """The way to calibrate of this name.

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

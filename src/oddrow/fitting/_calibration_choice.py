"""The calibration methods by name. They are apart from the recipes, because model files hold the name too."""

from __future__ import annotations

from typing import Literal

from oddrow.exceptions import SettingError

CalibrationName = Literal["split", "cross", "blocks"]


def checked_calibration(name: object) -> CalibrationName:
    """Return the calibration method of this name.

    Raises
    ------
    SettingError
        If there is no such method.
    """
    if name == "split":
        return "split"
    if name == "cross":
        return "cross"
    if name == "blocks":
        return "blocks"
    raise SettingError(f"calibration is {name!r}; choose from 'split', 'cross', 'blocks'")

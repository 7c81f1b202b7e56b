"""The calibration methods by name. They are apart from the recipes, because model files hold the name too."""

from __future__ import annotations

from typing import Literal

from oddrow.exceptions import SettingError

CalibrationName = Literal["split", "cross", "blocks"]


def checked_calibration(name: object, *, depends: bool = False) -> CalibrationName:
    """Return the calibration method of this name; "auto" is "blocks" if rows depend on each other, else "split".

    Raises
    ------
    SettingError
        If there is no such method.
    """
    if name == "auto":
        return "blocks" if depends else "split"
    if name in ("split", "cross", "blocks"):
        return name
    raise SettingError(f"calibration is {name!r}; choose from 'auto', 'split', 'cross', 'blocks'")

"""Checks of a policy's parameters."""

from __future__ import annotations

import math

import numpy as np

from oddrow.exceptions import SettingError


def is_number(value: object) -> bool:
    """Return whether a parameter is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer larger than every float
        return False


def is_count(value: object) -> bool:
    """Return whether a parameter is an integer from 1 to 2**53; float64 holds each of them exactly."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(1 <= value <= 2**53)


def check_parameter(is_fine: bool, name: str, value: object, wanted: str) -> None:
    """Refuse a parameter that is not valid.

    Raises
    ------
    SettingError
        If ``is_fine`` is false; the message names what is ``wanted``.
    """
    if not is_fine:
        raise SettingError(f"{name} is {value!r}; give {wanted}")

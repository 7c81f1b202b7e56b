"""Durations as text, such as ``10min``, and times as whole microseconds."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import SettingError
from oddrow.table import shortened

TICKS_PER_SECOND = 1_000_000
"""Times are compared as whole microseconds: differences of floating-point seconds depend on rounding."""
MAX_SECONDS = 9.0e12
"""Largest time, in seconds from 1970, that fits into microseconds as int64."""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_EXAMPLES = "500ms, 30s, 10min, 1h, 1d or 2w"


def duration_ticks(text: object, setting: str) -> int:
    """Return a duration in microseconds.

    Raises
    ------
    SettingError
        If the text is not a positive number with a unit.

    Examples
    --------
    >>> duration_ticks("10min", "span"), duration_ticks("1.5 h", "span")
    (600000000, 5400000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text) if isinstance(text, str) else None
    if found is None or found[2] not in _UNITS:
        raise SettingError(f"{setting}={shortened(text)} is not a duration; write a number and a unit: {_EXAMPLES}")
    seconds = float(found[1]) * _UNITS[found[2]]
    if not 1e-6 <= seconds <= MAX_SECONDS:
        raise SettingError(f"{setting}={shortened(text)} is not between 1us and {MAX_SECONDS:.0e} seconds")
    return round(seconds * TICKS_PER_SECOND)


def duration_words(ticks: float) -> str:
    """Return a duration in its largest unit of which there is at least one.

    Examples
    --------
    >>> duration_words(600_000_000), duration_words(5_400_000_000), duration_words(250_000)
    ('10 min', '1.5 h', '250 ms')
    """
    seconds = ticks / TICKS_PER_SECOND
    # no weeks: "10 d" is plainer than "1.43 w"
    unit = next((name for name in ("d", "h", "min", "s", "ms") if seconds >= _UNITS[name]), "us")
    return f"{seconds / _UNITS[unit]:.4g} {unit}"


def ticks_of(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return times in seconds, without a missing one, as microseconds int64 [n]."""
    return np.rint(seconds * TICKS_PER_SECOND).astype(np.int64)

"""Detect columns of numbers that hold times: counts since 1970, or dates of eight digits."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from oddrow.table import DateForm, Floats, TextForm, as_seconds

_EPOCHS: dict[DateForm, float] = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_FIRST_SECOND, _LAST_SECOND = 946_684_800.0, 2_524_608_000.0  # 2000 and 2050
_TIME_NAME = re.compile(
    r"(^|[^A-Za-z])(?i:time|timestamp|ts|date|datetime|epoch|at|when|created|updated|started|ended)$|[a-z](Time|Date|Timestamp|At)$"
)


def epoch_of(values: Floats) -> DateForm | None:
    """Return the unit in which numbers count the time since 1970 if all lie between 2000 and 2050, else None."""
    present = values[~np.isnan(values)]
    if not len(present):
        return None
    low, high = present.min(), present.max()
    for form, unit in _EPOCHS.items():
        if low >= _FIRST_SECOND * unit and high <= _LAST_SECOND * unit:
            return form
    return None


def is_named_as_time(name: str) -> bool:
    """Return whether a column's name indicates times."""
    return _TIME_NAME.search(name.strip()) is not None


def are_compact_dates(values: Floats) -> bool:
    """Return whether all numbers are dates of eight digits, such as 20240131."""
    present = np.unique(values[~np.isnan(values)])
    if len(present) < 2 or present[0] < 19_000_101 or present[-1] > 20_991_231 or np.any(present != np.floor(present)):
        return False
    column = pa.chunked_array([pa.array(present)])
    return not np.isnan(as_seconds(column, TextForm(dates="compact", is_lenient=True))).any()

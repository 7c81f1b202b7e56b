"""What a policy gives: which rows are odd, from which surprise on, and what that promises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.exceptions import SettingError

Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decision:
    """Which rows are odd, and what that means.

    Attributes
    ----------
    is_odd : bool [n]
    threshold : nats; an odd row's surprise is above it (a budget may leave rows above it unflagged); infinite where
        nothing is odd
    promise : what the decision promises, and how sure that is
    note : where more rows are strange than the promise allows, a sentence that says so and names the columns; else None
    """

    is_odd: Flags
    threshold: float
    promise: str
    note: str | None = None

    def __repr__(self) -> str:
        odd, n_rows = int(np.sum(self.is_odd)), len(self.is_odd)
        return f"<Decision: {odd:,} of {n_rows:,} rows odd, surprise above {self.threshold:.4g} nats; {self.promise}>"


def is_number(value: object) -> bool:
    """Whether a parameter is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def is_count(value: object) -> bool:
    """Whether a parameter is a whole number from 1, as far as they are exact in double precision."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(1 <= value <= 2**53)


def check_parameter(is_fine: bool, name: str, value: object, wanted: str) -> None:
    """Refuse a parameter that has no meaning."""
    if not is_fine:
        raise SettingError(f"{name} is {value!r}; give {wanted}")

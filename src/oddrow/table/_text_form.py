"""How a column's values are written where they come as text: learned at fit, stored, applied to each field alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

DateForm: TypeAlias = Literal["", "ymd", "dmy", "mdy", "compact", "epoch s", "epoch ms", "epoch us", "epoch ns"]
"""The order of day, month and year; eight digits without separators; or a count since 1970. "" is ISO 8601."""


@dataclass(frozen=True)
class TextForm:
    """How the values of one column are written.

    Attributes
    ----------
    decimal, thousands : the signs in numbers, as in ``1.234,56``
    dates : how dates and times are written
    missing : texts that stand for a missing value in this column, beside those that always do
    is_lenient : whether any other text that its kind cannot hold is a missing value too, instead of an error
    is_numeric : whether the names of a category, or a constant, are numbers: ``1`` and ``1.0`` are then the same
    """

    decimal: str = "."
    thousands: str = ""
    dates: DateForm = ""
    missing: tuple[str, ...] = ()
    is_lenient: bool = False
    is_numeric: bool = False


PLAIN = TextForm()
"""Numbers with a decimal point, dates of ISO 8601, no further marks."""

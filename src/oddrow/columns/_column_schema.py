"""One column as a schema knows it: its kind, and how its values are written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from oddrow.table import PLAIN, TextForm


class Kind(StrEnum):
    """How a column is treated."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    CONSTANT = "constant"
    COUNTER = "counter"
    IGNORE = "ignore"


@dataclass(frozen=True)
class ColumnSchema:
    """One column: its name, its kind, and the reason for the choice in words.

    Attributes
    ----------
    form : how its values are written where they come as text
    runs_on : whether later rows have later values, as a clock has
    note : what a user should know of the choice, in a sentence; "" where nothing is remarkable
    """

    name: str
    kind: Kind
    why: str = ""
    form: TextForm = PLAIN
    runs_on: bool = False
    note: str = ""

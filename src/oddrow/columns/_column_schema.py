"""One column of the model in a schema: its kind, its source columns in the table, and how their values are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oddrow.table import PLAIN, TextForm

EncodingStyle: TypeAlias = Literal["standard", "article"]
"""The style of encoding: this package's default, or that of the article that it reproduces."""


class Kind:
    """The names of the built-in kinds, and the name that leaves a column out.

    A column's kind is a name in the registry :data:`oddrow.columns.KINDS`, to which further kinds can be added.
    """

    NUMBER: Final = "number"
    BOOLEAN: Final = "boolean"
    CATEGORY: Final = "category"
    TIMESTAMP: Final = "timestamp"
    TEXT: Final = "text"
    CONSTANT: Final = "constant"
    COUNTER: Final = "counter"
    IGNORE: Final = "ignore"


@dataclass(frozen=True)
class ColumnSchema:
    """One column of the model: its name, its kind, and the reason for the kind in words.

    Attributes
    ----------
    kind : the name of a registered kind, or "ignore"
    form : how its values are written in tables that store them as text
    runs_on : whether later rows have later values, such as the time of an event
    note : a sentence for the user about a remarkable choice; "" if there is none
    sources : the names of its source columns in the table; () means the column of the same name
    orders : whether its times order the rows, so that later rows may have any later time
    """

    name: str
    kind: str
    why: str = ""
    form: TextForm = PLAIN
    runs_on: bool = False
    note: str = ""
    sources: tuple[str, ...] = ()
    orders: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of its source columns in the table."""
        return self.sources or (self.name,)

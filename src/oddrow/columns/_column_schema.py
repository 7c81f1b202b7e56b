"""One column of the model as a schema describes it: its kind, the table columns it reads, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oddrow.table import PLAIN, TextForm

EncodingStyle: TypeAlias = Literal["standard", "article"]
"""How columns are encoded: as this package does by default, or as the article that it reproduces."""


class Kind:
    """The names of the kinds that this package brings, and of columns that are left out.

    A column's kind is a name in the registry :data:`oddrow.columns.KINDS`, which may hold further ones.
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
    """One column of the model: its name, its kind, and the reason for the choice in words.

    Attributes
    ----------
    kind : the name of a registered kind, or "ignore"
    form : how its values are written where they come as text
    runs_on : whether later rows have later values, as the time of an event has
    note : what a user should know of the choice, in a sentence; "" where nothing is remarkable
    sources : the table columns that its values come from; () means the one of the same name
    """

    name: str
    kind: str
    why: str = ""
    form: TextForm = PLAIN
    runs_on: bool = False
    note: str = ""
    sources: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the table columns that its values come from."""
        return self.sources or (self.name,)

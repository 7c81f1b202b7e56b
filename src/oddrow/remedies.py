"""What a user can do about an error or a note, as a value that each interface phrases in its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

__all__ = ["Advice", "Phrase", "Remedy", "Setting", "remedy"]

SettingValue: TypeAlias = str | int | bool | Mapping[str, str] | EllipsisType


MAX_LETTERS = 40
"""Letters of a value that a remedy shows."""


@dataclass(frozen=True)
class Setting:
    """An argument that a user can give to get past an error.

    Attributes
    ----------
    name : the name of the argument in Python
    value : the value to give; ``...`` where only the user can know it

    Examples
    --------
    >>> print(Setting("encoding", "utf-16"), Setting("normal"))
    encoding='utf-16' normal=...
    """

    name: str
    value: SettingValue = ...

    def __str__(self) -> str:
        if isinstance(self.value, Mapping):
            shown = ", ".join(f"{_short(name)}: {_short(value)}" for name, value in self.value.items())
            return f"{self.name}={{{shown}}}"
        return f"{self.name}={'...' if self.value is ... else _short(self.value)}"


def _short(value: object) -> str:
    """Return a value as Python writes it, in at most ``MAX_LETTERS`` letters: a name can have thousands."""
    text = repr(value)
    return text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 3] + "..."


Phrase: TypeAlias = Callable[[Setting], str]
"""How an interface (Python, the command line) writes a setting."""


@dataclass(frozen=True)
class Remedy:
    """What a user can do about an error: words, and among them the settings to give. See :func:`remedy`."""

    parts: tuple[str | Setting, ...]

    def phrased(self, phrase: Phrase) -> str:
        """The words, with each setting as an interface writes it."""
        return "".join(part if isinstance(part, str) else phrase(part) for part in self.parts)

    def __str__(self) -> str:
        return self.phrased(str)


def remedy(*parts: str | Setting) -> Remedy:
    """A remedy of words and settings.

    Examples
    --------
    >>> way_out = remedy("say which label is normal by ", Setting("normal"))
    >>> print(way_out)
    say which label is normal by normal=...
    >>> way_out.phrased(lambda setting: f"the field {setting.name} of the request")
    'say which label is normal by the field normal of the request'
    """
    return Remedy(parts)


class Advice(str):
    """A note that ends in a remedy. As a text it is phrased for Python, and :meth:`phrased` phrases it otherwise."""

    message: str
    remedy: Remedy

    def __new__(cls, message: str, remedy: Remedy) -> Advice:
        """Phrase a message and what to do."""
        note = super().__new__(cls, f"{message}; {remedy}")
        note.message, note.remedy = message, remedy
        return note

    def __reduce__(self) -> tuple[type[Advice], tuple[str, Remedy]]:
        return Advice, (self.message, self.remedy)

    def phrased(self, phrase: Phrase) -> str:
        """The note, with each setting as an interface writes it."""
        return f"{self.message}; {self.remedy.phrased(phrase)}"

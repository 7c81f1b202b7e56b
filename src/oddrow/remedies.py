"""Remedies: what a user can do about an error or a note, as a value that each interface phrases as its own settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

__all__ = ["Advice", "Phrase", "Remedy", "Setting", "remedy"]

SettingValue: TypeAlias = str | int | bool | Mapping[str, str] | EllipsisType


MAX_LETTERS = 40
"""Maximum number of characters of a value in a remedy."""


@dataclass(frozen=True)
class Setting:
    """An argument that a user can give to avoid an error.

    Attributes
    ----------
    name : the name of the argument in Python
    value : the value to give; ``...`` if only the user can know it

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
    """Return a value as Python writes it, in at most ``MAX_LETTERS`` characters: a name can have thousands."""
    text = repr(value)
    return text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 3] + "..."


Phrase: TypeAlias = Callable[[Setting], str]
"""A function that returns a setting as an interface (Python, the command line) writes it."""


@dataclass(frozen=True)
class Remedy:
    """What a user can do about an error: words and settings in order. Make one with :func:`remedy`."""

    parts: tuple[str | Setting, ...]

    def phrased(self, phrase: Phrase) -> str:
        """Return the words, with the settings as an interface writes them."""
        return "".join(part if isinstance(part, str) else phrase(part) for part in self.parts)

    def __str__(self) -> str:
        return self.phrased(str)


def remedy(*parts: str | Setting) -> Remedy:
    """Return a remedy of these words and settings.

    Examples
    --------
    >>> advised = remedy("name the normal label with ", Setting("normal"))
    >>> print(advised)
    name the normal label with normal=...
    >>> advised.phrased(lambda setting: f"the field {setting.name} of the request")
    'name the normal label with the field normal of the request'
    """
    return Remedy(parts)


class Advice(str):
    """A note that ends with a remedy, as a string for Python; :meth:`phrased` phrases it for other interfaces."""

    message: str
    remedy: Remedy

    def __new__(cls, message: str, remedy: Remedy) -> Advice:
        """Make a note of a message and a remedy."""
        note = super().__new__(cls, f"{message}; {remedy}")
        note.message, note.remedy = message, remedy
        return note

    def __reduce__(self) -> tuple[type[Advice], tuple[str, Remedy]]:
        return Advice, (self.message, self.remedy)

    def phrased(self, phrase: Phrase) -> str:
        """Return the note, with the settings as an interface writes them."""
        return f"{self.message}; {self.remedy.phrased(phrase)}"

"""The error tree: every error that oddrow raises on purpose descends from :class:`OddrowError`.

::

    OddrowError
    ├── DataError (ValueError)         the table is wrong                          exit code 3
    │   ├── TableReadError             a file cannot be read as a table
    │   └── SchemaMismatchError        a later table does not fit the trained one
    ├── ModelFileError (ValueError)    the model file is wrong                     exit code 4
    │   └── CheckpointError            a fit or a scoring job cannot go on from this file
    ├── SettingError (ValueError)      an argument has no meaning here             exit code 2
    ├── TrainingError (ArithmeticError) the fit cannot go on                        exit code 1
    ├── OutputError (OSError)          an output exists or cannot be written       exit code 1
    ├── DownloadError                  a data set cannot be had                    exit code 1
    └── MissingExtraError (ImportError) an optional dependency is not installed    exit code 1

and the one warning, :class:`TrainingHealthWarning` (UserWarning): a fit has ended, and something is wrong with it.

An error can carry a :class:`Remedy`: what the user can do, as a value that names the settings to give. Its text names
them as arguments of Python (``encoding='utf-16'``); the command line phrases the same settings as its options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

__all__ = [
    "Advice",
    "CheckpointError",
    "DataError",
    "DownloadError",
    "MissingExtraError",
    "ModelFileError",
    "OddrowError",
    "OutputError",
    "Remedy",
    "SchemaMismatchError",
    "Setting",
    "SettingError",
    "TableReadError",
    "TrainingError",
    "TrainingHealthWarning",
    "remedy",
]

SettingValue: TypeAlias = str | int | bool | Mapping[str, str] | EllipsisType


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
        return f"{self.name}={'...' if self.value is ... else repr(self.value)}"


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


class OddrowError(Exception):
    """The root of every error that oddrow raises on purpose.

    Parameters
    ----------
    message
        What is wrong, where, and what was expected; with the way out, where this names no settings.
    remedy
        What the user can do, where this names settings: the text of the error then ends in it.

    Examples
    --------
    >>> error = OddrowError("out.csv: exists already", remedy=remedy("replace it with ", Setting("force", True)))
    >>> str(error)
    'out.csv: exists already; replace it with force=True'
    """

    def __init__(self, message: str = "", *, remedy: Remedy | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.phrased(str)

    def phrased(self, phrase: Phrase) -> str:
        """The text of the error, with each setting as an interface writes it."""
        return self.message if self.remedy is None else f"{self.message}; {self.remedy.phrased(phrase)}"


class DataError(OddrowError, ValueError):
    """The table itself is wrong: empty, infinite values, duplicate names, no rows left."""

    row: int | None = None
    """The row that is wrong, counted from 0 in its table or batch; None where the error is not about one."""


class TableReadError(DataError):
    """A file cannot be read as a table: missing, binary, ragged, of an unknown form."""

    skip: int | None = None
    """The number of lines before the header to skip, where the file can then be read; else None."""


class SchemaMismatchError(DataError):
    """A later table does not fit the schema of the training table."""


class ModelFileError(OddrowError, ValueError):
    """A model file is damaged, truncated, foreign or from a newer protocol."""


class CheckpointError(ModelFileError):
    """A checkpoint is damaged, foreign, or belongs to another table or other settings."""


class SettingError(OddrowError, ValueError):
    """An argument has a value that has no meaning here."""


class TrainingError(OddrowError, ArithmeticError):
    """The fit cannot go on, for example because the loss is no longer finite."""


class OutputError(OddrowError, OSError):
    """An output exists already, or cannot be written; nothing is left half-written."""


class DownloadError(OddrowError):
    """A data set is not on this machine and cannot be downloaded."""


class MissingExtraError(OddrowError, ImportError):
    """An optional dependency is not installed; the message holds the exact install command."""


class TrainingHealthWarning(UserWarning):
    """A fit has ended, and something is wrong with it; the text says what, and what to do."""

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

An error can carry a :class:`oddrow.remedies.Remedy`: what the user can do, as a value that names the settings to give.
Its text names them as arguments of Python (``encoding='utf-16'``); the command line phrases them as its options.
"""

from __future__ import annotations

from oddrow.remedies import Phrase, Remedy

__all__ = [
    "CheckpointError",
    "DataError",
    "DownloadError",
    "MissingExtraError",
    "ModelFileError",
    "OddrowError",
    "OutputError",
    "SchemaMismatchError",
    "SettingError",
    "TableReadError",
    "TrainingError",
    "TrainingHealthWarning",
]


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
    >>> from oddrow.remedies import Setting, remedy
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

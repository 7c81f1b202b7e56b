"""The error tree: every error that oddrow raises on purpose descends from :class:`OddrowError`.

::

    OddrowError
    ├── DataError (ValueError)         the table is wrong                          exit code 3
    │   ├── TableReadError             a file cannot be read as a table
    │   └── SchemaMismatchError        a later table does not fit the training table
    ├── ModelFileError (ValueError)    the model file is wrong                     exit code 4
    │   └── CheckpointError            a fit or a scoring job cannot continue from it
    ├── SettingError (ValueError)      an argument has no valid value              exit code 2
    ├── TrainingError (ArithmeticError) the fit cannot continue                     exit code 1
    ├── OutputError (OSError)          an output exists or cannot be written       exit code 1
    ├── DownloadError                  a data set is not on the machine            exit code 1
    └── MissingExtraError (ImportError) an optional dependency is not installed    exit code 1

The warnings are :class:`TrainingHealthWarning` (UserWarning): a fit has ended, but its training was not healthy; and
:class:`DependenceWarning` (UserWarning): the rows depend on each other, and the calibration takes them as independent.

An error can carry a :class:`oddrow.remedies.Remedy`: a value that says what the user can do, with the settings to give.
The text of the error names them as Python arguments (``encoding='utf-16'``); the command line names its options.
"""

from __future__ import annotations

from oddrow.remedies import Phrase, Remedy

__all__ = [
    "CheckpointError",
    "DataError",
    "DependenceWarning",
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
        What is wrong, where, and what was expected; also what to do, if that names no settings.
    remedy
        What the user can do, if that names settings: the text of the error then ends with it.

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
        """Return the text of the error, with the settings as an interface writes them."""
        return self.message if self.remedy is None else f"{self.message}; {self.remedy.phrased(phrase)}"


class DataError(OddrowError, ValueError):
    """The table itself is wrong: empty, infinite values, duplicate names, no rows left."""

    row: int | None = None
    """The row that is wrong, counted from 0 in its table or batch; None if the error concerns no single row."""


class TableReadError(DataError):
    """A file cannot be read as a table: it is missing, binary, ragged or of an unknown format."""

    skip: int | None = None
    """The number of lines before the header to skip, if the file can be read after that; else None."""


class SchemaMismatchError(DataError):
    """A later table does not fit the schema of the training table."""


class ModelFileError(OddrowError, ValueError):
    """A file is no model file, or a damaged or truncated one, or one of a newer protocol."""


class CheckpointError(ModelFileError):
    """A file is no checkpoint, or a damaged one, or belongs to another table or to other settings."""


class SettingError(OddrowError, ValueError):
    """An argument has a value that is not valid, or not valid together with the other arguments."""


class TrainingError(OddrowError, ArithmeticError):
    """The fit cannot continue, for example because the loss is no longer finite."""


class OutputError(OddrowError, OSError):
    """An output exists already, or cannot be written; no incomplete file is left."""


class DownloadError(OddrowError):
    """A data set is not on this machine and cannot be downloaded."""


class MissingExtraError(OddrowError, ImportError):
    """An optional dependency is not installed; the message contains the exact install command."""


class DependenceWarning(UserWarning):
    """A fit has ended, but its rows depend on their order; the text states the evidence and what to do."""


class TrainingHealthWarning(UserWarning):
    """A fit has ended, but its training was not healthy; the text states the problem and what to do."""

"""The error tree: every error that is ours descends from :class:`OddrowError`.

::

    OddrowError
    ├── DataError (ValueError)         the table is wrong                          exit code 3
    │   ├── TableReadError             a file cannot be read as a table
    │   └── SchemaMismatchError        a later table does not fit the trained one
    ├── ModelFileError (ValueError)    the model file is wrong                     exit code 4
    │   └── CheckpointError            a fit cannot go on from this file
    ├── SettingError (ValueError)      an argument has no meaning here             exit code 2
    ├── TrainingError (ArithmeticError) the fit cannot go on                        exit code 1
    ├── OutputError (OSError)          an output exists or cannot be written       exit code 1
    ├── DownloadError                  a data set cannot be had                    exit code 1
    └── MissingExtraError (ImportError) an optional dependency is not installed    exit code 1

and the one warning, :class:`TrainingHealthWarning` (UserWarning): a fit has ended, and something is wrong with it.
"""

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
    """The root of every error that oddrow raises on purpose."""


class DataError(OddrowError, ValueError):
    """The table itself is wrong: empty, infinite values, duplicate names, no rows left."""

    row: int | None = None
    """The row that is wrong, counted from 0 in its table or batch; None where the error is not about one."""


class TableReadError(DataError):
    """A file cannot be read as a table: missing, binary, ragged, of an unknown form."""

    skip: int | None = None
    """How many lines to pass over for it to be read, where that is what is wrong."""


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
    """A data set is neither here nor to be had."""


class MissingExtraError(OddrowError, ImportError):
    """An optional dependency is not installed; the message holds the exact install command."""


class TrainingHealthWarning(UserWarning):
    """A fit has ended, and something is wrong with it; the text says what, and the way out."""

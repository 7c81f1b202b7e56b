"""Where a training table came from, as a model file tells it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from oddrow.exceptions import SettingError, TableReadError

READ_AT_ONCE = 1 << 20
"""Bytes of a file in memory at once."""


@dataclass(frozen=True)
class CsvReading:
    """How a CSV or TSV table was read, for the next file to be read alike.

    Attributes
    ----------
    has_header : whether the first record names the columns
    names : the names of the columns of a file without a header, in order; empty where there is a header
    delimiter : what separates the fields; None where it is looked for
    skip : lines before the header, or before the first row
    encoding : of the text; None for UTF-8
    """

    has_header: bool = True
    names: tuple[str, ...] = ()
    delimiter: str | None = None
    skip: int = 0
    encoding: str | None = None


@dataclass(frozen=True)
class Origin:
    """When, by which oddrow and from which table a model was fitted.

    Attributes
    ----------
    created : the moment in UTC, ISO 8601; SOURCE_DATE_EPOCH says another, in seconds since 1970
    oddrow : the version
    table : the name of the training table as it was given; None where it was no file
    sha256 : of the bytes of its files, one after the other; None where they were not read whole or are no files
    csv : how it was read, where it was CSV
    """

    created: str
    oddrow: str
    table: str | None = None
    sha256: str | None = None
    csv: CsvReading | None = None

    @classmethod
    def of(cls, table: str, files: Sequence[Path], csv: CsvReading | None = None) -> Origin:
        """The origin of a model that is fitted now, to a table in these files; reads them once for their digest.

        Raises
        ------
        TableReadError
            If a file cannot be read.
        SettingError
            If SOURCE_DATE_EPOCH is set and is no number of seconds.
        """
        from importlib.metadata import version  # takes as long as reading a model

        return cls(_now(), version("oddrow"), table, _sha256(files), csv)


def _now() -> str:
    """The moment to be told: another may be given, so that the same fit gives the same file.

    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.now(UTC) if not given else datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SettingError(f"SOURCE_DATE_EPOCH is {given!r}; give whole seconds since 1970, or unset it") from error
    return moment.isoformat(timespec="seconds")


def _sha256(files: Sequence[Path]) -> str | None:
    """Of the bytes of files, one after the other; None of no file."""
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                while data := file.read(READ_AT_ONCE):
                    digest.update(data)
        except OSError as error:
            raise TableReadError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest() if files else None

"""Where a training table came from, as a model file records it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from oddrow.exceptions import SettingError, TableReadError
from oddrow.files._reading_options import CsvReading

__all__ = ["Origin"]

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Origin:
    """When a model was fitted, by which version of oddrow and to which table.

    Attributes
    ----------
    created : the time in UTC, as ISO 8601; the environment variable SOURCE_DATE_EPOCH replaces it
    oddrow : the version of oddrow
    table : the name of the training table as the user gave it, with ? for what is not UTF-8; None if it was not a file
    sha256 : the SHA-256 of the bytes of its files, one after the other; None if it was not read from files
    csv : how the table was read, if it was CSV
    """

    created: str
    oddrow: str
    table: str | None = None
    sha256: str | None = None
    csv: CsvReading | None = None

    @classmethod
    def of(cls, table: str, files: Sequence[Path], csv: CsvReading | None = None) -> Origin:
        """The origin of a model that is fitted now to the table in these files. Reads the files for their digest.

        Raises
        ------
        TableReadError
            If a file cannot be read.
        SettingError
            If SOURCE_DATE_EPOCH is set and is not a number of seconds.
        """
        from importlib.metadata import version  # importing it takes as long as reading a model

        # a model file holds UTF-8, and the name of a file may be other bytes
        name = table.encode("utf-8", "replace").decode()
        return cls(_now(), version("oddrow"), name, _sha256(files), csv)


def _now() -> str:
    """The time to record. SOURCE_DATE_EPOCH replaces it, so that the same fit can give the same file.

    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.now(UTC) if not given else datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SettingError(f"SOURCE_DATE_EPOCH is {given!r}; give whole seconds since 1970, or unset it") from error
    return moment.isoformat(timespec="seconds")


def _sha256(files: Sequence[Path]) -> str | None:
    """The SHA-256 of the bytes of files, one after the other; None without files."""
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                while data := file.read(_BLOCK_BYTES):
                    digest.update(data)
        except OSError as error:
            raise TableReadError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest() if files else None

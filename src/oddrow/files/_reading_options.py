"""What a user says about how files are read, and how a CSV table was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from oddrow.exceptions import SettingError
from oddrow.table import shortened

__all__ = ["CsvReading", "ReadingOptions", "checked_delimiter", "reject_text_options", "renaming_notes"]


@dataclass(frozen=True)
class ReadingOptions:
    """How a table is read. What is None is found from the file itself.

    Attributes
    ----------
    format : the file format, such as ``"parquet"`` or ``"csv.gz"``
    delimiter : the character between the fields of CSV
    column_names : the names of the columns of CSV without a header
    skip : the number of lines before the header of CSV, or before the first row
    has_header : whether the first record of CSV names the columns
    encoding : the encoding of CSV, by its Python name

    Examples
    --------
    >>> ReadingOptions(format="csv", skip=2).text_options
    {'skip': 2}
    """

    format: str | None = None
    delimiter: str | None = None
    column_names: tuple[str, ...] | None = None
    skip: int | None = None
    has_header: bool | None = None
    encoding: str | None = None

    @property
    def text_options(self) -> dict[str, object]:
        """The options that are set and apply to CSV and TSV only."""
        return {name: value for name, value in asdict(self).items() if value is not None and name != "format"}


@dataclass(frozen=True)
class CsvReading:
    """How a CSV or TSV table was read, so that a later file is read in the same way.

    Attributes
    ----------
    has_header : whether the first record names the columns
    names : the names of the columns of a file without a header, in order; empty where there is a header
    delimiter : the character between the fields; None where it is found from the file
    skip : the number of lines before the header, or before the first row
    encoding : the encoding of the text; None for UTF-8
    """

    has_header: bool = True
    names: tuple[str, ...] = ()
    delimiter: str | None = None
    skip: int = 0
    encoding: str | None = None


def reject_text_options(label: str, format_name: str, options: ReadingOptions) -> None:
    """Refuse options of CSV for a file of another format.

    Raises
    ------
    SettingError
        If one of them is set.
    """
    if options.text_options:
        raise SettingError(
            f"{label}: a delimiter, column names, lines to skip, a header and an encoding can be given for CSV and "
            f"TSV only, and this is {format_name}"
        )


def checked_delimiter(delimiter: str | None) -> str | None:
    """Return the delimiter that a user gave, or raise an error that says why it cannot be one."""
    if delimiter == "\\t":  # a shell passes a typed \t as a backslash and a letter
        return "\t"
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0' or not delimiter.isascii()):
        raise SettingError(f"the delimiter must be one ASCII character, not a quote or line end: {delimiter!r}")
    return delimiter


def renaming_notes(label: str, repeated: Mapping[str, str], respelled: Mapping[str, str]) -> tuple[str, ...]:
    """Say which column names were changed.

    ``repeated`` maps the new name of a column to the repeated name in the file; ``respelled`` maps a name in the file
    to the expected name that differs from it by blanks or by its Unicode form.
    """
    notes = []
    if repeated:
        listed = ", ".join(f"{shortened(old)} is read as {shortened(new)}" for new, old in repeated.items())
        notes.append(f"{label}: names of columns occur twice; the later {listed}")
    if respelled:
        listed = ", ".join(f"{shortened(old)} is {shortened(new)}" for old, new in respelled.items())
        notes.append(f"{label}: names are compared without the blanks around them: {listed}")
    return tuple(notes)

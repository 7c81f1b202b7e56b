"""How a user says that a file is to be read, and what a model adds to that."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from oddrow.exceptions import SettingError
from oddrow.files._file_formats import Form
from oddrow.table import shortened

__all__ = [
    "ReadingOptions",
    "checked_delimiter",
    "checked_reading",
    "renaming_notes",
]


@dataclass(frozen=True)
class ReadingOptions:
    """How a table is read; what is None is looked for in the file.

    Attributes
    ----------
    format : the form, such as ``"parquet"`` or ``"csv.gz"``
    delimiter : what separates the fields of CSV
    column_names : the names of the columns of CSV without a header
    skip : lines before the header of CSV, or before the first row
    has_header : whether the first record of CSV names the columns
    encoding : of the text of CSV, as Python names it

    Examples
    --------
    >>> ReadingOptions(skip=2).keywords
    {'skip': 2}
    """

    format: str | None = None
    delimiter: str | None = None
    column_names: tuple[str, ...] | None = None
    skip: int | None = None
    has_header: bool | None = None
    encoding: str | None = None

    @property
    def keywords(self) -> dict[str, Any]:
        """What is said, as keywords of :func:`oddrow.files.open_stream`."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def checked_reading(label: str, form: Form, options: ReadingOptions) -> ReadingOptions:
    """The options where they have a meaning for the form, with the tab that TSV says by its name.

    Raises
    ------
    SettingError
        If they have none.
    """
    names = options.column_names
    if form.name not in ("csv", "tsv"):
        said = set(options.keywords) - {"format"}
        if said:
            raise SettingError(
                f"{label}: a delimiter, column names, lines to skip, a header and an encoding can be given for CSV and "
                f"TSV only, and this is {form.name}"
            )
        return options
    if names is not None and len(names) == 0:
        raise SettingError(f"{label}: the list of column names is empty")
    if names is not None and options.has_header:
        raise SettingError(f"{label}: column names are for a file without a header; to replace one, skip its line")
    if options.skip is not None and options.skip < 0:
        raise SettingError(f"skip is {options.skip}; give the number of lines before the header, 0 or more")
    if options.encoding is not None:
        try:
            codecs.lookup(options.encoding)
            "a".encode(options.encoding)
        except (LookupError, UnicodeError) as error:
            raise SettingError(
                f"encoding {options.encoding!r} is unknown; as examples utf-8, windows-1252, utf-16, shift_jis"
            ) from error
    is_tab = form.name == "tsv" and options.delimiter is None
    return replace(options, delimiter="\t" if is_tab else checked_delimiter(options.delimiter))


def checked_delimiter(delimiter: str | None) -> str | None:
    """Return a delimiter given by a user, or the reason why it cannot be one as an error."""
    if delimiter == "\\t":  # what a shell hands over for a tab typed as \t
        return "\t"
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0' or not delimiter.isascii()):
        raise SettingError(f"the delimiter must be one ASCII character, not a quote or line end: {delimiter!r}")
    return delimiter


def renaming_notes(label: str, repeated: Mapping[str, str], respelled: Mapping[str, str]) -> tuple[str, ...]:
    """Say which names occur twice in a file (new name to old), and which are those expected but for blanks."""
    notes = []
    if repeated:
        listed = ", ".join(f"{shortened(old)} is read as {shortened(new)}" for new, old in repeated.items())
        notes.append(f"{label}: names of columns occur twice; the later {listed}")
    if respelled:
        listed = ", ".join(f"{shortened(old)} is {shortened(new)}" for old, new in respelled.items())
        notes.append(f"{label}: names are compared without the blanks around them: {listed}")
    return tuple(notes)

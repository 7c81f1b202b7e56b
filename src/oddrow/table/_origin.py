"""Where a training table came from, as a model file tells it."""

from __future__ import annotations

from dataclasses import dataclass


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
    created : the moment in UTC, ISO 8601
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

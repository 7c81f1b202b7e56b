"""The registry of file formats, and which of them a file has by its name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from oddrow.files._format_arrow import ARROW
from oddrow.files._format_csv import CSV, TSV
from oddrow.files._format_json_lines import JSON_LINES
from oddrow.files._format_parquet import PARQUET
from oddrow.files._table_file import FileFormat

__all__ = ["COMPRESSIONS", "FORMATS", "KNOWN_FORMATS", "Packing", "packing_of"]

FORMATS: tuple[FileFormat, ...] = (CSV, TSV, PARQUET, ARROW, JSON_LINES)
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_BY_ENDING = {ending: form for form in FORMATS for ending in form.endings}
KNOWN_FORMATS = f"{', '.join(_BY_ENDING)}, each also followed by {' or '.join(COMPRESSIONS)}"


class Packing(NamedTuple):
    """The format of a file, and the compression around it."""

    format: FileFormat
    compression: str | None


def packing_of(name: str) -> Packing | None:
    """The format and compression that the endings of a file's name say; None where they say no known format.

    Examples
    --------
    >>> found = packing_of("logs/monday.CSV.gz")
    >>> found.format.name, found.compression
    ('csv', 'gzip')
    """
    stem, compression = Path(name.lower()), None
    if stem.suffix in COMPRESSIONS:
        stem, compression = stem.with_suffix(""), COMPRESSIONS[stem.suffix]
    form = _BY_ENDING.get(stem.suffix)
    return None if form is None else Packing(form, compression)

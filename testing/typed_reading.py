"""Files that a test reads back: columns of CSV in the types that their texts have, so that values can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from oddrow import files
from oddrow.files import ReadingOptions

_KINDS = (pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us"), pa.timestamp("us", "UTC"))


def read_table(source: str | Path | BinaryIO, *, as_written: bool = False, may_be_empty: bool = False, **options):
    """All rows of a table; with ``as_written`` the columns of CSV as text."""
    stream = files.open(source, ReadingOptions(**options), may_be_empty=may_be_empty)
    table = stream.read()
    if as_written or stream.csv is None:
        return table
    return pa.table({name: _typed(table.column(name)) for name in table.column_names})


def _typed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    for kind in _KINDS:
        try:
            return pc.cast(texts, kind)
        except pa.ArrowInvalid:
            pass
    return texts

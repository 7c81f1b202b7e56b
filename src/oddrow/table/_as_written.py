"""The mark of a table whose columns hold the fields of a text file as they are written."""

from __future__ import annotations

import pyarrow as pa

AS_WRITTEN = {b"oddrow.fields": b"as written"}
"""Schema metadata of a table whose columns hold fields of a text file; each kind of column reads them itself."""


def is_as_written(schema: pa.Schema) -> bool:
    """Whether the texts of a table are fields of a file as they are written.

    Examples
    --------
    >>> is_as_written(pa.schema([("size", pa.string())], AS_WRITTEN)), is_as_written(pa.schema([]))
    (True, False)
    """
    return bool((schema.metadata or {}).items() >= AS_WRITTEN.items())

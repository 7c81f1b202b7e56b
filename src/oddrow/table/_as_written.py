"""Tables whose columns hold text exactly as a file has it."""

from __future__ import annotations

import pyarrow as pa

AS_WRITTEN = {b"oddrow.fields": b"as written"}
"""Metadata of the schema of a table whose columns hold text as it stands in a file, to be read by each kind itself."""


def is_as_written(schema: pa.Schema) -> bool:
    """Whether a table's texts are fields of a file, as they are written there.

    Examples
    --------
    >>> is_as_written(pa.schema([("size", pa.string())], AS_WRITTEN)), is_as_written(pa.schema([]))
    (True, False)
    """
    return bool((schema.metadata or {}).items() >= AS_WRITTEN.items())

"""The index of a pandas data frame, which pandas writes into Parquet and Arrow files as further columns."""

from __future__ import annotations

import json
from collections.abc import Collection

import pyarrow as pa

__all__ = ["without_pandas_index"]


def without_pandas_index(table: pa.Table, keeps: Collection[str] = ()) -> pa.Table:
    """Leave out the columns that pandas wrote for the index of its data frame, except those named in ``keeps``.

    A table that consists of the index alone stays as it is.

    Examples
    --------
    >>> described = {"pandas": '{"index_columns": ["__index_level_0__"]}'}
    >>> table = pa.table({"size": [1], "__index_level_0__": [7]}).replace_schema_metadata(described)
    >>> without_pandas_index(table).column_names
    ['size']
    """
    index = _index_columns(table.schema) - set(keeps)
    if not index or len(index) >= table.num_columns:
        return table
    return table.select([place for place, name in enumerate(table.column_names) if name not in index])


def _index_columns(schema: pa.Schema) -> set[str]:
    """The columns that the metadata of pandas names as the index."""
    try:
        found = json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
        return {name for name in found if isinstance(name, str)}
    except (ValueError, AttributeError, TypeError):  # metadata under this key that pandas did not write
        return set()

"""How many rows of a sample a fit has memory for."""

from __future__ import annotations

from collections.abc import Callable

from oddrow.columns import SampledTable, TableEncoding

FIT_BYTES = 700 * 2**20
"""The memory that a fit on a sample may take for its rows, in addition to what it takes for none."""
FEATURE_BYTES, COLUMN_BYTES = 20, 40
"""The memory that it takes for each row, by feature and by column, as ``python -m benchmarks memory`` measures it."""
MAX_FEATURES = 90
"""No column has more features."""


def within_memory(table: SampledTable, encoding_of: Callable[[SampledTable], TableEncoding]) -> SampledTable:
    """The table with no more rows in its sample than a fit has memory for, by the size of the encoded rows."""
    n_rows, n_columns = table.sample.rows.shape
    if n_rows * n_columns * (MAX_FEATURES * FEATURE_BYTES + COLUMN_BYTES) <= FIT_BYTES:
        return table
    layout = encoding_of(table).layout
    return table.shrunk(FIT_BYTES // (layout.n_features * FEATURE_BYTES + layout.n_columns * COLUMN_BYTES))

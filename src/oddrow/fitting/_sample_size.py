"""The number of sampled rows for which a fit has memory."""

from __future__ import annotations

from collections.abc import Callable

from oddrow.columns import SampledTable, TableEncoding

FIT_BYTES = 700 * 2**20
"""The memory that a fit on a sample may use for its rows, in addition to a fit without rows."""
FEATURE_BYTES, COLUMN_BYTES = 20, 40
"""The memory used per row, by feature and by column, as measured by ``python -m benchmarks memory``."""
MAX_FEATURES = 90
"""Maximum number of features of a column."""


def within_memory(table: SampledTable, encoding_of: Callable[[SampledTable], TableEncoding]) -> SampledTable:
    """Return the table with at most as many sampled rows as a fit has memory for, by the size of the encoded rows."""
    n_rows, n_columns = table.sample.rows.shape
    if n_rows * n_columns * (MAX_FEATURES * FEATURE_BYTES + COLUMN_BYTES) <= FIT_BYTES:
        return table
    layout = encoding_of(table).layout
    return table.shrunk(FIT_BYTES // (layout.n_features * FEATURE_BYTES + layout.n_columns * COLUMN_BYTES))

"""Scoring of record batches, for streams and for engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from oddrow.batch._scored_table import ScoredTable, scored_table
from oddrow.exceptions import SettingError
from oddrow.fitted import FittedModel
from oddrow.policies import Policy
from oddrow.table import as_table


def scored_batches(
    model: FittedModel, batches: Iterable[pa.RecordBatch], top: int | None = None, policy: Policy | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield each batch with the columns that :func:`scored_table` adds, in order.

    The scores of a row have the same bits as in the whole table, for every division into batches.

    Raises
    ------
    SettingError
        If the policy needs all rows together, so that its decisions would depend on the division into batches.
    DataError, SchemaMismatchError
        As :func:`scored_table`.
    """
    chosen = policy or model.policy
    if chosen.needs.all_rows:
        raise SettingError(
            f"the policy {chosen.kind!r} decides on all rows together, and here the rows come in batches; "
            "choose a false-alarm rate or a fixed surprise"
        )
    if model.preparation is not None:
        raise SettingError(
            "the model scores rows by the rows before them, and batches of an engine have no order; score the table "
            "in one process"
        )
    model = model.dated()
    # columns that the model does not use may have any type, and stay as they are
    reads = set(model.encoding.sources).__contains__
    for batch in batches:
        yield one_scored(
            scored_table(model, as_table(pa.Table.from_batches([batch]), reads=reads, passes=True), top, chosen)
        )


def one_scored(table: ScoredTable) -> pa.RecordBatch:
    """Return the rows of a scored table as one batch, which may be empty."""
    rows = table.rows
    return rows.combine_chunks().to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], rows.schema)

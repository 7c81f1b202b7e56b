"""Rows come in batches and leave in batches: the one way of scoring for streams and for engines."""

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
    """Each batch with the columns that :func:`scored_table` adds; one batch out for each that comes in, in order.

    A row gets the very scores that it gets in a whole table: batches may be cut anywhere, by anything.

    Raises
    ------
    SettingError
        If the policy decides by looking at all rows of a batch, whose cut would then change decisions.
    DataError, SchemaMismatchError
        As :func:`scored_table`.
    """
    chosen = policy or model.policy
    if chosen.needs.all_rows:
        raise SettingError(
            f"the policy {chosen.kind!r} decides on all rows together, and here they come in batches; "
            "choose a share of false alarms or a fixed surprise"
        )
    # what the model does not know may hold anything, and passes as it is
    reads = set(model.encoding.names).__contains__
    for batch in batches:
        yield one_scored(
            scored_table(model, as_table(pa.Table.from_batches([batch]), reads=reads, passes=True), top, chosen)
        )


def one_scored(table: ScoredTable) -> pa.RecordBatch:
    """The rows of a scored table as one batch, which may be empty."""
    rows = table.rows
    return rows.combine_chunks().to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], rows.schema)

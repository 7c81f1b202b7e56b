"""Proposals for a table whose rows may depend on each other: the column of their time, and those of their groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_schema import ColumnSchema, Kind

MIN_GROUPS = 5
"""Smallest number of groups: fewer can hardly be held out in turn."""
MIN_ROWS_PER_GROUP = 2.0
"""Smallest mean number of rows of a group."""
_GROUP_NAME = re.compile(
    r"(^|[^a-z])(account|agent|asset|card|client|customer|device|driver|employee|entity|engine|host|iban|machine|member|"
    r"merchant|meter|panel|patient|person|plant|player|pump|sensor|sess|session|shop|station|store|student|subject|"
    r"subscriber|turbine|unit|user|vehicle|vessel|visitor|worker)s?([^a-z]*(id|ids|no|nr|num|number|key|code|name))?$"
)


@dataclass(frozen=True)
class GroupProposal:
    """A column that may name groups of dependent rows.

    Attributes
    ----------
    name : the column
    n_groups : its number of distinct values
    rows_per_group : the mean number of rows of one of them
    """

    name: str
    n_groups: int
    rows_per_group: float


@dataclass(frozen=True)
class OrderProposals:
    """Columns by which the rows of a table may depend on each other.

    Attributes
    ----------
    time : the column by whose times, or numbers, the rows run on; None if there is none
    groups : columns that are named like an entity, and whose values repeat
    """

    time: str | None
    groups: tuple[GroupProposal, ...]


def order_proposals(columns: Sequence[ColumnSchema], table: pa.Table) -> OrderProposals:
    """Propose the column of the time and the columns of groups of a table, from its judged columns.

    Examples
    --------
    >>> from oddrow.columns import TableSchema
    >>> table = pa.table({"row": list(range(60)), "card_id": ["a", "b", "c", "d", "e", "f"] * 10})
    >>> order_proposals(TableSchema.judge(table).columns, table)
    OrderProposals(time='row', groups=(GroupProposal(name='card_id', n_groups=6, rows_per_group=10.0),))
    """
    running = [one for one in columns if one.runs_on or one.kind == Kind.COUNTER]
    times = sorted(running, key=lambda one: one.kind != Kind.TIMESTAMP)
    groups = []
    for one in columns:
        if len(one.reads) > 1 or one in running or not _GROUP_NAME.search(_words(one.name)):
            continue
        values = table.column(one.reads[0])
        n_groups = pc.count_distinct(values).as_py()
        rows_per_group = (len(values) - values.null_count) / max(n_groups, 1)
        if n_groups >= MIN_GROUPS and rows_per_group >= MIN_ROWS_PER_GROUP:
            groups.append(GroupProposal(one.name, n_groups, rows_per_group))
    return OrderProposals(times[0].name if times else None, tuple(groups))


def _words(name: str) -> str:
    """Return a name in lower case, with a blank where a capital begins a word."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.strip()).lower()

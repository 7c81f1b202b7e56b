"""Judge the kind of one column by its training values alone: the first registered kind that accepts it is used."""

from __future__ import annotations

from oddrow.columns._column_facts import ColumnFacts, ReadAs
from oddrow.columns._column_schema import ColumnSchema, Kind
from oddrow.columns.kinds import kinds_by_precedence
from oddrow.table import shortened


def judged_column(facts: ColumnFacts) -> ColumnSchema:
    """Return the kind of one column and the reason for it."""
    if facts.reading.read_as is ReadAs.NOTHING:
        note = f"{shortened(facts.name)} is empty: it is left out"
        return ColumnSchema(facts.name, Kind.IGNORE, "no value in any row", note=note)
    for kind in kinds_by_precedence():
        column = kind.judge(facts)
        if column is not None:
            return column
    return ColumnSchema(facts.name, Kind.IGNORE, "no registered kind accepts its values")

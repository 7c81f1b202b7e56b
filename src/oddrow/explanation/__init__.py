"""Columns get the blame."""

from oddrow.explanation._reasons import COMBINATION, Explanation, Reason, expected_values, explain
from oddrow.explanation._scored_batches import scored_batches
from oddrow.explanation._scored_table import ScoredTable, scored_table, shown

__all__ = [
    "COMBINATION",
    "Explanation",
    "Reason",
    "ScoredTable",
    "expected_values",
    "explain",
    "scored_batches",
    "scored_table",
    "shown",
]

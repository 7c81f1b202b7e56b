"""Ordered rows: derive the rows that a model scores from the sequences of a table."""

from oddrow.sequences._preparation import Preparation, PreparationRun, Prepared, SequenceState
from oddrow.sequences._state_file import read_state, write_state
from oddrow.sequences.history import EntityHistory, HistoryPlan

__all__ = [
    "EntityHistory",
    "HistoryPlan",
    "Preparation",
    "PreparationRun",
    "Prepared",
    "SequenceState",
    "read_state",
    "write_state",
]

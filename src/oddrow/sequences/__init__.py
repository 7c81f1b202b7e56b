"""Ordered rows: derive the rows that a model scores from the sequences of a table."""

from oddrow.sequences._preparation import Preparation, PreparationRun, Prepared, SequenceState
from oddrow.sequences._window_plan import WindowPlan
from oddrow.sequences.windows import Windows

__all__ = [
    "Preparation",
    "PreparationRun",
    "Prepared",
    "SequenceState",
    "WindowPlan",
    "Windows",
]

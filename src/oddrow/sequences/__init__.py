"""Ordered rows: derive the rows that a model scores from the sequences of a table."""

from oddrow.sequences._preparation import Preparation, PreparationRun, Prepared, SequenceState

__all__ = [
    "Preparation",
    "PreparationRun",
    "Prepared",
    "SequenceState",
]

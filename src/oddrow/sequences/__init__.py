"""Ordered rows: derive the rows that a model scores from the sequences of a table."""

from oddrow.sequences._events import Event, EventMerging, merge_events, strongest_events
from oddrow.sequences._preparation import Preparation, PreparationRun, Prepared, SequenceState

__all__ = [
    "Event",
    "EventMerging",
    "Preparation",
    "PreparationRun",
    "Prepared",
    "SequenceState",
    "merge_events",
    "strongest_events",
]

"""Ordered rows: derive the rows that a model scores from the sequences of a table."""

from oddrow.sequences._events import Event, EventMerging, merge_events, strongest_events
from oddrow.sequences._preparation import Preparation, PreparationRun, Prepared, SequenceState
from oddrow.sequences._state_file import read_state, write_state
from oddrow.sequences._whole_table import prepared_table
from oddrow.sequences._window_plan import WindowPlan
from oddrow.sequences.history import EntityHistory, HistoryPlan
from oddrow.sequences.windows import Windows

__all__ = [
    "EntityHistory",
    "Event",
    "EventMerging",
    "HistoryPlan",
    "Preparation",
    "PreparationRun",
    "Prepared",
    "SequenceState",
    "WindowPlan",
    "Windows",
    "merge_events",
    "prepared_table",
    "read_state",
    "strongest_events",
    "write_state",
]

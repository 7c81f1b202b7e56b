"""Reasons: the part of a row's surprise that each column contributes, and the value that was expected there."""

from oddrow.explanation._event_reasons import EventReason, event_reason_text, event_reasons
from oddrow.explanation._leading_reasons import (
    COMMON,
    EQUAL,
    LEADING,
    MOST_LEADING,
    WHOLE,
    Direction,
    LeadingReason,
    LeadingReasons,
)
from oddrow.explanation._reasons import (
    COMBINATION,
    MIN_SHARE,
    WHOLE_TABLE,
    Explanation,
    Reason,
    explain,
    explain_scored,
    reason_text,
    reasons_text,
    usual_cell,
    value_text,
)
from oddrow.explanation._usual import in_words

__all__ = [
    "COMBINATION",
    "COMMON",
    "EQUAL",
    "LEADING",
    "MIN_SHARE",
    "MOST_LEADING",
    "WHOLE",
    "WHOLE_TABLE",
    "Direction",
    "EventReason",
    "Explanation",
    "LeadingReason",
    "LeadingReasons",
    "Reason",
    "event_reason_text",
    "event_reasons",
    "explain",
    "explain_scored",
    "in_words",
    "reason_text",
    "reasons_text",
    "usual_cell",
    "value_text",
]

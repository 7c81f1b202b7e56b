"""Reasons: how much of a row's surprise each column brings, and the value that was expected."""

from oddrow.explanation._reasons import (
    COMBINATION,
    LEAST_SHARE,
    Explanation,
    Reason,
    explain,
    explain_scored,
    reason_text,
    usual_cell,
    value_text,
)

__all__ = [
    "COMBINATION",
    "LEAST_SHARE",
    "Explanation",
    "Reason",
    "explain",
    "explain_scored",
    "reason_text",
    "usual_cell",
    "value_text",
]

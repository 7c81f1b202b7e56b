"""Verdicts of a reader on alerts: kinds become mute rules, which hide alerts; rows change weights of views, columns."""

from oddrow.feedback._feedback import Feedback, ReportVerdicts, RowLabel
from oddrow.feedback._learning import Learned, learned
from oddrow.feedback._rules import MAX_RULES, MuteRule, checked_up_to, expiry
from oddrow.feedback._verdict_files import VerdictFile, read_verdicts, verdicts_on_rows
from oddrow.feedback._weighing import ReportRows

__all__ = [
    "MAX_RULES",
    "Feedback",
    "Learned",
    "MuteRule",
    "ReportRows",
    "ReportVerdicts",
    "RowLabel",
    "VerdictFile",
    "checked_up_to",
    "expiry",
    "learned",
    "read_verdicts",
    "verdicts_on_rows",
]

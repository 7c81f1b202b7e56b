"""Verdicts of a reader on alerts: files of verdicts become mute rules, which hide the alerts of one kind."""

from oddrow.feedback._feedback import Feedback, ReportVerdicts
from oddrow.feedback._learning import Learned, learned
from oddrow.feedback._rules import MAX_RULES, MuteRule, expiry
from oddrow.feedback._verdict_files import VerdictFile, read_verdicts

__all__ = [
    "MAX_RULES",
    "Feedback",
    "Learned",
    "MuteRule",
    "ReportVerdicts",
    "VerdictFile",
    "expiry",
    "learned",
    "read_verdicts",
]

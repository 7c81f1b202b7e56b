"""The triage report of scored rows: a frozen summary, and the page that shows it."""

from oddrow.report._collect import ReportOptions, triage, triage_of_folds
from oddrow.report._page_file import write_page
from oddrow.report._policy_facts import PLACE
from oddrow.report._triage import TriageSummary
from oddrow.report._triage_report import TriageReport

__all__ = [
    "PLACE",
    "ReportOptions",
    "TriageReport",
    "TriageSummary",
    "triage",
    "triage_of_folds",
    "write_page",
]

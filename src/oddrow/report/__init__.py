"""The triage report, and pictures of scored rows, fits and comparisons.

Importing this package loads no plotting library.
"""

from oddrow.report._collect import ReportOptions, triage, triage_of_folds
from oddrow.report._comparison import FigureRow, MethodRow, draw_comparison
from oddrow.report._maps import draw_maps, draw_panels
from oddrow.report._page_file import write_page
from oddrow.report._policy_facts import PLACE
from oddrow.report._summary import MapSummary, Panel
from oddrow.report._triage import TriageSummary
from oddrow.report._triage_report import TriageReport

__all__ = [
    "PLACE",
    "FigureRow",
    "MapSummary",
    "MethodRow",
    "Panel",
    "ReportOptions",
    "TriageReport",
    "TriageSummary",
    "draw_comparison",
    "draw_maps",
    "draw_panels",
    "triage",
    "triage_of_folds",
    "write_page",
]

"""The triage report, and pictures of scored rows, fits and comparisons.

Importing this package loads no plotting library.
"""

from oddrow.report._collect import ReportOptions, triage
from oddrow.report._comparison import FigureRow, MethodRow, draw_comparison
from oddrow.report._maps import draw_maps, draw_panels
from oddrow.report._page_file import page_of, write_page
from oddrow.report._policy_facts import PLACE
from oddrow.report._summary import MapSummary, Panel
from oddrow.report._triage import TriageSummary

__all__ = [
    "PLACE",
    "FigureRow",
    "MapSummary",
    "MethodRow",
    "Panel",
    "ReportOptions",
    "TriageSummary",
    "draw_comparison",
    "draw_maps",
    "draw_panels",
    "page_of",
    "triage",
    "write_page",
]

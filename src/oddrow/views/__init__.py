"""The views of a row: kinds of evidence that it is odd, and their combination."""

from oddrow.views._basis import ViewBasis, feature_sums
from oddrow.views._coding import Coding, Variable, frequent_codes, mutual_information, variables_of
from oddrow.views._dependence import DependenceView
from oddrow.views._evidence import Evidence, split_total
from oddrow.views._graph_row_context import GraphRowContext
from oddrow.views._graph_scales import GraphEvidence, GraphViews, graph_views, split_total_values
from oddrow.views._isolation import Samples
from oddrow.views._kind_levels import KindLevels
from oddrow.views._marginal import MarginalView
from oddrow.views._memory import Memory
from oddrow.views._nats import power_mean, scale_of
from oddrow.views._occurrences import Moments
from oddrow.views._registry import VIEWS, register_view, unregister_view
from oddrow.views._row_context import RowContext
from oddrow.views._scales import ScaledViews, ViewScales, checked_view_weights
from oddrow.views._spaces import PiecewiseCurve, Space
from oddrow.views._surroundings import Reach, Surroundings
from oddrow.views._view import GraphScore, Judged, LearningContext, View, ViewScore, ViewUnits
from oddrow.views._views import NearestNormalRows, RowViews, Views

__all__ = [
    "VIEWS",
    "Coding",
    "DependenceView",
    "Evidence",
    "GraphEvidence",
    "GraphRowContext",
    "GraphScore",
    "GraphViews",
    "Judged",
    "KindLevels",
    "LearningContext",
    "MarginalView",
    "Memory",
    "Moments",
    "NearestNormalRows",
    "PiecewiseCurve",
    "Reach",
    "RowContext",
    "RowViews",
    "Samples",
    "ScaledViews",
    "Space",
    "Surroundings",
    "Variable",
    "View",
    "ViewBasis",
    "ViewScales",
    "ViewScore",
    "ViewUnits",
    "Views",
    "checked_view_weights",
    "feature_sums",
    "frequent_codes",
    "graph_views",
    "mutual_information",
    "power_mean",
    "register_view",
    "scale_of",
    "split_total",
    "split_total_values",
    "unregister_view",
    "variables_of",
]

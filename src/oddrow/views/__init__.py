"""The views of a row: what each sees, and how they are combined."""

from oddrow.views._dependence import (
    BLOCK_PARTS,
    COARSE_CODES,
    MOST_BORDERS,
    Coding,
    Dependence,
    frequent_codes,
    mutual_information,
    parts_of,
)
from oddrow.views._evidence import Evidence, split_total
from oddrow.views._isolation import Samples
from oddrow.views._kind_levels import KindLevels
from oddrow.views._marginals import Marginals
from oddrow.views._memory import NEIGHBOURS, TIED, Memory, Reach, Surroundings
from oddrow.views._scales import (
    MARGINAL_POWER,
    MOST_NATS,
    POWER,
    VIEWS,
    ViewScales,
    checked_view_weights,
    power_mean,
    scale_of,
)
from oddrow.views._spaces import PiecewiseCurve, Space
from oddrow.views._views import RowViews, Views, feature_sums

__all__ = [
    "BLOCK_PARTS",
    "COARSE_CODES",
    "MARGINAL_POWER",
    "MOST_BORDERS",
    "MOST_NATS",
    "NEIGHBOURS",
    "POWER",
    "TIED",
    "VIEWS",
    "Coding",
    "Dependence",
    "Evidence",
    "KindLevels",
    "Marginals",
    "Memory",
    "PiecewiseCurve",
    "Reach",
    "RowViews",
    "Samples",
    "Space",
    "Surroundings",
    "ViewScales",
    "Views",
    "checked_view_weights",
    "feature_sums",
    "frequent_codes",
    "mutual_information",
    "parts_of",
    "power_mean",
    "scale_of",
    "split_total",
]

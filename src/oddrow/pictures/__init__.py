"""Pictures of scored rows, fits and comparisons. Importing this package loads no plotting library."""

from oddrow.pictures._axes import BarOfNats, Colouring, plot_map, plot_nats
from oddrow.pictures._comparison import FigureRow, MethodRow, draw_comparison
from oddrow.pictures._maps import draw_maps, draw_panels
from oddrow.pictures._summary import MapSummary, MapWindow, Panel

__all__ = [
    "BarOfNats",
    "Colouring",
    "FigureRow",
    "MapSummary",
    "MapWindow",
    "MethodRow",
    "Panel",
    "draw_comparison",
    "draw_maps",
    "draw_panels",
    "plot_map",
    "plot_nats",
]

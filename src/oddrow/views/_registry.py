"""The views that a fit learns, by name."""

from __future__ import annotations

from oddrow.exceptions import SettingError
from oddrow.views._dependence import DependenceView
from oddrow.views._latent_nearest import LatentNearestView
from oddrow.views._likelihood import LikelihoodView
from oddrow.views._marginal import MarginalView
from oddrow.views._nearest import NearestView
from oddrow.views._rank_nearest import RankNearestView
from oddrow.views._rank_sparseness import RankSparsenessView
from oddrow.views._sparseness import SparsenessView
from oddrow.views._view import View

VIEWS: dict[str, type[View]] = {}
"""The classes of the views by name, in the order in which their weights stand and their evidence is summed."""


def register_view(view: type[View]) -> None:
    """Let every later fit learn a view.

    Raises
    ------
    SettingError
        If there is a view of this name.
    """
    if view.name in VIEWS:
        raise SettingError(f"there is a view of the name {view.name!r}; choose another")
    VIEWS[view.name] = view


def unregister_view(name: str) -> None:
    """Let no later fit learn the view of this name, and no model file with it be read."""
    del VIEWS[name]


for _view in (
    LikelihoodView,
    MarginalView,
    DependenceView,
    NearestView,
    SparsenessView,
    RankNearestView,
    RankSparsenessView,
    LatentNearestView,
):
    register_view(_view)

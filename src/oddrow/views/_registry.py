"""The registry of the views, by name."""

from __future__ import annotations

from oddrow.exceptions import SettingError
from oddrow.views._dependence import DependenceView
from oddrow.views._latent_nearest import LatentNearestView
from oddrow.views._likelihood import LikelihoodView
from oddrow.views._marginal import MarginalView
from oddrow.views._nearest import NearestView
from oddrow.views._random_subsets import RandomSubsetsView
from oddrow.views._rank_nearest import RankNearestView
from oddrow.views._rank_sparseness import RankSparsenessView
from oddrow.views._related_subsets import RelatedSubsetsView
from oddrow.views._sparseness import SparsenessView
from oddrow.views._view import View

VIEWS: dict[str, type[View]] = {}
"""The view classes by name, in the order of their weights and of the sum of their evidence."""


def register_view(view: type[View]) -> None:
    """Register a view, so that every later fit learns it.

    Raises
    ------
    SettingError
        If a view of this name is registered.
    """
    if view.name in VIEWS:
        raise SettingError(f"a view named {view.name!r} is already registered; choose another name")
    VIEWS[view.name] = view


def unregister_view(name: str) -> None:
    """Remove the view of this name: later fits do not learn it, and model files that contain it cannot be read."""
    del VIEWS[name]


for _view in (
    LikelihoodView,
    MarginalView,
    DependenceView,
    SparsenessView,
    RankSparsenessView,
    LatentNearestView,
    RandomSubsetsView,
    RelatedSubsetsView,
    NearestView,
    RankNearestView,
):
    register_view(_view)

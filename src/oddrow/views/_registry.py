"""The registry of the views, by name."""

from __future__ import annotations

from collections.abc import Mapping

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
OPTIONAL_VIEWS: set[str] = set()
"""The names of views that a fit learns only if ``view_weights`` gives them a weight above 0."""


def register_view(view: type[View], *, is_optional: bool = False) -> None:
    """Register a view, so that every later fit learns it, or if it is optional every fit that gives it a weight.

    Raises
    ------
    SettingError
        If a view of this name is registered.
    """
    if view.name in VIEWS:
        raise SettingError(f"a view named {view.name!r} is already registered; choose another name")
    VIEWS[view.name] = view
    if is_optional:
        OPTIONAL_VIEWS.add(view.name)


def unregister_view(name: str) -> None:
    """Remove the view of this name: later fits do not learn it, and model files that contain it cannot be read."""
    del VIEWS[name]
    OPTIONAL_VIEWS.discard(name)


def views_learned(weights: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """Return the names of the views that a fit with these weights learns.

    Examples
    --------
    >>> "nearest" in views_learned(), "nearest" in views_learned({"nearest": 1})
    (False, True)
    """
    return tuple(name for name in VIEWS if name not in OPTIONAL_VIEWS or (weights or {}).get(name, 0) > 0)


for _view in (
    LikelihoodView,
    MarginalView,
    DependenceView,
    SparsenessView,
    RankSparsenessView,
    LatentNearestView,
    RandomSubsetsView,
    RelatedSubsetsView,
):
    register_view(_view)
# the default of earlier versions had these two in place of the subsets; their model files are read
register_view(NearestView, is_optional=True)
register_view(RankNearestView, is_optional=True)

"""The named recipes, and the checks of the parameters that choose and change one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from oddrow.exceptions import SettingError
from oddrow.fitting._plan import Recipe
from oddrow.fitting._reconstruction_learner import ReconstructionLearner
from oddrow.fitting._view_learner import ViewLearner

RECIPES: Mapping[str, Recipe] = {
    "default": Recipe("standard", (256, 256), 32, stopping_share=0.1, calibration_share=0.2, evidence=ViewLearner()),
    "narrow": Recipe("standard", (64, 64), 8, stopping_share=0.1, calibration_share=0.2, evidence=ViewLearner()),
    "article": Recipe(
        "article", (60,), 40, stopping_share=0.0, calibration_share=0.0, evidence=ReconstructionLearner()
    ),
}
"""The recipes by the names that the parameter ``settings`` takes."""


def checked_settings(name: object) -> Recipe:
    """Return the recipe of this name.

    Raises
    ------
    SettingError
        If there is no such recipe.
    """
    if not isinstance(name, str) or name not in RECIPES:
        raise SettingError(f"settings is {name!r}; choose from {', '.join(map(repr, RECIPES))}")
    return RECIPES[name]


def checked_kl_weight(weight: object) -> float:
    """Return the factor of the KL term.

    Raises
    ------
    SettingError
        If it is not a finite number >= 0.
    """
    if isinstance(weight, int | float | np.number) and np.isfinite(weight) and weight >= 0:
        return float(weight)
    raise SettingError(f"kl_weight is {weight!r}; give a finite number >= 0 (1.0 is the true bound)")

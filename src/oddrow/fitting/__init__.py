"""From a table of normal rows to a fitted model.

The names that learn are imported when they are first used (PEP 562): a model file needs only :class:`Cleaning`.
"""

from typing import TYPE_CHECKING

from oddrow._lazy_exports import lazy_exports
from oddrow.fitting._calibration_choice import CalibrationName, checked_calibration
from oddrow.fitting._cleaning import Cleaning, checked_clean, clean_table
from oddrow.fitting._contamination import estimate_odd_share, isolation, typical_distance
from oddrow.fitting._dependence import FILE_ORDER, Dependence, checked_dependence

if TYPE_CHECKING:
    from oddrow.fitting._fit_model import AUTO_FALSE_ALARMS, FitResult, fit_model
    from oddrow.fitting._order_test import OrderTest
    from oddrow.fitting._plan import FitPlan, HeldOut, Recipe, TrainingData
    from oddrow.fitting._recipes import RECIPES, checked_kl_weight, checked_settings
    from oddrow.fitting._run_control import RunControl, checked_checkpoint, checked_max_steps, checked_time_limit
    from oddrow.fitting._sample_size import within_memory

__all__ = [
    "AUTO_FALSE_ALARMS",
    "FILE_ORDER",
    "RECIPES",
    "CalibrationName",
    "Cleaning",
    "Dependence",
    "FitPlan",
    "FitResult",
    "HeldOut",
    "OrderTest",
    "Recipe",
    "RunControl",
    "TrainingData",
    "checked_calibration",
    "checked_checkpoint",
    "checked_clean",
    "checked_dependence",
    "checked_kl_weight",
    "checked_max_steps",
    "checked_settings",
    "checked_time_limit",
    "clean_table",
    "estimate_odd_share",
    "fit_model",
    "isolation",
    "typical_distance",
    "within_memory",
]

_MODULES = {
    "_fit_model": ("AUTO_FALSE_ALARMS", "FitResult", "fit_model"),
    "_order_test": ("OrderTest",),
    "_plan": ("FitPlan", "HeldOut", "Recipe", "TrainingData"),
    "_recipes": ("RECIPES", "checked_kl_weight", "checked_settings"),
    "_run_control": ("RunControl", "checked_checkpoint", "checked_max_steps", "checked_time_limit"),
    "_sample_size": ("within_memory",),
}

__getattr__ = lazy_exports(
    __name__, {name: f"oddrow.fitting.{module}" for module, names in _MODULES.items() for name in names}
)

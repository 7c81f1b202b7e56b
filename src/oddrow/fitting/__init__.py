"""From a table of normal rows to a fitted model.

What trains loads JAX, so these names are imported when they are first used (PEP 562).
"""

from typing import TYPE_CHECKING

from oddrow._lazy_exports import lazy_exports
from oddrow.fitting._cleaning import Cleaning, checked_clean, clean_table
from oddrow.fitting._contamination import estimate_odd_share, isolation, typical_distance
from oddrow.fitting._settings import (
    checked_calibration,
    checked_checkpoint,
    checked_max_steps,
    checked_settings,
    checked_time_limit,
)

if TYPE_CHECKING:
    from oddrow.fitting._fitting import FitPlan, discard_spent, fit_parts, n_calibration_rows, within_memory

__all__ = [
    "Cleaning",
    "FitPlan",
    "checked_calibration",
    "checked_checkpoint",
    "checked_clean",
    "checked_max_steps",
    "checked_settings",
    "checked_time_limit",
    "clean_table",
    "discard_spent",
    "estimate_odd_share",
    "fit_parts",
    "isolation",
    "n_calibration_rows",
    "typical_distance",
    "within_memory",
]

__getattr__ = lazy_exports(
    __name__,
    dict.fromkeys(
        ("FitPlan", "discard_spent", "fit_parts", "n_calibration_rows", "within_memory"), "oddrow.fitting._fitting"
    ),
)

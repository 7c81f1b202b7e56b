"""The estimators: they compose table, model, training, scoring and explanation.

Their base classes are scikit-learn's, which takes long to import: what needs no estimator is had without them.
"""

from typing import TYPE_CHECKING

from oddrow._contents import opened_when_asked
from oddrow.detector._cleaning import Cleaning, checked_clean
from oddrow.detector._settings import checked_calibration

if TYPE_CHECKING:
    from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
    from oddrow.detector._find import FIND_FOLDS, Found, find

__all__ = [
    "FIND_FOLDS",
    "AutoencoderDetector",
    "Cleaning",
    "Found",
    "VAEDetector",
    "checked_calibration",
    "checked_clean",
    "find",
]

__getattr__ = opened_when_asked(
    __name__,
    {
        **dict.fromkeys(("AutoencoderDetector", "VAEDetector"), "oddrow.detector._estimators"),
        **dict.fromkeys(("FIND_FOLDS", "Found", "find"), "oddrow.detector._find"),
    },
)

"""The estimators: they compose table, model, training, scoring and explanation."""

from oddrow.detector._cleaning import Cleaning, checked_clean
from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
from oddrow.detector._find import Found, find
from oddrow.detector._settings import checked_calibration

__all__ = [
    "AutoencoderDetector",
    "Cleaning",
    "Found",
    "VAEDetector",
    "checked_calibration",
    "checked_clean",
    "find",
]

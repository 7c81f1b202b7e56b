"""Scores become nats of surprise and conformal p-values."""

from oddrow.calibration._calibration import Calibration, Source, TailCurve, TailCurves, TailFit

__all__ = [
    "Calibration",
    "Source",
    "TailCurve",
    "TailCurves",
    "TailFit",
]

"""Calibration: convert raw scores into surprise in nats and conformal p-values."""

from oddrow.calibration._calibration import Calibration, Source, TailCurve, TailCurves, TailFit
from oddrow.calibration._effective_rows import effective_rows
from oddrow.calibration._graph import tail_nats

__all__ = [
    "Calibration",
    "Source",
    "TailCurve",
    "TailCurves",
    "TailFit",
    "effective_rows",
    "tail_nats",
]

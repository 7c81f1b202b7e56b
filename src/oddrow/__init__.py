"""oddrow finds the odd rows of a table and says why.

>>> import oddrow
>>> sorted(name for name in oddrow.__all__ if name.endswith("Detector"))
['AutoencoderDetector', 'VAEDetector']
"""

from oddrow import datasets, exceptions
from oddrow.artifact import load, save
from oddrow.detector import AutoencoderDetector, VAEDetector, find
from oddrow.experiments import compare, rank_without_labels, tune
from oddrow.export import export_onnx
from oddrow.scoring import AlertBudget, Cost, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise

__all__ = [
    "AlertBudget",
    "AutoencoderDetector",
    "Cost",
    "FalseAlarmRate",
    "FalseDiscoveryRate",
    "FixedSurprise",
    "VAEDetector",
    "compare",
    "datasets",
    "exceptions",
    "export_onnx",
    "find",
    "load",
    "rank_without_labels",
    "save",
    "tune",
]

"""oddrow finds the odd rows of a table and says why.

>>> import oddrow
>>> sorted(name for name in oddrow.__all__ if name.endswith("Detector"))
['AutoencoderDetector', 'VAEDetector']
"""

from typing import TYPE_CHECKING

from oddrow._lazy_exports import lazy_exports

if TYPE_CHECKING:
    from oddrow import datasets, exceptions
    from oddrow.artifact import load, save
    from oddrow.comparison import compare, rank_without_labels, tune
    from oddrow.detector import AutoencoderDetector, VAEDetector, find
    from oddrow.export import export_onnx
    from oddrow.policies import AlertBudget, Cost, FalseAlarmRate, FalseDiscoveryRate, FixedSurprise

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

__getattr__ = lazy_exports(
    __name__,
    {
        **dict.fromkeys(("load", "save"), "oddrow.artifact"),
        **dict.fromkeys(("AutoencoderDetector", "VAEDetector", "find"), "oddrow.detector"),
        **dict.fromkeys(("compare", "rank_without_labels", "tune"), "oddrow.comparison"),
        "export_onnx": "oddrow.export",
        **dict.fromkeys(
            ("AlertBudget", "Cost", "FalseAlarmRate", "FalseDiscoveryRate", "FixedSurprise"), "oddrow.policies"
        ),
        "datasets": "oddrow.datasets",
        "exceptions": "oddrow.exceptions",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

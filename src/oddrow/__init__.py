"""oddrow finds the odd rows of a table and says why.

``docs/api.md`` lists the public names: those of ``__all__``, and the listed names of the modules among them. All other
modules and names are internal and may change in any release.

>>> import oddrow
>>> sorted(name for name in oddrow.__all__ if name.endswith("Detector"))
['AutoencoderDetector', 'VAEDetector']
"""

from typing import TYPE_CHECKING

from oddrow._lazy_exports import lazy_exports

if TYPE_CHECKING:
    from oddrow import batch, datasets, distributed, exceptions, files, metrics, reproductions, sequences
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
    "batch",
    "compare",
    "datasets",
    "distributed",
    "exceptions",
    "export_onnx",
    "files",
    "find",
    "load",
    "metrics",
    "rank_without_labels",
    "reproductions",
    "save",
    "sequences",
    "tune",
]

_MODULES = ("batch", "datasets", "distributed", "exceptions", "files", "metrics", "reproductions", "sequences")

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
        **{name: f"oddrow.{name}" for name in _MODULES},
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
